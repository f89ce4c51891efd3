//! `maintctl preview`: shows the page of a closed site, made by the code that Envoy runs.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::args::PreviewArgs;
use crate::terminal::output;

mod page;
mod server;

use page::Preview;

pub fn run(args: &PreviewArgs) -> Result<ExitCode> {
    let preview = Preview::new(args)?;
    match &args.out {
        Some(file) => write(file, &preview.html()?)?,
        None => server::serve(&preview, args.port.unwrap_or(0), !args.no_browser)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn write(file: &Path, page: &[u8]) -> Result<()> {
    if file == Path::new("-") {
        output::script(&String::from_utf8_lossy(page))?;
        return Ok(());
    }
    std::fs::write(file, page).with_context(|| format!("--out {}", file.display()))?;
    aside!("created {}", file.display());
    Ok(())
}
