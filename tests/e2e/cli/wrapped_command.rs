//! `close SITE -- COMMAND`: the site is closed while the command runs.

use std::os::unix::fs::PermissionsExt;

use super::{pushing, status_of};

#[tokio::test]
async fn the_command_runs_while_the_site_is_closed() {
    let (_app, envoy, desk, _) = pushing().await;
    let url = envoy.url("/");
    let code = "curl --silent --noproxy * --output /dev/null --write-out %{http_code}";
    let ran = desk.run(&format!("close shop -- {code} {url}")).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.contains("503"), "{ran:?}");
    assert_eq!(status_of(&envoy).await, 200);
    assert_eq!(desk.run("close shop -- false").await.code, 1);
    assert_eq!(status_of(&envoy).await, 503);
    assert_eq!(desk.run("open shop").await.code, 0);
    assert_eq!(desk.run("close shop --on-failure open -- false").await.code, 1);
    assert_eq!(status_of(&envoy).await, 200);
}

#[tokio::test]
async fn a_command_that_cannot_be_executed_is_an_error_before_any_change() {
    let (_app, envoy, desk, _) = pushing().await;
    desk.write("plain.sh", "#!/bin/sh\n");
    desk.write("script.sh", "#!/bin/sh\n");
    std::fs::set_permissions(desk.path().join("script.sh"), std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::create_dir(desk.path().join("folder")).unwrap();
    for (program, code, text) in [
        ("no-such-command", 127, "error: no-such-command: command not found in PATH; nothing changed"),
        ("./no-such-command", 127, "error: ./no-such-command: command not found; nothing changed"),
        ("./plain.sh", 126, "error: ./plain.sh: not executable; nothing changed (chmod +x ./plain.sh)"),
        ("./folder", 126, "error: ./folder: a folder; nothing changed"),
    ] {
        for verb in ["close", "open"] {
            let failed = desk.run(&format!("{verb} shop -- {program}")).await;
            assert_eq!((failed.code, failed.stderr.trim()), (code, text), "{verb}");
        }
    }
    assert_eq!(envoy.site("shop").await["revision"], 0);
    assert_eq!(desk.run("close shop -- ./script.sh").await.code, 0);
}

#[tokio::test]
async fn a_dry_run_runs_no_command() {
    let (_app, envoy, desk, _) = pushing().await;
    for verb in ["close", "open"] {
        let dry = desk.run(&format!("{verb} shop --dry-run -- echo run")).await;
        assert_eq!((dry.code, dry.stdout.as_str()), (0, ""), "{dry:?}");
    }
    assert_eq!(envoy.site("shop").await["revision"], 0);
}
