//! Shell completions and help.

use crate::support::client::run;
use crate::support::maintctl;

/// The verbs of maintctl.
const VERBS: [&str; 10] =
    ["init", "close", "open", "status", "schedule", "cancel", "history", "explain", "lint", "completions"];

#[tokio::test]
async fn completion_scripts_are_valid_in_their_shells() {
    let folder = tempfile::TempDir::new().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let script = run(maintctl(), &["completions", shell]).await;
        assert_eq!((script.code, script.stderr.as_str()), (0, ""), "{shell}");
        for verb in VERBS {
            assert!(script.stdout.contains(verb), "{shell}: {verb}");
        }
        let file = folder.path().join(shell);
        std::fs::write(&file, &script.stdout).unwrap();
        // A shell that is not installed is skipped.
        let is_installed = |folder: std::path::PathBuf| folder.join(shell).is_file();
        if std::env::split_paths(&std::env::var_os("PATH").unwrap()).any(is_installed) {
            let read = run(shell, &["-n", file.to_str().unwrap()]).await;
            assert_eq!((read.code, read.stderr.as_str()), (0, ""), "{shell}");
        }
    }
    assert_eq!(run(maintctl(), &["completions", "nosuch"]).await.code, 2);
}

#[tokio::test]
async fn bash_completes_commands_and_flags() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("maintctl.bash");
    std::fs::write(&file, run(maintctl(), &["completions", "bash"]).await.stdout).unwrap();
    for (words, at, expected) in [
        ("maintctl clo", 1, "close\n"),
        ("maintctl st", 1, "status\n"),
        ("maintctl close --rea", 2, "--reason\n--read-only\n"),
    ] {
        let last = words.rsplit(' ').next().unwrap();
        let script = format!(
            "source {file:?}; COMP_WORDS=({words}); COMP_CWORD={at}; _maintctl maintctl {last:?} ''; \
             printf '%s\\n' \"${{COMPREPLY[@]}}\""
        );
        let output = run("bash", &["--norc", "-c", &script]).await;
        assert_eq!((output.stdout.as_str(), output.stderr.as_str()), (expected, ""), "{words}");
    }
}

#[tokio::test]
async fn the_help_of_every_command_has_examples() {
    for verb in VERBS {
        let help = run(maintctl(), &[verb, "--help"]).await;
        assert_eq!((help.code, help.stderr.as_str()), (0, ""), "{verb}");
        assert!(help.stdout.contains(&format!("Examples:\n  maintctl {verb}")), "{verb}: {}", help.stdout);
    }
}
