//! The reference of all subcommands in docs/maintctl.md, generated from the command line's definition.
//!
//! The test fails if the reference differs. With `UPDATE_DOCS=1`, it rewrites the text between the markers instead.

use std::fmt::Write as _;

use clap::{Arg, Command, CommandFactory};

use crate::args::Cli;
use crate::exit;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/maintctl.md");
const BEGIN: &str = "<!-- generated: commands -->";
const END: &str = "<!-- end -->";

#[test]
fn the_reference_in_the_documentation_is_current() {
    let text = std::fs::read_to_string(FILE).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("a marker for the beginning");
    let (_, after) = rest.split_once(END).expect("a marker for the end");
    let current = format!("{before}{BEGIN}\n\n{}\n{END}{after}", reference());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(FILE, &current).unwrap();
    } else {
        assert!(text == current, "run: UPDATE_DOCS=1 cargo test --features strip-exports --bin maintctl reference");
    }
}

fn reference() -> String {
    let mut command = Cli::command();
    command.build();
    let mut text = String::from("## Reference\n\n### Exit codes\n\n| code | meaning |\n|---|---|\n");
    for (code, meaning) in exit::CODES {
        writeln!(text, "| {code} | {meaning} |").unwrap();
    }
    text.push_str("\n### Flags of all commands\n\n");
    text.push_str(&table(command.get_arguments().filter(is_listed)));
    let shown = command.get_subcommands().filter(|command| !command.is_hide_set() && command.get_name() != "help");
    for subcommand in shown {
        text.push_str(&section(subcommand));
    }
    text
}

/// The section of one subcommand.
fn section(command: &Command) -> String {
    let name = command.get_name();
    let mut text = format!("\n### maintctl {name}\n\n{}.\n\n", command.get_about().map(ToString::to_string).unwrap());
    let help = command.get_after_help().map(ToString::to_string).unwrap();
    let (examples, notes) = help.split_once("\n\n").unwrap_or((&help, ""));
    // The tests of the documentation check the options of these commands.
    text.push_str("```sh options\n");
    for example in examples.lines().skip(1) {
        writeln!(text, "{}", example.trim_start()).unwrap();
    }
    text.push_str("```\n\n");
    text.push_str(&table(command.get_arguments().filter(|arg| is_listed(arg) && !arg.is_global_set())));
    if !notes.is_empty() {
        writeln!(text, "\n{notes}").unwrap();
    }
    text
}

fn is_listed(arg: &&Arg) -> bool {
    !arg.is_hide_set() && !["help", "version"].contains(&arg.get_id().as_str())
}

/// A table of arguments with their environment variables, defaults and descriptions.
fn table<'a>(args: impl Iterator<Item = &'a Arg>) -> String {
    let mut text = String::from("| argument | description |\n|---|---|\n");
    for arg in args {
        let value = arg.get_value_names().filter(|_| arg.get_action().takes_values());
        let value = value.map(|names| names.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "));
        let flags = [arg.get_short().map(|short| format!("-{short}")), arg.get_long().map(|long| format!("--{long}"))];
        let flags = flags.into_iter().flatten().collect::<Vec<_>>().join(", ");
        let usage = match (flags.as_str(), value) {
            ("", Some(value)) => value,
            (flags, Some(value)) => format!("{flags} {value}"),
            (flags, None) => flags.to_owned(),
        };
        let mut description = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let defaults: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
        if arg.get_action().takes_values() && !defaults.is_empty() {
            write!(description, " [default: {}]", defaults.join(", ")).unwrap();
        }
        let values: Vec<String> = arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
        if arg.get_action().takes_values() && !values.is_empty() {
            write!(description, " [values: {}]", values.join(", ")).unwrap();
        }
        if let Some(variable) = arg.get_env() {
            write!(description, " [environment: {}]", variable.to_string_lossy()).unwrap();
        }
        writeln!(text, "| `{}` | {} |", usage.replace('|', "\\|"), description.replace('|', "\\|")).unwrap();
    }
    text
}
