//! A live line on a terminal, for waits of more than a second.

use std::cell::OnceCell;
use std::time::{Duration, Instant};

use indicatif::ProgressBar;

/// The time after which the line appears.
const DELAY: Duration = Duration::from_secs(1);

pub struct Progress {
    title: &'static str,
    started: Instant,
    bar: OnceCell<ProgressBar>,
}

impl Progress {
    pub fn start(title: &'static str) -> Progress {
        Progress { title, started: Instant::now(), bar: OnceCell::new() }
    }

    /// Updates the line.
    pub fn update(&self, text: impl FnOnce() -> String) {
        if self.started.elapsed() < DELAY {
            return;
        }
        let bar = self.bar.get_or_init(|| {
            let bar = ProgressBar::new_spinner();
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        bar.set_message(format!("{}: {} ({} s)", self.title, text(), self.started.elapsed().as_secs()));
    }

    /// Removes the line.
    pub fn end(&self) {
        if let Some(bar) = self.bar.get() {
            bar.finish_and_clear();
        }
    }
}
