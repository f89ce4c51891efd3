//! What is shipped: the module's exports, and what lies in `envoy/`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::app::App;
use crate::support::client;
use crate::support::envoy::{Envoy, replace, validate};
use crate::support::signer::{Signer, document};
use crate::support::{eventually, maintctl, module, project, raw, wasm};

mod control;

#[test]
fn the_module_exports_what_it_uses_and_nothing_else() {
    let mut expected = [
        "memory",
        "_initialize",
        "proxy_abi_version_0_2_1",
        "proxy_on_memory_allocate",
        "proxy_on_vm_start",
        "proxy_on_configure",
        "proxy_on_context_create",
        "proxy_on_request_headers",
        "proxy_on_tick",
        "proxy_on_delete",
    ];
    expected.sort_unstable();
    assert_eq!(wasm::exports(&fs::read(module()).unwrap()), expected);
}

#[test]
fn the_module_is_at_most_600_kib() {
    let size = fs::metadata(module()).unwrap().len();
    assert!(size <= 600 * 1024, "{size} bytes");
}

/// A file of `envoy/` as text.
fn shipped(name: &str) -> String {
    fs::read_to_string(project().join("envoy").join(name)).unwrap()
}

/// The bootstraps that are shipped.
const BOOTSTRAPS: [&str; 2] = ["push.yaml", "file.yaml"];

/// A bootstrap with free ports, the module under test, and its watched file in `folder`; all else as it is shipped.
fn bootstrap(name: &str, folder: &Path, application: Option<&App>) -> Value {
    changed_bootstrap(name, &shipped(name), folder, application)
}

/// The same of a bootstrap that a reader has changed.
fn changed_bootstrap(name: &str, text: &str, folder: &Path, application: Option<&App>) -> Value {
    let module = module();
    let mut text = text
        .replace("dist/envoy_maintenance.wasm", module.to_str().unwrap())
        .replace(".run/ecds", folder.join("ecds").to_str().unwrap());
    for port in [10000, 10001, 9901] {
        let fixed = format!("port_value: {port} ");
        assert!(text.contains(&fixed), "{name} has no port {port}");
        text = text.replace(&fixed, "port_value: 0 ");
    }
    let mut bootstrap: Value = serde_saphyr::from_str(&text).unwrap();
    let parts = &mut bootstrap["static_resources"];
    if let Some(app) = application {
        parts["listeners"].as_array_mut().unwrap().retain(|listener| listener["name"] != "application");
        let endpoint = &mut parts["clusters"][0]["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"];
        endpoint["address"]["socket_address"]["port_value"] = app.address().port().into();
    } else {
        // The demo application's port stands in a listener and in a cluster, so it cannot be 0.
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        parts["listeners"][2]["address"]["socket_address"]["port_value"] = free.into();
        parts["clusters"][0]["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"]["socket_address"]
            ["port_value"] = free.into();
    }
    fs::create_dir_all(folder.join("ecds")).unwrap();
    watch(folder, &serde_saphyr::from_str(&demo_policy()).unwrap());
    bootstrap
}

/// Puts this policy into the watched file.
fn watch(folder: &Path, policy: &Value) {
    let mut watched: Value = serde_saphyr::from_str(&shipped("ecds.yaml")).unwrap();
    let config = &mut watched["resources"][0]["typed_config"]["config"];
    assert_eq!(config["vm_config"]["code"]["local"]["filename"], "dist/envoy_maintenance.wasm");
    config["vm_config"]["code"]["local"]["filename"] = module().to_str().unwrap().into();
    config["configuration"]["value"] = policy.clone();
    replace(&folder.join("ecds/maintenance.yaml"), &watched.to_string());
}

fn demo_policy() -> String {
    let jwk = Signer::generate().jwk();
    shipped("scripts/demo.yaml").replace("KEY", &jwk.to_string())
}

/// A shipped bootstrap that runs before an application, with a key of the test's and an exempt rule for `/b`.
struct Running {
    folder: TempDir,
    envoy: Envoy,
    signer: Signer,
    /// The policy of the watched file, where that is what the bootstrap is for.
    policy: Option<Value>,
}

