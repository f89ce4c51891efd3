//! `status`: its exit code and `--watch`.

use super::pushing;
use crate::support::DEADLINE;

#[tokio::test]
async fn the_exit_code_of_status_shows_the_strictest_mode() {
    let (_app, _envoy, desk, _) = pushing().await;
    for (change, code) in [(None, 0), (Some("close api --read-only"), 11), (Some("close shop"), 12)] {
        if let Some(change) = change {
            assert_eq!(desk.run(change).await.code, 0);
        }
        let status = desk.run("status --exit-code").await;
        assert_eq!(status.code, code, "{status:?}");
    }
    let lines = desk.run("status").await.stdout;
    assert!(lines.contains("READ_ONLY") && lines.contains("OFFLINE") && lines.contains("1/1 Envoys"), "{lines}");
}

#[tokio::test]
async fn watch_prints_a_line_for_each_change() {
    use tokio::io::{AsyncBufReadExt, BufReader};
    let (_app, _envoy, desk, _) = pushing().await;
    let mut watch =
        desk.command("status shop --watch").stdout(std::process::Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    let mut until = async |mode: &str| {
        let seen = async {
            while let Some(line) = lines.next_line().await.unwrap() {
                if line.contains(mode) {
                    return;
                }
            }
            panic!("the output ends before {mode}");
        };
        tokio::time::timeout(DEADLINE, seen).await.unwrap_or_else(|_| panic!("no line with {mode}"));
    };
    until("ONLINE").await;
    assert_eq!(desk.run("close shop").await.code, 0);
    until("OFFLINE").await;
}
