//! A site's state: the document that says its mode, which of two documents is newer, and what holds at a moment.

use std::fmt;

use crate::time::Time;
use crate::tree::{Fields, KeyPath, PathError, Tree, fields};

mod effective;
mod head;
pub mod jws;

pub use effective::{ActiveMode, EffectiveState, ModeSet};
pub use head::Head;

/// The largest document, in bytes of its JSON.
pub const MAX_DOCUMENT: usize = 8 * 1024;
/// The greatest revision: what a JSON number holds exactly, 2^53 − 1.
pub const MAX_REVISION: u64 = (1 << 53) - 1;
/// How far a revision may be ahead of the clock, in milliseconds.
pub const MAX_AHEAD: i64 = 10 * 60 * 1000;

/// What a site is told to be. Stricter modes are greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// Open.
    Online,
    /// Requests that change nothing pass: GET, HEAD and OPTIONS.
    ReadOnly,
    /// Closed.
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

    /// The number in the stat `mode` (2 is kept for `pending`).
    pub fn number(self) -> u64 {
        match self {
            Mode::Online => 0,
            Mode::ReadOnly => 1,
            Mode::Offline => 3,
        }
    }

    /// Reads a mode's name.
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

/// The SHA-256 of a document's payload bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest of `payload`.
    pub fn of(payload: &[u8]) -> Digest {
        Digest(hmac_sha256::Hash::hash(payload))
    }

    /// Reads 64 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Digest> {
        let mut bytes = [0; 32];
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).ok().filter(|pair| !pair.starts_with('+'))?;
            *byte = u8::from_str_radix(pair, 16).ok()?;
        }
        Some(Digest(bytes))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let digit = |number: u8| DIGITS.get(usize::from(number)).copied().map_or('0', char::from);
        // At once, as a worker may write thousands of them.
        let text: String = self.0.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect();
        formatter.write_str(&text)
    }
}

/// What orders the documents of one site: the greater revision is newer, and between equal ones the greater digest, so
/// that all who have seen the same documents agree, whatever the order in which they came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp {
    /// Milliseconds since the epoch when the document was made. 0: declared in a policy.
    pub revision: u64,
    /// The document's digest.
    pub digest: Digest,
}

/// A time in which a site is closed, fired by the filter itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// Its name in the document.
    pub id: String,
    /// `read_only` or `offline`.
    pub mode: Mode,
    /// When it opens, inclusive.
    pub from: Time,
    /// When it closes, exclusive; none: it stays until somebody opens the site.
    pub until: Option<Time>,
    /// The promise to visitors.
    pub eta: Option<Time>,
    /// The reason, for visitors.
    pub reason: Option<String>,
    /// Exempt rules that do not count in this window.
    pub suspend: Vec<String>,
}

impl Window {
    /// Whether the window is open at `now`.
    pub fn is_active(&self, now: Time) -> bool {
        self.from <= now && self.until.is_none_or(|until| now < until)
    }
}

/// One maintenance of the past.
#[derive(Clone, Debug, PartialEq)]
pub struct Past {
    /// What the site was.
    pub mode: Mode,
    /// Since when.
    pub from: Time,
    /// Until when.
    pub until: Time,
    /// The reason, for visitors.
    pub reason: Option<String>,
    /// Who closed it.
    pub by: Option<String>,
}

/// A site's state as its operators wrote it. JSON, at most [`MAX_DOCUMENT`] bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// The site that it speaks of.
    pub site: String,
    /// The fleet that it is made for; none in a policy, which stands for its fleet itself.
    pub fleet: Option<String>,
    /// Its revision and digest.
    pub stamp: Stamp,
    /// When it was signed, in seconds since the epoch. Without meaning in a policy.
    pub iat: Option<u64>,
    /// The mode, apart from windows.
    pub mode: Mode,
    /// When the mode began.
    pub since: Option<Time>,
    /// A promise to visitors, nothing more.
    pub eta: Option<Time>,
    /// When the site opens by itself.
    pub until: Option<Time>,
    /// The reason, for visitors.
    pub reason: Option<String>,
    /// A word among operators; visitors never see it.
    pub note: Option<String>,
    /// Who made the document.
    pub by: Option<String>,
    /// Exempt rules that do not count this time.
    pub suspend: Vec<String>,
    /// Planned and running windows.
    pub windows: Vec<Window>,
    /// The site's history, newest last.
    pub past: Vec<Past>,
    /// The key paths of fields that this version does not know and passed over, and of entries of the past whose mode it
    /// does not know.
    pub unknown: Vec<String>,
    /// The JSON that it was read from.
    pub payload: Vec<u8>,
}

