//! `maintctl init` in an empty folder and in a folder with a configuration.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::client::Output;
use crate::support::maintctl;

async fn init(folder: &Path, words: &str) -> Output {
    let mut command = tokio::process::Command::new(maintctl());
    command.arg("init").args(words.split_whitespace()).current_dir(folder).env_remove("MAINTCTL_CONFIG");
    command.output().await.unwrap().into()
}

#[tokio::test]
async fn init_creates_a_key_and_prints_the_jwk_alone_to_stdout() {
    let folder = tempfile::TempDir::new().unwrap();
    let made = init(folder.path(), "").await;
    assert_eq!(made.code, 0, "{made:?}");
    assert!(made.stderr.contains("\nfleet: demo\n"), "{made:?}");
    let jwk = made.stdout;
    assert_eq!(jwk.lines().count(), 1);
    let value: Value = serde_json::from_str(&jwk).unwrap();
    assert_eq!((&value["kty"], &value["crv"]), (&json!("OKP"), &json!("Ed25519")));
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(folder.path().join("maintctl.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let key = fs::read(folder.path().join("maintctl.key")).unwrap();
    assert_eq!(init(folder.path(), "").await.stdout, jwk);
    assert_eq!(fs::read(folder.path().join("maintctl.key")).unwrap(), key);
}

#[tokio::test]
async fn init_uses_the_existing_configuration_and_key() {
    let folder = tempfile::TempDir::new().unwrap();
    let (config, key) = (folder.path().join("maintctl.toml"), folder.path().join("maintctl.key"));
    let made = init(folder.path(), "--fleet prod-eu").await;
    assert_eq!(made.code, 0, "{made:?}");
    for words in ["", "--fleet prod-eu"] {
        let again = init(folder.path(), words).await;
        assert_eq!((again.code, &again.stdout), (0, &made.stdout), "{words}: {again:?}");
        assert!(again.stderr.contains("\nfleet: prod-eu\n"), "{words}: {again:?}");
    }
    let other = init(folder.path(), "--fleet demo").await;
    assert_eq!((other.code, other.stdout.as_str()), (2, ""), "{other:?}");
    assert!(other.stderr.contains("--fleet \"demo\": maintctl.toml says `fleet = \"prod-eu\"`"), "{other:?}");
    // The configuration names the file of the key; init creates that file if it is missing.
    let text = fs::read_to_string(&config).unwrap();
    fs::remove_file(&key).unwrap();
    fs::write(&config, text.replace("maintctl.key", "other.key")).unwrap();
    let (new, again) = (init(folder.path(), "").await, init(folder.path(), "").await);
    assert!(folder.path().join("other.key").exists() && !key.exists());
    assert_eq!((new.code, &new.stdout), (0, &again.stdout), "{new:?}");
    assert_ne!(new.stdout, made.stdout);
    fs::write(&config, text.replace("key = \"maintctl.key\"", "key_command = [\"cat\", \"other.key\"]")).unwrap();
    assert_eq!(init(folder.path(), "").await.stdout, new.stdout);
    assert!(!key.exists());
    for (without, told) in [
        (text.replace("key = \"maintctl.key\"", ""), "maintctl.toml has neither `key` nor `key_command`"),
        (text.replace("fleet = \"prod-eu\"", ""), "maintctl.toml has no `fleet`"),
    ] {
        fs::write(&config, without).unwrap();
        let output = init(folder.path(), "").await;
        assert_eq!((output.code, output.stdout.as_str()), (1, ""), "{output:?}");
        assert!(output.stderr.contains(told) && !key.exists(), "{output:?}");
    }
}
