//! Twenty Envoys, of which some are frozen or dead: each one counts on its own, and none delays another.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use futures::future::join_all;
use rustix::process::Signal;
use serde_json::{Value, json};

use super::reach::envoy;
use super::{control, policy, status_of};
use crate::support::app::App;
use crate::support::client::Output;
use crate::support::desk::Desk;
use crate::support::envoy::Envoy;
use crate::support::signer::Signer;
use crate::support::{client, eventually};

const NO_NAME: &str = "http://no-such-host.invalid:10001/.maintenance";

/// Starts this many Envoys with one worker each.
async fn fleet(app: &App, signer: &Signer, size: usize) -> Vec<Envoy> {
    let start = async |number: usize| {
        let builder = Envoy::builder(app.address()).policy(&policy(signer)).control(&control(signer));
        let envoy = builder.workers(1).node(&format!("e{number:02}")).start().await;
        envoy.wait_for_workers("shop").await;
        envoy
    };
    let mut envoys = Vec::new();
    // More at once would take as long on a machine with few cores, and exceed the time limit of each start.
    for numbers in (0..size).collect::<Vec<_>>().chunks(4) {
        envoys.extend(join_all(numbers.iter().map(|number| start(*number))).await);
    }
    envoys
}

async fn statuses(envoys: &[Envoy]) -> BTreeSet<u16> {
    join_all(envoys.iter().map(status_of)).await.into_iter().collect()
}

fn adopted(output: &Output) -> &str {
    output.stdout.rsplit_once("(adopted by ").map_or("", |(_, count)| count.trim_end_matches(" Envoys)\n"))
}

#[tokio::test]
async fn a_frozen_a_dead_and_an_unknown_envoy_delay_none_of_the_others() {
    let (app, signer) = (App::start(), Signer::generate());
    let mut envoys = fleet(&app, &signer, 20).await;
    let urls: Vec<String> = envoys.iter().map(Envoy::endpoint).chain([NO_NAME.to_owned()]).collect();
    let desk = Desk::pushing(&signer, &urls.iter().map(String::as_str).collect::<Vec<_>>());
    // By name, the frozen ones come before the healthy ones.
    let mut dead = envoys.pop().unwrap();
    let healthy = envoys.split_off(2);
    let frozen = envoys;
    let gone = dead.endpoint();
    dead.kill();
    frozen.iter().for_each(|envoy| envoy.signal(Signal::STOP));

    // All healthy Envoys switch while maintctl still waits for the frozen ones.
    let mut running = desk.command("close shop --timeout 25s").stderr(std::process::Stdio::piped()).spawn().unwrap();
    eventually("every healthy Envoy is closed", async || (statuses(&healthy).await == [503].into()).then_some(()))
        .await;
    assert!(running.try_wait().unwrap().is_none(), "maintctl waits for the frozen Envoys");
    // An Envoy that thaws in time counts, and maintctl does not wait much longer for addresses without an Envoy.
    frozen.iter().for_each(|envoy| envoy.signal(Signal::CONT));
    let output: Output = running.wait_with_output().await.unwrap().into();
    assert_eq!(output.code, 3, "{output:?}");
    assert!(output.stderr.contains("2 of 21 Envoys have not adopted the change"), "{output:?}");
    assert!(output.stderr.contains(&format!("{gone}: connection refused")), "{output:?}");
    assert!(output.stderr.contains(&format!("{NO_NAME}: the host name cannot be resolved")), "{output:?}");
    assert_eq!(statuses(&frozen).await, [503].into());

    // With a short timeout, the healthy Envoys are reported as following. A busy machine may need a second attempt.
    frozen.iter().for_each(|envoy| envoy.signal(Signal::STOP));
    for timeout in ["3s", "1s"] {
        let output = eventually("the healthy Envoys follow within the timeout", async || {
            desk.run(&format!("close shop --timeout {timeout}")).await;
            let output = desk.run(&format!("open shop --timeout {timeout}")).await;
            (adopted(&output) == "17/21").then_some(output)
        })
        .await;
        assert_eq!(output.code, 3, "{output:?}");
        for envoy in &frozen {
            assert!(output.stderr.contains(&format!("{}: no response in time", envoy.endpoint())), "{output:?}");
        }
        assert_eq!(statuses(&healthy).await, [200].into());
    }

    // The status names them too, long before its timeout.
    let began = Instant::now();
    let status = desk.run("status shop --timeout 120s").await;
    assert!(began.elapsed() < Duration::from_secs(60), "{status:?}");
    assert_eq!((status.code, status.stdout.contains("17/21 Envoys")), (3, true), "{status:?}");
    for name in frozen.iter().map(Envoy::endpoint).chain([gone, NO_NAME.to_owned()]) {
        assert!(status.stderr.contains(&name), "{name}: {status:?}");
    }
}

