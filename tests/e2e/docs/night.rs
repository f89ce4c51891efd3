//! The night on call of docs/operating.md, with real Envoys and the real maintctl.
//!
//! Four Envoys get pushed documents; a fifth one watches a file. All processes follow one clock, which the night sets
//! forward between its scenes.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use futures::future::join_all;
use rustix::process::Signal;
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
    /// The position of the one in `edge` that is frozen or dead.
    silent: Option<usize>,
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

/// The policy as the operator has written it.
fn policy(signer: &Signer) -> String {
    format!(
        "fleet: {FLEET}\nsites:\n- name: shop\n  hosts: [\"*\"]\nexempt:\n- name: office\n  remote_ips: [203.0.113.0/24]\n\
         keys:\n- {{ name: oncall, jwk: {}, sites: [\"*\"], may: [state] }}\n",
        signer.jwk()
    )
}

impl Night {
    async fn begin() -> Night {
        let (app, signer) = (App::start(), Signer::generate());
        let clock = Ahead::by(ahead_at("01:30"));
        let envoy = |node: &str| {
            let builder = Envoy::builder(app.address())
                .policy(&serde_saphyr::from_str(&policy(&signer)).unwrap())
                .control(&shop::control(&signer));
            builder.node(node).workers(1).environment(clock.environment())
        };
        let edge = join_all((1..=4).map(|number| envoy(&format!("edge-{number}")).start()));
        let (edge, vm) = tokio::join!(edge, envoy("vm-1").watched_file().start());
        let desk = Desk::new(&signer, "");
        let mut night = Night {
            clock,
            edge,
            silent: None,
            vm,
            desk,
            normalizer: Normalizer::default(),
            transcripts: Vec::new(),
            _app: app,
        };
        night.furnish(&signer);
        for envoy in night.edge.iter().chain([&night.vm]) {
            envoy.wait_for_workers("shop").await;
        }
        night
    }

    /// Writes the operator's files, and names the addresses.
    fn furnish(&mut self, signer: &Signer) {
        let endpoints: Vec<String> = self.edge.iter().map(Envoy::endpoint).collect();
        let config = format!(
            "default = \"edge\"\nfleet = {FLEET:?}\nkey = \"maintctl.key\"\njournal = \"maintctl.jsonl\"\n\n\
             [target.edge]\nenvoys = {endpoints:?}\nexpect = 4\n\n\
             [target.vm]\nfile = {:?}\npolicy = \"policy.yaml\"\nenvoys = [{:?}]\n",
            self.vm.ecds_file(),
            self.vm.endpoint(),
        );
        self.desk.write("maintctl.toml", &config);
        self.desk.write("policy.yaml", &policy(signer));
        for job in ["orders", "index"] {
            self.desk.write(
                &format!("{job}.sh"),
                &format!("#!/bin/sh\nwhile [ -e {job}.sh ] && [ ! -e {job}.done ]; do sleep 0.05; done\n"),
            );
            fs::set_permissions(self.desk.path().join(format!("{job}.sh")), fs::Permissions::from_mode(0o755)).unwrap();
        }
        for (number, envoy) in (1..).zip(&self.edge) {
            self.normalizer.replace(envoy.listener("control").to_string(), &format!("edge-{number}:10001"));
        }
        self.normalizer.replace(self.vm.listener("control").to_string(), "vm-1:10001");
        self.normalizer.replace(self.vm.ecds_file().display().to_string(), "ecds/maintenance.yaml");
        self.normalizer.replace(format!("{}/", self.desk.path().display()), "");
    }

    /// Sets the clock of all processes, and waits until the workers of the Envoys that run have noticed it.
    async fn at(&self, time: &str) {
        self.clock.set(ahead_at(time));
        let running = self.edge.iter().enumerate().filter(|(at, _)| self.silent != Some(*at));
        for envoy in running.map(|(_, envoy)| envoy).chain([&self.vm]) {
            envoy.wait_for_workers("shop").await;
        }
    }

    fn shell(&self, line: &str) -> Command {
        let mut shell = transcript::shell(self.desk.path(), line);
        shell.env("MAINTCTL_BY", "dana").envs(self.clock.environment());
        shell
    }

    /// Runs these commands one after the other in one transcript, from this time on.
    async fn show(&mut self, time: &str, lines: &[&str]) {
        self.at(time).await;
        let mut shown = String::new();
        for line in lines {
            let output: Output = self.shell(line).output().await.unwrap().into();
            shown += &transcript::command(line, &output);
        }
        self.add(&shown);
    }