impl Running {
    async fn start(name: &str, app: &App) -> Running {
        let (folder, signer) = (TempDir::new().unwrap(), Signer::generate());
        let mut bootstrap = bootstrap(name, folder.path(), Some(app));
        let mut policy = None;
        let exempt = json!([{ "name": "open", "paths": ["/b"] }]);
        if name == "file.yaml" {
            let mut own: Value = serde_saphyr::from_str(&demo_policy()).unwrap();
            own["exempt"] = exempt;
            watch(folder.path(), &own);
            policy = Some(own);
        } else {
            let manager = &mut bootstrap["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0];
            let filter = &mut manager["typed_config"]["http_filters"][0]["typed_config"]["config"];
            filter["configuration"]["value"]["exempt"] = exempt;
            let example = "gYJaw-0h1bAImXaQnJYUAzd5m2Bna9E67vxP3Eqld9g";
            let text = bootstrap.to_string().replace(example, signer.jwk()["x"].as_str().unwrap());
            bootstrap = serde_json::from_str(&text).unwrap();
        }
        let envoy = Envoy::with_bootstrap(bootstrap, Some("/.maintenance")).await;
        Running { folder, envoy, signer, policy }
    }

    /// Brings the site into this mode by the channel that the bootstrap is for.
    async fn set(&self, mode: &str) {
        if let Some(mut policy) = self.policy.clone() {
            policy["state"] = json!({ "demo": { "mode": mode } });
            watch(self.folder.path(), &policy);
        } else {
            let mut document = document("demo", mode);
            document["fleet"] = "demo".into();
            let (status, answer) = self.envoy.push("demo", &self.signer.sign(&document)).await;
            assert_eq!(status, 200, "{answer}");
        }
        eventually(&format!("every worker has the site {mode}"), async || {
            let seen = self.envoy.site("demo").await;
            (seen["mode"] == mode && seen["workers"] == self.envoy.all_adopted()).then_some(())
        })
        .await;
    }

    /// Sends this as the head of a request with the host `a`, for the application's echo.
    async fn ask(&self, method: &str, path: &str, headers: &str) -> raw::Response {
        let request = format!("{method} {path} HTTP/1.1\r\nHost: a\r\nx-app: echo\r\n{headers}\r\n");
        raw::exchange(self.envoy.data(), request.as_bytes()).await.unwrap()
    }

    /// The line of the access log for this path, from the method on.
    async fn logged(&self, path: &str) -> String {
        let request = format!(" a{path} ");
        eventually(&format!("the access log has {path}"), async || {
            let output = self.envoy.output();
            let line = output.lines().find(|line| line.contains(&request))?;
            Some(line.splitn(3, ' ').last()?.to_owned())
        })
        .await
    }
}

/// What the application's echo says of the request that reached it.
fn echo(answer: &raw::Response) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.text());
    serde_json::from_slice(&answer.body).unwrap()
}

#[tokio::test]
async fn bootstraps_validate_start_and_serve() {
    for name in BOOTSTRAPS {
        let folder = TempDir::new().unwrap();
        let bootstrap = bootstrap(name, folder.path(), None);
        let file = folder.path().join("bootstrap.json");
        fs::write(&file, bootstrap.to_string()).unwrap();
        validate(&file).unwrap_or_else(|log| panic!("{name}: {log}"));

        let envoy = Envoy::with_bootstrap(bootstrap, Some("/.maintenance")).await;
        let answer = client::h1().get(format!("http://127.0.0.1:{}/", envoy.data().port())).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{name}");
        assert!(answer.text().await.unwrap().contains("The demo application"), "{name}");
        let (status, answer) = envoy.control(hyper::Method::GET, "/v1/status", &[]).await;
        assert_eq!(status, 200, "{name}: {answer}");
        assert_eq!(answer["sites"][0]["site"], "demo", "{name}: {answer}");
        assert_eq!(envoy.control(hyper::Method::GET, "/nothing", &[]).await.0, 404, "{name}");
    }
}

/// Headers that only the filter may send, and how applications that take `_` for `-` would read them.
fn reserved(echo: &Value) -> Vec<(String, Value)> {
    let headers = echo["headers"].as_object().unwrap().iter();
    let headers = headers.filter(|(name, _)| name.replace('_', "-").starts_with("x-maintenance-"));
    headers.map(|(name, values)| (name.clone(), values.clone())).collect()
}

