use clap::CommandFactory;

use super::*;
use crate::args::Cli;

#[test]
fn no_suggestion_does_the_opposite_of_the_word_that_was_typed() {
    let command = Cli::command();
    let both = "to close a site: maintctl close SITE; to open it: maintctl open SITE";
    for (typed, expected) in [
        ("closed", "maintctl close"),
        ("clsoe", "maintctl close"),
        ("offlien", "maintctl close"),
        ("ofline", both),
        ("onlien", "maintctl open"),
        ("online", "maintctl open"),
        ("opne", "maintctl open"),
        ("opend", "maintctl open"),
        ("reopen", "maintctl open"),
        ("reactivate", ""),
        ("inactivate", both),
        ("deactive", "maintctl open"),
        ("activated", "maintctl close"),
        ("onn", "maintctl close"),
        ("of", both),
        ("offf", "maintctl open"),
        ("down", "maintctl close"),
        ("up", "maintctl open"),
        ("start", both),
        ("stop", both),
        ("enable", both),
        ("disable", both),
        ("maintenance", both),
        ("Close", "maintctl close"),
        ("downtime_strat", "maintctl close"),
        ("stauts", "maintctl status"),
        ("ls", "maintctl status"),
        ("hstory", "maintctl history"),
        ("log", "maintctl history"),
        ("plan", "maintctl schedule"),
        ("validate", "maintctl lint"),
        ("completion", "maintctl completions"),
        ("xyzzy", ""),
    ] {
        let found = verb(typed, &command).unwrap_or_default();
        assert_eq!(found.strip_prefix("did you mean: ").unwrap_or(&found), expected, "{typed}");
    }
}

#[test]
fn a_flag_is_suggested_by_its_spelling_or_its_meaning() {
    let command = Cli::command();
    for (line, typed, expected) in [
        ("close shop --forr 1h", "--forr", "did you mean: --for"),
        ("close shop --untill 03:00", "--untill", "did you mean: --until"),
        ("close shop --readonly", "--readonly", "did you mean: --read-only"),
        ("close shop --no-wait", "--no-wait", "did you mean: --wait=false"),
        ("close shop --message x", "--message", "did you mean: --reason"),
        ("close shop --duration=1h", "--duration=1h", "did you mean: --for"),
        ("close --site shop", "--site", "sites have no flag: maintctl close SITE"),
        ("schedule shop --start 02:00", "--start", "did you mean: --from"),
        ("status --jsn", "--jsn", "did you mean: --json"),
        ("open shop --unread-only", "--unread-only", ""),
        ("close shop --no-read-only", "--no-read-only", ""),
        ("close shop --write-only", "--write-only", ""),
    ] {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        assert_eq!(flag(typed, &words, &command).unwrap_or_default(), expected, "{line}");
    }
}

#[test]
fn a_negative_value_is_not_taken_for_a_flag() {
    for (line, typed, expected) in [
        ("close shop --for -5m", "-5", Some("--for -5m: times and durations count forwards; write --for 5m")),
        ("close shop -5", "-5", None),
        ("close shop -x", "-x", None),
    ] {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        assert_eq!(negative_value(typed, &words).as_deref(), expected, "{line}");
    }
}
