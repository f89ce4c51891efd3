mod examples;
mod reference;

use super::*;

#[test]
fn the_definition_of_the_command_line_is_consistent() {
    Cli::command().debug_assert();
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
    let words = ["maintctl", "on", "--force", "--", "ls", "--all"].map(OsString::from).to_vec();
    let (cli, alias) = Cli::read(words).unwrap();
    let Command::Close(args) = cli.command else { panic!("not `close`") };
    assert_eq!((args.sites.sites.len(), args.sites.all, args.now), (0, false, true));
    assert_eq!((args.command, alias.unwrap().typed.as_str()), (vec!["ls".into(), "--all".into()], "on"));
}
