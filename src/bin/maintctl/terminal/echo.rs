//! The echo of the terminal. It stops before the prompt for a secret, so that a secret that is typed or pasted early does
//! not show.

use std::io;
use std::sync::{Mutex, PoisonError};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// The settings of the terminal before its echo was stopped.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// Stops the echo of the terminal at stdin until it is dropped.
pub struct Silence;

impl Silence {
    pub fn start() -> io::Result<Silence> {
        let before = tcgetattr(io::stdin())?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        *BEFORE.lock().unwrap_or_else(PoisonError::into_inner) = Some(before);
        tcsetattr(io::stdin(), OptionalActions::Now, &silent)?;
        Ok(Silence)
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        restore();
    }
}

/// Restores the settings of the terminal, if its echo was stopped.
pub fn restore() {
    if let Some(before) = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take() {
        // The terminal may be gone.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &before);
    }
}
