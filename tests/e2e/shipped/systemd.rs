//! The systemd unit.

use std::process::Command;

use super::shipped;
use crate::support::maintctl;

const UNIT: &str = "systemd/maintctl-sync.service";

/// The values of a setting.
fn values<'u>(unit: &'u str, name: &str) -> Vec<&'u str> {
    unit.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('=')).collect()
}

#[test]
fn the_unit_runs_a_valid_command_and_restarts_it() {
    let unit = shipped(UNIT);
    let [start] = values(&unit, "ExecStart")[..] else { panic!("{unit}") };
    let words = start.strip_prefix("/usr/local/bin/maintctl ").unwrap_or_else(|| panic!("{start}"));
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(maintctl());
    command.args(words.split(' ')).current_dir(folder.path()).env("HOME", folder.path());
    let output = command.env_remove("MAINTCTL_CONFIG").env_remove("XDG_CONFIG_HOME").output().unwrap();
    // The command is valid, but the folder has no configuration.
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    for (name, value) in [("Restart", "always"), ("User", "maintctl"), ("WantedBy", "multi-user.target")] {
        assert_eq!(values(&unit, name), [value], "{name}");
    }
}

#[test]
fn systemd_accepts_the_unit_and_rates_it_as_hardened() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("maintctl-sync.service");
    // The check requires that the program and the folder exist.
    let program = maintctl().to_str().unwrap();
    let unit = shipped(UNIT).replace("/usr/local/bin/maintctl", program).replace("/etc/maintctl", "/tmp");
    std::fs::write(&file, unit.replace("User=maintctl\n", "")).unwrap();
    for arguments in [&["verify"][..], &["security", "--offline=true", "--threshold=25"]] {
        let Ok(output) = Command::new("systemd-analyze").args(arguments).arg(&file).output() else {
            // Machines without systemd only run the other test.
            return;
        };
        assert!(output.status.success(), "{arguments:?}: {output:?}");
    }
}
