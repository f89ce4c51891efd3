//! A running Envoy.
//!
//! A test builds it with [`Envoy::builder`] or starts it from a whole bootstrap. Dropping it kills the process; when a
//! test fails, it prints the end of the log. `requests` queries the admin and control endpoints, `updates` changes
//! policies.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use hyper::Method;
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use super::bootstrap::Form;
use super::builder::EnvoyBuilder;
use super::eventually;
use super::generations::Generations;

mod requests;
mod updates;

use requests::request;
pub use updates::{Update, replace};

/// The path of the watched file in an Envoy's folder.
pub(super) const ECDS_FILE: &str = "ecds/maintenance.yaml";

/// The default number of workers.
pub(super) const WORKERS: u32 = 2;

/// The settings of an Envoy beside its bootstrap.
pub(super) struct EnvoySettings {
    pub workers: u32,
    /// The path prefix of the control endpoint, if there is one.
    pub control_prefix: Option<String>,
    /// The form and the module of policies that come by the watched file.
    pub form: Form,
    pub module: PathBuf,
    /// The VM configuration of policies that come by the watched file; empty for none.
    pub vm_configuration: String,
    /// Environment variables of the process.
    pub environment: Vec<(String, String)>,
}

/// A running Envoy.
pub struct Envoy {
    folder: TempDir,
    ecds: PathBuf,
    bootstrap: Value,
    settings: EnvoySettings,
    process: Option<Child>,
    generations: Option<Generations>,
    admin: Option<SocketAddr>,
    listeners: BTreeMap<String, SocketAddr>,
}

impl Envoy {
    /// Builds an Envoy with one data listener in front of this application.
    pub fn builder(upstream: SocketAddr) -> EnvoyBuilder {
        EnvoyBuilder::new(upstream)
    }

    /// Starts an Envoy with this bootstrap, whose listeners must bind port 0.
    pub async fn with_bootstrap(bootstrap: Value, control_prefix: Option<&str>) -> Envoy {
        let folder = TempDir::new().unwrap();
        let settings = EnvoySettings {
            workers: WORKERS,
            control_prefix: control_prefix.map(str::to_owned),
            form: Form::Text,
            module: super::module(),
            vm_configuration: String::new(),
            environment: Vec::new(),
        };
        let envoy = Envoy::begin(folder, bootstrap, settings).await;
        envoy.unwrap_or_else(|log| panic!("Envoy did not start:\n{log}"))
    }

    pub(super) async fn begin(folder: TempDir, bootstrap: Value, settings: EnvoySettings) -> Result<Envoy, String> {
        let mut envoy = Envoy {
            ecds: folder.path().join(ECDS_FILE),
            folder,
            bootstrap,
            settings,
            process: None,
            generations: None,
            admin: None,
            listeners: BTreeMap::new(),
        };
        envoy.launch().await?;
        Ok(envoy)
    }

    /// The address of the data listener.
    pub fn data(&self) -> SocketAddr {
        self.listener("data")
    }

    /// The address of a listener.
    pub fn listener(&self, name: &str) -> SocketAddr {
        self.listeners[name]
    }

