//! The demo of `make run`: `envoy/scripts/run.sh` with the module and the maintctl under test, in a temporary folder.
//!
//! The demo uses fixed ports. These tests therefore run one at a time, and fail if another process uses one of the
//! ports.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process_group};
use tempfile::TempDir;
use tokio::sync::{Mutex, MutexGuard};

use crate::support::{DEADLINE, client, eventually, maintctl, module, project};

const SITE: &str = "http://localhost:10000/";
const PORTS: [&str; 4] = ["0.0.0.0:10000", "127.0.0.1:10001", "127.0.0.1:10002", "127.0.0.1:9901"];

static TURN: Mutex<()> = Mutex::const_new(());

/// A folder like the repository after `make build`, and the lock on the ports.
struct Demo {
    folder: TempDir,
    _turn: MutexGuard<'static, ()>,
}

impl Demo {
    async fn new() -> Demo {
        let turn = TURN.lock().await;
        let folder = TempDir::new().unwrap();
        let copy = client::run("cp", &["-R".as_ref(), project().join("envoy").as_path(), folder.path()]).await;
        assert_eq!(copy.code, 0, "{copy:?}");
        fs::create_dir(folder.path().join("dist")).unwrap();
        symlink(module(), folder.path().join("dist/envoy_maintenance.wasm")).unwrap();
        symlink(maintctl(), folder.path().join("dist/maintctl")).unwrap();
        Demo { folder, _turn: turn }
    }

