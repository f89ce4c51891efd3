//! Shell commands: each file's fences run in order, in a folder like the project's, in front of an Envoy of their own.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{fences, markdown};
use crate::shipped;
use crate::support::client::{self, Output};
use crate::support::envoy::Envoy;
use crate::support::signer::Signer;
use crate::support::{maintctl, module, project};

/// A folder like the project's after `make build`, and an Envoy that watches its policy file, as `make run` starts it.
struct CommandFolder {
    folder: TempDir,
    envoy: Envoy,
}

/// The demo's policy, with the sites that documented commands name.
fn policy(signer: &Signer) -> Value {
    let mut policy: Value = serde_saphyr::from_str(&shipped::demo_policy()).unwrap();
    policy["keys"][0]["jwk"] = signer.jwk();
    policy["sites"] = json!([
        { "name": "demo" },
        { "name": "shop", "hosts": ["shop.example.com"] },
        { "name": "api", "hosts": ["api.example.com"] },
    ]);
    policy
}

impl CommandFolder {
    async fn new() -> CommandFolder {
        let (folder, signer) = (TempDir::new().unwrap(), Signer::generate());
        let path = |name: &str| folder.path().join(name);
        for name in ["dist", "bin", ".run"] {
            fs::create_dir(path(name)).unwrap();
        }
        symlink(project().join("envoy"), path("envoy")).unwrap();
        symlink(module(), path("dist/envoy_maintenance.wasm")).unwrap();
        symlink(maintctl(), path("dist/maintctl")).unwrap();
        symlink(maintctl(), path("bin/maintctl")).unwrap();
        script(&path("bin/make"), &format!("exec \"$MAKE\" --dry-run -C {:?} \"$@\" >/dev/null", project()));
        script(&path("bin/envoy"), "exec \"$ENVOY\" --mode validate \"$@\"");
        script(&path("migrate.sh"), "exit 0");

        let bootstrap = shipped::bootstrap("file.yaml", &path(".run"), None);
        shipped::watch(&path(".run"), &policy(&signer));
        let envoy = Envoy::with_bootstrap(bootstrap, Some("/.maintenance")).await;
        envoy.wait_for_workers("shop").await;
        fs::write(path(".run/policy.yaml"), policy(&signer).to_string()).unwrap();
        for (below, prefix) in [(".run/", ""), ("", ".run/")] {
            let key = path(&format!("{below}maintctl.key"));
            fs::write(&key, signer.pem()).unwrap();
            fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
            let config = format!(
                "default = \"local\"\nfleet = \"demo\"\nkey = \"maintctl.key\"\n[target.local]\n\
                 file = \"{prefix}ecds/maintenance.yaml\"\npolicy = \"{prefix}policy.yaml\"\nenvoys = [{:?}]\n",
                envoy.control_url("")
            );
            fs::write(path(&format!("{below}maintctl.toml")), config).unwrap();
        }
        fs::write(path("policy.yaml"), policy(&signer).to_string()).unwrap();
        CommandFolder { folder, envoy }
    }

    /// Runs these lines in a shell that stops at the first error. The demo's addresses become those of this Envoy.
    async fn run(&self, lines: &str) -> Output {
        let address = |name: &str| self.envoy.listener(name).to_string();
        let admin = self.envoy.admin_url();
        let lines = lines
            .replace("localhost:10000", &format!("localhost:{}", self.envoy.data().port()))
            .replace("127.0.0.1:10001", &address("control"))
            .replace("127.0.0.1:9901", admin.trim_start_matches("http://"));
        let installed: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH").unwrap()).collect();
        let make = installed.iter().map(|folder| folder.join("make")).find(|make| make.is_file()).expect("make");
        let paths = [self.folder.path().join("bin")].into_iter().chain(installed);
        let mut shell = tokio::process::Command::new("sh");
        shell.args(["-euc", &lines]).current_dir(self.folder.path()).stdin(std::process::Stdio::null());
        shell.env("PATH", std::env::join_paths(paths).unwrap()).env("MAKE", make).env("no_proxy", "*");
        shell.env("TZ", "UTC").env("HOME", self.folder.path());
        for name in ["MAINTCTL_CONFIG", "MAINTCTL_KEY", "MAINTCTL_TARGET", "MAINTCTL_BY"] {
            shell.env_remove(name);
        }
        shell.output().await.unwrap().into()
    }
}

fn script(file: &Path, line: &str) {
    fs::write(file, format!("#!/bin/sh\n{line}\n")).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
}

/// The HTTP statuses at the beginning of the lines' comments: `curl … # 503`.
fn expected_statuses(text: &str) -> Vec<&str> {
    let comments = text.lines().filter_map(|line| line.split_once(" # ").map(|(_, comment)| comment.trim()));
    let first = comments.filter_map(|comment| comment.split([' ', ',']).next());
    first.filter(|word| word.len() == 3 && word.bytes().all(|byte| byte.is_ascii_digit())).collect()
}

#[tokio::test]
async fn commands_succeed() {
    let mut files: BTreeMap<String, Vec<super::Fence>> = BTreeMap::new();
    for fence in fences("sh") {
        let file = fence.place.split(':').next().unwrap().to_owned();
        files.entry(file).or_default().push(fence);
    }
    for fences in files.values() {
        let folder = CommandFolder::new().await;
        for fence in fences {
            let output = folder.run(&fence.text).await;
            assert_eq!(output.code, 0, "{}: {}\n{}", fence.place, output.stdout, output.stderr);
            let lines = output.stdout.lines().filter_map(|line| line.strip_prefix("HTTP/1.1 "));
            let statuses: Vec<&str> = lines.filter_map(|line| line.split(' ').next()).collect();
            let expected = expected_statuses(&fence.text);
            assert!(expected.is_empty() || statuses == expected, "{}: {}", fence.place, output.stdout);
        }
    }
}

/// Asserts that maintctl's argument parser accepts the options of a command. It rejects an unknown command or option
/// before it comes to `--help`, which follows them.
async fn assert_options(place: &str, command: &str) {
    let help = match command.split_once(" -- ") {
        Some((own, other)) => format!("{own} --help -- {other}"),
        None => format!("{command} --help"),
    };
    let line = help.replacen("maintctl", maintctl().to_str().unwrap(), 1);
    let output = client::run("sh", &["-c", &line]).await;
    assert_eq!(output.code, 0, "{place}: {command}: {}", output.stderr);
}

#[tokio::test]
async fn commands_that_are_not_run_have_options_that_exist() {
    for fence in fences("sh options") {
        for line in fence.text.lines() {
            // A comment, a redirection, or another command follows.
            let command = line.split(['#', '<', '>', ';', '|']).next().unwrap_or_default().trim();
            assert!(command.starts_with("maintctl "), "{}: {line}", fence.place);
            assert_options(&fence.place, command).await;
        }
    }
}

#[tokio::test]
async fn commands_in_sentences_have_options_that_exist() {
    let mut count = 0;
    for file in markdown::files() {
        for code in file.codes().iter().filter(|code| code.starts_with("maintctl ")) {
            assert_options(&file.name, code).await;
            count += 1;
        }
    }
    assert!(count > 20, "only {count} commands");
}