    /// A URL of the data listener; the path begins with `/`.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.data())
    }

    /// A URL of the control endpoint; `path` follows the prefix.
    pub fn control_url(&self, path: &str) -> String {
        let prefix = self.settings.control_prefix.as_ref().expect("a control listener");
        format!("http://{}{prefix}{path}", self.listener("control"))
    }

    /// The URL of the control endpoint, as `envoys` of a target contains it.
    pub fn endpoint(&self) -> String {
        self.control_url("").trim_end_matches('/').to_owned()
    }

    /// Sends a signal to the process. A stopped process still accepts connections, but never answers.
    pub fn signal(&self, signal: Signal) {
        super::signal(self.pid(), signal);
    }

    /// The id of the process.
    pub fn pid(&self) -> u32 {
        self.process.as_ref().expect("a running Envoy").id()
    }

    /// A folder that is deleted with this Envoy.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The watched file.
    pub fn ecds_file(&self) -> &Path {
        &self.ecds
    }

    /// The log of Envoy.
    pub fn log(&self) -> String {
        read(&self.folder.path().join("envoy.log"))
    }

    /// True if Envoy's log contains this text.
    pub fn log_contains(&self, text: &str) -> bool {
        self.log().contains(text)
    }

    /// The access log: status, response code details, verdict, method, host and path, separated by spaces.
    pub fn access_log(&self) -> Vec<String> {
        read(&self.folder.path().join("access.log")).lines().map(str::to_owned).collect()
    }

    /// The standard output of Envoy, where shipped bootstraps write their access log.
    pub fn output(&self) -> String {
        read(&self.folder.path().join("envoy.out"))
    }

    /// Kills Envoy without a shutdown.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// Kills Envoy and starts it again on the same ports.
    pub async fn restart(&mut self) {
        self.kill();
        self.launch_again().await;
    }

    /// Restarts Envoy so that [`restart_hot`](Envoy::restart_hot) can follow.
    pub async fn restart_for_hot_restarts(&mut self) {
        self.kill();
        self.generations = Some(Generations::new());
        self.launch_again().await;
    }

    /// Starts a successor, which accepts new connections. The old process keeps its connections.
    pub async fn restart_hot(&mut self) {
        let parent = self.process.take().expect("a running Envoy");
        self.generations.as_mut().expect("restart_for_hot_restarts() comes first").succeed(parent);
        self.launch_again().await;
    }

    /// The processes of an Envoy with hot restarts.
    pub fn generations(&mut self) -> &mut Generations {
        self.generations.as_mut().expect("restart_for_hot_restarts() comes first")
    }

    /// The URL of the admin interface.
    pub fn admin_url(&self) -> String {
        format!("http://{}", self.admin.expect("a running Envoy"))
    }

    async fn launch_again(&mut self) {
        let listeners = self.bootstrap["static_resources"]["listeners"].as_array_mut().unwrap();
        for listener in listeners {
            let port = self.listeners[listener["name"].as_str().unwrap()].port();
            listener["address"]["socket_address"]["port_value"] = port.into();
        }
        self.launch().await.unwrap_or_else(|log| panic!("Envoy did not restart:\n{log}"));
    }

    async fn launch(&mut self) -> Result<(), String> {
        let folder = self.folder.path().to_owned();
        fs::write(folder.join("envoy.json"), self.bootstrap.to_string()).unwrap();
        let _ = fs::remove_file(folder.join("admin"));
        let program = std::env::var_os("ENVOY").expect("the variable ENVOY names an Envoy; `make e2e` sets it");
        let log = fs::File::create(folder.join("envoy.log")).unwrap();
        let output = fs::File::create(folder.join("envoy.out")).unwrap();
        let process = Command::new(program)
            .args(self.generations.as_ref().map_or_else(without_hot_restart, Generations::arguments))
            .args(["--file-flush-interval-msec", "10"])
            .args(["--log-level", "warning", "--component-log-level", "wasm:info,config:info"])
            .args(["--concurrency", &self.settings.workers.to_string()])
            .arg("--admin-address-path")
            .arg(folder.join("admin"))
            .arg("--config-path")
            .arg(folder.join("envoy.json"))
            .current_dir(super::project())
            .envs(self.settings.environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(log)
            .spawn()
            .expect("Envoy starts");
        self.process = Some(process);
        eventually("Envoy is ready", async || {
            if let Some(status) = self.process.as_mut().unwrap().try_wait().unwrap() {
                return Some(Err(format!("{}{status}", self.log())));
            }
            let address = fs::read_to_string(folder.join("admin")).ok()?.trim().parse().ok()?;
            self.admin = Some(address);
            let (status, _) = request(address, Method::GET, "/ready", &[]).await?;
            (status == 200).then_some(Ok(()))
        })
        .await?;
        let listeners: Value = serde_json::from_str(&self.admin(Method::GET, "/listeners?format=json").await).unwrap();
        for listener in listeners["listener_statuses"].as_array().unwrap() {
            let address = &listener["local_address"]["socket_address"];
            let address = format!("{}:{}", address["address"].as_str().unwrap(), address["port_value"]);
            self.listeners.insert(listener["name"].as_str().unwrap().to_owned(), address.parse().unwrap());
        }
        Ok(())
    }
}

impl Drop for Envoy {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let log = self.log();
            let tail: Vec<_> = log.lines().rev().take(60).collect();
            eprintln!("the last lines of Envoy's log:");
            tail.iter().rev().for_each(|line| eprintln!("  {line}"));
        }
    }
}

/// Runs `envoy --mode validate`.
///
/// # Errors
/// The log, if Envoy rejects the bootstrap.
pub fn validate(bootstrap: &Path) -> Result<(), String> {
    let program = std::env::var_os("ENVOY").expect("the variable ENVOY names an Envoy; `make e2e` sets it");
    let mut command = Command::new(program);
    command.args(["--mode", "validate", "--disable-hot-restart", "--config-path"]).arg(bootstrap);
    let output = command.current_dir(super::project()).output().expect("Envoy starts");
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

/// The arguments of an Envoy without hot restarts.
fn without_hot_restart() -> Vec<String> {
    ["--disable-hot-restart", "--drain-time-s", "1"].map(str::to_owned).to_vec()
}

fn read(file: &Path) -> String {
    fs::read(file).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}
