//! Notes and errors of maintctl.

use super::{pushing, status_of, writing};
use crate::support::app::App;
use crate::support::client::{Output, run};
use crate::support::desk::Desk;
use crate::support::eventually;
use crate::support::signer::Signer;

#[tokio::test]
async fn an_empty_variable_is_ignored_and_one_with_a_missing_file_is_an_error() {
    let (_app, _envoy, desk, _) = pushing().await;
    let with = async |words: &str, config: &str| {
        let mut command = desk.command(words);
        let output = command.env("MAINTCTL_CONFIG", config).env("MAINTCTL_TARGET", "").env("MAINTCTL_BY", "").output();
        let output = output.await.unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(with("close shop", "").await.0, Some(0));
    let by = desk.json("status shop --json").await["sites"][0]["by"].clone();
    assert!(by.as_str().unwrap().contains('@'), "{by}");
    for (words, config) in [("status", "nofile.toml"), ("status --config nofile.toml", "")] {
        let (code, said) = with(words, config).await;
        let told = "error: nofile.toml: no such file (set by --config or MAINTCTL_CONFIG)\n";
        assert_eq!((code, said.as_str()), (Some(1), told), "{words}");
    }
}

#[tokio::test]
async fn a_change_that_a_restart_forgets_is_reported_as_not_durable() {
    let (app, envoy, desk, signer) = pushing().await;
    let note = "note: not durable: target \"one\" only pushes";
    for (words, is_noted) in [
        ("close shop", true),
        ("close shop", false),
        ("schedule api --from 2099-01-01T02:00:00Z --stay", true),
        ("open shop", false),
    ] {
        let output = desk.run(words).await;
        assert_eq!((output.code, output.stderr.contains(note)), (0, is_noted), "{words}: {output:?}");
    }
    drop(envoy);
    let (_envoy, desk) = writing(&app, &signer).await;
    let output = desk.run("close shop").await;
    assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{output:?}");
}

#[tokio::test]
async fn without_envoys_a_file_target_cannot_confirm_adoption() {
    let (app, signer) = (App::start(), Signer::generate());
    let (envoy, desk) = writing(&app, &signer).await;
    desk.target(&format!("file = {:?}\npolicy = \"policy.yaml\"", envoy.ecds_file()));
    let output = desk.run("close shop").await;
    assert_eq!((output.code, output.stdout.as_str()), (3, "shop: OFFLINE\n"), "{output:?}");
    let told = "the file is written, but adoption cannot be verified, because target \"one\" has no `envoys`";
    assert!(output.stderr.contains(told) && output.stderr.contains("--wait=false"), "{output:?}");
    eventually("the site is closed", async || (status_of(&envoy).await == 503).then_some(())).await;
    let status = desk.run("status shop").await;
    assert_eq!(status.code, 0, "{status:?}");
    assert!(status.stdout.contains("OFFLINE") && status.stdout.contains("not known"), "{status:?}");
    let output = desk.run("open shop --wait=false").await;
    assert_eq!((output.code, output.stdout.as_str(), output.stderr.as_str()), (0, "shop: ONLINE\n", ""));
}

#[tokio::test]
async fn history_requires_a_key_of_the_policy() {
    let (_app, envoy, desk, _) = pushing().await;
    assert_eq!(desk.run("close shop").await.code, 0);
    let stranger = Desk::pushing(&Signer::generate(), &[&envoy.endpoint()]);
    let told = "the history needs a key of the policy";
    for (is_there, code, why) in
        [(true, 4, "`maintctl init` prints to `keys` of the policy"), (false, 1, "maintctl.key")]
    {
        if !is_there {
            std::fs::remove_file(stranger.path().join("maintctl.key")).unwrap();
        }
        let output = stranger.run("history").await;
        assert_eq!((output.code, output.stdout.as_str()), (code, ""), "{output:?}");
        assert!(output.stderr.contains(told) && output.stderr.contains(why), "{output:?}");
    }
}

#[tokio::test]
async fn only_errors_of_changing_commands_say_that_nothing_changed() {
    let (_app, mut envoy, desk, _) = pushing().await;
    for (words, could) in
        [("status shopp", false), ("history shopp", false), ("close shopp", true), ("cancel shopp w1", true)]
    {
        let output = desk.run(words).await;
        assert_eq!(output.code, 1, "{words}: {output:?}");
        assert!(output.stderr.contains("unknown site \"shopp\"; did you mean \"shop\"?"), "{words}: {output:?}");
        assert_eq!(output.stderr.contains("nothing changed"), could, "{words}: {output:?}");
    }
    envoy.kill();
    for (words, could) in [("history", false), ("close shop", true)] {
        let output = desk.run(words).await;
        assert_eq!(output.code, 3, "{words}: {output:?}");
        assert!(output.stderr.contains("no Envoy responds"), "{words}: {output:?}");
        assert_eq!(output.stderr.contains("nothing changed"), could, "{words}: {output:?}");
    }
}

#[tokio::test]
async fn the_default_author_is_the_real_user_whatever_the_environment_says() {
    let (_app, _envoy, desk, _) = pushing().await;
    let real = run("id", &["--user", "--name", "--real"]).await.stdout;
    for (variable, value) in [("USER", "somebody"), ("LOGNAME", "somebody"), ("USER", "")] {
        let mut command = desk.command("close shop --reason Upgrade --json --dry-run");
        let output: Output = command.env_remove("MAINTCTL_BY").env(variable, value).output().await.unwrap().into();
        let answer: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
        let by = answer["sites"][0]["document"]["by"].as_str().unwrap();
        assert_eq!(by.split('@').next().unwrap(), real.trim(), "{variable}={value}: {by}");
    }
}
