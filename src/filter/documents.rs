//! The documents of the register as this VM knows them. Each value is read once, and its signature checked once, for all
//! policies of the VM.

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;

use hashbrown::HashMap;

use super::host::HostError;
use super::root::Channel;
use super::{host, register};
use crate::state::jws::{self, STATE_TYP, Token};
use crate::state::{Digest, Document};

/// One value of `site/<fleet>/<site>`.
pub struct Entry {
    /// Its number in shared data: another value has another one.
    pub cas: u32,
    /// The name of the key when the document came.
    pub key_name: String,
    key_x: String,
    token: Vec<u8>,
    content: OnceCell<Result<Content, String>>,
    verified: OnceCell<Result<(), String>>,
}

/// What a value says.
pub struct Content {
    /// The thumbprint of the key.
    pub kid: String,
    pub document: Rc<Document>,
    /// How workers write down that they have adopted the document.
    pub label: Rc<str>,
}

impl Entry {
    /// Reads a shared value: `<key name> <key x>`, a line feed, and the token. None where no document has come yet.
    fn read(shared: host::Shared) -> Option<Entry> {
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

    /// The document, whose signature need not have been checked here: the endpoint has done so before it came into the
    /// register.
    pub fn content(&self) -> Result<&Content, &str> {
        let read = || {
            let token = Token::parse(&self.token, STATE_TYP).map_err(|error| error.to_string())?;
            let payload = token.payload().map_err(|error| error.to_string())?;
            let document = Document::from_payload(&payload).map_err(|error| error.to_string())?;
            let label = adopted_as(document.stamp.digest, Channel::Push);
            Ok(Content { kid: token.kid, document: Rc::new(document), label })
        };
        self.content.get_or_init(read).as_ref().map_err(String::as_str)
    }

    /// The document, once its signature has been checked: some 0.3 ms the first time. The key is the one that the token
    /// names, so the result is the same for every policy.
    pub fn verified(&self) -> Result<&Content, &str> {
        let content = self.content()?;
        let verify = || {
            let key = jws::decode(&self.key_x).ok().filter(|_| jws::thumbprint(&self.key_x) == content.kid);
            let key = key.and_then(|bytes| ed25519_compact::PublicKey::from_slice(&bytes).ok());
            let key = key.ok_or("the key is unknown")?;
            let token = Token::parse(&self.token, STATE_TYP).map_err(|error| error.to_string())?;
            token.verify(&key).map_err(|error| error.to_string())
        };
        self.verified.get_or_init(verify).as_ref().map_err(String::as_str).map(|()| content)
    }

    /// Whether [`Entry::verified`] costs nothing any more.
    pub fn is_checked(&self) -> bool {
        self.verified.get().is_some()
    }

    /// Whether [`Entry::content`] costs nothing any more.
    pub fn is_read(&self) -> bool {
        self.content.get().is_some()
    }
}

/// How a worker writes down that it has adopted a document.
pub fn adopted_as(digest: Digest, channel: Channel) -> Rc<str> {
    format!("{digest}@{}", channel.name()).into()
}

struct Known {
    /// The generation at which the value was last looked at.
    generation: u64,
    cas: Option<u32>,
    entry: Option<Rc<Entry>>,
}

thread_local! {
    static DOCUMENTS: RefCell<HashMap<String, Known>> = RefCell::default();
}

/// The newest document of a site; looked at again only when the generation has changed.
pub fn at(generation: u64, fleet: &str, site: &str) -> Result<Option<Rc<Entry>>, HostError> {
    DOCUMENTS.with_borrow_mut(|documents| look(documents, generation, register::site_key(fleet, site), false))
}

/// The newest document of a site at this moment, and the number that [`register::put`] needs to replace it.
pub fn newest(fleet: &str, site: &str) -> Result<(Option<Rc<Entry>>, Option<u32>), HostError> {
    let (generation, key) = (register::generation()?, register::site_key(fleet, site));
    DOCUMENTS.with_borrow_mut(|documents| {
        let entry = look(documents, generation, key.clone(), true)?;
        Ok((entry, documents.get(&key).and_then(|known| known.cas)))
    })
}

fn look(
    documents: &mut HashMap<String, Known>,
    generation: u64,
    key: String,
    anew: bool,
) -> Result<Option<Rc<Entry>>, HostError> {
    if let Some(known) = documents.get(&key).filter(|known| known.generation == generation && !anew) {
        return Ok(known.entry.clone());
    }
    let shared = host::shared(&key)?;
    let cas = shared.as_ref().map(|shared| shared.cas);
    match documents.get_mut(&key) {
        Some(known) if known.cas == cas => {
            known.generation = generation;
            Ok(known.entry.clone())
        }
        _ => {
            let entry = shared.and_then(Entry::read).map(Rc::new);
            documents.insert(key, Known { generation, cas, entry: entry.clone() });
            Ok(entry)
        }
    }
}

/// Whether this VM has seen the site's place in shared data.
pub fn has_place(fleet: &str, site: &str) -> bool {
    DOCUMENTS.with_borrow(|documents| {
        documents.get(&register::site_key(fleet, site)).is_some_and(|known| known.cas.is_some())
    })
}

/// Forgets the documents of all sites but these (`site/<fleet>/<site>`).
pub fn keep(sites: &crate::byte_index::ByteIndex) {
    DOCUMENTS.with_borrow_mut(|documents| documents.retain(|key, _| sites.contains(key.as_bytes())));
}
