use super::*;

#[test]
fn the_definition_of_the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn every_alias_names_its_command() {
    let about = |name: &str| {
        let command = Cli::command();
        command.find_subcommand(name).and_then(|command| command.get_about().map(ToString::to_string))
    };
    for (alias, expected) in [
        ("on", "Alias of `close`"),
        ("activate", "Alias of `close`"),
        ("off", "Alias of `open`"),
        ("deactivate", "Alias of `open`"),
        ("check", "Alias of `status`"),
        ("close", "Close sites, or change how they are closed [aliases: on, activate]"),
    ] {
        assert_eq!(about(alias).as_deref(), Some(expected), "{alias}");
    }
}

#[test]
fn unknown_flags_and_contradictions_are_usage_errors() {
    for words in [
        "close shop --shadow",
        "close shop --settle 3s",
        "close shop --drain-timeout 3s",
        "close shop --on-timeout open",
        "close shop --new-passes",
        "sessions shop",
        "pass shop --to me",
        "forget e",
        "render close shop",
        "close shop --lease 2m",
        "close shop --lease 2m --for 1h -- true",
        "close shop --for 1h --until 02:00",
        "close shop --for 90",
        "close shop --all",
        "schedule shop --from 02:00",
        "schedule shop --from 02:00 --stay --for 1h",
    ] {
        let words = std::iter::once("maintctl").chain(words.split(' '));
        assert!(Cli::try_parse_from(words.clone()).is_err(), "{words:?}");
    }
}

#[test]
fn a_command_keeps_its_own_flags() {
    let cli = Cli::try_parse_from(["maintctl", "on", "--force", "--", "ls", "--all"]).unwrap();
    let Command::On(args) = cli.command else { panic!("not `on`") };
    assert_eq!((args.sites.sites.len(), args.sites.all, args.now), (0, false, true));
    assert_eq!(args.command, ["ls", "--all"]);
}
