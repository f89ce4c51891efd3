//! A live line on a terminal.

use std::cell::OnceCell;
use std::time::{Duration, Instant};

use indicatif::ProgressBar;

/// After how long a wait is worth a line.
const PATIENCE: Duration = Duration::from_secs(1);

/// A live line on a terminal for what takes longer than a second.
pub struct Progress {
    what: &'static str,
    started: Instant,
    bar: OnceCell<ProgressBar>,
}

impl Progress {
    pub fn start(what: &'static str) -> Progress {
        Progress { what, started: Instant::now(), bar: OnceCell::new() }
    }

    /// Shows how far it is.
    pub fn say(&self, text: impl FnOnce() -> String) {
        if self.started.elapsed() < PATIENCE {
            return;
        }
        let bar = self.bar.get_or_init(|| {
            let bar = ProgressBar::new_spinner();
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        bar.set_message(format!("{}: {} ({} s)", self.what, text(), self.started.elapsed().as_secs()));
    }

    /// Takes the line away.
    pub fn end(&self) {
        if let Some(bar) = self.bar.get() {
            bar.finish_and_clear();
        }
    }
}
