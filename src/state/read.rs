//! Reads documents.

use super::{Digest, Document, DocumentError, MAX_DOCUMENT, Mode, Past, Stamp, Window};
use crate::byte_index::ByteIndex;
use crate::time::Time;
use crate::tree::{Fields, KeyPath, PathError, Tree, fields};

/// The key paths of unknown fields so far; none: an unknown field is an error.
type Unknown = Option<Vec<String>>;

impl Document {
    /// Reads a pushed document: JSON that has `site`, `fleet`, `revision` and `mode`. Unknown fields are ignored, unless
    /// `critical` names them.
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
        let stamp = Stamp { revision, digest: Digest::of(payload) };
        let mut nested = Some(Vec::new());
        let mut document = members_of(&mut members, site, Some(fleet), stamp, payload.to_vec(), &mut nested)?;
        document.unknown = members.unknown().map(str::to_owned).chain(nested.into_iter().flatten()).collect();
        // `critical` names a field at any depth, by its path or by its name alone.
        let names = document.unknown.iter().flat_map(|path| [Some(path.as_str()), path.rsplit('.').next()]).flatten();
        match first_unknown(&critical, names) {
            Some((_, name)) => Err(DocumentError::Unsupported(name.to_owned())),
            None => Ok(document),
        }
    }

    /// Reads an entry of a policy's `state`. Only `mode` is required, and an unknown field is an error. The other fields
    /// of pushed documents are allowed; `site` must be that of the entry.
    pub fn declared(site: &str, tree: &Tree, path: &KeyPath<'_>) -> Result<Document, PathError> {
        let mut members = Fields::of(tree, path)?;
        let named = members.optional("site", fields::text)?;
        if let Some(named) = named.filter(|named| named != site) {
            let problem = format_args!("\"{named}\" is not \"{site}\", the site of this entry");
            return Err(PathError::new(&path.key("site"), problem));
        }
        let fleet = members.optional("fleet", fields::text)?;
        let revision = members.optional("revision", natural)?.unwrap_or(0);
        let critical = members.list("critical", fields::text)?;
        let payload = sorted(tree).to_json_text().into_bytes();
        if payload.len() > MAX_DOCUMENT {
            let problem = format_args!("{} bytes long as JSON; a document has at most {MAX_DOCUMENT}", payload.len());
            return Err(PathError::new(path, problem));
        }
        let stamp = Stamp { revision, digest: Digest::of(&payload) };
        let document = members_of(&mut members, site.to_owned(), fleet, stamp, payload, &mut None)?;
        if let Some((index, name)) = first_unknown(&critical, members.unknown()) {
            let problem = format_args!("the field \"{name}\" is unknown to this version");
            return Err(PathError::new(&path.key("critical").index(index), problem));
        }
        members.end()?;
        Ok(document)
    }
}

/// Reads the fields that pushed and declared documents have in common.
fn members_of(
    members: &mut Fields<'_>,
    site: String,
    fleet: Option<String>,
    stamp: Stamp,
    payload: Vec<u8>,
    unknown: &mut Unknown,
) -> Result<Document, PathError> {
    let read_past = |tree: &Tree, path: &KeyPath<'_>| past(tree, path, unknown);
    let past = members.list("past", read_past)?.into_iter().flatten().collect();
    Ok(Document {
        site,
        fleet,
        stamp,
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
        past,
        unknown: Vec::new(),
        payload,
    })
}

/// The first name in `critical` that is unknown or a path into an unknown field, and its position.
fn first_unknown<'c>(critical: &'c [String], unknown: impl Iterator<Item = &'c str>) -> Option<(usize, &'c str)> {
    let unknown: ByteIndex = unknown.collect();
    let is_unknown = |name: &str| {
        let ends = name.match_indices('.').map(|(dot, _)| dot).chain([name.len()]);
        ends.filter_map(|end| name.as_bytes().get(..end)).any(|parent| unknown.contains(parent))
    };
    critical.iter().map(String::as_str).enumerate().find(|(_, name)| is_unknown(name))
}

/// The same value with the members of each object in the order of their names, because a `Struct` keeps no order.
fn sorted(tree: &Tree) -> Tree {
    match tree {
        Tree::List(items) => Tree::List(items.iter().map(sorted).collect()),
        Tree::Map(entries) => {
            let mut ordered: Vec<(String, Tree)> = Vec::with_capacity(entries.len());
            for (key, value) in entries {
                // An insertion sort, because `sort` would add 5 KiB to the module.
                let position = ordered.partition_point(|(known, _)| known < key);
                ordered.insert(position, (key.clone(), sorted(value)));
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

/// Collects the unknown fields of a part of a document, or rejects them.
fn end(members: Fields<'_>, path: &KeyPath<'_>, unknown: &mut Unknown) -> Result<(), PathError> {
    match unknown {
        Some(unknown) => unknown.extend(members.unknown().map(|name| path.key(name).to_string())),
        None => members.end()?,
    }
    Ok(())
}

fn windows(members: &mut Fields<'_>, unknown: &mut Unknown) -> Result<Vec<Window>, PathError> {
    let mut ids: Vec<String> = Vec::new();
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
            by: members.optional("by", fields::text)?,
        };
        end(members, path, unknown)?;
        if window.mode == Mode::Online {
            return Err(PathError::new(&path.key("mode"), "a window is offline or read_only"));
        }
        if window.until.is_some_and(|until| until <= window.from) {
            return Err(PathError::new(&path.key("until"), "not after \"from\""));
        }
        if ids.contains(&window.id) {
            return Err(PathError::new(&path.key("id"), format_args!("duplicate window id \"{}\"", window.id)));
        }
        ids.push(window.id.clone());
        Ok(window)
    })
}

/// Reads an entry of the history. In a pushed document, an entry of an unknown mode is ignored, because the history has
/// no effect on requests.
fn past(tree: &Tree, path: &KeyPath<'_>, unknown: &mut Unknown) -> Result<Option<Past>, PathError> {
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
