//! Wrong set-ups of Envoy: `status` names the cause and a remedy, and never shows a closed site without a remark while
//! requests pass.

use serde_json::{Value, json};

use super::reach::envoy;
use super::{control, plugin, policy, status_of, writing};
use crate::support::app::App;
use crate::support::client::Output;
use crate::support::desk::Desk;
use crate::support::envoy::{Envoy, Update};
use crate::support::eventually;
use crate::support::signer::{Signer, document};
use crate::support::{client, shop};

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
        let desk = Desk::pushing(&signer, &[&envoy.endpoint()]);
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
        let desk = Desk::pushing(&signer, &[&envoy.endpoint()]);
        let output = status_with(&desk, 3, &[cause]).await;
        assert_eq!(output.stdout, "no site is known: see the errors and notes\n");
        let (problem, _) = cause.split_once(';').unwrap_or((cause, ""));
        for command in ["close shop", "open"] {
            let output = desk.run(command).await;
            assert_eq!(output.code, 3, "{output:?}");
            assert!(output.stderr.contains("no Envoy shows a site; nothing changed:\n  "), "{output:?}");
            assert!(output.stderr.contains(problem), "{output:?}");
        }
        // Beside an Envoy that has the site, a change names the same cause.
        let healthy = self::envoy(&app, &signer, "healthy").await;
        let desk = Desk::pushing(&signer, &[&envoy.endpoint(), &healthy.endpoint()]);
        let output = desk.run("close shop --timeout 2s").await;
        assert_eq!(output.code, 3, "{output:?}");
        assert!(output.stderr.contains(&format!("has no site \"shop\": {problem}")), "{output:?}");
        assert_eq!(status_of(&envoy).await, 200);
    }
}

#[tokio::test]
async fn a_refused_policy_is_named_whether_envoy_runs_one_before_or_none() {
    let (app, signer) = (App::start(), Signer::generate());
    let (envoy, desk) = writing(&app, &signer).await;
    assert_eq!(envoy.set_policy(&json!({ "sits": [] })).await, Update::Refused);
    let before = "a policy of plugin \"data\" was refused at ";
    // The watched file has the refused policy, so the file is named too.
    status_with(
        &desk,
        3,
        &[before, "and Envoy still uses the one before: sits: unknown field", "`maintctl lint` checks it"],
    )
    .await;
    assert_eq!(status_of(&envoy).await, 200);
    let bad = json!({ "fleet": "test", "sits": [] });
    let envoy = Envoy::builder(app.address()).policy(&bad).control(&control(&signer)).watched_file().start().await;
    assert_eq!(status_of(&envoy).await, 500);
    let none = "the first policy of plugin \"data\" was refused, so Envoy answers 500 to each request of its listener: sits: unknown";
    let desk = Desk::pushing(&signer, &[&envoy.endpoint()]);
    let output = status_with(&desk, 3, &[none, "correct the policy; `maintctl lint` checks it"]).await;
    assert_eq!(output.stdout, "no site is known: see the errors and notes\n");
    // A control listener without keys does not show the plugins, but the file does.
    let builder = Envoy::builder(app.address()).policy(&bad).watched_file();
    let keyless = json!({ "fleet": "test", "sites": [], "control": { "path_prefix": "/.maintenance" } });
    let envoy = builder.control(&keyless).start().await;
    assert_eq!(status_of(&envoy).await, 500);
    let desk = Desk::new(&signer, "");
    desk.target(&format!(
        "file = {:?}\npolicy = \"policy.yaml\"\nenvoys = [{:?}]",
        envoy.ecds_file(),
        envoy.endpoint()
    ));
    desk.write("policy.yaml", &policy(&signer).to_string());
    status_with(&desk, 3, &["sits: unknown field", "answers 500 to every request if it started with this one"]).await;
}

#[tokio::test]
async fn no_document_and_a_document_that_means_online_are_the_same() {
    let (app, signer) = (App::start(), Signer::generate());
    let (one, mut two) = (envoy(&app, &signer, "one").await, envoy(&app, &signer, "two").await);
    let desk = Desk::pushing(&signer, &[&one.endpoint(), &two.endpoint()]);
    assert_eq!(desk.run("close shop").await.code, 0);
    assert_eq!(desk.run("open shop").await.code, 0);
    two.restart().await;
    two.wait_for_workers("shop").await;
    let output = desk.run("status shop").await;
    assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{output:?}");
    assert!(output.stdout.contains("2/2 Envoys, 4/4 workers"), "{output:?}");
    // A planned window means more than online.
    assert_eq!(desk.run("schedule shop --from 2099-01-01T00:00:00Z --for 1h").await.code, 0);
    two.restart().await;
    two.wait_for_workers("shop").await;
    let output = desk.run("status shop").await;
    assert_eq!(output.code, 3, "{output:?}");
    assert!(output.stderr.contains("ONLINE, has no document since its start at "), "{output:?}");
    assert!(output.stderr.ends_with("\nTo update them, run `maintctl sync`\n"), "{output:?}");
    let repaired = desk.run("sync").await;
    assert_eq!(repaired.code, 0, "{repaired:?}");
    assert_eq!(desk.run("status shop").await.code, 0);
}

