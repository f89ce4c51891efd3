//! The effective state of a site: the modes that are active at a given time.

use super::Mode;
use crate::time::Time;

/// A set of modes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ModeSet(u8);

impl ModeSet {
    /// Adds `mode`.
    pub fn insert(&mut self, mode: Mode) {
        self.0 |= 1 << mode as u8;
    }

    /// True if the set contains `mode`.
    pub fn contains(self, mode: Mode) -> bool {
        self.0 & (1 << mode as u8) != 0
    }

    /// The modes of the set, the strictest first; `online` if the set is empty.
    pub fn or_online(self) -> impl Iterator<Item = Mode> {
        let online = (self == ModeSet::default()).then_some(Mode::Online);
        self.strictest_first().chain(online)
    }

    /// The modes of the set, the strictest first.
    pub fn strictest_first(self) -> impl Iterator<Item = Mode> {
        Mode::ALL.into_iter().rev().filter(move |mode| self.contains(*mode))
    }
}

/// An active mode of a site: that of its document, or of a window.
#[derive(Clone, Debug, PartialEq)]
pub struct ActiveMode {
    /// Any mode but `online`.
    pub mode: Mode,
    /// The start.
    pub since: Option<Time>,
    /// The time at which the mode ends automatically.
    pub until: Option<Time>,
    /// The time at which visitors can expect the site back.
    pub eta: Option<Time>,
    /// The public reason.
    pub reason: Option<String>,
    /// The exempt rules that are disabled.
    pub suspend: Vec<String>,
}

/// All active modes of a site, and the values that follow from all of them together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EffectiveState {
    /// The active modes; empty: the site is online.
    pub active: Vec<ActiveMode>,
}

impl EffectiveState {
    /// The state of a site that is online.
    pub const ONLINE: &EffectiveState = &EffectiveState { active: Vec::new() };

    /// The set of the active modes.
    pub fn modes(&self) -> ModeSet {
        let mut modes = ModeSet::default();
        self.active.iter().for_each(|active| modes.insert(active.mode));
        modes
    }

    /// The strictest active mode; `online` if none is active.
    pub fn mode(&self) -> Mode {
        self.active.iter().map(|active| active.mode).max().unwrap_or(Mode::Online)
    }

    /// True if any active mode disables the exempt rule `name`.
    pub fn suspends(&self, name: &str) -> bool {
        self.active.iter().any(|active| active.suspend.iter().any(|suspended| suspended == name))
    }

    /// The first of the strictest modes, whose reason visitors see.
    fn strictest(&self) -> Option<&ActiveMode> {
        let mode = self.mode();
        self.active.iter().find(|active| active.mode == mode)
    }

    /// The reason of the strictest mode.
    pub fn reason(&self) -> Option<&str> {
        self.strictest().and_then(|active| active.reason.as_deref())
    }

    /// The start of the strictest mode.
    pub fn since(&self) -> Option<Time> {
        self.strictest().and_then(|active| active.since)
    }

    /// The time at which the site opens automatically: the latest end, or none if a mode has no end.
    pub fn until(&self) -> Option<Time> {
        self.active.iter().map(|active| active.until).reduce(|a, b| Some(a?.max(b?))).flatten()
    }

    /// The latest time at which visitors can expect the site back.
    pub fn eta(&self) -> Option<Time> {
        self.active.iter().filter_map(|active| active.eta).max()
    }
}
