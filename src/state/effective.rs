//! What holds at a site at a moment: everything that closes it, and what follows from all of it.

use super::Mode;
use crate::time::Time;

/// A set of modes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ModeSet(u8);

impl ModeSet {
    /// Puts `mode` into the set.
    pub fn insert(&mut self, mode: Mode) {
        self.0 |= 1 << mode as u8;
    }

    /// Whether `mode` is in the set.
    pub fn contains(self, mode: Mode) -> bool {
        self.0 & (1 << mode as u8) != 0
    }

    /// The modes of the set, the strictest first; `online` alone where it is empty.
    pub fn or_online(self) -> impl Iterator<Item = Mode> {
        let online = (self == ModeSet::default()).then_some(Mode::Online);
        self.strictest_first().chain(online)
    }

    /// The modes of the set, the strictest first.
    pub fn strictest_first(self) -> impl Iterator<Item = Mode> {
        Mode::ALL.into_iter().rev().filter(move |mode| self.contains(*mode))
    }
}

/// One reason why a site is closed at a moment: the document's own mode, or a window.
#[derive(Clone, Debug, PartialEq)]
pub struct ActiveMode {
    /// Never `online`.
    pub mode: Mode,
    /// When it began.
    pub since: Option<Time>,
    /// When it ends by itself.
    pub until: Option<Time>,
    /// The promise to visitors.
    pub eta: Option<Time>,
    /// The reason, for visitors.
    pub reason: Option<String>,
    /// Exempt rules that do not count.
    pub suspend: Vec<String>,
}

/// What holds for a site at a moment: every active spell, and what follows from all of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EffectiveState {
    /// None: online.
    pub active: Vec<ActiveMode>,
}

impl EffectiveState {
    /// That of an open site.
    pub const ONLINE: &EffectiveState = &EffectiveState { active: Vec::new() };

    /// The active modes; empty: online.
    pub fn modes(&self) -> ModeSet {
        let mut modes = ModeSet::default();
        self.active.iter().for_each(|spell| modes.insert(spell.mode));
        modes
    }

    /// The strictest active mode, or `online`.
    pub fn mode(&self) -> Mode {
        self.active.iter().map(|spell| spell.mode).max().unwrap_or(Mode::Online)
    }

    /// Whether the exempt rule `name` is suspended by anything active.
    pub fn suspends(&self, name: &str) -> bool {
        self.active.iter().any(|spell| spell.suspend.iter().any(|suspended| suspended == name))
    }

    /// The first spell of the strictest mode: what visitors are told.
    fn leading(&self) -> Option<&ActiveMode> {
        let mode = self.mode();
        self.active.iter().find(|spell| spell.mode == mode)
    }

    /// The reason to show.
    pub fn reason(&self) -> Option<&str> {
        self.leading().and_then(|spell| spell.reason.as_deref())
    }

    /// Since when the leading mode holds.
    pub fn since(&self) -> Option<Time> {
        self.leading().and_then(|spell| spell.since)
    }

    /// When the site opens by itself: with the last of its spells, and never where one of them has no end.
    pub fn until(&self) -> Option<Time> {
        self.active.iter().map(|spell| spell.until).reduce(|a, b| Some(a?.max(b?))).flatten()
    }

    /// The latest promise to visitors.
    pub fn eta(&self) -> Option<Time> {
        self.active.iter().filter_map(|spell| spell.eta).max()
    }
}
