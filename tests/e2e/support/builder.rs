//! Describes the Envoy of a test: its policies, what stands beside the filter, and how it listens.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::bootstrap::{self, Form};
use super::envoy::{ECDS_FILE, Envoy, WORKERS, replace};

type Patch = Box<dyn Fn(&mut Value)>;

/// Describes an Envoy before an application.
pub struct Builder {
    upstream: SocketAddr,
    upstream_h2: bool,
    workers: u32,
    node: String,
    module: PathBuf,
    form: Form,
    listeners: Vec<(String, Option<String>)>,
    control: Option<String>,
    watched_file: bool,
    before: Vec<Value>,
    after: Vec<Value>,
    tls: Option<Value>,
    manager: Vec<Patch>,
    bootstrap: Vec<Patch>,
    environment: Vec<(String, String)>,
}

impl Builder {
    pub(super) fn new(upstream: SocketAddr) -> Builder {
        Builder {
            upstream,
            upstream_h2: false,
            workers: WORKERS,
            node: "test".to_owned(),
            module: super::module(),
            form: Form::Text,
            listeners: vec![("data".to_owned(), None)],
            control: None,
            watched_file: false,
            before: Vec::new(),
            after: Vec::new(),
            tls: None,
            manager: Vec::new(),
            bootstrap: Vec::new(),
            environment: Vec::new(),
        }
    }

    /// The policy of the data listener. Without one there is no filter in it.
    pub fn policy(self, policy: &Value) -> Builder {
        self.policy_text(&policy.to_string())
    }

    /// The same as bytes that need not be JSON.
    pub fn policy_text(mut self, policy: &str) -> Builder {
        self.listeners[0].1 = Some(policy.to_owned());
        self
    }

    /// One more data listener, with a policy of its own. Its address is [`Envoy::listener`].
    pub fn listener(mut self, name: &str, policy: &Value) -> Builder {
        self.listeners.push((name.to_owned(), Some(policy.to_string())));
        self
    }

    /// A control listener with this policy, which should have `sites: []`, `control`, `fleet` and `keys`.
    pub fn control(mut self, policy: &Value) -> Builder {
        self.control = Some(policy.to_string());
        self
    }

    /// Policies are handed over as text (the default) or as a struct.
    pub fn form(mut self, form: Form) -> Builder {
        self.form = form;
        self
    }

    /// The data listener's filter comes from a watched file: see [`Envoy::set_policy`].
    pub fn watched_file(mut self) -> Builder {
        self.watched_file = true;
        self
    }

    /// How many workers; else [`WORKERS`].
    pub fn workers(mut self, workers: u32) -> Builder {
        self.workers = workers;
        self
    }

    /// The node id; else `test`.
    pub fn node(mut self, id: &str) -> Builder {
        self.node = id.to_owned();
        self
    }

    /// Another module than the one under test.
    pub fn module(mut self, module: &Path) -> Builder {
        self.module = module.to_owned();
        self
    }

    /// Adds a filter of Envoy's to the data listeners, before ours (see [`super::filters`]).
    pub fn before(mut self, filter: Value) -> Builder {
        self.before.push(filter);
        self
    }

    /// Adds one after ours.
    pub fn after(mut self, filter: Value) -> Builder {
        self.after.push(filter);
        self
    }

    /// The data listeners speak TLS (see [`super::tls::Tls::downstream`]).
    pub fn tls(mut self, downstream: Value) -> Builder {
        self.tls = Some(downstream);
        self
    }

    /// Envoy speaks HTTP/2 to the application.
    pub fn upstream_h2(mut self) -> Builder {
        self.upstream_h2 = true;
        self
    }

    /// Changes the connection manager of each data listener: `local_reply_config`, routes, retries, path normalisation.
    pub fn manager(mut self, change: impl Fn(&mut Value) + 'static) -> Builder {
        self.manager.push(Box::new(change));
        self
    }

    /// Changes the whole bootstrap.
    pub fn bootstrap(mut self, change: impl Fn(&mut Value) + 'static) -> Builder {
        self.bootstrap.push(Box::new(change));
        self
    }

    /// Adds to the environment of the process.
    pub fn environment(mut self, environment: Vec<(String, String)>) -> Builder {
        self.environment = environment;
        self
    }

    /// Starts Envoy and waits until it serves.
    pub async fn start(self) -> Envoy {
        self.try_start().await.unwrap_or_else(|log| panic!("Envoy did not start:\n{log}"))
    }

    /// Starts Envoy; where it gives up, that is its log.
    pub async fn try_start(self) -> Result<Envoy, String> {
        let folder = TempDir::new().unwrap();
        let ecds = folder.path().join(ECDS_FILE);
        fs::create_dir(folder.path().join("ecds")).unwrap();
        if self.watched_file {
            let policy = self.listeners[0].1.as_ref().expect("a policy to begin with");
            let filter = bootstrap::maintenance_of_text("data", policy, self.form, &self.module);
            replace(&ecds, &bootstrap::discovery_file(&filter).to_string());
        }
        let bootstrap = self.to_bootstrap(folder.path(), &ecds);
        let control_prefix = self.control.as_deref().and_then(control_prefix);
        let Builder { workers, form, module, environment, .. } = self;
        Envoy::begin(folder, bootstrap, workers, control_prefix, form, module, environment).await
    }

    fn to_bootstrap(&self, folder: &Path, ecds: &Path) -> Value {
        let access_log = folder.join("access.log");
        let mut listeners = Vec::new();
        for (name, policy) in &self.listeners {
            let ours = policy.as_ref().map(|policy| match name.as_str() {
                "data" if self.watched_file => bootstrap::discovered(ecds),
                _ => bootstrap::maintenance_of_text(name, policy, self.form, &self.module),
            });
            let filters = self.before.iter().cloned().chain(ours).chain(self.after.iter().cloned()).collect();
            let mut manager = bootstrap::connection_manager(name, filters, &access_log);
            self.manager.iter().for_each(|change| change(&mut manager));
            listeners.push(bootstrap::listener(name, manager, self.tls.as_ref()));
        }
        if let Some(policy) = &self.control {
            let filter = bootstrap::maintenance_of_text("control", policy, self.form, &self.module);
            let manager = bootstrap::connection_manager("control", vec![filter], &access_log);
            listeners.push(bootstrap::listener("control", manager, None));
        }
        let mut bootstrap = json!({
            "node": { "id": self.node, "cluster": "test" },
            "admin": { "address": bootstrap::address("127.0.0.1:0".parse().unwrap()) },
            "static_resources": {
                "listeners": listeners,
                "clusters": [bootstrap::cluster("app", self.upstream, self.upstream_h2)],
            },
        });
        self.bootstrap.iter().for_each(|change| change(&mut bootstrap));
        bootstrap
    }
}

fn control_prefix(policy: &str) -> Option<String> {
    let policy: Value = serde_json::from_str(policy).ok()?;
    Some(policy["control"]["path_prefix"].as_str()?.to_owned())
}
