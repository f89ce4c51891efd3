//! The night on call of docs/operating.md, with real Envoys and the real maintctl.
//!
//! Four Envoys get pushed documents; a fifth one watches a file. All processes follow one clock, which the night sets
//! forward between its scenes.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use futures::future::join_all;
use serde_json::{Value, json};
use tokio::process::{Child, Command};

use super::transcript::{self, Normalizer};
use crate::support::app::App;
use crate::support::client::Output;
use crate::support::desk::{Desk, FLEET};
use crate::support::envoy::Envoy;
use crate::support::preload::Ahead;
use crate::support::signer::{Signer, now_ms};
use crate::support::{eventually, shop};

/// Midnight at the beginning of the night: 2026-11-21T00:00:00Z, in seconds since the epoch.
const MIDNIGHT: i64 = 1_795_219_200;

struct Night {
    clock: Ahead,
    edge: Vec<Envoy>,
    vm: Envoy,
    desk: Desk,
    normalizer: Normalizer,
    transcripts: Vec<String>,
    _app: App,
}

/// A command that runs in a terminal of its own.
struct Running {
    line: String,
    child: Child,
}

fn policy(signer: &Signer) -> Value {
    json!({
        "fleet": FLEET,
        "sites": [{ "name": "shop", "exempt": [{ "name": "office", "remote_ips": ["203.0.113.0/24"] }] }],
        "keys": [signer.entry("oncall")],
    })
}

impl Night {
    async fn begin() -> Night {
        let (app, signer) = (App::start(), Signer::generate());
        let clock = Ahead::by(ahead_at("02:00"));
        let envoy = |node: &str| {
            let builder = Envoy::builder(app.address()).policy(&policy(&signer)).control(&shop::control(&signer));
            builder.node(node).workers(1).environment(clock.environment())
        };
        let edge = join_all((1..=4).map(|number| envoy(&format!("edge-{number}")).start()));
        let (edge, vm) = tokio::join!(edge, envoy("vm-1").watched_file().start());
        let desk = Desk::new(&signer, "");
        let mut night =
            Night { clock, edge, vm, desk, normalizer: Normalizer::default(), transcripts: Vec::new(), _app: app };
        night.furnish(&signer);
        for envoy in night.edge.iter().chain([&night.vm]) {
            envoy.wait_for_workers("shop").await;
        }
        night.at("02:00");
        night
    }

    /// Writes the operator's files, and names the addresses.
    fn furnish(&mut self, signer: &Signer) {
        let endpoints: Vec<String> = self.edge.iter().map(base).collect();
        let config = format!(
            "default = \"edge\"\nfleet = {FLEET:?}\nkey = \"maintctl.key\"\n\n\
             [target.edge]\nenvoys = {endpoints:?}\nexpect = 4\n\n\
             [target.vm]\nfile = {:?}\npolicy = \"policy.yaml\"\nenvoys = [{:?}]\n",
            self.vm.ecds_file(),
            base(&self.vm),
        );
        self.desk.write("maintctl.toml", &config);
        self.desk.write("policy.yaml", &policy(signer).to_string());
        for job in ["orders", "index"] {
            self.desk
                .write(&format!("{job}.sh"), &format!("#!/bin/sh\nuntil [ -e {job}.done ]; do sleep 0.05; done\n"));
            fs::set_permissions(self.desk.path().join(format!("{job}.sh")), fs::Permissions::from_mode(0o755)).unwrap();
        }
        for (number, envoy) in (1..).zip(&self.edge) {
            self.normalizer.replace(envoy.listener("control").to_string(), &format!("edge-{number}:10001"));
        }
        self.normalizer.replace(self.vm.listener("control").to_string(), "vm-1:10001");
        self.normalizer.replace(self.vm.ecds_file().display().to_string(), "ecds/maintenance.yaml");
        self.normalizer.replace(format!("{}/", self.desk.path().display()), "");
    }

    /// Sets the clock of all processes.
    fn at(&self, time: &str) {
        self.clock.set(ahead_at(time));
    }

    fn shell(&self, line: &str) -> Command {
        let mut shell = transcript::shell(self.desk.path(), line);
        shell.env("MAINTCTL_BY", "dana").envs(self.clock.environment());
        shell
    }

    /// Runs these commands one after the other in one transcript.
    async fn show(&mut self, lines: &[&str]) {
        let mut shown = String::new();
        for line in lines {
            let output: Output = self.shell(line).output().await.unwrap().into();
            shown += &transcript::command(line, &output);
        }
        let shown = self.normalizer.normalize(&shown);
        eprintln!("{shown}");
        self.transcripts.push(shown);
    }

