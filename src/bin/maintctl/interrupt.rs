//! Signals: they end maintctl with the code that a shell would show, or are passed on to the command that it runs.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// The process id of the command that runs; 0: none.
static CHILD: AtomicI32 = AtomicI32::new(0);

/// Handles signals from now on. Nothing is lost at any instant: files are replaced in one step.
pub fn install() -> Result<()> {
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM]).context("signals")?;
    thread::spawn(move || {
        for signal in signals.forever() {
            match Pid::from_raw(CHILD.load(Ordering::SeqCst)) {
                Some(child) => pass_on(child, signal),
                None => {
                    anstream::eprintln!("\r\x1b[Kinterrupted; `maintctl status` shows what holds now");
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
    pub fn to(child: u32) -> Passing {
        CHILD.store(i32::try_from(child).unwrap_or(0), Ordering::SeqCst);
        Passing
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        CHILD.store(0, Ordering::SeqCst);
    }
}