/// Why a document was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// It is not a valid document.
    #[error(transparent)]
    Malformed(#[from] PathError),
    /// It is longer than [`MAX_DOCUMENT`].
    #[error("{0} bytes long; a document has at most {MAX_DOCUMENT}")]
    TooLarge(usize),
    /// It says that a field must be understood which this version does not know.
    #[error("critical: the field \"{0}\" is unknown to this version")]
    Unsupported(String),
}

impl Document {
    /// Reads a document as it travels: JSON with `site`, `fleet`, `revision` and `mode`. Fields that this version does
    /// not know are passed over, unless `critical` names them.
    pub fn from_payload(payload: &[u8]) -> Result<Document, DocumentError> {
        if payload.len() > MAX_DOCUMENT {
            return Err(DocumentError::TooLarge(payload.len()));
        }
        let tree = Tree::from_json(payload)?;
        let root = KeyPath::Root;
        let mut members = Fields::of(&tree, &root)?;
        let site = members.required("site", fields::text)?;
        let fleet = members.required("fleet", fields::text)?;
        let revision = members.required("revision", natural)?;
        let critical = members.list("critical", fields::text)?;
        let mut within = Some(Vec::new());
        let mut document = Document::members(&mut members, site, Some(fleet), revision, payload.to_vec(), &mut within)?;
        document.unknown = members.unknown().map(str::to_owned).chain(within.into_iter().flatten()).collect();
        // `critical` names a field, wherever it stands.
        let names = document.unknown.iter().flat_map(|path| [Some(path.as_str()), path.rsplit('.').next()]).flatten();
        match first_unknown(&critical, names) {
            Some((_, name)) => Err(DocumentError::Unsupported(name.to_owned())),
            None => Ok(document),
        }
    }

    /// Reads an entry of a policy's `state`: only `mode` is required, and an unknown field is an error. The entry may
    /// repeat its `site`, and carry a `revision`, a `fleet` and an `iat`, as documents do.
    pub fn declared(site: &str, tree: &Tree, path: &KeyPath<'_>) -> Result<Document, PathError> {
        let mut members = Fields::of(tree, path)?;
        let named = members.optional("site", fields::text)?;
        if let Some(named) = named.filter(|named| named != site) {
            return Err(PathError::new(
                &path.key("site"),
                format_args!("\"{named}\" is not \"{site}\", under which the entry stands"),
            ));
        }
        let fleet = members.optional("fleet", fields::text)?;
        let revision = members.optional("revision", natural)?.unwrap_or(0);
        let critical = members.list("critical", fields::text)?;
        let payload = sorted(tree).to_json_text().into_bytes();
        if payload.len() > MAX_DOCUMENT {
            let problem = format_args!("{} bytes long as JSON; a document has at most {MAX_DOCUMENT}", payload.len());
            return Err(PathError::new(path, problem));
        }
        let document = Document::members(&mut members, site.to_owned(), fleet, revision, payload, &mut None)?;
        if let Some((index, name)) = first_unknown(&critical, members.unknown()) {
            let problem = format_args!("\"{name}\" is a field that this version does not know");
            return Err(PathError::new(&path.key("critical").index(index), problem));
        }
        members.end()?;
        Ok(document)
    }

    /// Reads the rest. `unknown` takes the key paths of unknown fields of windows and of the past; without it they are
    /// errors.
    fn members(
        members: &mut Fields<'_>,
        site: String,
        fleet: Option<String>,
        revision: u64,
        payload: Vec<u8>,
        unknown: &mut Option<Vec<String>>,
    ) -> Result<Document, PathError> {
        Ok(Document {
            site,
            fleet,
            stamp: Stamp { revision, digest: Digest::of(&payload) },
            iat: members.optional("iat", natural)?,
            mode: members.required("mode", Mode::read)?,
            since: members.optional("since", time)?,
            eta: members.optional("eta", time)?,
            until: members.optional("until", time)?,
            reason: members.optional("reason", fields::text)?,
            note: members.optional("note", fields::text)?,
            by: members.optional("by", fields::text)?,
            suspend: members.list("suspend", fields::text)?,
            windows: windows(members, unknown)?,
            past: members
                .list("past", |tree: &Tree, path: &KeyPath<'_>| past(tree, path, unknown))?
                .into_iter()
                .flatten()
                .collect(),
            unknown: Vec::new(),
            payload,
        })
    }

    /// Whether this document replaces `current`, the one that holds, if there is one.
    pub fn is_newer_than(&self, current: Option<&Document>) -> bool {
        current.is_none_or(|current| self.stamp > current.stamp)
    }

    /// What holds at `now`.
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

    /// The next moment after `now` at which something begins or ends by itself.
    pub fn next_change(&self, now: Time) -> Option<Time> {
        let own = if self.mode == Mode::Online { None } else { self.until };
        let windows = self.windows.iter().flat_map(|window| [Some(window.from), window.until]).flatten();
        own.into_iter().chain(windows).filter(|time| *time > now).min()
    }
}

/// The first name in `critical` that is among the unknown ones, or leads into one of them, and its position.
fn first_unknown<'c>(critical: &'c [String], unknown: impl Iterator<Item = &'c str>) -> Option<(usize, &'c str)> {
    let unknown: hashbrown::HashSet<String> = unknown.map(str::to_owned).collect();
    let leads_into = |name: &str| {
        name.match_indices('.').any(|(dot, _)| name.get(..dot).is_some_and(|parent| unknown.contains(parent)))
    };
    critical.iter().map(String::as_str).enumerate().find(|(_, name)| unknown.contains(*name) || leads_into(name))
}

