//! `maintctl man`: writes man pages, for `make install`.

use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use crate::args::{Cli, ManArgs};
use crate::exit;

pub fn run(args: &ManArgs) -> Result<ExitCode> {
    let folder = &args.folder;
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let verbs = command.get_subcommands().filter(|verb| !verb.is_hide_set());
    for page in std::iter::once(&command).chain(verbs) {
        let name = page.get_display_name().unwrap_or_else(|| page.get_name()).replace(' ', "-");
        let file = folder.join(format!("{name}.1"));
        fs::write(&file, render(page.clone(), &name)?).with_context(|| file.display().to_string())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The page of a command.
fn render(command: Command, name: &str) -> Result<Vec<u8>> {
    let after_help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let is_root = command.has_subcommands();
    let source = concat!("maintctl ", env!("CARGO_PKG_VERSION"));
    let man = Man::new(command.after_help("")).title(name.to_uppercase()).source(source).manual("maintctl");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if is_root {
        man.render_subcommands_section(&mut page)?;
    }
    let mut roff = Roff::new();
    let (examples, notes) = after_help.split_once("\n\n").unwrap_or((&after_help, ""));
    roff.control("SH", ["EXAMPLES"]);
    verbatim(&mut roff, examples.lines().skip(1).map(str::trim_start));
    if !is_root && !notes.is_empty() {
        roff.control("SH", ["NOTES"]);
        paragraphs(&mut roff, notes);
    }
    roff.control("SH", ["EXIT STATUS"]);
    for (code, meaning) in exit::CODES {
        roff.control("TP", []).text([bold(code)]).text([roman(meaning)]);
    }
    roff.control("SH", ["FILES"]);
    for (file, meaning) in [
        ("./maintctl.toml", "the configuration, unless --config or MAINTCTL_CONFIG names another file"),
        ("~/.config/maintctl/maintctl.toml", "the configuration, if the current directory has none"),
    ] {
        roff.control("TP", []).text([bold(file)]).text([roman(meaning)]);
    }
    roff.control("SH", ["SEE ALSO"]).text([roman("maintctl(1), envoy(1)")]);
    roff.to_writer(&mut page)?;
    Ok(page)
}

/// Text of which indented lines stay as they are.
fn paragraphs(roff: &mut Roff, text: &str) {
    for line in text.lines() {
        if line.starts_with(' ') {
            verbatim(roff, std::iter::once(line));
        } else if line.is_empty() {
            roff.control("PP", []);
        } else {
            roff.text([roman(line)]);
        }
    }
}

/// Lines that stay as they are.
fn verbatim<'l>(roff: &mut Roff, lines: impl Iterator<Item = &'l str>) {
    roff.control("nf", []);
    for line in lines {
        roff.text([roman(line)]);
    }
    roff.control("fi", []);
}