    /// Starts a command in a terminal of its own at this time.
    async fn start(&self, time: &str, line: &str) -> Running {
        self.at(time).await;
        Running { line: line.to_owned(), child: self.shell(&format!("exec {line}")).spawn().unwrap() }
    }

    /// Waits for the end of a command, and adds its transcript.
    async fn end(&mut self, running: Running) {
        let output: Output = running.child.wait_with_output().await.unwrap().into();
        self.add(&transcript::command(&running.line, &output));
    }

    fn add(&mut self, shown: &str) {
        let shown = self.normalizer.normalize(shown);
        println!("{shown}");
        self.transcripts.push(shown);
    }

    /// Waits until the holds of these owners are in effect.
    async fn wait_for_holders(&self, owners: &[&str]) {
        eventually(&format!("{owners:?} hold the site"), async || {
            let output: Output = self.shell("maintctl status --json").output().await.unwrap().into();
            owners.iter().all(|owner| output.stdout.contains(owner)).then_some(())
        })
        .await;
        self.wait_for_status(&[1, 2, 3, 4], 503).await;
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

#[tokio::test]
async fn the_night_on_call_is_as_documented() {
    let mut night = Night::begin().await;
    night.show("01:50", &["maintctl doctor"]).await;
    night.show("02:00", &["maintctl status"]).await;
    a_frozen_envoy(&mut night).await;
    a_dead_envoy(&mut night).await;
    two_pipelines(&mut night).await;
    a_bad_policy(&mut night).await;
    night.show("05:00", &["maintctl history"]).await;
    transcript::assert_documented("docs/operating.md", &night.transcripts);
}

async fn a_frozen_envoy(night: &mut Night) {
    night.edge[1].signal(Signal::STOP);
    night.silent = Some(1);
    night.show("02:10", &["maintctl close shop --reason 'Database upgrade' --for 2h"]).await;
    night.wait_for_status(&[1, 3, 4], 503).await;
    night.edge[1].signal(Signal::CONT);
    night.silent = None;
    night.show("02:14", &["maintctl sync"]).await;
    night.wait_for_status(&[1, 2, 3, 4], 503).await;
}

async fn a_dead_envoy(night: &mut Night) {
    night.edge[2].kill();
    night.silent = Some(2);
    night.show("02:30", &["maintctl status"]).await;
    night.edge[2].restart().await;
    night.silent = None;
    night.show("02:34", &["maintctl status"]).await;
    night.wait_for_status(&[3], 200).await;
    night.show("02:35", &["maintctl sync"]).await;
    night.wait_for_status(&[1, 2, 3, 4], 503).await;
    night.show("02:40", &["maintctl open shop"]).await;
    night.wait_for_status(&[1, 2, 3, 4], 200).await;
}

async fn two_pipelines(night: &mut Night) {
    let orders = night.start("03:00", "maintctl close shop --by ci/orders --lease 10m -- ./orders.sh").await;
    night.wait_for_holders(&["ci/orders"]).await;
    let mut index = night.start("03:02", "maintctl close shop --by ci/index --lease 10m -- ./index.sh").await;
    night.wait_for_holders(&["ci/orders", "ci/index"]).await;
    night.show("03:04", &["maintctl status"]).await;
    // The shell has become maintctl, so this kills maintctl.
    index.child.kill().await.unwrap();
    night.at("03:06").await;
    night.desk.write("index.done", "");
    night.desk.write("orders.done", "");
    night.end(orders).await;
    night.wait_for_status(&[1, 2, 3, 4], 503).await;
    night.at("03:13").await;
    night.wait_for_status(&[1, 2, 3, 4], 200).await;
    night.show("03:14", &["maintctl status"]).await;
}

async fn a_bad_policy(night: &mut Night) {
    let path = night.desk.path().join("policy.yaml");
    let good = fs::read_to_string(&path).unwrap();
    let with_range = |range: &str| fs::write(&path, good.replace("203.0.113.0/24", range)).unwrap();
    with_range("203.0.113.0/33");
    night.show("04:00", &["maintctl --target vm close shop --reason 'Disk full'"]).await;
    night.show("04:02", &["maintctl lint policy.yaml"]).await;
    with_range("203.0.113.0/25");
    night
        .show("04:04", &["maintctl lint policy.yaml", "maintctl --target vm diff", "maintctl --target vm apply"])
        .await;
    night.show("04:10", &["maintctl --target vm open shop"]).await;
}
