//! Who may sign what: public keys, each good for the sites and kinds that the policy says.

use crate::config::{JwkConfig, KeyConfig};
use crate::state::jws;
use crate::tree::{KeyPath, PathError};

/// What a token may be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// State documents.
    State,
    /// Running tasks.
    Task,
    /// Passes.
    Pass,
}

impl Permission {
    const ALL: [(&'static str, Permission); 3] =
        [("state", Permission::State), ("task", Permission::Task), ("pass", Permission::Pass)];

    /// The name in policies.
    pub fn name(self) -> &'static str {
        match self {
            Permission::State => "state",
            Permission::Task => "task",
            Permission::Pass => "pass",
        }
    }
}

/// A public key.
#[derive(Clone, Debug)]
pub struct Key {
    /// Its name, for status and logs.
    pub name: String,
    /// Its RFC 7638 thumbprint.
    pub kid: String,
    /// The key as written, base64url.
    pub x: String,
    /// The key.
    pub public: ed25519_compact::PublicKey,
    /// Its sites; none: all.
    pub sites: Option<Vec<String>>,
    /// The kinds of token that it may sign.
    pub may: Vec<Permission>,
}

impl Key {
    /// Whether the key may sign tokens of `kind` about `site`.
    pub fn is_permitted(&self, kind: Permission, site: &str) -> bool {
        self.may.contains(&kind)
            && self.sites.as_ref().is_none_or(|sites| sites.iter().any(|permitted| permitted == site))
    }
}

/// Compiles the keys of a policy; `path` is the list's.
pub fn compile(configs: &[KeyConfig], path: &KeyPath<'_>) -> Result<Vec<Key>, PathError> {
    let mut keys: Vec<Key> = Vec::with_capacity(configs.len());
    for (index, config) in configs.iter().enumerate() {
        let path = path.index(index);
        let key = key(config, &path)?;
        if keys.iter().any(|other| other.name == key.name) {
            return Err(PathError::new(&path.key("name"), format_args!("\"{}\" stands twice", key.name)));
        }
        if let Some(other) = keys.iter().find(|other| other.kid == key.kid) {
            return Err(PathError::new(&path.key("jwk"), format_args!("is the key of \"{}\" too", other.name)));
        }
        keys.push(key);
    }
    Ok(keys)
}

fn key(config: &KeyConfig, path: &KeyPath<'_>) -> Result<Key, PathError> {
    let KeyConfig { name, jwk: JwkConfig { kty, crv, x }, sites, may } = config;
    let jwk = path.key("jwk");
    let fixed = |member: &str, value: &str, wanted: &str| {
        if value == wanted {
            Ok(())
        } else {
            Err(PathError::new(&jwk.key(member), format_args!("\"{value}\" is not \"{wanted}\"")))
        }
    };
    fixed("kty", kty, "OKP")?;
    fixed("crv", crv, "Ed25519")?;
    let malformed = || PathError::new(&jwk.key("x"), "not an Ed25519 public key of 32 bytes in base64url");
    let bytes: [u8; 32] = jws::decode(x).ok().and_then(|bytes| bytes.try_into().ok()).ok_or_else(malformed)?;
    if sites.is_empty() {
        return Err(PathError::new(&path.key("sites"), "empty; \"*\" stands for all"));
    }
    let all = sites.iter().any(|site| site == "*");
    if !all {
        let list = path.key("sites");
        for (index, site) in sites.iter().enumerate() {
            super::name(site, &list.index(index))?;
        }
    }
    let list = path.key("may");
    if may.is_empty() {
        return Err(PathError::new(&list, "empty; a key may sign state, task or pass"));
    }
    let kind = |(index, text): (usize, &String)| {
        Permission::ALL.into_iter().find(|(name, _)| name == text).map(|(_, kind)| kind).ok_or_else(|| {
            PathError::new(&list.index(index), format_args!("\"{text}\" is none of state, task and pass"))
        })
    };
    Ok(Key {
        name: super::name(name, &path.key("name"))?,
        kid: jws::thumbprint(x),
        x: x.clone(),
        public: ed25519_compact::PublicKey::new(bytes),
        sites: (!all).then(|| sites.clone()),
        may: may.iter().enumerate().map(kind).collect::<Result<_, _>>()?,
    })
}

#[cfg(test)]
mod tests;
