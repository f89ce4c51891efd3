//! `maintctl` with real Envoys: its output, its exit codes, and the effect on requests.

use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::client;
use crate::support::desk::{Desk, FLEET};
use crate::support::envoy::Envoy;
use crate::support::signer::Signer;

mod causes;
mod close_and_open;
mod completions;
mod django;
mod doctor;
mod file;
mod fleet;
mod hash;
mod holds;
mod hostile;
mod hot_restart;
mod init;
mod journal;
mod json;
mod lagging;
mod live;
mod mistakes;
mod mtls;
mod one_address;
mod open_command;
mod reach;
mod running;
mod shared;
mod status;
mod sync;
mod terminal;
mod times;
mod tried;
mod update;
mod words;
mod wrapped_command;

fn policy(signer: &Signer) -> Value {
    json!({
        "fleet": FLEET,
        "keys": [signer.entry("oncall")],
        "sites": [
            { "name": "shop", "hosts": ["shop.example.com", "127.0.0.1"],
              "exempt": [{ "name": "staff", "headers": [{ "name": "x-staff", "value": "yes" }] }] },
            { "name": "api", "hosts": ["api.example.com"] },
        ],
    })
}

fn control(signer: &Signer) -> Value {
    json!({ "fleet": FLEET, "keys": [signer.entry("oncall")], "sites": [], "control": { "path_prefix": "/.maintenance" } })
}

/// An application, an Envoy in front of it, and a folder whose target pushes to that Envoy.
async fn pushing() -> (App, Envoy, Desk, Signer) {
    let (app, signer) = (App::start(), Signer::generate());
    let envoy =
        Envoy::builder(app.address()).policy(&policy(&signer)).control(&control(&signer)).workers(2).start().await;
    envoy.wait_for_workers("shop").await;
    let desk = Desk::pushing(&signer, &[&envoy.endpoint()]);
    (app, envoy, desk, signer)
}

/// The configuration of the plugin of the listener with this number.
fn plugin(bootstrap: &mut Value, listener: usize) -> &mut Value {
    let manager = &mut bootstrap["static_resources"]["listeners"][listener]["filter_chains"][0]["filters"][0];
    &mut manager["typed_config"]["http_filters"][0]["typed_config"]["config"]
}

async fn status_of(envoy: &Envoy) -> u16 {
    client::h1().get(envoy.url("/")).send().await.unwrap().status().as_u16()
}

/// An Envoy that watches a file, and a folder whose target writes this file.
async fn writing(app: &App, signer: &Signer) -> (Envoy, Desk) {
    let envoy = Envoy::builder(app.address())
        .policy(&policy(signer))
        .control(&control(signer))
        .workers(2)
        .watched_file()
        .start()
        .await;
    let desk = Desk::new(signer, "");
    desk.write("policy.yaml", &policy(signer).to_string());
    let target = format!("file = {:?}\npolicy = \"policy.yaml\"\nenvoys = [{:?}]", envoy.ecds_file(), envoy.endpoint());
    desk.target(&target);
    (envoy, desk)
}

/// The content of the generated file: everything without the states, and the states.
fn generated(envoy: &Envoy) -> (Value, Value) {
    let text = std::fs::read_to_string(envoy.ecds_file()).unwrap();
    let mut file: Value = serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let value = &mut file["resources"][0]["typed_config"]["config"]["configuration"]["value"];
    let mut policy: Value = serde_json::from_str(value.as_str().unwrap()).unwrap();
    let states = policy["state"].take();
    *value = policy;
    (file, states)
}