#[tokio::test]
async fn a_change_on_a_frozen_envoy_is_merged_when_it_thaws_in_time() {
    let (app, signer) = (App::start(), Signer::generate());
    let envoys = fleet(&app, &signer, 3).await;
    let urls: Vec<String> = envoys.iter().map(Envoy::endpoint).collect();
    let desk = Desk::pushing(&signer, &urls.iter().map(String::as_str).collect::<Vec<_>>());
    let (late, others) = envoys.split_last().unwrap();
    let alone = Desk::pushing(&signer, &[&late.endpoint()]);
    assert_eq!(alone.run("schedule shop --from 2099-01-01T00:00:00Z --for 1h --reason Later").await.code, 0);
    late.signal(Signal::STOP);
    let close = desk.command("close shop --reason Now --timeout 25s").stdout(std::process::Stdio::piped()).spawn();
    eventually("the others are closed", async || (statuses(others).await == [503].into()).then_some(())).await;
    late.signal(Signal::CONT);
    let output: Output = close.unwrap().wait_with_output().await.unwrap().into();
    assert_eq!(output.code, 0, "{output:?}");
    assert_eq!(statuses(&envoys).await, [503].into());
    let site = desk.json("status shop --json").await["sites"][0].clone();
    assert_eq!((&site["reason"], &site["envoys"]["followed"]), (&json!("Now"), &json!(3)), "{site}");
    let windows: Vec<&Value> = site["windows"].as_array().unwrap().iter().map(|window| &window["reason"]).collect();
    assert_eq!(windows, [&json!("Later")], "{site}");
}

#[tokio::test]
async fn a_file_is_proven_on_each_envoy_on_its_own() {
    let (app, signer) = (App::start(), Signer::generate());
    let (envoy, desk) = super::writing(&app, &signer).await;
    let frozen = super::reach::envoy(&app, &signer, "frozen").await;
    let target = |envoys: &[String]| {
        desk.target(&format!("file = {:?}\npolicy = \"policy.yaml\"\nenvoys = {envoys:?}", envoy.ecds_file()));
    };
    target(&[frozen.endpoint(), envoy.endpoint()]);
    frozen.signal(Signal::STOP);
    let mut running = desk.command("close shop --timeout 25s").stderr(std::process::Stdio::piped()).spawn().unwrap();
    eventually("the healthy Envoy is closed", async || (status_of(&envoy).await == 503).then_some(())).await;
    assert!(running.try_wait().unwrap().is_none());
    running.kill().await.unwrap();
    let output = desk.run("open shop --timeout 3s").await;
    assert_eq!((output.code, adopted(&output)), (3, "1/2"), "{output:?}");
    assert!(output.stderr.contains(&format!("{}: no response in time", frozen.endpoint())), "{output:?}");
    frozen.signal(Signal::CONT);
}

#[tokio::test]
async fn a_frozen_admin_interface_delays_nothing_beyond_the_deadline() {
    let (app, signer) = (App::start(), Signer::generate());
    let envoy = envoy(&app, &signer, "one").await;
    // It accepts connections, but never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let admin = format!("http://{}", silent.local_addr().unwrap());
    let desk = Desk::new(&signer, &format!("envoys = [{:?}]\nadmin = [{admin:?}]", envoy.endpoint()));
    let began = Instant::now();
    let output = desk.run("close shop --timeout 60s").await;
    assert!(began.elapsed() < Duration::from_secs(40), "{output:?}");
    assert_eq!((output.code, output.stdout.as_str()), (3, "shop: OFFLINE\n"), "{output:?}");
    assert!(output.stderr.contains(&format!("{admin}: no response in time")), "{output:?}");
    assert_eq!(client::h1().get(envoy.url("/")).send().await.unwrap().status(), 503);
}