    /// A command in this folder, without the maintctl variables and the proxies of the environment.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.folder.path()).stdin(Stdio::null()).env("no_proxy", "*");
        for name in ["MAINTCTL_CONFIG", "MAINTCTL_KEY", "MAINTCTL_TARGET"] {
            command.env_remove(name);
        }
        command
    }

    /// Runs the script as the leader of a process group.
    fn run(&self) -> Run {
        self.run_at(None)
    }

    /// Runs the script with this value of PORT.
    fn run_at(&self, port: Option<&str>) -> Run {
        let file = self.folder.path().join("output");
        let output = fs::File::create(&file).unwrap();
        let mut command = self.command("envoy/scripts/run.sh");
        // Requests of the script to itself must bypass the proxy; nothing listens at this one.
        command.env("ENVOY", envoy()).env("http_proxy", "http://127.0.0.1:9").env_remove("no_proxy");
        command.stdout(output.try_clone().unwrap()).stderr(output).env_remove("PORT");
        command.envs(port.map(|port| ("PORT", port)));
        let script = command.process_group(0).spawn().unwrap();
        Run { group: Pid::from_child(&script), script, output: file }
    }

    /// Runs the script and waits until it reports that Envoy is running.
    async fn serving(&self) -> Run {
        self.serving_at(None).await
    }

    async fn serving_at(&self, port: Option<&str>) -> Run {
        let mut run = self.run_at(port);
        eventually("the demo is running", async || {
            let ended = run.script.try_wait().unwrap();
            assert!(ended.is_none(), "{ended:?}: {}", run.output());
            run.output().contains("Envoy's output follows").then_some(())
        })
        .await;
        run
    }

    /// The output of a shell command line, which must exit with 0.
    fn shell(&self, line: &str) -> String {
        let output = self.command("sh").args(["-c", line]).output().unwrap();
        assert!(output.status.success(), "{line}: {output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

/// The Envoy of these tests. A relative path is relative to the repository.
fn envoy() -> PathBuf {
    let program = std::env::var_os("ENVOY").expect("the variable ENVOY names an Envoy; `make e2e` sets it");
    let program = PathBuf::from(program);
    if program.components().count() > 1 { project().join(program) } else { program }
}

/// A running script. Dropping it kills the script and all processes that it has started.
struct Run {
    script: Child,
    group: Pid,
    output: PathBuf,
}

impl Run {
    /// The output of the script and of Envoy.
    fn output(&self) -> String {
        fs::read_to_string(&self.output).unwrap()
    }

    /// The command lines that the script suggests.
    fn commands(&self) -> Vec<String> {
        self.output().lines().filter_map(|line| line.strip_prefix("    ")).map(str::to_owned).collect()
    }

    /// Waits until the script exits. The processes that it has started must have exited too.
    async fn ended(&mut self) -> ExitStatus {
        let status = eventually("the script exits", async || self.script.try_wait().unwrap()).await;
        assert!(
            test_kill_process_group(self.group).is_err(),
            "a process of the demo is still running: {}",
            self.output()
        );
        status
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = kill_process_group(self.group, Signal::KILL);
        let _ = self.script.wait();
        // The next test needs the ports, which the processes of this one free when they exit.
        let end = Instant::now() + DEADLINE;
        while test_kill_process_group(self.group).is_ok() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

async fn status() -> u16 {
    status_at(SITE).await
}

async fn status_at(site: &str) -> u16 {
    client::h1().get(site).send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn every_command_that_the_demo_suggests_works() {
    let demo = Demo::new().await;
    let run = demo.serving().await;
    assert_eq!(status().await, 200);
    // A worker becomes a member on its first tick.
    eventually("the workers have adopted", async || {
        let mut status = demo.command("dist/maintctl");
        let output = status.args(["--config", ".run/maintctl.toml", "status"]).output().unwrap();
        output.status.success().then_some(())
    })
    .await;
    let expected: [(&str, &[&str]); 9] = [
        ("curl", &["HTTP/1.1 200 ", "The demo application"]),
        ("export", &[]),
        ("dist/maintctl status", &["demo", "ONLINE"]),
        ("dist/maintctl close", &["demo: OFFLINE"]),
        ("curl", &["HTTP/1.1 503 ", "application/problem+json", "Database upgrade"]),
        ("curl", &["HTTP/1.1 503 ", "text/html", "Database upgrade"]),
        ("curl", &["HTTP/1.1 200 ", "The demo application"]),
        ("dist/maintctl explain", &["offline: answered by the filter", "HTTP 503", "Database upgrade"]),
        ("dist/maintctl open", &["demo: ONLINE"]),
    ];
    let commands = run.commands();
    let mut lines = String::new();
    assert_eq!(commands.len(), expected.len(), "{commands:?}");
    for (command, (start, output)) in commands.iter().zip(expected) {
        assert!(command.starts_with(start), "expected {start}, found {command}");
        let printed = demo.shell(&format!("{lines}{command}"));
        output.iter().for_each(|part| assert!(printed.contains(part), "{command}: {part} is not in {printed}"));
        // Each command runs in a new shell, which needs the variables of earlier commands.
        if command.starts_with("export ") {
            lines.push_str(&format!("{command}\n"));
        }
    }
    assert_eq!(status().await, 200);
}

#[tokio::test]
async fn a_signal_ends_every_process_of_the_demo() {
    let demo = Demo::new().await;
    for (name, to_all) in [("^C", true), ("SIGTERM", false)] {
        let mut run = demo.serving().await;
        let sent =
            if to_all { kill_process_group(run.group, Signal::INT) } else { kill_process(run.group, Signal::TERM) };
        sent.unwrap();
        let status = run.ended().await;
        assert!(status.success(), "{name}: {status}: {}", run.output());
        for port in PORTS {
            TcpListener::bind(port).unwrap_or_else(|error| panic!("{name}: {port} is in use: {error}"));
        }
    }
}

#[tokio::test]
async fn a_closed_site_stays_closed_when_the_demo_restarts() {
    let demo = Demo::new().await;
    let mut run = demo.serving().await;
    demo.shell("MAINTCTL_CONFIG=.run/maintctl.toml dist/maintctl close demo");
    assert_eq!(status().await, 503);
    kill_process_group(run.group, Signal::INT).unwrap();
    run.ended().await;
    let _run = demo.serving().await;
    assert_eq!(status().await, 503);
}

#[tokio::test]
async fn a_port_in_use_is_an_error_that_names_the_port() {
    let demo = Demo::new().await;
    for address in PORTS {
        let _listener = TcpListener::bind(address).unwrap_or_else(|error| panic!("{address}: {error}"));
        let mut run = demo.run();
        let status = run.ended().await;
        let (host, port) = address.split_once(':').unwrap();
        assert!(!status.success(), "{address}: {}", run.output());
        assert!(run.output().contains(&format!("port {port} ({host}) is not available")), "{}", run.output());
        assert!(!demo.folder.path().join(".run").exists(), "{address}");
    }
}

/// A value of PORT with which all ports of the demo are free.
fn free_port() -> u16 {
    let is_free = |port: u16| {
        [port, port + 1, port + 2, port - 99].into_iter().all(|port| TcpListener::bind(("0.0.0.0", port)).is_ok())
    };
    (12000..20000).step_by(10).find(|port| is_free(*port)).expect("four free ports")
}

#[tokio::test]
async fn port_moves_all_ports_of_the_demo_and_keeps_its_state() {
    let demo = Demo::new().await;
    let maintctl = "MAINTCTL_CONFIG=.run/maintctl.toml dist/maintctl";
    let first = free_port();
    let mut run = demo.serving_at(Some(&first.to_string())).await;
    assert!(run.output().contains(&format!("curl -i http://localhost:{first}/")), "{}", run.output());
    demo.shell(&format!("{maintctl} close demo"));
    assert_eq!(status_at(&format!("http://localhost:{first}/")).await, 503);
    // The usual ports are not used.
    for port in PORTS {
        TcpListener::bind(port).unwrap_or_else(|error| panic!("{port} is in use: {error}"));
    }
    kill_process_group(run.group, Signal::INT).unwrap();
    run.ended().await;

    let second = free_port() + 10;
    let _run = demo.serving_at(Some(&second.to_string())).await;
    let site = format!("http://localhost:{second}/");
    assert_eq!(status_at(&site).await, 503);
    demo.shell(&format!("{maintctl} open demo"));
    assert_eq!(status_at(&site).await, 200);
}

#[tokio::test]
async fn a_port_that_is_none_is_an_error() {
    let demo = Demo::new().await;
    for port in ["abc", "0", "80", "-1", "012000", "65534", "120000"] {
        let mut run = demo.run_at(Some(port));
        let status = run.ended().await;
        assert_eq!(status.code(), Some(2), "{port}: {}", run.output());
        let expected = format!("PORT={port} is not a port between 1123 and 65533; for example, make run PORT=12000");
        assert_eq!(run.output().trim_end(), expected);
        assert!(!demo.folder.path().join(".run").exists(), "{port}");
    }
}
