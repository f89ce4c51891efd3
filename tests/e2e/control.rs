//! The control endpoint: its responses, and the documents that it accepts and rejects.

use hyper::Method;
use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::envoy::Envoy;
use crate::support::shop;
use crate::support::signer::{Signer, document, now_ms};

mod clock;
mod order;
mod prefix;
mod readers;
mod rejected;
mod responses;

const DOCUMENT: &str = "x-maintenance-document";

/// An Envoy with the sites `shop` and `docs`, and the keys of its policies.
struct Scene {
    app: App,
    envoy: Envoy,
    ops: Signer,
    docs: Signer,
    tasks: Signer,
}

impl Scene {
    async fn new(change: impl Fn(&mut Value)) -> Scene {
        let (app, ops, docs, tasks) = (App::start(), Signer::generate(), Signer::generate(), Signer::generate());
        let keys = json!([
            ops.entry("ops"),
            { "name": "docs", "jwk": docs.jwk(), "sites": ["docs"], "may": ["state"] },
            { "name": "tasks", "jwk": tasks.jwk(), "sites": ["*"], "may": ["task", "pass"] },
        ]);
        let mut policy = json!({
            "fleet": "test", "keys": keys,
            "sites": [{ "name": "shop" }, { "name": "docs", "paths": ["/docs"] }],
        });
        change(&mut policy);
        let mut control = shop::control(&ops);
        control["keys"] = keys;
        let envoy = Envoy::builder(app.address()).policy(&policy).control(&control).start().await;
        Scene { app, envoy, ops, docs, tasks }
    }

    /// A valid document that closes `shop`.
    fn closing(&self) -> Value {
        let mut closing = document("shop", "offline");
        closing["revision"] = (now_ms() + 1000).into();
        closing
    }

    async fn put(&self, site: &str, headers: &[(&str, &str)]) -> (u16, Value) {
        self.envoy.control(Method::PUT, &format!("/v1/sites/{site}"), headers).await
    }
}
