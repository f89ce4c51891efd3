//! Signals: they end maintctl with the code that a shell would show, or are passed on to the command that it runs.

use std::io::{self, IsTerminal};
use std::process::{Child, Command};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// The command that runs.
static CHILD: Mutex<Option<Pid>> = Mutex::new(None);

fn child() -> MutexGuard<'static, Option<Pid>> {
    CHILD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Handles signals from now on. Nothing is lost at any instant: files are replaced in one step.
pub fn install() -> Result<()> {
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM]).context("signals")?;
    thread::spawn(move || {
        for signal in signals.forever() {
            // Held until the end, so that a command does not start meanwhile.
            let child = child();
            match *child {
                Some(child) => pass_on(child, signal),
                None => {
                    crate::terminal::output::over_live_line(format_args!(
                        "interrupted; `maintctl status` shows what holds now"
                    ));
                    std::process::exit(128 + signal);
                }
            }
        }
    });
    Ok(())
}

fn pass_on(child: Pid, number: i32) {
    // On a terminal ^C reaches the command by itself.
    if number == SIGINT && std::io::stdin().is_terminal() {
        return;
    }
    let signal = match number {
        SIGHUP => Signal::HUP,
        SIGINT => Signal::INT,
        _ => Signal::TERM,
    };
    // A command that has just ended has no use for it.
    let _ = kill_process(child, signal);
}

/// While this lives, signals go to the command.
pub struct Passing;

impl Passing {
    /// Starts a command. A signal that comes meanwhile waits for it.
    pub fn start(command: &mut Command) -> io::Result<(Child, Passing)> {
        let mut running = child();
        let started = command.spawn()?;
        *running = i32::try_from(started.id()).ok().and_then(Pid::from_raw);
        Ok((started, Passing))
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        *child() = None;
    }
}
