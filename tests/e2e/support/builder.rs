//! Builds the Envoy of a test: its policies, the filters beside ours, and its listeners.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::bootstrap::{self, Form};
use super::envoy::{ECDS_FILE, Envoy, EnvoySettings, WORKERS, replace};

type Patch = Box<dyn Fn(&mut Value)>;

/// Builds an Envoy in front of an application.
pub struct EnvoyBuilder {
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

impl EnvoyBuilder {
    pub(super) fn new(upstream: SocketAddr) -> EnvoyBuilder {
        EnvoyBuilder {
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

    /// Sets the policy of the data listener. Without one, the listener does not have the filter.
    pub fn policy(self, policy: &Value) -> EnvoyBuilder {
        self.policy_text(&policy.to_string())
    }

    /// Like [`policy`](EnvoyBuilder::policy), with text that need not be JSON.
    pub fn policy_text(mut self, policy: &str) -> EnvoyBuilder {
        self.listeners[0].1 = Some(policy.to_owned());
        self
    }

    /// Adds a data listener with its own policy. [`Envoy::listener`] returns its address.
    pub fn listener(mut self, name: &str, policy: &Value) -> EnvoyBuilder {
        self.listeners.push((name.to_owned(), Some(policy.to_string())));
        self
    }

    /// Adds a control listener with this policy, which should have `sites: []`, `control`, `fleet` and `keys`.
    pub fn control(mut self, policy: &Value) -> EnvoyBuilder {
        self.control = Some(policy.to_string());
        self
    }

    /// Sets the form of plugin configurations; text by default.
    pub fn form(mut self, form: Form) -> EnvoyBuilder {
        self.form = form;
        self
    }

    /// Loads the data listener's filter from a watched file: see [`Envoy::set_policy`].
    pub fn watched_file(mut self) -> EnvoyBuilder {
        self.watched_file = true;
        self
    }

    /// Sets the number of workers; [`WORKERS`] by default.
    pub fn workers(mut self, workers: u32) -> EnvoyBuilder {
        self.workers = workers;
        self
    }

    /// Sets the node id; `test` by default.
    pub fn node(mut self, id: &str) -> EnvoyBuilder {
        self.node = id.to_owned();
        self
    }

    /// Sets the module; the module under test by default.
    pub fn module(mut self, module: &Path) -> EnvoyBuilder {
        self.module = module.to_owned();
        self
    }

    /// Adds one of Envoy's filters to the data listeners, before ours (see [`super::filters`]).
    pub fn before(mut self, filter: Value) -> EnvoyBuilder {
        self.before.push(filter);
        self
    }

    /// Adds one of Envoy's filters to the data listeners, after ours.
    pub fn after(mut self, filter: Value) -> EnvoyBuilder {
        self.after.push(filter);
        self
    }

    /// Enables TLS on the data listeners (see [`super::tls::Tls::downstream`]).
    pub fn tls(mut self, downstream: Value) -> EnvoyBuilder {
        self.tls = Some(downstream);
        self
    }

    /// Makes Envoy use HTTP/2 to the application.
    pub fn upstream_h2(mut self) -> EnvoyBuilder {
        self.upstream_h2 = true;
        self
    }

    /// Changes the connection manager of each data listener: `local_reply_config`, routes, retries, path normalization.
    pub fn manager(mut self, change: impl Fn(&mut Value) + 'static) -> EnvoyBuilder {
        self.manager.push(Box::new(change));
        self
    }

    /// Changes the bootstrap.
    pub fn bootstrap(mut self, change: impl Fn(&mut Value) + 'static) -> EnvoyBuilder {
        self.bootstrap.push(Box::new(change));
        self
    }

    /// Sets environment variables of the process.
    pub fn environment(mut self, environment: Vec<(String, String)>) -> EnvoyBuilder {
        self.environment = environment;
        self
    }

    /// Starts Envoy and waits until it is ready.
    pub async fn start(self) -> Envoy {
        self.try_start().await.unwrap_or_else(|log| panic!("Envoy did not start:\n{log}"))
    }

    /// Starts Envoy.
    ///
    /// # Errors
    /// The log of an Envoy that has exited.
    pub async fn try_start(self) -> Result<Envoy, String> {
        let folder = TempDir::new().unwrap();
        let ecds = folder.path().join(ECDS_FILE);
        fs::create_dir(folder.path().join("ecds")).unwrap();
        if self.watched_file {
            let policy = self.listeners[0].1.as_ref().expect("a watched file needs a policy");
            let filter = bootstrap::maintenance_of_text("data", policy, self.form, &self.module);
            replace(&ecds, &bootstrap::discovery_file(&filter).to_string());
        }
        let bootstrap = self.to_bootstrap(folder.path(), &ecds);
        let control_prefix = self.control.as_deref().and_then(control_prefix);
        let EnvoyBuilder { workers, form, module, environment, .. } = self;
        let vm_configuration = String::new();
        let settings = EnvoySettings { workers, control_prefix, form, module, vm_configuration, environment };
        Envoy::begin(folder, bootstrap, settings).await
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
