//! Documents: the state of a site as its operators write it.

use super::{ActiveMode, EffectiveState, MAX_DOCUMENT, Mode, Stamp};
use crate::time::Time;
use crate::tree::PathError;

/// The state document of a site. In JSON it has at most [`MAX_DOCUMENT`] bytes; times are in RFC 3339 format.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// The name of the site.
    pub site: String,
    /// The fleet for which the document is made. Optional in a policy only.
    pub fleet: Option<String>,
    /// The revision and the digest.
    pub stamp: Stamp,
    /// The time of signing, in seconds since the epoch. Ignored in a policy.
    pub iat: Option<u64>,
    /// The mode, apart from windows.
    pub mode: Mode,
    /// The time at which the mode began.
    pub since: Option<Time>,
    /// The time at which visitors can expect the site back. It has no other effect.
    pub eta: Option<Time>,
    /// The time at which the site opens automatically.
    pub until: Option<Time>,
    /// The public reason.
    pub reason: Option<String>,
    /// A note for operators, which visitors never see.
    pub note: Option<String>,
    /// The author.
    pub by: Option<String>,
    /// The exempt rules that are disabled for this maintenance.
    pub suspend: Vec<String>,
    /// Planned and active windows.
    pub windows: Vec<Window>,
    /// The site's history, newest last.
    pub past: Vec<Past>,
    /// The key paths of ignored fields: those that this version does not know, and entries of `past` whose mode it does
    /// not know.
    pub unknown: Vec<String>,
    /// The JSON from which the document was read.
    pub payload: Vec<u8>,
}

/// A period in which a site is closed. The filter itself starts and ends it.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// The name, unique in the document.
    pub id: String,
    /// `read_only` or `offline`.
    pub mode: Mode,
    /// The start, inclusive.
    pub from: Time,
    /// The end, exclusive; none: until an operator opens the site.
    pub until: Option<Time>,
    /// The time at which visitors can expect the site back.
    pub eta: Option<Time>,
    /// The public reason.
    pub reason: Option<String>,
    /// The exempt rules that are disabled during the window.
    pub suspend: Vec<String>,
    /// The owner. A window with an owner is a hold: a running command keeps the site closed, and removes the hold when it
    /// ends. Scheduled windows have no owner.
    pub by: Option<String>,
}

/// A maintenance of the past.
#[derive(Clone, Debug, PartialEq)]
pub struct Past {
    /// The mode of the site.
    pub mode: Mode,
    /// The start.
    pub from: Time,
    /// The end.
    pub until: Time,
    /// The public reason.
    pub reason: Option<String>,
    /// The author of the document, or the owner of the window.
    pub by: Option<String>,
}

/// The reason for rejecting a document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// The document is not valid.
    #[error(transparent)]
    Malformed(#[from] PathError),
    /// The document is longer than [`MAX_DOCUMENT`]. Contains its length, in bytes.
    #[error("{0} bytes long; a document has at most {MAX_DOCUMENT}")]
    TooLarge(usize),
    /// `critical` names a field that this version does not know.
    #[error("critical: the field \"{0}\" is unknown to this version")]
    Unsupported(String),
}

impl Window {
    /// True if the window is active at `now`.
    pub fn is_active(&self, now: Time) -> bool {
        self.from <= now && !self.has_ended(now)
    }

    /// True if the end of the window has passed at `now`.
    pub fn has_ended(&self, now: Time) -> bool {
        self.until.is_some_and(|until| until <= now)
    }
}

impl Document {
    /// True if this document replaces `current`.
    pub fn is_newer_than(&self, current: Option<&Document>) -> bool {
        current.is_none_or(|current| self.stamp > current.stamp)
    }

    /// The modes that are active at `now`: that of the document and those of its windows.
    pub fn at(&self, now: Time) -> EffectiveState {
        let own = (self.mode != Mode::Online && self.until.is_none_or(|until| now < until)).then_some(ActiveMode {
            mode: self.mode,
            since: self.since,
            until: self.until,
            eta: self.eta,
            reason: self.reason.clone(),
            suspend: self.suspend.clone(),
        });
        let windows = self.windows.iter().filter(|window| window.is_active(now)).map(|window| ActiveMode {
            mode: window.mode,
            since: Some(window.from),
            until: window.until,
            eta: window.eta,
            reason: window.reason.clone(),
            suspend: window.suspend.clone(),
        });
        EffectiveState { active: own.into_iter().chain(windows).collect() }
    }

    /// The next time after `now` at which the effective state changes without a new document.
    pub fn next_change(&self, now: Time) -> Option<Time> {
        let own = if self.mode == Mode::Online { None } else { self.until };
        let windows = self.windows.iter().flat_map(|window| [Some(window.from), window.until]).flatten();
        own.into_iter().chain(windows).filter(|time| *time > now).min()
    }
}
