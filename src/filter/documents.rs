//! The pushed documents in shared data: `site/<fleet>/<site>`, and `adopted/<fleet>/<site>` beside it. Each VM reads a
//! value once and checks its signature once, for all its policies.

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;

use super::host::{HostError, Shared};
use super::register;
use crate::byte_index::ByteMap;
use crate::state::jws::{self, STATE_TYP, Token, TokenError};
use crate::state::{Digest, Document, DocumentError};

/// The channel through which a document reached Envoy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    Policy,
    Push,
}

impl Channel {
    pub fn name(self) -> &'static str {
        match self {
            Channel::Policy => "policy",
            Channel::Push => "push",
        }
    }
}

/// A value that is not a valid signed document.
#[derive(Clone, Debug, thiserror::Error)]
pub enum EntryError {
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error(transparent)]
    Document(#[from] DocumentError),
    #[error("the key is unknown")]
    UnknownKey,
}

/// One value of `site/<fleet>/<site>`: `<key name> <key x>`, a line feed, and the token.
pub struct Entry {
    /// The version of the value.
    pub cas: u32,
    /// The name that the key had when the document was pushed.
    pub key_name: String,
    key_x: String,
    token: Vec<u8>,
    content: OnceCell<Result<Content, EntryError>>,
    verified: OnceCell<Result<(), EntryError>>,
}

/// The content of a value.
pub struct Content {
    /// The thumbprint of the key.
    pub kid: String,
    pub document: Rc<Document>,
    /// The form in which records of VMs name the document.
    pub label: Rc<str>,
}

impl Entry {
    fn read(shared: Shared) -> Option<Entry> {
        let line = shared.bytes.iter().position(|byte| *byte == b'\n')?;
        let (head, token) = shared.bytes.split_at_checked(line)?;
        let (key_name, key_x) = std::str::from_utf8(head).ok()?.split_once(' ')?;
        Some(Entry {
            cas: shared.cas,
            key_name: key_name.to_owned(),
            key_x: key_x.to_owned(),
            token: token.get(1..)?.to_vec(),
            content: OnceCell::new(),
            verified: OnceCell::new(),
        })
    }

    /// The document. Its signature has been checked by the control endpoint that wrote it.
    pub fn content(&self) -> Result<&Content, &EntryError> {
        let read = || {
            let token = Token::parse(&self.token, STATE_TYP)?;
            let document = Document::from_payload(&token.payload()?)?;
            let label = label(document.stamp.digest, Channel::Push);
            Ok(Content { kid: token.kid, document: Rc::new(document), label })
        };
        self.content.get_or_init(read).as_ref()
    }

    /// The document, once this VM has checked its signature too, which takes about 0.3 ms. The key is the one that the
    /// token names, so the result is the same for every policy.
    pub fn verified(&self) -> Result<&Content, &EntryError> {
        let content = self.content()?;
        let verify = || {
            let key = jws::decode(&self.key_x).ok().filter(|_| jws::thumbprint(&self.key_x) == content.kid);
            let key = key.and_then(|bytes| ed25519_compact::PublicKey::from_slice(&bytes).ok());
            Ok(Token::parse(&self.token, STATE_TYP)?.verify(&key.ok_or(EntryError::UnknownKey)?)?)
        };
        self.verified.get_or_init(verify).as_ref().map(|()| content)
    }

    /// True if the signature has been checked.
    pub fn is_checked(&self) -> bool {
        self.verified.get().is_some()
    }

    /// True if the document has been read.
    pub fn is_read(&self) -> bool {
        self.content.get().is_some()
    }
}

/// The form in which records of VMs name the absence of a document.
pub const NO_DOCUMENT: &str = "-";

/// The form in which records of VMs name a document.
pub fn label(digest: Digest, channel: Channel) -> Rc<str> {
    format!("{digest}@{}", channel.name()).into()
}

#[derive(Clone)]
struct Known {
    /// The generation at which the value was last read.
    generation: u64,
    cas: Option<u32>,
    entry: Option<Rc<Entry>>,
}

thread_local! {
    static DOCUMENTS: RefCell<ByteMap<Known>> = RefCell::default();
}

fn key(fleet: &str, site: &str) -> String {
    format!("site/{fleet}/{site}")
}

