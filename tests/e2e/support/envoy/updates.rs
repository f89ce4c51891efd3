//! New policies for a running Envoy, by the watched file.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::Envoy;
use crate::support::{bootstrap, eventually};

/// The result of a new policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Update {
    Taken,
    Refused,
}

impl Envoy {
    /// Writes a policy to the watched file, and waits until Envoy has accepted or rejected it.
    pub async fn set_policy(&self, policy: &Value) -> Update {
        self.set_policy_text(&policy.to_string()).await
    }

    /// Like [`set_policy`](Envoy::set_policy), with text that need not be JSON.
    pub async fn set_policy_text(&self, policy: &str) -> Update {
        let filter = bootstrap::maintenance_of_text("data", policy, self.settings.form, &self.settings.module);
        self.set_filter(filter).await
    }

    /// Replaces the plugin by one with this name.
    pub async fn set_plugin(&self, name: &str, policy: &Value) -> Update {
        self.set_filter(bootstrap::maintenance(name, policy, self.settings.form, &self.settings.module)).await
    }

    /// Moves the plugin to another VM, as an upgrade of the module does, with this policy.
    pub async fn set_policy_in_new_vm(&mut self, vm_configuration: &str, policy: &Value) -> Update {
        self.settings.vm_configuration = vm_configuration.to_owned();
        self.set_policy(policy).await
    }

    async fn set_filter(&self, filter: Value) -> Update {
        let before = self.updates().await;
        self.write_filter(filter);
        self.wait_for_update(before).await
    }

    /// Writes a policy to the watched file, without waiting for Envoy.
    pub fn write_policy_in_new_vm(&mut self, vm_configuration: &str, policy: &Value) {
        self.settings.vm_configuration = vm_configuration.to_owned();
        self.write_filter(bootstrap::maintenance("data", policy, self.settings.form, &self.settings.module));
    }

    fn write_filter(&self, mut filter: Value) {
        if !self.settings.vm_configuration.is_empty() {
            bootstrap::set_vm_configuration(&mut filter, &self.settings.vm_configuration);
        }
        replace(&self.ecds, &bootstrap::discovery_file(&filter).to_string());
    }

    /// The numbers of updates that Envoy has accepted and rejected.
    pub async fn updates(&self) -> (u64, u64) {
        let stats = self.stats("extension_config_discovery").await;
        let sum = |end: &str| stats.iter().filter(|(name, _)| name.ends_with(end)).map(|(_, value)| value).sum();
        (sum("config_reload"), sum("config_fail"))
    }

    /// Waits until one of these numbers has grown.
    pub async fn wait_for_update(&self, (taken, refused): (u64, u64)) -> Update {
        eventually("Envoy loads the watched file", async || {
            let now = self.updates().await;
            if now.1 > refused {
                return Some(Update::Refused);
            }
            (now.0 > taken).then_some(Update::Taken)
        })
        .await
    }
}

/// Replaces a file by rename, which is what Envoy's watcher reports.
pub fn replace(file: &Path, content: &str) {
    let next = file.parent().unwrap().parent().unwrap().join("next");
    fs::write(&next, content).unwrap();
    fs::rename(&next, file).unwrap();
}
