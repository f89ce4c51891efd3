//! A file that several operators and Envoy share, each with their own account.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::{status_of, writing};
use crate::support::app::App;
use crate::support::desk::Desk;
use crate::support::signer::Signer;
use crate::support::{eventually, maintctl};

/// True if the tests may run commands as other users.
fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn allow(path: impl Into<PathBuf>, mode: u32) {
    fs::set_permissions(path.into(), Permissions::from_mode(mode)).unwrap();
}

/// Runs maintctl as this user, or as the user of the tests if they may not, and returns the exit code and stderr.
async fn run_as(user: u32, desk: &Desk, words: &str) -> (Option<i32>, String) {
    // Other users may not have access to the folder of the compiled maintctl.
    let program = desk.path().join("maintctl");
    if !program.exists() {
        fs::copy(maintctl(), &program).unwrap();
        allow(desk.path(), 0o755);
    }
    let mut command = tokio::process::Command::new(program);
    command.args(words.split_whitespace()).current_dir(desk.path()).env_remove("MAINTCTL_CONFIG");
    if is_root() {
        command.uid(user).gid(user);
    }
    let output = command.output().await.unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[tokio::test]
async fn files_of_one_operator_do_not_block_another() {
    let (app, signer) = (App::start(), Signer::generate());
    let (envoy, desk) = writing(&app, &signer).await;
    let folder = envoy.ecds_file().parent().unwrap();
    allow(envoy.folder(), 0o755);
    allow(folder, 0o777);
    allow(envoy.ecds_file(), 0o644);
    assert_eq!(run_as(1001, &desk, "close shop").await, (Some(0), String::new()));
    assert_eq!(status_of(&envoy).await, 503);
    // These files of a killed run belong to the first operator, and the second may not write to them.
    let (lock, new) = (folder.join(".maintenance.yaml.lock"), folder.join(".maintenance.yaml.new"));
    fs::write(&new, "half a fi").unwrap();
    for path in [&lock, &new] {
        allow(path, 0o444);
    }
    assert_eq!(run_as(1002, &desk, "open shop").await, (Some(0), String::new()));
    eventually("the site opens", async || (status_of(&envoy).await == 200).then_some(())).await;
    assert!(!new.exists());
}
