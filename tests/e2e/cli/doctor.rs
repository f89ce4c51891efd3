//! `doctor` and `keys` with real Envoys: healthy targets, and one broken set-up for each check.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use super::reach::envoy;
use super::{control, plugin, policy, pushing, writing};
use crate::support::app::App;
use crate::support::client::Output;
use crate::support::desk::{Desk, FLEET};
use crate::support::envoy::{Envoy, Update};
use crate::support::signer::{Signer, document, now_ms};
use crate::support::{eventually, module, preload, shop};

/// Waits until `doctor` exits with 1 and has a line that begins with the level and the topic, and has all parts.
async fn doctor_says(desk: &Desk, line: &str, parts: &[&str]) -> Output {
    eventually(&format!("doctor says {line:?} {parts:?}"), async || {
        let output = desk.run("doctor --timeout 3s").await;
        let found = |shown: &str| shown.starts_with(line) && parts.iter().all(|part| shown.contains(part));
        (output.code == 1 && output.stdout.lines().any(found)).then_some(output)
    })
    .await
}

#[tokio::test]
async fn a_healthy_target_passes_every_check() {
    let (app, signer) = (App::start(), Signer::generate());
    let (one, two) = (envoy(&app, &signer, "one").await, envoy(&app, &signer, "two").await);
    let push = Desk::pushing(&signer, &[&one.endpoint(), &two.endpoint()]);
    let (three, file) = writing(&app, &signer).await;
    three.wait_for_workers("shop").await;
    let envoys = ["envoys", "endpoints", "versions", "clocks", "plugins", "fleets", "policies"];
    for (desk, own) in [(push, "keys"), (file, "file")] {
        assert_eq!(desk.run("close shop --until 2099-01-01T00:00:00Z").await.code, 0);
        let output = desk.run("doctor").await;
        assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{output:?}");
        let checks: Vec<&str> = output.stdout.lines().map(|line| line.split(": ").next().unwrap()).collect();
        let topics = [&["configuration", "key"][..], &envoys, &[own, "adoption", "closures"]].concat();
        assert_eq!(checks, topics.iter().map(|topic| format!("ok      {topic}")).collect::<Vec<_>>(), "{output:?}");
        let answer = desk.json("doctor --json").await;
        assert_eq!((&answer["healthy"], answer["checks"].as_array().unwrap().len()), (&json!(true), topics.len()));
    }
}

#[tokio::test]
async fn a_broken_configuration_has_a_remedy() {
    let (_app, envoy, desk, signer) = pushing().await;
    let url = envoy.endpoint();
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (target, line, parts) in [
        (
            format!("envoys = [{url:?}, \"http://{unused}/.maintenance\"]"),
            "error   envoys: ",
            ["connection refused", "check the URL"],
        ),
        (
            format!("envoys = [{url:?}, \"http://nosuch.invalid:1/x\"]"),
            "error   envoys: ",
            ["cannot be resolved", "check the URL"],
        ),
        (
            format!("envoys = [{url:?}]\nexpect = 2"),
            "error   envoys: ",
            ["1 Envoys respond, 2 are expected", "start the missing"],
        ),
        ("envoys = [\"no URL\"]".to_owned(), "error   configuration: ", ["is not a URL such as", "http://"]),
        ("file = \"f.yaml\"\npolicy = \"p.yaml\"".to_owned(), "warning envoys: ", ["has no `envoys`", "add the URLs"]),
    ] {
        desk.target(&target);
        doctor_says(&desk, line, &parts).await;
    }
    // Without an Envoy, there is no adoption to approve of.
    let alone = Desk::pushing(&signer, &[&format!("http://{unused}/.maintenance")]);
    let output = doctor_says(&alone, "error   envoys: ", &["connection refused"]).await;
    assert!(!output.stdout.contains("adoption: ") && !output.stdout.contains("closures: "), "{output:?}");
    let stranger = Desk::pushing(&Signer::generate(), &[&url]);
    doctor_says(&stranger, "error   key: ", &["unknown_key", "add the JWK that `maintctl init` prints"]).await;
    let desk = Desk::pushing(&signer, &[&url]);
    let toml = fs::read_to_string(desk.path().join("maintctl.toml")).unwrap();
    desk.write("maintctl.toml", &toml.replace(&format!("fleet = \"{FLEET}\""), "fleet = \"other\""));
    doctor_says(
        &desk,
        "error   fleets: ",
        &["its fleet is \"test\"", "`fleet` in maintctl.toml is \"other\"; correct"],
    )
    .await;
    desk.write("maintctl.toml", &toml);
    fs::set_permissions(desk.path().join("maintctl.key"), fs::Permissions::from_mode(0o644)).unwrap();
    doctor_says(&desk, "error   key: ", &["other users can read it", "run chmod 600"]).await;
    let output = desk.run("doctor --config none.toml --json").await;
    let answer: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!((output.code, &answer["healthy"], &answer["checks"][0]["level"]), (1, &json!(false), &json!("error")));
}