#[tokio::test]
async fn a_client_cannot_say_what_only_the_filter_says() {
    let app = App::start();
    for name in BOOTSTRAPS {
        let running = Running::start(name, &app).await;
        let own = "X-Maintenance-Status: a\r\nx-maintenance-status: b\r\nx-maintenance-mode: c\r\n\
                   x-maintenance-document: d\r\nX-MAINTENANCE-Invented: e\r\nx-maintenance-: f\r\nx-maintenance-pass: g\r\n\
                   x_maintenance_status: h\r\nX_Maintenance_Status: i\r\nX-Maintenance_Status: j\r\n\
                   x_maintenance-mode: k\r\nX-OTHER: l\r\n";
        for (mode, said) in [("online", None), ("read_only", Some("read_only; via=read_only"))] {
            running.set(mode).await;
            let expected: Vec<_> = said.iter().map(|said| ("x-maintenance-status".to_owned(), json!([said]))).collect();
            let h1 = echo(&running.ask("GET", "/", own).await);
            assert_eq!(h1["headers"]["x-other"], json!(["l"]), "{name}");
            assert_eq!(reserved(&h1), expected, "{name} {mode}");

            let mut request = client::h2().get(running.envoy.url("/")).header("x-app", "echo");
            for line in own.lines() {
                let (header, value) = line.split_once(": ").unwrap();
                request = request.header(header, value);
            }
            let h2 = request.send().await.unwrap().text().await.unwrap();
            let h2: Value = serde_json::from_str(&h2).unwrap();
            assert_eq!(h2["headers"]["x-other"], json!(["l"]), "{name}");
            assert_eq!(reserved(&h2), expected, "{name} {mode} over HTTP/2");
        }
    }
}

#[tokio::test]
async fn headers_with_underscores_reach_no_application() {
    let app = App::start();
    for name in BOOTSTRAPS {
        let running = Running::start(name, &app).await;
        let own =
            "x_forwarded_for: 10.0.0.1\r\nX_Forwarded_Proto: https\r\nx-real_ip: 10.0.0.1\r\n_: a\r\na_: b\r\na: c\r\n";
        let echo = echo(&running.ask("GET", "/", own).await);
        let names: Vec<_> = echo["headers"].as_object().unwrap().keys().filter(|name| name.contains('_')).collect();
        assert!(names.is_empty(), "{name}: {names:?}");
        assert_eq!(echo["headers"]["a"], json!(["c"]), "{name}");
    }
}

#[tokio::test]
async fn access_logs_say_why_a_request_passed_or_was_refused() {
    let app = App::start();
    for name in BOOTSTRAPS {
        let running = Running::start(name, &app).await;
        for (mode, method, path, expected) in [
            ("read_only", "GET", "/passed", "200 via_upstream verdict=read_only"),
            ("read_only", "POST", "/refused", "503 maintenance_read_only verdict=read_only"),
            ("offline", "GET", "/b", "200 via_upstream verdict=exempt:open"),
            ("offline", "GET", "/closed", "503 maintenance_offline verdict=offline"),
        ] {
            running.set(mode).await;
            running.ask(method, path, "").await;
            assert_eq!(running.logged(path).await, format!("{method} a{path} {expected}"), "{name}");
        }
    }
}

#[tokio::test]
async fn the_filter_and_the_application_see_one_spelling_of_a_path() {
    for name in BOOTSTRAPS {
        let app = App::start();
        let running = Running::start(name, &app).await;
        running.set("offline").await;
        // The rule for /b would hold for none of these as they were sent.
        for path in ["/a/%2e%2e/b", "/a/../b", "/./b", "//b"] {
            assert_eq!(echo(&running.ask("GET", path, "").await)["path"], "/b", "{name} {path}");
        }
        // Before the filter, which would answer 503.
        for path in ["/a%2fb", "/a%2Fb", "/a%5cb"] {
            let answer = running.ask("GET", path, "").await;
            assert_eq!((answer.status, answer.header("location")), (307, Some("/a/b")), "{name} {path}");
        }
        assert_eq!(app.paths(), ["/b"], "{name}");
    }
}

