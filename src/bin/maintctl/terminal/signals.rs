//! Signals. They end maintctl with the exit code of a shell, or are forwarded to a running command.

use std::io::{self, IsTerminal};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// The running command.
static CHILD: Mutex<Option<Pid>> = Mutex::new(None);

/// True if the command that runs changes nothing.
static CHANGES_NOTHING: AtomicBool = AtomicBool::new(false);

/// Lets signals end maintctl without the advice to look at the state of the sites.
pub fn end_without_advice() {
    CHANGES_NOTHING.store(true, Ordering::Relaxed);
}

fn child() -> MutexGuard<'static, Option<Pid>> {
    CHILD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Installs the signal handlers. maintctl may end at any moment, because files are replaced in one step.
pub fn install() -> Result<()> {
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM]).context("signals")?;
    thread::spawn(move || {
        for signal in signals.forever() {
            // The lock keeps a command from starting meanwhile.
            let child = child();
            match *child {
                Some(child) => forward(child, signal),
                None => {
                    let is_harmless = CHANGES_NOTHING.load(Ordering::Relaxed);
                    let advice = if is_harmless { "" } else { "; see `maintctl status` for the current state" };
                    crate::terminal::output::over_live_line(format_args!("interrupted{advice}"));
                    std::process::exit(128 + signal);
                }
            }
        }
    });
    Ok(())
}

fn forward(child: Pid, number: i32) {
    // A terminal sends ^C to the command too.
    if number == SIGINT && std::io::stdin().is_terminal() {
        return;
    }
    let signal = match number {
        SIGHUP => Signal::HUP,
        SIGINT => Signal::INT,
        _ => Signal::TERM,
    };
    // The command may have ended just now.
    let _ = kill_process(child, signal);
}

/// Forwards signals to a command until it is dropped.
pub struct Forwarding;

impl Forwarding {
    /// Starts a command. Signals that arrive meanwhile are handled afterwards.
    pub fn start(command: &mut Command) -> io::Result<(Child, Forwarding)> {
        let mut running = child();
        let started = command.spawn()?;
        *running = i32::try_from(started.id()).ok().and_then(Pid::from_raw);
        Ok((started, Forwarding))
    }
}

impl Drop for Forwarding {
    fn drop(&mut self) {
        *child() = None;
    }
}
