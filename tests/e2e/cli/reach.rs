//! Obstacles between an operator and the Envoys: keys, host names, clocks, load balancers, and Envoys that are down.

use serde_json::{Value, json};

use super::{control, generated, policy, pushing, status_of, writing};
use crate::support::app::App;
use crate::support::bootstrap::extension;
use crate::support::desk::Desk;
use crate::support::envoy::Envoy;
use crate::support::signer::{Signer, document};
use crate::support::{eventually, preload};

/// An Envoy with this node id.
pub async fn envoy(app: &App, signer: &Signer, node: &str) -> Envoy {
    Envoy::builder(app.address()).policy(&policy(signer)).control(&control(signer)).node(node).start().await
}

#[tokio::test]
async fn an_unusable_key_is_an_error_with_a_remedy() {
    let (_app, envoy, desk, _) = pushing().await;
    let stranger = Desk::pushing(&Signer::generate(), &[&envoy.endpoint()]);
    let output = stranger.run("close shop").await;
    assert_eq!(output.code, 4, "{output:?}");
    assert!(output.stderr.contains("key"), "{output:?}");
    assert_eq!(status_of(&envoy).await, 200);
    use std::os::unix::fs::PermissionsExt;
    let file = desk.path().join("maintctl.key");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let output = desk.run("close shop").await;
    assert_ne!(output.code, 0);
    assert!(output.stderr.contains("chmod 600"), "{output:?}");
    std::fs::remove_file(&file).unwrap();
    let output = desk.run("close shop").await;
    assert_ne!(output.code, 0);
    assert!(output.stderr.contains("key maintctl.key: No such file or directory"), "{output:?}");
    assert!(output.stderr.contains("create one with `maintctl init`"), "{output:?}");
    assert_eq!(status_of(&envoy).await, 200);
}

#[tokio::test]
async fn the_key_may_come_from_the_environment_or_from_a_command() {
    let (_app, envoy, desk, signer) = pushing().await;
    std::fs::remove_file(desk.path().join("maintctl.key")).unwrap();
    let mut command = desk.command("close shop");
    assert!(command.env("MAINTCTL_KEY", signer.pem()).status().await.unwrap().success());
    assert_eq!(status_of(&envoy).await, 503);
    desk.write("vault", &signer.pem());
    let config = std::fs::read_to_string(desk.path().join("maintctl.toml")).unwrap();
    let by_command = |command: &str| desk.write("maintctl.toml", &config.replace("key = \"maintctl.key\"", command));
    by_command("key_command = [\"cat\", \"vault\"]");
    assert_eq!(desk.run("open shop").await.code, 0);
    assert_eq!(status_of(&envoy).await, 200);
    by_command("key_command = [\"false\"]");
    let output = desk.run("close shop").await;
    assert_eq!(output.code, 1, "{output:?}");
    assert!(output.stderr.contains("key_command: false failed: exit status: 1"), "{output:?}");
    by_command("key_command = [\"echo\", \"no key\"]");
    let output = desk.run("close shop").await;
    assert_eq!(output.code, 1, "{output:?}");
    assert!(output.stderr.contains("output of key_command"), "{output:?}");
    assert_eq!(status_of(&envoy).await, 200);
}

#[tokio::test]
async fn an_envoy_that_is_down_is_named() {
    let (app, signer) = (App::start(), Signer::generate());
    let (one, mut two) = (envoy(&app, &signer, "one").await, envoy(&app, &signer, "two").await);
    let desk = Desk::pushing(&signer, &[&one.endpoint(), &two.endpoint()]);
    assert_eq!(desk.run("close shop").await.code, 0);
    assert_eq!((status_of(&one).await, status_of(&two).await), (503, 503));
    let gone = two.endpoint();
    two.kill();
    let output = desk.run("open shop --timeout 2s").await;
    assert_eq!(output.code, 3, "{output:?}");
    assert!(output.stderr.contains(&gone), "{output:?}");
    assert_eq!(status_of(&one).await, 200);
    let status = desk.run("status --timeout 2s").await;
    assert_eq!(status.code, 3, "{status:?}");
    assert!(status.stderr.contains(&gone), "{status:?}");
    desk.target(&format!("envoys = [{:?}]\nexpect = 2", one.endpoint()));
    let few = desk.run("close shop --timeout 2s").await;
    assert_eq!(few.code, 3, "{few:?}");
}

#[tokio::test]
async fn envoys_with_different_modes_are_mixed_until_the_next_close() {
    let (app, signer) = (App::start(), Signer::generate());
    let (one, two) = (envoy(&app, &signer, "one").await, envoy(&app, &signer, "two").await);
    assert_eq!(Desk::pushing(&signer, &[&one.endpoint()]).run("close shop").await.code, 0);
    let both = Desk::pushing(&signer, &[&one.endpoint(), &two.endpoint()]);
    let status = both.run("status shop").await;
    assert!(status.stdout.contains("MIXED"), "{status:?}");
    let again = both.run("close shop").await;
    assert_eq!(again.code, 0, "{again:?}");
    assert_eq!((status_of(&one).await, status_of(&two).await), (503, 503));
}