#[tokio::test]
async fn policies_bootstraps_and_manifests_pass_lint() {
    let folder = TempDir::new().unwrap();
    let demo = folder.path().join("demo.yaml");
    fs::write(&demo, demo_policy()).unwrap();
    let shipped = ["policy.yaml", "push.yaml", "file.yaml", "istio/wasmplugin.yaml", "istio/trafficextension.yaml"];
    for file in shipped.iter().map(|name| project().join("envoy").join(name)).chain([demo]) {
        let output = client::run(maintctl(), &["lint".as_ref(), file.as_os_str()]).await;
        assert_eq!(output.code, 0, "{}: {output:?}", file.display());
    }
}

/// Where in policy.yaml the objects stand whose fields a function of `src` reads: the ends of their paths.
const OBJECTS: [(&str, &str, &[&str]); 14] = [
    ("src/config.rs", "read", &["policy", "jwt", "control"]),
    ("src/config.rs", "site", &["sites"]),
    ("src/config.rs", "rule", &["exempt", "always_closed", "health_checks"]),
    ("src/config.rs", "text", &["value"]),
    ("src/config.rs", "named", &["headers", "query", "cookies"]),
    ("src/config.rs", "claim", &["claims"]),
    ("src/config.rs", "reply", &["reply", "cors"]),
    ("src/config.rs", "format", &["formats"]),
    ("src/config.rs", "key", &["keys"]),
    ("src/config.rs", "jwk", &["jwk"]),
    ("src/state.rs", "from_payload", &["state.checkout"]),
    ("src/state.rs", "declared", &["state.checkout"]),
    ("src/state.rs", "windows", &["windows"]),
    ("src/state.rs", "past", &["past"]),
];

/// The names of the fields that a source asks for, each after the function that has begun to read the object.
fn fields(source: &str) -> Vec<(&str, &str)> {
    let steps = r#"fn (\w+)|(Fields::of)\(|(?:\.(?:optional|required|list|raw)|only_member)\(\s*"(\w+)""#;
    let (mut function, mut reader) = ("", "");
    let mut fields = Vec::new();
    for step in regex_lite::Regex::new(steps).unwrap().captures_iter(source) {
        match [1, 2, 3].map(|group| step.get(group)) {
            [Some(name), ..] => function = name.as_str(),
            [_, Some(_), _] => reader = function,
            [.., name] => fields.push((reader, name.unwrap().as_str())),
        }
    }
    fields
}

/// All that stands below a value, by path; the elements of a list have the path of the list.
fn paths<'v>(value: &'v Value, path: &str, found: &mut Vec<(String, &'v Value)>) {
    found.push((path.to_owned(), value));
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, member)| paths(member, &format!("{path}.{name}"), found))
        }
        Value::Array(items) => items.iter().for_each(|item| paths(item, path, found)),
        _ => (),
    }
}

/// All that stands in policy.yaml, by path.
fn annotated(policy: &Value) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    paths(policy, ".policy", &mut found);
    found
}

#[tokio::test]
async fn the_annotated_policy_has_every_field() {
    let policy = serde_saphyr::from_str(&shipped("policy.yaml")).unwrap();
    let found = annotated(&policy);
    let src = project().join("src");
    let sources = client::run("grep", &["-rl".as_ref(), "Fields::of(".as_ref(), src.as_os_str()]).await.stdout;
    let mut read = Vec::new();
    for source in sources.lines() {
        let file = Path::new(source).strip_prefix(project()).unwrap().to_str().unwrap();
        // The claims of a token, and what the tests of the reader make up: they stand in no policy.
        if ["src/filter/control/readers.rs", "src/tree/fields.rs"].contains(&file) {
            continue;
        }
        for (reader, field) in fields(&fs::read_to_string(source).unwrap()) {
            let object = OBJECTS.iter().find(|(of, function, _)| (*of, *function) == (file, reader));
            let (.., ends) = object.unwrap_or_else(|| panic!("where does what {file} reads in {reader} stand?"));
            let stands = |end: &&str| found.iter().any(|(path, _)| path.ends_with(&format!(".{end}.{field}")));
            assert!(ends.iter().any(stands), "policy.yaml has no {field} in {ends:?}, as {file} reads it");
            read.push((file.to_owned(), reader.to_owned()));
        }
    }
    for (file, reader, _) in OBJECTS {
        assert!(read.contains(&(file.to_owned(), reader.to_owned())), "{file} reads no field in {reader}");
    }
}

