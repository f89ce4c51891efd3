//! Hot restarts: the parent process keeps its connections, and only a file changes its state.

use super::{pushing, status_of, writing};
use crate::support::app::App;
use crate::support::desk::Desk;
use crate::support::envoy::Envoy;
use crate::support::eventually;
use crate::support::raw::Connection;
use crate::support::signer::Signer;

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: shop.example.com\r\n\r\n";

async fn status_on(connection: &mut Connection) -> u16 {
    connection.send(REQUEST).await;
    connection.response().await.expect("the parent keeps the connection").status
}

/// Restarts an Envoy hot, and returns a connection to the parent.
async fn restarted(envoy: &mut Envoy) -> Connection {
    envoy.restart_for_hot_restarts().await;
    let mut kept = Connection::open(envoy.data()).await;
    assert_eq!(status_on(&mut kept).await, 200);
    envoy.restart_hot().await;
    envoy.wait_for_workers("shop").await;
    kept
}

#[tokio::test]
async fn a_push_does_not_succeed_while_a_parent_may_serve_connections() {
    let (_app, mut envoy, desk, _) = pushing().await;
    let mut kept = restarted(&mut envoy).await;
    desk.target(&format!("envoys = [{:?}]\nadmin = [{:?}]", envoy.endpoint(), envoy.admin_url()));
    let output = desk.run("close shop").await;
    assert_eq!((output.code, output.stdout.as_str()), (3, "shop: OFFLINE\n"), "{output:?}");
    let admin = envoy.admin_url();
    for part in [&*admin, "a hot restart of test: for ", " s more, until ", "Run the same command again then"] {
        assert!(output.stderr.contains(part), "{part}: {output:?}");
    }
    // The parent still serves its connections.
    assert_eq!((status_on(&mut kept).await, status_of(&envoy).await), (200, 503));
    let status = desk.run("status shop --exit-code").await;
    assert_eq!((status.code, status.stdout.contains("OFFLINE")), (3, true), "{status:?}");
    let json: serde_json::Value = serde_json::from_str(&desk.run("close shop --json").await.stdout).unwrap();
    assert_eq!((&json["envoys"]["followed"], &json["envoys"]["unreached"][0]["envoy"]), (&1.into(), &admin.into()));
    assert_eq!(desk.run("close shop --wait=false").await.code, 0);
    let again = eventually("the parent has exited", async || {
        let output = desk.run("close shop").await;
        (output.code == 0).then_some(output)
    })
    .await;
    assert!(again.stdout.contains("already OFFLINE"), "{again:?}");
    assert!(!envoy.generations().has_parent(), "the command succeeds while the parent is running");
    assert_eq!(desk.run("status shop --exit-code").await.code, 12);
}

#[tokio::test]
async fn a_file_changes_the_state_of_the_parent() {
    let (app, signer) = (App::start(), Signer::generate());
    let (mut envoy, desk) = writing(&app, &signer).await;
    let mut kept = restarted(&mut envoy).await;
    assert_eq!(desk.run("close shop").await.code, 0);
    assert_eq!(status_of(&envoy).await, 503);
    eventually("the parent refuses requests", async || (status_on(&mut kept).await == 503).then_some(())).await;
    assert!(envoy.generations().has_parent());
    let file = format!("file = {:?}\npolicy = \"policy.yaml\"\nadmin = [{:?}]", envoy.ecds_file(), envoy.admin_url());
    desk.target(&file);
    let output = desk.run("close shop").await;
    assert_eq!(output.code, 1, "{output:?}");
    assert!(output.stderr.contains("target one: remove `admin`"), "{output:?}");
}

#[tokio::test]
async fn an_admin_interface_that_cannot_be_queried_is_an_error() {
    let (_app, envoy, _, signer) = pushing().await;
    let (endpoint, admin) = (envoy.endpoint(), envoy.admin_url());
    for (interfaces, code, told) in [
        (vec![admin.clone()], 0, ""),
        (vec!["http://127.0.0.1:1".to_owned()], 3, "http://127.0.0.1:1: connection refused"),
        (vec![format!("http://{}", envoy.listener("control"))], 3, "is this Envoy's admin interface?"),
        (vec!["127.0.0.1:9901".to_owned()], 1, "admin: \"127.0.0.1:9901\" is not a URL such as http://127.0.0.1:9901"),
    ] {
        let desk = Desk::new(&signer, &format!("envoys = [{endpoint:?}]\nadmin = {interfaces:?}"));
        for words in ["close shop", "status"] {
            let output = desk.run(words).await;
            assert_eq!(output.code, code, "{words} {interfaces:?}: {output:?}");
            assert!(output.stderr.contains(told), "{words} {interfaces:?}: {output:?}");
        }
    }
}