/// The same value with the members of each object in the order of their names, as a `Struct` keeps no other.
fn sorted(tree: &Tree) -> Tree {
    match tree {
        Tree::List(items) => Tree::List(items.iter().map(sorted).collect()),
        Tree::Map(entries) => {
            let mut ordered: Vec<(String, Tree)> = Vec::with_capacity(entries.len());
            for (key, value) in entries {
                // A sort of its own would be 5 KiB of the module.
                let place = ordered.partition_point(|(known, _)| known < key);
                ordered.insert(place, (key.clone(), sorted(value)));
            }
            Tree::Map(ordered)
        }
        scalar => scalar.clone(),
    }
}

fn time(tree: &Tree, path: &KeyPath<'_>) -> Result<Time, PathError> {
    let text = fields::text(tree, path)?;
    Time::parse(&text).ok_or_else(|| {
        PathError::new(path, format_args!("\"{text}\" is not an RFC 3339 time such as 2026-11-21T02:00:00Z"))
    })
}

fn natural(tree: &Tree, path: &KeyPath<'_>) -> Result<u64, PathError> {
    u64::try_from(fields::integer(tree, path)?).map_err(|_| PathError::new(path, format_args!("{tree} is negative")))
}

/// Ends the reading of a part of a document.
fn end(members: Fields<'_>, path: &KeyPath<'_>, unknown: &mut Option<Vec<String>>) -> Result<(), PathError> {
    match unknown {
        Some(unknown) => unknown.extend(members.unknown().map(|name| path.key(name).to_string())),
        None => members.end()?,
    }
    Ok(())
}

fn windows(members: &mut Fields<'_>, unknown: &mut Option<Vec<String>>) -> Result<Vec<Window>, PathError> {
    let mut seen: Vec<String> = Vec::new();
    members.list("windows", |tree: &Tree, path: &KeyPath<'_>| {
        let mut members = Fields::of(tree, path)?;
        let window = Window {
            id: members.required("id", fields::text)?,
            mode: members.required("mode", Mode::read)?,
            from: members.required("from", time)?,
            until: members.optional("until", time)?,
            eta: members.optional("eta", time)?,
            reason: members.optional("reason", fields::text)?,
            suspend: members.list("suspend", fields::text)?,
        };
        end(members, path, unknown)?;
        if window.mode == Mode::Online {
            return Err(PathError::new(&path.key("mode"), "a window is offline or read_only"));
        }
        if window.until.is_some_and(|until| until <= window.from) {
            return Err(PathError::new(&path.key("until"), "not after \"from\""));
        }
        if seen.contains(&window.id) {
            return Err(PathError::new(&path.key("id"), format_args!("\"{}\" stands twice", window.id)));
        }
        seen.push(window.id.clone());
        Ok(window)
    })
}

/// Reads an entry of the history. One of a mode that a later version knows is passed over with `unknown` fields: it
/// decides nothing.
fn past(tree: &Tree, path: &KeyPath<'_>, unknown: &mut Option<Vec<String>>) -> Result<Option<Past>, PathError> {
    let mut members = Fields::of(tree, path)?;
    if let (Some(mode @ Tree::Text(_)), Some(unknown)) = (members.raw("mode"), &mut *unknown)
        && Mode::read(mode, path).is_err()
    {
        unknown.push(path.to_string());
        return Ok(None);
    }
    let past = Past {
        mode: members.required("mode", Mode::read)?,
        from: members.required("from", time)?,
        until: members.required("until", time)?,
        reason: members.optional("reason", fields::text)?,
        by: members.optional("by", fields::text)?,
    };
    end(members, path, unknown)?;
    Ok(Some(past))
}

#[cfg(test)]
mod tests;
