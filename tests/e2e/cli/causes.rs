//! Wrong set-ups of Envoy: `status` names the cause and a remedy, and never shows a closed site without a remark while
//! requests pass.

use serde_json::{Value, json};

use super::{base, control, policy, status_of};
use crate::support::app::App;
use crate::support::client::Output;
use crate::support::desk::Desk;
use crate::support::envoy::Envoy;
use crate::support::eventually;
use crate::support::signer::Signer;

/// The configuration of the plugin of the listener with this number.
fn plugin(bootstrap: &mut Value, listener: usize) -> &mut Value {
    let manager = &mut bootstrap["static_resources"]["listeners"][listener]["filter_chains"][0]["filters"][0];
    &mut manager["typed_config"]["http_filters"][0]["typed_config"]["config"]
}

/// Waits until the output of `status` on stderr contains all parts.
async fn status_with(desk: &Desk, code: i32, parts: &[&str]) -> Output {
    eventually(&format!("status says {parts:?}"), async || {
        let output = desk.run("status").await;
        let has_all = parts.iter().all(|part| output.stderr.contains(part));
        (output.code == code && has_all).then_some(output)
    })
    .await
}

#[tokio::test]
async fn a_policy_without_the_signing_key_is_named_before_and_after_a_change() {
    let (app, signer, other) = (App::start(), Signer::generate(), Signer::generate());
    for keys in [json!([]), json!([other.entry("oncall")])] {
        let mut keyless = policy(&signer);
        keyless["keys"] = keys;
        let envoy = Envoy::builder(app.address()).policy(&keyless).control(&control(&signer)).workers(2).start().await;
        envoy.wait_for_workers("shop").await;
        let desk = Desk::pushing(&signer, &[&base(&envoy)]);
        let warning =
            "plugin \"data\" does not have the key of maintctl.toml; add the JWK that `maintctl init` prints to `keys`";
        status_with(&desk, 0, &["warning: ", warning]).await;
        assert_eq!(desk.run("close shop --timeout 1s").await.code, 3);
        assert_eq!(status_of(&envoy).await, 200);
        let cause = "OFFLINE, 0/2 workers have adopted it: plugin \"data\" cannot verify the document; add the JWK";
        let output = status_with(&desk, 3, &[cause]).await;
        assert!(!output.stderr.contains("maintctl sync"), "{output:?}");
    }
}

#[tokio::test]
async fn listeners_that_do_not_share_a_vm_id_a_fleet_or_names_are_named() {
    let (app, signer) = (App::start(), Signer::generate());
    let vm_id: fn(&mut Value) = |bootstrap| plugin(bootstrap, 0)["vm_config"]["vm_id"] = "other".into();
    let fleet: fn(&mut Value) = |bootstrap| {
        let value = &mut plugin(bootstrap, 0)["configuration"]["value"];
        *value = value.as_str().unwrap().replace("\"fleet\":\"test\"", "\"fleet\":\"other\"").into();
    };
    let no_fleet: fn(&mut Value) = |bootstrap| {
        let value = &mut plugin(bootstrap, 0)["configuration"]["value"];
        *value = json!({ "sites": [{ "name": "shop" }] }).to_string().into();
    };
    let name: fn(&mut Value) = |bootstrap| plugin(bootstrap, 0)["name"] = "control".into();
    let alone = "no plugin with sites and a name other than \"control\" shares the `vm_id` of the control listener; Envoy started \
                 less than 15 s ago, so run `maintctl status` again; if nothing changes, give the listeners with sites the same \
                 `vm_id` as the control listener, and each plugin its own `name`";
    for (change, cause) in [
        (vm_id, alone),
        (
            fleet,
            "plugin \"data\" has the fleet \"other\", and the control listener has \"test\", which does not show its sites; give \
             both policies the same `fleet`",
        ),
        (no_fleet, "plugin \"data\" has no fleet, and the control listener has \"test\""),
        (name, alone),
    ] {
        let envoy = Envoy::builder(app.address()).policy(&policy(&signer)).control(&control(&signer)).bootstrap(change);
        let envoy = envoy.start().await;
        let desk = Desk::pushing(&signer, &[&base(&envoy)]);
        let output = status_with(&desk, 3, &[cause]).await;
        assert_eq!(output.stdout, "no site is known: see the errors and notes\n");
        assert_eq!(status_of(&envoy).await, 200);
    }
}
