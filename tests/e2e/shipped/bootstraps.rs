//! The shipped bootstraps in a running Envoy: headers, access log, paths and stats tags.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{BOOTSTRAPS, bootstrap, demo_policy, shipped, watch};
use crate::support::app::App;
use crate::support::envoy::{Envoy, validate};
use crate::support::signer::{Signer, document};
use crate::support::{client, eventually, raw};

/// An Envoy with a shipped bootstrap in front of an application. The test has its key, and an exempt rule admits `/b`.
struct ShippedEnvoy {
    folder: TempDir,
    envoy: Envoy,
    signer: Signer,
    /// The policy in the watched file, if the bootstrap has one.
    policy: Option<Value>,
}

impl ShippedEnvoy {
    async fn start(name: &str, app: &App) -> ShippedEnvoy {
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
        ShippedEnvoy { folder, envoy, signer, policy }
    }

    /// Sets the site's mode through the channel of the bootstrap, and waits until every worker has adopted it.
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

    /// Sends a request with these header lines and the host `a`; the application echoes it.
    async fn ask(&self, method: &str, path: &str, headers: &str) -> raw::Response {
        let request = format!("{method} {path} HTTP/1.1\r\nHost: a\r\nx-app: echo\r\n{headers}\r\n");
        raw::exchange(self.envoy.data(), request.as_bytes()).await.unwrap()
    }

    /// The access log's line for this path, from the method on.
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

/// The request that reached the application, as its echo describes it.
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

/// Headers that only the filter may send, also in the spelling with underscores, which many applications accept.
fn reserved(echo: &Value) -> Vec<(String, Value)> {
    let headers = echo["headers"].as_object().unwrap().iter();
    let headers = headers.filter(|(name, _)| name.replace('_', "-").starts_with("x-maintenance-"));
    headers.map(|(name, values)| (name.clone(), values.clone())).collect()
}

#[tokio::test]
async fn clients_cannot_send_x_maintenance_headers() {
    let app = App::start();
    for name in BOOTSTRAPS {
        let running = ShippedEnvoy::start(name, &app).await;
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
        let running = ShippedEnvoy::start(name, &app).await;
        let own =
            "x_forwarded_for: 10.0.0.1\r\nX_Forwarded_Proto: https\r\nx-real_ip: 10.0.0.1\r\n_: a\r\na_: b\r\na: c\r\n";
        let echo = echo(&running.ask("GET", "/", own).await);
        let names: Vec<_> = echo["headers"].as_object().unwrap().keys().filter(|name| name.contains('_')).collect();
        assert!(names.is_empty(), "{name}: {names:?}");
        assert_eq!(echo["headers"]["a"], json!(["c"]), "{name}");
    }
}

#[tokio::test]
async fn access_logs_contain_the_verdict() {
    let app = App::start();
    for name in BOOTSTRAPS {
        let running = ShippedEnvoy::start(name, &app).await;
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
async fn envoy_normalizes_paths_before_the_filter() {
    for name in BOOTSTRAPS {
        let app = App::start();
        let running = ShippedEnvoy::start(name, &app).await;
        running.set("offline").await;
        // As sent, none of these would match the rule for /b.
        for path in ["/a/%2e%2e/b", "/a/../b", "/./b", "//b"] {
            assert_eq!(echo(&running.ask("GET", path, "").await)["path"], "/b", "{name} {path}");
        }
        // Envoy redirects before the filter, which would answer 503.
        for path in ["/a%2fb", "/a%2Fb", "/a%5cb"] {
            let answer = running.ask("GET", path, "").await;
            assert_eq!((answer.status, answer.header("location")), (307, Some("/a/b")), "{name} {path}");
        }
        assert_eq!(app.paths(), ["/b"], "{name}");
    }
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