#[tokio::test]
async fn a_load_balancer_instead_of_envoys_is_detected() {
    let (app, signer) = (App::start(), Signer::generate());
    let (one, two) = (envoy(&app, &signer, "one").await, envoy(&app, &signer, "two").await);
    let balancer = balance(&one, &two).await;
    let desk = Desk::pushing(&signer, &[&balancer]);
    for words in ["close shop --timeout 3s", "status --timeout 3s"] {
        let output = desk.run(words).await;
        assert_eq!(output.code, 3, "{output:?}");
        assert!(output.stderr.contains("load balancer"), "{output:?}");
    }
    assert_eq!((status_of(&one).await, status_of(&two).await), (200, 200));
}

#[tokio::test]
async fn a_file_is_written_even_if_adoption_cannot_be_confirmed() {
    let (app, signer) = (App::start(), Signer::generate());
    let (watching, desk) = writing(&app, &signer).await;
    let other = envoy(&app, &signer, "two").await;
    let balancer = balance(&watching, &other).await;
    let target = |envoys: &str| {
        desk.target(&format!("file = {:?}\npolicy = \"policy.yaml\"\nenvoys = [{envoys:?}]", watching.ecds_file()));
    };
    target(&balancer);
    let output = desk.run("close shop --timeout 3s").await;
    assert_eq!((output.code, output.stdout.as_str()), (3, "shop: OFFLINE (adopted by 0/1 Envoys)\n"), "{output:?}");
    assert!(output.stderr.contains(&balancer) && output.stderr.contains("load balancer"), "{output:?}");
    eventually("the site is closed", async || (status_of(&watching).await == 503).then_some(())).await;
    let answer: Value = serde_json::from_str(&desk.run("open shop --timeout 3s --json").await.stdout).unwrap();
    assert_eq!((&answer["sites"][0]["mode"], &answer["envoys"]["followed"]), (&json!("online"), &json!(0)));
    let written = generated(&watching);
    // An invalid URL is an error before the file is written.
    target("127.0.0.1:10001");
    for words in ["close shop", "close shop --wait=false", "status"] {
        let output = desk.run(words).await;
        assert_eq!((output.code, output.stdout.as_str()), (1, ""), "{output:?}");
        let error = "target one: envoys: \"127.0.0.1:10001\" is not a URL such as http://127.0.0.1:10001/.maintenance";
        assert!(output.stderr.contains(error), "{output:?}");
    }
    assert_eq!(generated(&watching), written);
}

