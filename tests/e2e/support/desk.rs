//! An operator's folder with a key and a `maintctl.toml`, in which tests run `maintctl`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::client::Output;
use super::signer::Signer;

/// The fleet of all desks.
pub const FLEET: &str = "test";

/// An operator's folder.
pub struct Desk {
    folder: TempDir,
}

impl Desk {
    /// A folder with the key of `signer` and this target (TOML).
    pub fn new(signer: &Signer, target: &str) -> Desk {
        let desk = Desk { folder: TempDir::new().unwrap() };
        desk.write("maintctl.key", &signer.pem());
        fs::set_permissions(desk.path().join("maintctl.key"), fs::Permissions::from_mode(0o600)).unwrap();
        desk.target(target);
        desk
    }

    /// A folder whose target pushes to these control endpoints.
    pub fn pushing(signer: &Signer, endpoints: &[&str]) -> Desk {
        Desk::new(signer, &format!("envoys = {}", json!(endpoints)))
    }

    /// Replaces the target.
    pub fn target(&self, target: &str) {
        let head = format!("default = \"one\"\nfleet = \"{FLEET}\"\nkey = \"maintctl.key\"\n\n[target.one]\n");
        self.write("maintctl.toml", &(head + target + "\n"));
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn write(&self, name: &str, content: &str) {
        fs::write(self.path().join(name), content).unwrap();
    }

    /// The command `maintctl` with these words, not started.
    pub fn command(&self, words: &str) -> tokio::process::Command {
        let mut command = tokio::process::Command::new(super::maintctl());
        command.args(words.split_whitespace()).current_dir(self.path()).stdin(Stdio::null());
        command.env("MAINTCTL_BY", "ops@example.com").env("TZ", "UTC").env_remove("MAINTCTL_CONFIG");
        command
    }

    /// Runs `maintctl` with these words until it exits.
    pub async fn run(&self, words: &str) -> Output {
        self.command(words).output().await.unwrap().into()
    }

    /// Runs `maintctl`, which must exit with 0 and print JSON.
    pub async fn json(&self, words: &str) -> Value {
        let output = self.run(words).await;
        assert_eq!(output.code, 0, "{words}: {output:?}");
        serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
    }
}