#[test]
fn the_annotated_policy_has_every_form_of_text() {
    let policy = serde_saphyr::from_str(&shipped("policy.yaml")).unwrap();
    let found = annotated(&policy);
    let is_text = |path: &str| ["paths", "uri_sans", "value", "origins"].iter().any(|end| path.ends_with(end));
    let texts: Vec<&str> =
        found.iter().filter(|(path, _)| is_text(path)).filter_map(|(_, text)| text.as_str()).collect();
    let stars = |text: &&&str| (text.starts_with('*'), text.ends_with('*'), text.len() > 1);
    for (form, wanted) in [
        ("exact", (false, false, true)),
        ("prefix*", (false, true, true)),
        ("*suffix", (true, false, true)),
        ("*", (true, true, false)),
    ] {
        assert!(texts.iter().any(|text| stars(&text) == wanted), "{form} is not among {texts:?}");
    }
}

#[test]
fn manifests_select_a_gateway_pin_the_module_and_say_the_same() {
    let manifest = |name: &str| -> Value { serde_saphyr::from_str(&shipped(name)).unwrap() };
    let (old, new) = (manifest("istio/wasmplugin.yaml"), manifest("istio/trafficextension.yaml"));
    for (manifest, kind, wasm) in [(&old, "WasmPlugin", &old["spec"]), (&new, "TrafficExtension", &new["spec"]["wasm"])]
    {
        assert_eq!(manifest["kind"], kind);
        assert_eq!(manifest["apiVersion"], "extensions.istio.io/v1alpha1");
        assert_eq!(manifest["spec"]["selector"]["matchLabels"]["istio"], "ingressgateway");
        assert_eq!(wasm["sha256"].as_str().unwrap().len(), 64, "{kind}");
        assert!(wasm["url"].as_str().unwrap().starts_with("file:///"), "{kind}");
        assert_eq!(wasm["failStrategy"], "FAIL_RELOAD", "{kind}");
        assert_eq!(wasm["pluginConfig"], old["spec"]["pluginConfig"], "{kind}");
    }
}

#[tokio::test]
async fn pinned_manifests_differ_by_the_modules_sha256_alone() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("istio");
    let script = project().join("envoy/scripts/pin-istio.sh");
    let pinned = client::run(&script, &[module().as_os_str(), out.as_os_str()]).await;
    assert_eq!(pinned.code, 0, "{pinned:?}");
    let digest = hmac_sha256::Hash::hash(&fs::read(module()).unwrap());
    let sum: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let names = |folder: &Path| -> BTreeSet<_> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    assert_eq!(names(&out), names(&project().join("envoy/istio")));
    for name in names(&out) {
        let (zeros, manifest) = ("0".repeat(64), shipped(&format!("istio/{name}")));
        assert_eq!(manifest.matches(&zeros).count(), 1, "{name}");
        assert_eq!(fs::read_to_string(out.join(&name)).unwrap(), manifest.replace(&zeros, &sum), "{name}");
    }
    let missing = client::run(script, &[folder.path().join("none"), folder.path().join("nothing")]).await;
    assert_ne!(missing.code, 0, "{missing:?}");
    assert!(!folder.path().join("nothing").exists(), "{missing:?}");
}

#[test]
fn stats_tags_match_the_names_of_stats() {
    let tags =
        |name: &str| -> Value { serde_saphyr::from_str::<Value>(&shipped(name)).unwrap()["stats_config"].clone() };
    assert_eq!(tags("push.yaml"), tags("file.yaml"));
    let tags = tags("push.yaml");
    for (stat, expected) in [
        ("wasmcustom.maintenance.site.shop.rq_refused", vec![("maintenance_site", "shop")]),
        (
            "wasmcustom.maintenance.site.shop.rq_bypassed.staff",
            vec![("maintenance_site", "shop"), ("maintenance_rule", "staff")],
        ),
        ("wasmcustom.maintenance.channel.push.rejected", vec![("maintenance_channel", "push")]),
        ("wasmcustom.maintenance.no_site_passed", vec![]),
    ] {
        let found: Vec<_> = tags["stats_tags"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|tag| {
                let regex = regex_lite::Regex::new(tag["regex"].as_str().unwrap()).unwrap();
                Some((tag["tag_name"].as_str().unwrap(), regex.captures(stat)?.get(2)?.as_str()))
            })
            .collect();
        assert_eq!(found, expected, "{stat}");
    }
}
