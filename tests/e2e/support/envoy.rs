//! A running Envoy: started from a bootstrap that the test describes, asked through its admin and control endpoints,
//! and killed when dropped. When a test fails, the end of its log is printed.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use http_body_util::{BodyExt, Empty};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpStream;

use super::bootstrap::{self, Form};
use super::builder::Builder;
use super::eventually;
use super::generations::Generations;

/// The watched file, below an Envoy's folder.
pub(super) const ECDS_FILE: &str = "ecds/maintenance.yaml";

/// How many workers an Envoy has of which the test says nothing.
pub(super) const WORKERS: u32 = 2;

/// What Envoy has done with a new policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Update {
    Taken,
    Refused,
}

/// A running Envoy.
pub struct Envoy {
    folder: TempDir,
    ecds: PathBuf,
    form: Form,
    module: PathBuf,
    bootstrap: Value,
    workers: u32,
    control_prefix: Option<String>,
    environment: Vec<(String, String)>,
    process: Option<Child>,
    generations: Option<Generations>,
    admin: Option<SocketAddr>,
    listeners: BTreeMap<String, SocketAddr>,
}

impl Envoy {
    /// An Envoy with one data listener before this application.
    pub fn builder(upstream: SocketAddr) -> Builder {
        Builder::new(upstream)
    }

    /// An Envoy with this whole bootstrap, which listens on free ports.
    pub async fn with_bootstrap(bootstrap: Value, control_prefix: Option<&str>) -> Envoy {
        let folder = TempDir::new().unwrap();
        Envoy::begin(folder, bootstrap, WORKERS, control_prefix.map(str::to_owned), Form::Text, super::module(), vec![])
            .await
            .unwrap_or_else(|log| panic!("Envoy did not start:\n{log}"))
    }