#[tokio::test]
async fn state_that_some_policies_do_not_declare_has_advice_that_helps() {
    let (app, signer) = (App::start(), Signer::generate());
    let mut declared = policy(&signer);
    declared["state"] = json!({ "shop": { "mode": "offline" } });
    let one = Envoy::builder(app.address()).policy(&declared).control(&control(&signer)).node("one").start().await;
    let two = envoy(&app, &signer, "two").await;
    one.wait_for_workers("shop").await;
    let desk = Desk::pushing(&signer, &[&one.endpoint(), &two.endpoint()]);
    let cause = "declares the state (`state.shop`), and the policy there does not; give every Envoy the same policy";
    let output = status_with(&desk, 3, &["shop: two/", cause]).await;
    for advice in ["maintctl sync", "maintctl close", "maintctl open"] {
        assert!(!output.stderr.contains(advice), "{output:?}");
    }
    assert!(output.stdout.contains("MIXED (declared)"), "{output:?}");
    let both = Envoy::builder(app.address())
        .policy(&declared)
        .listener("second", &policy(&signer))
        .control(&control(&signer))
        .start()
        .await;
    let desk = Desk::pushing(&signer, &[&both.endpoint()]);
    let cause =
        "plugins \"data\", \"second\" have the site, and not all of them declare this state; give all of them the same";
    status_with(&desk, 3, &["OFFLINE, ", " workers have adopted it: ", cause]).await;
    let second = format!("http://{}/", both.listener("second"));
    assert_eq!(client::h1().get(second).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_file_that_differs_from_envoys_has_advice_that_helps() {
    let (app, signer) = (App::start(), Signer::generate());
    let (envoy, desk) = writing(&app, &signer).await;
    envoy.wait_for_workers("shop").await;
    // A pushed document, which the file does not have.
    shop::push(&envoy, &signer, &document("shop", "offline")).await;
    assert_eq!(status_of(&envoy).await, 503);
    let output =
        status_with(&desk, 3, &["OFFLINE, by a pushed document, and ", "change it with `maintctl open shop`"]).await;
    assert!(output.stdout.contains("shop  OFFLINE"), "{output:?}");
    assert_eq!(desk.run("open shop").await.code, 0);
    assert_eq!((desk.run("status").await.code, status_of(&envoy).await), (0, 200));
    // Envoy does not notice a file that was written in place.
    let open = std::fs::read(envoy.ecds_file()).unwrap();
    assert_eq!(desk.run("close shop").await.code, 0);
    std::fs::write(envoy.ecds_file(), open).unwrap();
    let output =
        status_with(&desk, 3, &["OFFLINE, by another state than that of the file", "check that Envoy watches"]).await;
    assert!(!output.stderr.contains("maintctl sync"), "{output:?}");
}

#[tokio::test]
async fn a_pinned_site_has_no_advice_to_change_it() {
    let (app, signer) = (App::start(), Signer::generate());
    let (envoy, desk) = writing(&app, &signer).await;
    envoy.wait_for_workers("shop").await;
    let mut pinned = policy(&signer);
    pinned["state"] = json!({ "shop": { "mode": "offline" } });
    desk.write("policy.yaml", &pinned.to_string());
    let output = desk.run("status").await;
    assert!(output.stdout.contains("shop: declared by `state.shop` in policy.yaml"), "{output:?}");
    assert!(
        output.stderr.contains("policy.yaml was edited; the next change, or `maintctl apply`, brings: "),
        "{output:?}"
    );
    for advice in ["maintctl close", "maintctl open", "maintctl sync"] {
        assert!(!output.stderr.contains(advice), "{output:?}");
    }
    assert_eq!(desk.run("close shop").await.code, 4);
    eventually("the pin is in effect", async || (status_of(&envoy).await == 503).then_some(())).await;
    let output = desk.run("status").await;
    assert!(output.stdout.contains("OFFLINE (declared)"), "{output:?}");
    assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{output:?}");
}
