//! Shell completions and help.

use serde_json::json;

use super::{FLEET, pushing, writing};
use crate::support::client::{Output, run};
use crate::support::desk::Desk;
use crate::support::shop::push;
use crate::support::signer::document;
use crate::support::{maintctl, project};

/// The verbs of maintctl.
const VERBS: [&str; 12] = [
    "init",
    "close",
    "open",
    "status",
    "schedule",
    "cancel",
    "history",
    "explain",
    "lint",
    "preview",
    "hash",
    "completions",
];

#[tokio::test]
async fn completion_scripts_are_valid_in_their_shells() {
    let folder = tempfile::TempDir::new().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let script = run(maintctl(), &["completions", shell]).await;
        assert_eq!((script.code, script.stderr.as_str()), (0, ""), "{shell}");
        assert!(script.stdout.contains("MAINTCTL_COMPLETE"), "{shell}: {script:?}");
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

/// The words by which bash completes the last word of `line` in the folder of `desk`.
async fn completed(desk: &Desk, line: &str) -> Vec<String> {
    let script = r#"
        source <(maintctl completions bash)
        read -ra COMP_WORDS <<< "$1"
        [[ $1 == *" " ]] && COMP_WORDS+=("")
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        $(complete -p maintctl | sed 's/.*-F \([^ ]*\).*/\1/') maintctl "${COMP_WORDS[COMP_CWORD]}" ""
        printf '%s\n' "${COMPREPLY[@]}""#;
    let programs = maintctl().parent().unwrap().to_path_buf();
    let path = std::env::var_os("PATH").unwrap();
    let path = std::env::join_paths(std::iter::once(programs).chain(std::env::split_paths(&path))).unwrap();
    let mut bash = tokio::process::Command::new("bash");
    bash.args(["--norc", "-c", script, "bash", line]).current_dir(desk.path()).env("PATH", path);
    let output: Output = bash.env_remove("MAINTCTL_CONFIG").output().await.unwrap().into();
    assert_eq!(output.stderr, "", "{line}");
    output.stdout.lines().filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

#[tokio::test]
async fn bash_completes_commands_flags_and_the_names_of_sites_rules_windows_and_targets() {
    let (app, envoy, desk, signer) = pushing().await;
    assert_eq!(desk.run("schedule shop --from 2099-01-01T02:00:00Z --for 1h").await.code, 0);
    for (line, expected) in [
        ("maintctl clo", &["close"][..]),
        ("maintctl stat", &["status"]),
        ("maintctl close --rea", &["--reason", "--read-only"]),
        ("maintctl close s", &["shop"]),
        ("maintctl close shop a", &["api"]),
        ("maintctl open shop s", &[]),
        ("maintctl close shop --suspend st", &["staff"]),
        ("maintctl close api --suspend st", &[]),
        ("maintctl cancel shop w", &["w1"]),
        ("maintctl close --target ", &["one"]),
        ("maintctl --config=nosuch.toml close s", &[]),
    ] {
        assert_eq!(completed(&desk, line).await, expected, "{line}");
    }
    // bash would execute a command in the name of a window.
    let mut hostile = document("shop", "online");
    hostile["fleet"] = FLEET.into();
    let window = |id: &str| json!({ "id": id, "mode": "offline", "from": "2099-01-01T00:00:00Z" });
    hostile["windows"] = json!([window("w1"), window("w$(id)"), window("w;id"), window("-w")]);
    push(&envoy, &signer, &hostile).await;
    assert_eq!(completed(&desk, "maintctl cancel shop w").await, ["w1"]);
    // Failures are silent: no Envoy, no key, no configuration.
    drop(envoy);
    assert_eq!(completed(&desk, "maintctl close s").await, [""; 0]);
    std::fs::remove_file(desk.path().join("maintctl.key")).unwrap();
    assert_eq!(completed(&desk, "maintctl close s").await, [""; 0]);
    std::fs::remove_file(desk.path().join("maintctl.toml")).unwrap();
    assert_eq!(completed(&desk, "maintctl close s").await, [""; 0]);
    let (_envoy, desk) = writing(&app, &signer).await;
    assert_eq!(desk.run("schedule shop --from 2099-01-01T02:00:00Z --for 1h").await.code, 0);
    for (line, expected) in [("maintctl close s", "shop"), ("maintctl cancel shop w", "w1")] {
        assert_eq!(completed(&desk, line).await, [expected], "{line}");
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

#[tokio::test]
async fn make_install_installs_maintctl_its_man_pages_and_completions() {
    let folder = tempfile::TempDir::new().unwrap();
    let install = async |program: &str| {
        let mut make = tokio::process::Command::new("make");
        make.args(["install", "PREFIX=/usr"]).current_dir(project());
        make.arg(format!("DESTDIR={}", folder.path().display())).arg(format!("MAINTCTL={program}"));
        Output::from(make.output().await.unwrap())
    };
    let missing = install("nosuch/maintctl").await;
    assert!(missing.code != 0 && missing.stderr.contains("nosuch/maintctl is missing; run: make build"), "{missing:?}");
    let installed = install(maintctl().to_str().unwrap()).await;
    assert_eq!(installed.code, 0, "{installed:?}");
    let path = |name: &str| folder.path().join("usr").join(name);
    assert_eq!(run(path("bin/maintctl"), &["--version"]).await.code, 0);
    for completions in [
        "bash-completion/completions/maintctl",
        "fish/vendor_completions.d/maintctl.fish",
        "zsh/site-functions/_maintctl",
    ] {
        let script = std::fs::read_to_string(path("share").join(completions)).unwrap();
        assert!(script.contains("MAINTCTL_COMPLETE"), "{completions}");
    }
    let pages: Vec<_> = std::fs::read_dir(path("share/man/man1")).unwrap().map(|page| page.unwrap().path()).collect();
    assert!(pages.len() > VERBS.len(), "{pages:?}");
    for page in pages {
        // `man -l` formats the page; groff warns about mistakes in it.
        let mut man = tokio::process::Command::new("man");
        man.args(["--warnings", "-l"]).arg(&page).env("MANWIDTH", "100").env("LC_ALL", "C.UTF-8");
        let shown: Output = man.output().await.unwrap().into();
        assert_eq!((shown.code, shown.stderr.as_str()), (0, ""), "{page:?}");
        for section in ["NAME", "SYNOPSIS", "EXAMPLES", "EXIT STATUS"] {
            assert!(shown.stdout.contains(section), "{page:?}: {section}");
        }
    }
}