/// The newest document of a site as of a generation.
pub fn at(generation: u64, fleet: &str, site: &str) -> Result<Option<Rc<Entry>>, HostError> {
    DOCUMENTS.with_borrow_mut(|documents| read(documents, generation, &key(fleet, site), false))
}

/// The newest document of a site at this moment, and the version that [`put`] needs to replace it.
pub fn newest(fleet: &str, site: &str) -> Result<(Option<Rc<Entry>>, Option<u32>), HostError> {
    let (generation, key) = (register::generation()?, key(fleet, site));
    DOCUMENTS.with_borrow_mut(|documents| {
        let entry = read(documents, generation, &key, true)?;
        Ok((entry, documents.get(key.as_bytes()).and_then(|known| known.cas)))
    })
}

/// Writes a document, unless another one has been written since the version `cas`.
pub fn put(
    fleet: &str,
    site: &str,
    (key_name, key_x): (&str, &str),
    token: &[u8],
    cas: Option<u32>,
) -> Result<bool, HostError> {
    let bytes = [key_name.as_bytes(), b" ", key_x.as_bytes(), b"\n", token].concat();
    if !register::set(&key(fleet, site), &bytes, cas)? {
        return Ok(false);
    }
    register::changed().map(|_| true)
}

fn read(
    documents: &mut ByteMap<Known>,
    generation: u64,
    key: &str,
    reread: bool,
) -> Result<Option<Rc<Entry>>, HostError> {
    if let Some(known) = documents.get(key.as_bytes()).filter(|known| known.generation == generation && !reread) {
        return Ok(known.entry.clone());
    }
    let shared = register::get(key)?;
    let cas = shared.as_ref().map(|shared| shared.cas);
    match documents.get_mut(key.as_bytes()) {
        Some(known) if known.cas == cas => {
            known.generation = generation;
            Ok(known.entry.clone())
        }
        _ => {
            let entry = shared.and_then(Entry::read).map(Rc::new);
            documents.insert(key.as_bytes(), Known { generation, cas, entry: entry.clone() });
            Ok(entry)
        }
    }
}

/// Forgets the documents of all sites but these, given as fleet and site.
pub fn keep<'s>(sites: impl Iterator<Item = (&'s str, &'s str)>) {
    DOCUMENTS.with_borrow_mut(|documents| {
        let keys = sites.map(|(fleet, site)| key(fleet, site));
        *documents = keys.filter_map(|key| documents.get(key.as_bytes()).cloned().map(|known| (key, known))).collect();
    });
}

fn adopted_key(fleet: &str, site: &str) -> String {
    format!("adopted/{fleet}/{site}")
}

/// Records the document that a plugin has adopted. The record outlives the VMs of the plugin and newer documents.
pub fn record_adopted(plugin: &str, fleet: &str, site: &str, document: &Document) -> Result<(), HostError> {
    let line = adopted_line(plugin, document);
    let edit = |text: &str| {
        let others = text.lines().filter(|line| plugin_of(line) != plugin);
        let is_known = text.lines().any(|known| known == line);
        (!is_known).then(|| others.chain([line.as_str()]).fold(String::new(), |text, line| text + line + "\n"))
    };
    register::update(&adopted_key(fleet, site), &edit).map(drop)
}

/// True if this document is the last one that a plugin has adopted.
pub fn is_last_adopted(plugin: &str, fleet: &str, site: &str, document: &Document) -> Result<bool, HostError> {
    let line = adopted_line(plugin, document);
    Ok(register::text(&adopted_key(fleet, site))?.lines().any(|known| known == line))
}

/// The last document that a plugin has adopted.
pub fn last_adopted(plugin: &str, fleet: &str, site: &str) -> Result<Option<Rc<Document>>, HostError> {
    let text = register::text(&adopted_key(fleet, site))?;
    let payload = text.lines().find(|line| plugin_of(line) == plugin).and_then(|line| line.split(' ').next());
    let document = payload.and_then(|payload| Document::from_payload(&jws::decode(payload).ok()?).ok());
    Ok(document.map(Rc::new))
}

/// One line of `adopted/<fleet>/<site>`: `<payload in base64url> <plugin>`.
fn adopted_line(plugin: &str, document: &Document) -> String {
    format!("{} {plugin}", jws::encode(&document.payload))
}

fn plugin_of(line: &str) -> &str {
    line.split_once(' ').map_or("", |(_, plugin)| plugin)
}