    /// Starts a command in a terminal of its own.
    fn start(&self, line: &str) -> Running {
        Running { line: line.to_owned(), child: self.shell(line).spawn().unwrap() }
    }

    /// Waits for the end of a command, and adds its transcript.
    async fn end(&mut self, running: Running) {
        let output: Output = running.child.wait_with_output().await.unwrap().into();
        let shown = self.normalizer.normalize(&transcript::command(&running.line, &output));
        eprintln!("{shown}");
        self.transcripts.push(shown);
    }

    /// Waits until a request to each of these Envoys gets this status.
    async fn wait_for_status(&self, envoys: &[usize], status: u16) {
        for number in envoys {
            let condition = format!("edge-{number} answers {status}");
            eventually(&condition, async || (shop::get(&self.edge[number - 1], "/").await == status).then_some(()))
                .await;
        }
    }
}

/// The seconds from now to this time of the night.
fn ahead_at(time: &str) -> i64 {
    let (hours, minutes) = time.split_once(':').unwrap();
    let number = |text: &str| text.parse::<i64>().unwrap();
    MIDNIGHT + number(hours) * 3600 + number(minutes) * 60 - i64::try_from(now_ms() / 1000).unwrap()
}

fn base(envoy: &Envoy) -> String {
    envoy.control_url("").trim_end_matches('/').to_owned()
}

/// Sends a signal to a process.
fn signal(name: &str, process: u32) {
    let status = std::process::Command::new("kill").args(["-s", name, &process.to_string()]).status().unwrap();
    assert!(status.success());
}

#[tokio::test]
async fn the_night_on_call_is_as_documented() {
    let mut night = Night::begin().await;
    night.show(&["maintctl status"]).await;
    a_frozen_envoy(&mut night).await;
    a_dead_envoy(&mut night).await;
    two_pipelines(&mut night).await;
    a_bad_policy(&mut night).await;
    night.show(&["maintctl history"]).await;
    transcript::assert_documented("docs/operating.md", &night.transcripts);
}

async fn a_frozen_envoy(night: &mut Night) {
    night.at("02:10");
    signal("STOP", night.edge[1].pid());
    night.show(&["maintctl close shop --reason 'Database upgrade' --for 2h"]).await;
    night.wait_for_status(&[1, 3, 4], 503).await;
    night.at("02:14");
    signal("CONT", night.edge[1].pid());
    night.show(&["maintctl sync"]).await;
    night.wait_for_status(&[1, 2, 3, 4], 503).await;
}

async fn a_dead_envoy(night: &mut Night) {
    night.at("02:30");
    night.edge[2].kill();
    night.show(&["maintctl status"]).await;
    night.edge[2].restart().await;
    night.edge[2].wait_for_workers("shop").await;
    night.wait_for_status(&[3], 200).await;
    night.show(&["maintctl status"]).await;
    night.show(&["maintctl sync"]).await;
    night.wait_for_status(&[1, 2, 3, 4], 503).await;
    night.show(&["maintctl open shop"]).await;
}

async fn two_pipelines(night: &mut Night) {
    night.at("03:00");
    let orders = night.start("maintctl close shop --by ci/orders --lease 2m -- ./orders.sh");
    night.wait_for_status(&[1, 2, 3, 4], 503).await;
    night.at("03:05");
    let mut index = night.start("maintctl close shop --by ci/index --lease 2m -- ./index.sh");
    eventually("both run", async || {
        let output: Output = night.shell("maintctl status --json").output().await.unwrap().into();
        (output.stdout.contains("ci/orders") && output.stdout.contains("ci/index")).then_some(())
    })
    .await;
    night.show(&["maintctl status"]).await;
    index.child.kill().await.unwrap();
    fs::write(night.desk.path().join("orders.done"), "").unwrap();
    night.end(orders).await;
    night.show(&["maintctl status"]).await;
    night.at("03:10");
    night.wait_for_status(&[1, 2, 3, 4], 200).await;
}

async fn a_bad_policy(night: &mut Night) {
    night.at("04:00");
    let path = night.desk.path().join("policy.yaml");
    let good = fs::read_to_string(&path).unwrap();
    fs::write(&path, good.replace("203.0.113.0/24", "203.0.113.0/33")).unwrap();
    night.show(&["maintctl --target vm close shop --reason 'Disk full'", "maintctl lint policy.yaml"]).await;
    fs::write(&path, good.replace("203.0.113.0/24", "203.0.113.0/25")).unwrap();
    night.show(&["maintctl --target vm diff", "maintctl --target vm apply"]).await;
    night.show(&["maintctl --target vm open shop"]).await;
}