#[tokio::test]
async fn a_broken_envoy_has_a_remedy() {
    let (app, signer) = (App::start(), Signer::generate());
    let mut exposed = policy(&signer);
    exposed["control"] = json!({ "path_prefix": "/.maintenance" });
    let mut keyless = policy(&signer);
    keyless["keys"] = json!([]);
    let mut limited = policy(&signer);
    limited["keys"][0]["sites"] = json!(["shop"]);
    let mut stranger = policy(&signer);
    stranger["fleet"] = "other".into();
    for (policy, line, parts) in [
        (
            &exposed,
            "warning endpoints: ",
            ["plugin \"data\" serves the control endpoint", "give the control endpoint a listener"],
        ),
        (
            &keyless,
            "warning keys: ",
            ["plugin \"data\" does not have the key", "add the JWK that `maintctl init` prints"],
        ),
        (&limited, "warning keys: ", ["does not let the key of maintctl.toml change api", "extend `sites` and `may`"]),
        (
            &stranger,
            "error   fleets: ",
            ["plugin \"data\" has the fleet \"other\"", "give both policies the same `fleet`"],
        ),
    ] {
        let envoy = Envoy::builder(app.address()).policy(policy).control(&control(&signer)).start().await;
        doctor_says(&Desk::pushing(&signer, &[&envoy.endpoint()]), line, &parts).await;
    }
    let other_vm = Envoy::builder(app.address())
        .policy(&policy(&signer))
        .control(&control(&signer))
        .bootstrap(|bootstrap| plugin(bootstrap, 0)["vm_config"]["vm_id"] = "other".into());
    let other_vm = other_vm.start().await;
    let desk = Desk::pushing(&signer, &[&other_vm.endpoint()]);
    doctor_says(&desk, "error   plugins: ", &["shares the `vm_id`", "the same `vm_id` as the control listener"]).await;
}

#[tokio::test]
async fn envoys_that_differ_have_a_remedy() {
    let (app, signer) = (App::start(), Signer::generate());
    let (one, mut two) = (envoy(&app, &signer, "one").await, envoy(&app, &signer, "two").await);
    let desk = Desk::pushing(&signer, &[&one.endpoint(), &two.endpoint()]);
    assert_eq!(desk.run("close shop").await.code, 0);
    two.restart().await;
    doctor_says(&desk, "error   adoption: shop: two/", &["has no document since its start at ", "run `maintctl sync`"])
        .await;
    let library = preload::library(desk.path());
    for (ahead, level) in [("5", "warning"), ("-60", "error  ")] {
        let mut command = desk.command("doctor");
        let output = command.env("LD_PRELOAD", &library).env("SECONDS_AHEAD", ahead).output().await.unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let clocks: Vec<&str> = text.lines().filter(|line| line.starts_with(&format!("{level} clocks: "))).collect();
        assert_eq!((output.status.code(), clocks.len()), (Some(1), 2), "{text}");
        assert!(clocks.iter().all(|line| line.ends_with("correct the clock that is wrong")), "{text}");
    }
    // A release of the same length, so that the file stays a module.
    let own = env!("CARGO_PKG_VERSION");
    let older = own.chars().map(|c| if c == '1' { '0' } else { c }).collect::<String>();
    let bytes = replaced(&fs::read(module()).unwrap(), own.as_bytes(), older.as_bytes());
    let file = desk.path().join("older.wasm");
    fs::write(&file, bytes).unwrap();
    let builder = Envoy::builder(app.address()).policy(&policy(&signer)).control(&control(&signer)).module(&file);
    let three = builder.node("three").start().await;
    let desk = Desk::pushing(&signer, &[&one.endpoint(), &three.endpoint()]);
    let parts = [&format!("{older} in three/"), "install the same version everywhere"];
    doctor_says(&desk, "warning versions: versions differ: ", &parts.map(|part| part as &str)).await;
    let renamed = Envoy::builder(app.address())
        .policy(&policy(&signer))
        .control(&control(&signer))
        .node("four")
        .bootstrap(|bootstrap| plugin(bootstrap, 0)["name"] = "web".into());
    let renamed = renamed.start().await;
    let desk = Desk::pushing(&signer, &[&one.endpoint(), &renamed.endpoint()]);
    let parts = ["\"data\" in one/", "\"web\" in four/", "give all Envoys the same plugins with the same names"];
    doctor_says(&desk, "warning plugins: ", &parts).await;
}

/// `bytes` with each `from` replaced by `to`.
fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let places: Vec<usize> =
        bytes.windows(from.len()).enumerate().filter(|(_, part)| *part == from).map(|it| it.0).collect();
    assert!(!places.is_empty());
    for place in places {
        bytes[place..place + to.len()].copy_from_slice(to);
    }
    bytes
}

