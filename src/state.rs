//! The state of a site: documents, the newer of two documents, and the modes that are active at a given time.
//!
//! A [`Document`] is written by an operator. It gives a site a [`Mode`], and plans windows in which the site is closed.
//! [`Document::at`] evaluates it at a time; the result, an [`EffectiveState`], is what requests are decided by. [`Stamp`]s
//! order the documents of a site, so that all Envoys that have seen the same documents agree. [`jws`] signs and verifies
//! documents.

use std::fmt;

use crate::tree::{KeyPath, PathError, Tree, fields};

mod digest;
mod document;
mod effective;
mod head;
pub mod jws;
mod read;
#[cfg(test)]
mod tests;

pub use digest::{Digest, Stamp};
pub use document::{Document, DocumentError, Past, Window};
pub use effective::{ActiveMode, EffectiveState, ModeSet};
pub use head::Head;

/// The largest document, in bytes of its JSON.
pub const MAX_DOCUMENT: usize = 8 * 1024;
/// The greatest revision, 2^53 − 1: greater integers are not exact in JSON (RFC 8259 section 6).
pub const MAX_REVISION: u64 = (1 << 53) - 1;
/// The most that a revision can be ahead of the clock, in milliseconds.
pub const MAX_AHEAD: i64 = 10 * 60 * 1000;

/// The setting of a site. Stricter modes are greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// All requests pass.
    Online,
    /// Requests that change nothing pass: GET, HEAD and OPTIONS.
    ReadOnly,
    /// No requests pass.
    Offline,
}

impl Mode {
    /// All modes, from open to closed.
    pub const ALL: [Mode; 3] = [Mode::Online, Mode::ReadOnly, Mode::Offline];

    /// The name in documents and replies.
    pub fn name(self) -> &'static str {
        match self {
            Mode::Online => "online",
            Mode::ReadOnly => "read_only",
            Mode::Offline => "offline",
        }
    }

    /// The value of the gauge `mode`. 2 is reserved for `pending`.
    pub fn number(self) -> u64 {
        match self {
            Mode::Online => 0,
            Mode::ReadOnly => 1,
            Mode::Offline => 3,
        }
    }

    /// Reads the name of a mode.
    pub fn read(tree: &Tree, path: &KeyPath<'_>) -> Result<Mode, PathError> {
        let text = fields::text(tree, path)?;
        Mode::ALL.into_iter().find(|mode| mode.name() == text).ok_or_else(|| {
            PathError::new(path, format_args!("\"{text}\" is not a mode; modes are online, read_only and offline"))
        })
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
