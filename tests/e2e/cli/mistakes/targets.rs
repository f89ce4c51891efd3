//! Wrong configurations, keys and addresses.

use std::fs::Permissions;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;

use super::*;

/// A folder with a valid target, and others with mistakes.
pub fn desk(signer: &Signer, envoy: &Envoy, app: SocketAddr, tls: &Tls) -> Desk {
    let (control, data) = (envoy.endpoint(), envoy.data());
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let desk = Desk::new(signer, "");
    let targets = [
        ("one", format!("envoys = [{control:?}]")),
        ("dead", format!("envoys = [\"http://{unused}/.maintenance\"]")),
        ("https", format!("envoys = [{:?}]", control.replace("http:", "https:"))),
        ("tls", format!("envoys = [\"http://{data}/.maintenance\"]")),
        ("prefix", format!("envoys = [{:?}]", control.replace(".maintenance", "wrong"))),
        ("app", format!("envoys = [\"http://{app}/.maintenance\"]")),
        ("name", "envoys = [\"http://nosuch.invalid:10001/.maintenance\"]".to_owned()),
        ("scheme", "envoys = [\"127.0.0.1:10001\"]".to_owned()),
        ("count", format!("envoys = [{control:?}]\nexpect = 2")),
        ("nothing", String::new()),
        ("half", "file = \"ecds.yaml\"".to_owned()),
        ("nopolicy", "file = \"ecds.yaml\"\npolicy = \"nosuch.yaml\"".to_owned()),
        ("invalid", "file = \"ecds.yaml\"\npolicy = \"invalid.yaml\"".to_owned()),
        ("noca", format!("envoys = [{:?}]\nca = \"nosuch.pem\"", control.replace("http:", "https:"))),
        ("plainca", format!("envoys = [{control:?}]\nca = \"ca.pem\"")),
    ];
    let targets: Vec<String> = targets.iter().map(|(name, target)| format!("[target.{name}]\n{target}\n")).collect();
    let head = |fleet: &str, key: &str| format!("default = \"one\"\nfleet = \"{fleet}\"\nkey = \"{key}\"\n\n");
    desk.write("maintctl.toml", &(head(FLEET, "maintctl.key") + &targets.join("\n")));
    let one = format!("[target.one]\nenvoys = [{control:?}]\n");
    for (file, text) in [
        ("broken.toml", "default = \"one\n".to_owned()),
        ("unknown.toml", head(FLEET, "maintctl.key") + "[target.one]\nenvoy = []\n"),
        ("two.toml", one.clone() + &one.replace("one", "two")),
        ("empty.toml", String::new()),
        ("nokey.toml", format!("fleet = \"{FLEET}\"\n{one}")),
        ("missingkey.toml", head(FLEET, "nosuch.key") + &one),
        ("readable.toml", head(FLEET, "readable.key") + &one),
        ("notakey.toml", head(FLEET, "policy.yaml") + &one),
        ("nofleet.toml", format!("key = \"maintctl.key\"\n{one}")),
        ("otherfleet.toml", head("staging", "maintctl.key") + &one),
        ("stranger.toml", head(FLEET, "stranger.key") + &one),
        ("policy.yaml", policy(signer).to_string()),
        ("ca.pem", tls.ca()),
        ("invalid.yaml", "sites: [{ name: shop, host: [shop.example.com] }]".to_owned()),
        ("readable.key", signer.pem()),
        ("stranger.key", Signer::generate().pem()),
    ] {
        desk.write(file, &text);
    }
    for (file, mode) in [("readable.key", 0o644), ("stranger.key", 0o600), ("policy.yaml", 0o600)] {
        std::fs::set_permissions(desk.path().join(file), Permissions::from_mode(mode)).unwrap();
    }
    desk
}

pub const ROWS: &[Mistake] = &[
    ("--config nosuch.toml status", 1, &["nosuch.toml: no such file (set by --config or MAINTCTL_CONFIG)"]),
    ("MAINTCTL_CONFIG=nosuch.toml status", 1, &["nosuch.toml: no such file (set by --config or MAINTCTL_CONFIG)"]),
    ("--config broken.toml status", 1, &["broken.toml", "line 1"]),
    ("--config unknown.toml status", 1, &["unknown.toml", "unknown field `envoy`", "envoys"]),
    ("--config two.toml status", 1, &["two.toml has no default target; use --target NAME (targets: one, two)"]),
    ("--config empty.toml status", 1, &["empty.toml has no target; add one", "[target.local]"]),
    ("--target nosuch status", 1, &["unknown target \"nosuch\" in maintctl.toml", "targets: app,"]),
    ("MAINTCTL_TARGET=on status", 1, &["unknown target \"on\"", "did you mean \"one\"?"]),
    ("--target nothing status", 1, &["target nothing: has neither `envoys` nor `file`; set at least one of them"]),
    ("--target half status", 1, &["target half: `file` needs `policy`, from which it is generated"]),
    (
        "--target scheme status",
        1,
        &["target scheme: envoys: \"127.0.0.1:10001\" is not a URL such as http://127.0.0.1:10001/.maintenance"],
    ),
    ("--target noca status", 1, &["target noca: ca nosuch.pem: No such file"]),
    ("--target plainca status", 1, &["target plainca: `ca`, `cert` and `cert_key` need an https URL"]),
    (
        "--config nokey.toml close shop",
        1,
        &["no key: set `key` or `key_command` in maintctl.toml, or MAINTCTL_KEY; `maintctl init` creates a key"],
    ),
    (
        "--config missingkey.toml close shop",
        1,
        &["key nosuch.key: No such file", "correct `key` in maintctl.toml, or create one with `maintctl init`"],
    ),
    (
        "--config readable.toml close shop",
        1,
        &["key readable.key: other users can read it (mode 0644); run chmod 600 readable.key"],
    ),
    (
        "--config notakey.toml close shop",
        1,
        &["key policy.yaml: not an Ed25519 private key in PKCS#8 PEM; create one with `maintctl init`"],
    ),
    ("MAINTCTL_KEY=secret close shop", 1, &["MAINTCTL_KEY: not an Ed25519 private key in PKCS#8 PEM"]),
    ("--config nofleet.toml close shop", 1, &["no fleet: set `fleet` in maintctl.toml to the fleet of the policy"]),
    ("--config otherfleet.toml close shop", 4, &["fleet", "staging", "nothing changed"]),
    (
        "--config stranger.toml close shop",
        4,
        &["add the JWK that `maintctl init` prints to `keys` of the policy", "nothing changed"],
    ),
    ("--target dead close shop", 3, &["no Envoy responds; nothing changed", "connection refused"]),
    ("--target dead status", 3, &["1 of 1 Envoys cannot be read", "connection refused"]),
    ("--target https close shop", 3, &["the listener does not use TLS; its URL begins with http", "nothing changed"]),
    (
        "--target tls close shop",
        3,
        &["closed the connection; if the listener uses TLS, its URL begins with https", "nothing changed"],
    ),
    (
        "--target prefix close shop",
        3,
        &["responds not_found; is this the control endpoint", "control.path_prefix", "nothing changed"],
    ),
    ("--target app close shop", 3, &["control.path_prefix", "nothing changed"]),
    ("--target name close shop --timeout 2s", 3, &["nosuch.invalid", "nothing changed"]),
    ("--target count status", 3, &["1 Envoys respond, 2 are expected", "`expect` of target \"count\""]),
    ("--target nopolicy close shop", 1, &["nosuch.yaml", "No such file"]),
    ("--target invalid close shop", 1, &["invalid.yaml", "did you mean \"hosts\"?"]),
];
