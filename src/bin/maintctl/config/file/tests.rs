use super::*;

fn config(text: &str) -> Result<Config> {
    Ok(Config { folder: PathBuf::from("/etc/m"), name: FILE.to_owned(), file: toml::from_str(text)? })
}

#[test]
fn the_target_is_the_selected_one_or_the_default_or_the_only_one() {
    let one = "[target.a]\nenvoys = [\"http://e\"]";
    let two = "[target.alpha]\nfile = \"f\"\npolicy = \"p\"\n[target.beta]\nenvoys = [\"http://e\"]";
    let two_with_default = format!("default = \"beta\"\n{two}");
    for (text, named, expected) in [
        (one, None, Ok("a")),
        (one, Some("a"), Ok("a")),
        (one, Some("zzz"), Err("unknown target \"zzz\" in maintctl.toml (targets: a)")),
        (two, None, Err("maintctl.toml has no default target; use --target NAME (targets: alpha, beta)")),
        (
            two,
            Some("bta"),
            Err("unknown target \"bta\" in maintctl.toml; did you mean \"beta\"? (targets: alpha, beta)"),
        ),
        (&two_with_default, None, Ok("beta")),
        (&two_with_default, Some("alpha"), Ok("alpha")),
    ] {
        let config = config(text).unwrap();
        let found = config.target(named).map(|(name, _)| name).map_err(|error| error.to_string());
        assert_eq!(found.as_deref().map_err(String::as_str), expected, "{text} {named:?}");
    }
}

#[test]
fn what_does_not_exist_is_an_error() {
    for text in [
        "fleat = \"demo\"",
        "[target.a]\netcd = [\"http://127.0.0.1:2379\"]",
        "[target.a]\nwasmplugin = \"a/b\"",
        "[target.a]\nenvoys = \"http://e\"",
    ] {
        assert!(config(text).is_err(), "{text}");
    }
}

#[test]
fn the_users_folder_follows_the_xdg_specification() {
    for (xdg, home, expected) in [
        (Some("/x"), Some("/h"), Some("/x/maintctl")),
        (Some("relative"), Some("/h"), Some("/h/.config/maintctl")),
        (None, Some("/h"), Some("/h/.config/maintctl")),
        (None, Some(""), None),
        (None, None, None),
    ] {
        let found = config_folder(xdg.map(Into::into), home.map(Into::into));
        assert_eq!(found.as_deref(), expected.map(Path::new));
    }
}

#[test]
fn paths_are_relative_to_the_file() {
    let config = config("").unwrap();
    assert_eq!(config.path(Path::new("k")), Path::new("/etc/m/k"));
    assert_eq!(config.path(Path::new("/k")), Path::new("/k"));
}
