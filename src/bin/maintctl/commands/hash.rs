//! `maintctl hash`: prints the SHA-256 of a secret, for `sha256` in a rule.

use std::io::{self, IsTerminal, Read};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use envoy_maintenance::state::Digest;

use crate::args::HashArgs;
use crate::exit::ExitError;
use crate::terminal::echo::Silence;
use crate::terminal::signals;

/// The length below which a secret can probably be guessed from its digest.
const SHORT: usize = 16;

pub fn run(args: &HashArgs) -> Result<ExitCode> {
    if !args.typed.is_empty() {
        let text = "a secret is not an argument, because other users and the shell's history can read it; run `maintctl hash` \
                    and type the secret, or use `maintctl hash < FILE`; replace the secret that you typed";
        bail!(ExitError::Usage(text.to_owned()));
    }
    let secret = if io::stdin().is_terminal() { ask()? } else { piped()? };
    if secret.is_empty() {
        bail!(ExitError::Usage("the secret is empty".to_owned()));
    }
    if secret.contains(['\n', '\r', '\0']) {
        bail!(ExitError::Usage(
            "the secret has several lines, which no header, cookie or parameter can have".to_owned()
        ));
    }
    if secret.trim() != secret {
        aside!("warning: the secret begins or ends with a space, which HTTP removes from a header");
    }
    if secret.chars().count() < SHORT {
        aside!(
            "warning: the secret has fewer than {SHORT} characters and can be found from its digest; a better one: openssl \
             rand -hex 32"
        );
    }
    answer!("{{ sha256: \"{}\" }}", Digest::of(secret.as_bytes()));
    Ok(ExitCode::SUCCESS)
}

/// Reads the secret twice from the terminal, without echo.
fn ask() -> Result<String> {
    signals::end_without_advice();
    let _silence = Silence::start().context("the echo of the terminal cannot be stopped")?;
    let ask = |prompt: &str| rpassword::prompt_password(prompt).context("the secret cannot be read");
    let secret = ask("Secret: ")?;
    if ask("The same again: ")? != secret {
        bail!("the two secrets differ; run `maintctl hash` again");
    }
    Ok(secret)
}

/// Reads the secret from stdin, without the final line break.
fn piped() -> Result<String> {
    let mut secret = String::new();
    io::stdin().read_to_string(&mut secret).context("the secret cannot be read")?;
    let secret = secret.strip_suffix('\n').unwrap_or(&secret);
    Ok(secret.strip_suffix('\r').unwrap_or(secret).to_owned())
}