#[tokio::test]
async fn a_broken_file_has_a_remedy() {
    let (app, signer) = (App::start(), Signer::generate());
    let (envoy, desk) = writing(&app, &signer).await;
    envoy.wait_for_workers("shop").await;
    assert_eq!(desk.run("doctor").await.code, 0);
    let mut edited = policy(&signer);
    edited["exempt"] = json!([{ "name": "robots", "paths": ["/robots.txt"] }]);
    for (text, line, parts) in [
        (edited.to_string(), "warning file: ", ["policy.yaml was edited", "`maintctl apply`, brings: "]),
        ("sits: []".to_owned(), "warning file: ", ["sits: unknown field", "changes keep the policy that Envoy runs"]),
    ] {
        desk.write("policy.yaml", &text);
        doctor_says(&desk, line, &parts).await;
    }
    desk.write("policy.yaml", &policy(&signer).to_string());
    assert_eq!(envoy.set_policy(&json!({ "sits": [] })).await, Update::Refused);
    doctor_says(
        &desk,
        "warning policies: ",
        &["a policy of plugin \"data\" was refused at ", "`maintctl lint` checks it"],
    )
    .await;
    fs::write(envoy.ecds_file(), "").unwrap();
    doctor_says(&desk, "error   file: ", &["empty", "restore it from a backup"]).await;
}

#[tokio::test]
async fn closures_that_were_forgotten_have_a_remedy() {
    let (_app, envoy, desk, signer) = pushing().await;
    for (members, parts) in [
        (
            json!({ "mode": "offline", "since": "2020-01-01T00:00:00Z", "by": "ops" }),
            ["closed since 2020-01-01 00:00 by ops", "`maintctl open shop`"],
        ),
        (
            json!({ "mode": "offline", "eta": "2020-01-01T00:00:00Z" }),
            ["which has passed", "`maintctl update shop --eta TIME`"],
        ),
        (
            json!({ "mode": "online", "windows": [{ "id": "h1", "mode": "offline", "from": "2020-01-01T00:00:00Z",
                "until": "2020-01-02T00:00:00Z", "by": "ci" }] }),
            ["the lease of the hold of ci (h1) ended", "check the job"],
        ),
    ] {
        let mut shop = document("shop", "online");
        shop["revision"] = now_ms().into();
        shop.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        shop::push(&envoy, &signer, &shop).await;
        doctor_says(&desk, "warning closures: shop: ", &parts).await;
    }
}

#[tokio::test]
async fn keys_lists_what_each_key_may_change_and_marks_the_own_one() {
    let (app, signer, other) = (App::start(), Signer::generate(), Signer::generate());
    let mut two_keys = policy(&signer);
    two_keys["keys"] = json!([signer.entry("oncall"), { "name": "ci", "jwk": other.jwk(), "sites": ["api"], "may": ["state", "pass"] }]);
    let build = |node: &'static str, policy: &Value| {
        Envoy::builder(app.address()).policy(policy).control(&control(&signer)).node(node)
    };
    let one = build("one", &two_keys).start().await;
    let two = build("two", &policy(&signer)).start().await;
    one.wait_for_workers("shop").await;
    two.wait_for_workers("shop").await;
    let desk = Desk::pushing(&signer, &[&one.endpoint(), &two.endpoint()]);
    let output = desk.run("keys").await;
    assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{output:?}");
    let rows: Vec<Vec<&str>> = output.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    let (own, others) = (signer.kid(), other.kid());
    assert_eq!(rows[0], ["KEY", "KID", "SITES", "MAY", "PLUGINS", "ENVOYS"]);
    assert_eq!(rows[1], ["ci", &others, "api", "state,", "pass", "data", "1/2"]);
    assert_eq!(rows[2][..5], ["oncall", "(own)", &own, "*", "state"], "{output:?}");
    assert_eq!(rows[2].last(), Some(&"2/2"));
    let keys = desk.json("keys --json").await;
    assert_eq!(
        (&keys[0]["own"], &keys[1]["own"], keys[0]["envoys"].as_array().unwrap().len()),
        (&json!(false), &json!(true), 1)
    );
    let mut keyless = policy(&signer);
    keyless["keys"] = json!([]);
    let three = build("three", &keyless).start().await;
    three.wait_for_workers("shop").await;
    let output = Desk::pushing(&signer, &[&two.endpoint(), &three.endpoint()]).run("keys").await;
    let lines: Vec<Vec<&str>> = output.stdout.lines().skip(1).map(|line| line.split_whitespace().collect()).collect();
    let plugins: Vec<String> = lines.iter().map(|line| line[5..].join(" ")).collect();
    assert_eq!(
        plugins,
        ["control 1/2", "control, data 1/2"],
        "an Envoy that has the key on one listener only: {output:?}"
    );
    let stranger = Desk::pushing(&Signer::generate(), &[&one.endpoint()]);
    let refused = stranger.run("keys").await;
    assert_eq!((refused.code, refused.stdout.as_str()), (4, ""), "{refused:?}");
    assert!(refused.stderr.contains("only to a key of the policy"), "{refused:?}");
}
