//! Signals. They end maintctl with the exit code of a shell, are deferred until maintctl has settled the state of a site, or
//! are forwarded to a running command.

use std::io::{self, IsTerminal};
use std::marker::PhantomData;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::terminal::output::over_live_line;

/// The receiver of signals.
#[derive(Clone, Copy)]
enum Receiver {
    /// maintctl, which exits.
    Maintctl,
    /// maintctl, which first removes its hold or restores a site. Contains the first signal.
    Deferred(Option<i32>),
    /// The running command.
    Command(Pid),
}

/// True if the command that runs changes nothing.
static CHANGES_NOTHING: AtomicBool = AtomicBool::new(false);

/// Lets signals end maintctl without the advice to look at the state of the sites.
pub fn end_without_advice() {
    CHANGES_NOTHING.store(true, Ordering::Relaxed);
}

static RECEIVER: Mutex<Receiver> = Mutex::new(Receiver::Maintctl);

fn receiver() -> MutexGuard<'static, Receiver> {
    RECEIVER.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Installs the signal handlers. maintctl may end at any moment, because files are replaced in one step; `before_exit` is
/// called then.
pub fn install(before_exit: fn()) -> Result<()> {
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM]).context("signals")?;
    thread::spawn(move || {
        for signal in signals.forever() {
            // The lock keeps a command from starting meanwhile.
            let mut receiver = receiver();
            match *receiver {
                Receiver::Command(child) => forward(child, signal),
                Receiver::Deferred(None) => {
                    *receiver = Receiver::Deferred(Some(signal));
                    over_live_line(format_args!(
                        "interrupted; maintctl first settles the state of the site; another signal ends it at once"
                    ));
                }
                Receiver::Maintctl | Receiver::Deferred(Some(_)) => {
                    let is_harmless = CHANGES_NOTHING.load(Ordering::Relaxed);
                    let advice = if is_harmless { "" } else { "; see `maintctl status` for the current state" };
                    over_live_line(format_args!("interrupted{advice}"));
                    before_exit();
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

/// Keeps the first signal from ending maintctl, until it is dropped.
pub struct Deferral;

impl Deferral {
    pub fn start() -> Deferral {
        *receiver() = Receiver::Deferred(None);
        Deferral
    }

    /// The signal that has arrived.
    pub fn signal(&self) -> Option<i32> {
        match *receiver() {
            Receiver::Deferred(signal) => signal,
            _ => None,
        }
    }

    /// Starts a command, to which signals are forwarded. Fails if a signal has arrived before; signals that arrive
    /// meanwhile are handled afterwards.
    pub fn spawn(&self, command: &mut Command) -> io::Result<(Child, Forwarding<'_>)> {
        let mut receiver = receiver();
        if matches!(*receiver, Receiver::Deferred(Some(_))) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let started = command.spawn()?;
        if let Some(child) = i32::try_from(started.id()).ok().and_then(Pid::from_raw) {
            *receiver = Receiver::Command(child);
        }
        Ok((started, Forwarding(PhantomData)))
    }
}

impl Drop for Deferral {
    fn drop(&mut self) {
        *receiver() = Receiver::Maintctl;
    }
}

/// Forwards signals to a command until it is dropped.
pub struct Forwarding<'d>(PhantomData<&'d Deferral>);

impl Drop for Forwarding<'_> {
    fn drop(&mut self) {
        *receiver() = Receiver::Deferred(None);
    }
}