    pub(super) async fn begin(
        folder: TempDir,
        bootstrap: Value,
        workers: u32,
        control_prefix: Option<String>,
        form: Form,
        module: PathBuf,
        environment: Vec<(String, String)>,
    ) -> Result<Envoy, String> {
        let mut envoy = Envoy {
            ecds: folder.path().join(ECDS_FILE),
            folder,
            form,
            module,
            bootstrap,
            workers,
            control_prefix,
            environment,
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

    /// The address of any listener.
    pub fn listener(&self, name: &str) -> SocketAddr {
        self.listeners[name]
    }

    /// A URL of the data listener; the path begins with `/`.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.data())
    }

    /// The control endpoint, as maintctl's `envoys` names it; `path` follows it.
    pub fn control_url(&self, path: &str) -> String {
        let prefix = self.control_prefix.as_ref().expect("a control listener");
        format!("http://{}{prefix}{path}", self.listener("control"))
    }

    /// The process.
    pub fn pid(&self) -> u32 {
        self.process.as_ref().expect("a running Envoy").id()
    }

    /// A folder that lives as long as this Envoy.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The watched file, for those who write it themselves.
    pub fn ecds_file(&self) -> &Path {
        &self.ecds
    }

    /// Brings a policy by the watched file, and waits until Envoy has taken or refused it.
    pub async fn set_policy(&self, policy: &Value) -> Update {
        self.set_policy_text(&policy.to_string()).await
    }

    /// The same with bytes that need not be JSON.
    pub async fn set_policy_text(&self, policy: &str) -> Update {
        let filter = bootstrap::maintenance_of_text("data", policy, self.form, &self.module);
        self.set_filter(&filter).await
    }

    /// Puts a plugin of another name in the place of the one that there is.
    pub async fn set_plugin(&self, name: &str, policy: &Value) -> Update {
        self.set_filter(&bootstrap::maintenance(name, policy, self.form, &self.module)).await
    }

    /// Brings a policy and another module with it, which is what an upgrade is.
    pub async fn upgrade(&mut self, module: &Path, policy: &Value) -> Update {
        self.module = module.to_owned();
        self.set_policy(policy).await
    }

    async fn set_filter(&self, filter: &Value) -> Update {
        let before = self.updates().await;
        replace(&self.ecds, &bootstrap::discovery_file(filter).to_string());
        self.wait_for_update(before).await
    }

    /// How often Envoy has taken and refused what the watched file held.
    pub async fn updates(&self) -> (u64, u64) {
        let stats = self.stats("extension_config_discovery").await;
        let sum = |end: &str| stats.iter().filter(|(name, _)| name.ends_with(end)).map(|(_, value)| value).sum();
        (sum("config_reload"), sum("config_fail"))
    }

    /// Waits until these numbers have moved.
    pub async fn wait_for_update(&self, (taken, refused): (u64, u64)) -> Update {
        eventually("Envoy reads the watched file", async || {
            let now = self.updates().await;
            if now.1 > refused {
                return Some(Update::Refused);
            }
            (now.0 > taken).then_some(Update::Taken)
        })
        .await
    }

    /// A counter or a gauge; 0 where there is none.
    pub async fn stat(&self, name: &str) -> u64 {
        self.stats(name).await.get(name).copied().unwrap_or(0)
    }

    /// All counters and gauges whose name holds this.
    pub async fn stats(&self, part: &str) -> BTreeMap<String, u64> {
        let text = self.admin(Method::GET, &format!("/stats?filter={}", part.replace('.', "%5C."))).await;
        let line =
            |line: &str| line.split_once(": ").and_then(|(name, value)| Some((name.to_owned(), value.parse().ok()?)));
        text.lines().filter_map(line).collect()
    }

    /// Asks the admin endpoint, which must answer 200.
    pub async fn admin(&self, method: Method, path: &str) -> String {
        let (status, body) = request(self.admin.expect("a running Envoy"), method.clone(), path, &[]).await.unwrap();
        assert_eq!(status, 200, "{method} {path}: {body}");
        body
    }

    /// Asks the control endpoint: `path` below the prefix, the document where there is one. Status and JSON.
    pub async fn control(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> (u16, Value) {
        let path = format!("{}{path}", self.control_prefix.as_ref().expect("a control listener"));
        let (status, body) = request(self.listener("control"), method, &path, headers).await.unwrap();
        (status, serde_json::from_str(&body).unwrap_or(Value::String(body)))
    }

    /// Pushes a signed document to a site.
    pub async fn push(&self, site: &str, document: &str) -> (u16, Value) {
        self.control(Method::PUT, &format!("/v1/sites/{site}"), &[("x-maintenance-document", document)]).await
    }

    /// What the control endpoint says of a site.
    pub async fn site(&self, name: &str) -> Value {
        let (status, answer) = self.control(Method::GET, "/v1/status", &[]).await;
        assert_eq!(status, 200, "{answer}");
        answer["sites"].as_array().unwrap().iter().find(|site| site["site"] == name).cloned().unwrap_or_default()
    }

    /// What the status says of a site's `workers` when every one has adopted.
    pub fn all_adopted(&self) -> Value {
        json!({ "members": self.workers, "adopted": self.workers })
    }

    /// Waits until every worker is a member and has adopted what holds of a site.
    pub async fn wait_for_workers(&self, site: &str) {
        eventually(&format!("every worker adopts what {site} is"), async || {
            (self.site(site).await["workers"] == self.all_adopted()).then_some(())
        })
        .await;
    }

    /// Waits until every worker has adopted this revision of a site.
    pub async fn wait_adopted(&self, site: &str, revision: &Value) {
        eventually(&format!("every worker adopts {site} {revision}"), async || {
            let seen = self.site(site).await;
            // A worker of an Envoy that has just started is a member from its first tick on.
            (&seen["revision"] == revision && seen["workers"] == self.all_adopted()).then_some(())
        })
        .await;
    }

    /// All that Envoy has logged.
    pub fn log(&self) -> String {
        read(&self.folder.path().join("envoy.log"))
    }

    /// Whether Envoy has logged this.
    pub fn log_contains(&self, text: &str) -> bool {
        self.log().contains(text)
    }

    /// The access log: status, response code details, verdict, method, host and path, with blanks between.
    pub fn access_log(&self) -> Vec<String> {
        read(&self.folder.path().join("access.log")).lines().map(str::to_owned).collect()
    }

    /// What Envoy has written to its standard output, where shipped bootstraps have their access log.
    pub fn output(&self) -> String {
        read(&self.folder.path().join("envoy.out"))
    }

    /// Kills Envoy as a crash would.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// Kills it and starts it again, on the ports that it had.
    pub async fn restart(&mut self) {
        self.kill();
        self.launch_again().await;
    }

    /// From the next restart on, the processes know each other, and restarts are hot.
    pub async fn restart_for_hot_restarts(&mut self) {
        self.kill();
        self.generations = Some(Generations::new());
        self.launch_again().await;
    }

    /// Starts a successor, to which new connections go. This process keeps those that it has.
    pub async fn restart_hot(&mut self) {
        let parent = self.process.take().expect("a running Envoy");
        self.generations.as_mut().expect("an Envoy that restarts hot").succeed(parent);
        self.launch_again().await;
    }

    /// The processes, where they restart hot.
    pub fn generations(&mut self) -> &mut Generations {
        self.generations.as_mut().expect("an Envoy that restarts hot")
    }

    /// The URL of the admin interface.
    pub fn admin_url(&self) -> String {
        format!("http://{}", self.admin.expect("a running Envoy"))
    }

    async fn launch_again(&mut self) {
        let listeners = self.bootstrap["static_resources"]["listeners"].as_array_mut().unwrap();
        for listener in listeners {
            let had = self.listeners[listener["name"].as_str().unwrap()].port();
            listener["address"]["socket_address"]["port_value"] = had.into();
        }
        self.launch().await.unwrap_or_else(|log| panic!("Envoy did not start again:\n{log}"));
    }

    async fn launch(&mut self) -> Result<(), String> {
        let folder = self.folder.path().to_owned();
        fs::write(folder.join("envoy.json"), self.bootstrap.to_string()).unwrap();
        let _ = fs::remove_file(folder.join("admin"));
        let program = std::env::var_os("ENVOY").expect("ENVOY names an Envoy; `make e2e` sets it");
        let log = fs::File::create(folder.join("envoy.log")).unwrap();
        let output = fs::File::create(folder.join("envoy.out")).unwrap();
        let process = Command::new(program)
            .args(self.generations.as_ref().map_or_else(alone, Generations::arguments))
            .args(["--file-flush-interval-msec", "10"])
            .args(["--log-level", "warning", "--component-log-level", "wasm:info,config:info"])
            .args(["--concurrency", &self.workers.to_string()])
            .arg("--admin-address-path")
            .arg(folder.join("admin"))
            .arg("--config-path")
            .arg(folder.join("envoy.json"))
            .current_dir(super::project())
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(log)
            .spawn()
            .expect("Envoy can be run");
        self.process = Some(process);
        eventually("Envoy serves", async || {
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
            eprintln!("the end of Envoy's log:");
            tail.iter().rev().for_each(|line| eprintln!("  {line}"));
        }
    }
}

/// Runs `envoy --mode validate`; what it logged, where it refuses.
pub fn validate(bootstrap: &Path) -> Result<(), String> {
    let program = std::env::var_os("ENVOY").expect("ENVOY names an Envoy; `make e2e` sets it");
    let mut command = Command::new(program);
    command.args(["--mode", "validate", "--disable-hot-restart", "--config-path"]).arg(bootstrap);
    let output = command.current_dir(super::project()).output().expect("Envoy can be run");
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

/// How an Envoy is started that does not restart hot.
fn alone() -> Vec<String> {
    ["--disable-hot-restart", "--drain-time-s", "1"].map(str::to_owned).to_vec()
}

fn read(file: &Path) -> String {
    fs::read(file).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

/// Replaces a file by rename, as Envoy's watcher wants it.
pub fn replace(file: &Path, content: &str) {
    let next = file.parent().unwrap().parent().unwrap().join("next");
    fs::write(&next, content).unwrap();
    fs::rename(&next, file).unwrap();
}

async fn request(to: SocketAddr, method: Method, path: &str, headers: &[(&str, &str)]) -> Option<(u16, String)> {
    let stream = TcpStream::connect(to).await.ok()?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.ok()?;
    tokio::spawn(connection);
    let mut request = Request::builder().method(method).uri(path).header("host", to.to_string());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = sender.send_request(request.body(Empty::<bytes::Bytes>::new()).unwrap()).await.ok()?;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.ok()?.to_bytes();
    Some((status, String::from_utf8_lossy(&body).into_owned()))
}
