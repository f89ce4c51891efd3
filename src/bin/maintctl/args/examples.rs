//! Tests of the examples in the help.

use clap::{CommandFactory, Parser};

use super::Cli;

/// The examples in a help text.
fn examples(help: &str) -> Vec<&str> {
    let after = help.lines().skip_while(|line| *line != "Examples:").skip(1);
    after.take_while(|line| !line.is_empty()).collect()
}

/// The words of a command line, up to a comment, a redirection or another command.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut is_quoted) = (Vec::new(), String::new(), false);
    for character in line.chars() {
        match character {
            '\'' => is_quoted = !is_quoted,
            ' ' if !is_quoted => words.push(std::mem::take(&mut word)),
            '#' | '>' | ';' if !is_quoted => break,
            character => word.push(character),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

#[test]
fn every_command_has_valid_examples() {
    let mut command = Cli::command().term_width(100);
    command.build();
    let helps = std::iter::once(&mut command.clone())
        .chain(command.get_subcommands_mut().filter(|command| !command.is_hide_set() && command.get_name() != "help"))
        .map(|command| (command.get_name().to_owned(), command.render_long_help().to_string()))
        .collect::<Vec<_>>();
    assert!(helps.len() > 10, "{helps:?}");
    for (name, help) in helps {
        let examples = examples(&help);
        assert!(examples.len() > 1, "{name}: {help}");
        for example in examples {
            let words = words(example.strip_prefix("  ").unwrap_or(example));
            assert_eq!(words.first().map(String::as_str), Some("maintctl"), "{name}: {example}");
            let is_own = name == "maintctl" || words.get(1) == Some(&name);
            assert!(is_own, "{name}: {example}");
            if let Err(error) = Cli::try_parse_from(&words) {
                assert_eq!(error.kind(), clap::error::ErrorKind::DisplayHelp, "{example}: {error}");
            }
        }
    }
}