/// The URL of a proxy that forwards connections to these two Envoys in turn.
async fn balance(one: &Envoy, two: &Envoy) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let backends = [one, two].map(|envoy| envoy.listener("control"));
    tokio::spawn(async move {
        for turn in 0.. {
            let Ok((mut client, _)) = listener.accept().await else { return };
            let backend = backends[turn % 2];
            tokio::spawn(async move {
                let mut server = tokio::net::TcpStream::connect(backend).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    format!("http://{address}/.maintenance")
}

#[tokio::test]
async fn a_wrong_clock_is_an_error_with_both_times() {
    let (_app, envoy, desk, _) = pushing().await;
    let library = preload::library(desk.path());
    for ahead in ["3600", "-3600"] {
        let mut command = desk.command("close shop --timeout 3s");
        let output = command.env("LD_PRELOAD", &library).env("SECONDS_AHEAD", ahead).output().await.unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(4), "{error}");
        let parts = [
            "Envoy's clock says 20",
            "this machine's clock says 20",
            "correct the clock that is wrong",
            "nothing changed",
        ];
        assert!(parts.iter().all(|part| error.contains(part)), "{error}");
    }
    assert_eq!(status_of(&envoy).await, 200);
}

/// An Envoy with the node id `two` whose control listener has this socket address.
pub(super) async fn second_envoy(app: &App, signer: &Signer, control_at: Value) -> Envoy {
    Envoy::builder(app.address())
        .policy(&policy(signer))
        .control(&control(signer))
        .node("two")
        .bootstrap(move |bootstrap| {
            let listeners = bootstrap["static_resources"]["listeners"].as_array_mut().unwrap();
            let control = listeners.iter_mut().find(|listener| listener["name"] == "control").unwrap();
            control["address"]["socket_address"] = control_at.clone();
        })
        .start()
        .await
}

#[tokio::test]
async fn a_host_name_with_several_addresses_means_all_of_them() {
    let (app, signer) = (App::start(), Signer::generate());
    let one = envoy(&app, &signer, "one").await;
    let port = one.listener("control").port();
    let two = second_envoy(&app, &signer, json!({ "address": "127.0.0.2", "port_value": port })).await;
    let desk = Desk::pushing(&signer, &[&format!("http://fleet.example:{port}/.maintenance")]);
    let library = preload::library(desk.path());
    let run = async |words: &str| {
        let output = desk.command(words).env("LD_PRELOAD", &library).output().await.unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, stdout, stderr) = run("close shop").await;
    assert_eq!(code, Some(0), "{stdout} {stderr}");
    assert_eq!((status_of(&one).await, status_of(&two).await), (503, 503));
    let (_, stdout, _) = run("status").await;
    assert!(stdout.contains("2/2 Envoys"), "{stdout}");
    drop(two);
    let (code, stdout, stderr) = run("open shop --timeout 2s").await;
    assert_eq!(code, Some(3), "{stdout} {stderr}");
    assert!(stderr.contains(&format!("127.0.0.2:{port}")), "{stderr}");
    assert_eq!(status_of(&one).await, 200);
}

#[tokio::test]
async fn a_request_to_a_busy_envoy_is_retried() {
    let (app, ops, stranger) = (App::start(), Signer::generate(), Signer::generate());
    let envoy = Envoy::builder(app.address()).policy(&policy(&ops)).control(&control(&ops)).workers(1).start().await;
    let desk = Desk::pushing(&ops, &[&envoy.endpoint()]);
    let forged = stranger.forge(&ops, &document("shop", "offline"));
    // The flood sends PUT requests only.
    let is_rejected_get = |line: &String| line.starts_with("429 ") && line.contains(" GET ");
    let was_rejected = || envoy.access_log().iter().any(is_rejected_get);
    let flood = eventually("a GET of maintctl was rejected", async || {
        futures::future::join_all((0..20).map(|_| envoy.push("shop", &forged))).await;
        was_rejected().then_some(())
    });
    let close = async {
        while !was_rejected() {
            let output = desk.run("close shop").await;
            assert_eq!(output.code, 0, "{output:?}");
        }
    };
    tokio::join!(flood, close);
    assert_eq!(status_of(&envoy).await, 503);
}

#[tokio::test]
async fn windows_that_are_planned_concurrently_are_all_kept() {
    let (app, signer) = (App::start(), Signer::generate());
    let (one, two) = (envoy(&app, &signer, "one").await, envoy(&app, &signer, "two").await);
    let desk = Desk::pushing(&signer, &[&one.endpoint(), &two.endpoint()]);
    let reasons: Vec<String> = (0..6).map(|number| format!("R{number}")).collect();
    let words: Vec<String> = reasons
        .iter()
        .map(|reason| format!("schedule shop --from 2099-01-01T00:00:00Z --for 1h --reason {reason} --timeout 20s"))
        .collect();
    for output in futures::future::join_all(words.iter().map(|words| desk.run(words))).await {
        assert_eq!(output.code, 0, "{output:?}");
    }
    let windows = desk.json("status shop --json").await["sites"][0]["windows"].clone();
    let mut planned: Vec<&str> =
        windows.as_array().unwrap().iter().map(|window| window["reason"].as_str().unwrap()).collect();
    planned.sort_unstable();
    assert_eq!(planned, reasons);
}

#[tokio::test]
async fn a_rate_limit_on_the_endpoint_only_delays_a_command() {
    let (app, signer) = (App::start(), Signer::generate());
    let whole = json!({ "numerator": 100 });
    let message = "envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit";
    let limit = extension(
        "envoy.filters.http.local_ratelimit",
        message,
        json!({
            "stat_prefix": "control",
            "token_bucket": { "max_tokens": 6, "tokens_per_fill": 2, "fill_interval": "0.1s" },
            "filter_enabled": { "default_value": whole },
            "filter_enforced": { "default_value": whole },
        }),
    );
    let envoy = Envoy::builder(app.address())
        .policy(&policy(&signer))
        .control(&control(&signer))
        .bootstrap(move |bootstrap| {
            let listeners = bootstrap["static_resources"]["listeners"].as_array_mut().unwrap();
            let control = listeners.iter_mut().find(|listener| listener["name"] == "control").unwrap();
            let manager = &mut control["filter_chains"][0]["filters"][0]["typed_config"];
            manager["http_filters"].as_array_mut().unwrap().insert(0, limit.clone());
        })
        .start()
        .await;
    let desk = Desk::pushing(&signer, &[&envoy.endpoint()]);
    let output = desk.run("close shop").await;
    assert_eq!(output.code, 0, "{output:?}");
    assert!(envoy.stat("control.http_local_rate_limit.rate_limited").await > 0);
    assert_eq!(status_of(&envoy).await, 503);
}
