use super::*;

fn words(line: &str) -> Vec<OsString> {
    line.split(' ').map(OsString::from).collect()
}

#[test]
fn other_names_become_subcommands_of_maintctl() {
    for (typed, expected, alias) in [
        ("maintctl on shop", "maintctl close shop", Some(("on", false))),
        ("maintctl activate", "maintctl close", Some(("activate", false))),
        ("maintctl off shop --json", "maintctl open shop --json", Some(("off", false))),
        ("maintctl --target vm deactivate", "maintctl --target vm open", Some(("deactivate", false))),
        ("maintctl --config=a.toml check", "maintctl --config=a.toml status", Some(("check", false))),
        ("maintctl help on", "maintctl help close", Some(("on", false))),
        ("maintctl offline on shop", "maintctl close shop", Some(("offline on", true))),
        ("maintctl offline --force activate", "maintctl close --force", Some(("offline activate", true))),
        ("maintctl offline deactivate", "maintctl open", Some(("offline deactivate", true))),
        ("maintctl offline check", "maintctl status", Some(("offline check", true))),
        ("maintctl maintenance_mode on", "maintctl close", Some(("maintenance_mode on", true))),
        ("maintctl maintenance-mode off -i", "maintctl open -i", Some(("maintenance_mode off", true))),
        ("maintctl maintenance_mode on --end 03:00", "maintctl close --end 03:00", Some(("maintenance_mode on", true))),
        (
            "maintctl maintenance_mode on --start=02:00 --end 03:00",
            "maintctl schedule --from=02:00 --end 03:00",
            Some(("maintenance_mode on", true)),
        ),
        (
            "maintctl maintenance_mode on --start 02:00",
            "maintctl schedule --from 02:00 --stay",
            Some(("maintenance_mode on", true)),
        ),
        (
            "maintctl setmaintenance off shop api --ignore-missing",
            "maintctl open shop api --ignore-missing",
            Some(("setmaintenance off", true)),
        ),
        ("maintctl downtime_start", "maintctl close", Some(("downtime_start", true))),
        ("maintctl downtime-end shop", "maintctl open shop", Some(("downtime_end", true))),
        ("maintctl offline on --help", "maintctl close --help", Some(("offline on", true))),
        ("maintctl close on", "maintctl close on", None),
        ("maintctl status -- off", "maintctl status -- off", None),
        ("maintctl", "maintctl", None),
    ] {
        let translation = translate(words(typed)).unwrap();
        assert_eq!(translation.words, words(expected), "{typed}");
        let found = translation.alias.as_ref().map(|alias| (alias.typed.as_str(), alias.is_foreign));
        assert_eq!(found, alias, "{typed}");
    }
}

#[test]
fn a_django_command_without_a_translation_gets_advice() {
    for (typed, advice) in [
        ("maintctl offline", "`offline` needs on or off; in maintctl, these are `maintctl close` and `maintctl open`"),
        ("maintctl setmaintenance shop", "`setmaintenance` needs on or off"),
        ("maintctl maintenance_mode toggle -- on", "`maintenance_mode` needs on or off"),
        ("maintctl offline on --timeout 900", "--timeout 900: maintctl does not wait for the sessions of visitors"),
        ("maintctl offline on --timeout=8", "omit --timeout"),
    ] {
        let error = translate(words(typed)).unwrap_err();
        assert!(error.contains(advice), "{typed}: {error}");
    }
}
