//! Public keys, and the sites and kinds of tokens for which their signatures are accepted.

use crate::config::{JwkConfig, KeyConfig};
use crate::state::jws;
use crate::tree::{KeyPath, PathError};

/// The permission to sign a kind of token.
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
    /// The name, shown in the status and in logs.
    pub name: String,
    /// The thumbprint (RFC 7638).
    pub kid: String,
    /// The member `x` of the JWK: the key in base64url.
    pub x: String,
    /// The key, decoded.
    pub public: ed25519_compact::PublicKey,
    /// The names of its sites; none: all sites.
    pub sites: Option<Vec<String>>,
    /// The permissions.
    pub may: Vec<Permission>,
}

impl Key {
    /// True if the key may sign tokens for `site` with this permission.
    pub fn is_permitted(&self, permission: Permission, site: &str) -> bool {
        self.may.contains(&permission)
            && self.sites.as_ref().is_none_or(|sites| sites.iter().any(|permitted| permitted == site))
    }
}

/// Compiles the list of keys at `path`.
pub fn compile(configs: &[KeyConfig], path: &KeyPath<'_>) -> Result<Vec<Key>, PathError> {
    let mut keys: Vec<Key> = Vec::with_capacity(configs.len());
    for (index, config) in configs.iter().enumerate() {
        let path = path.index(index);
        let key = key(config, &path)?;
        if keys.iter().any(|other| other.name == key.name) {
            return Err(PathError::new(&path.key("name"), format_args!("duplicate key name \"{}\"", key.name)));
        }
        if let Some(other) = keys.iter().find(|other| other.kid == key.kid) {
            return Err(PathError::new(&path.key("jwk"), format_args!("the same key as that of \"{}\"", other.name)));
        }
        keys.push(key);
    }
    Ok(keys)
}

fn key(config: &KeyConfig, path: &KeyPath<'_>) -> Result<Key, PathError> {
    let KeyConfig { name, jwk: JwkConfig { kty, crv, x }, sites, may } = config;
    let jwk = path.key("jwk");
    let fixed = |member: &str, value: &str, wanted: &str| {
        let problem = || PathError::new(&jwk.key(member), format_args!("\"{value}\" is not \"{wanted}\""));
        (value == wanted).then_some(()).ok_or_else(problem)
    };
    fixed("kty", kty, "OKP")?;
    fixed("crv", crv, "Ed25519")?;
    let malformed = || PathError::new(&jwk.key("x"), "not an Ed25519 public key of 32 bytes in base64url");
    let bytes: [u8; 32] = jws::decode(x).ok().and_then(|bytes| bytes.try_into().ok()).ok_or_else(malformed)?;
    if sites.is_empty() {
        return Err(PathError::new(&path.key("sites"), "empty; \"*\" means all sites"));
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
    let mut permissions = Vec::with_capacity(may.len());
    for (index, text) in may.iter().enumerate() {
        let permission = Permission::ALL.into_iter().find(|(name, _)| name == text).ok_or_else(|| {
            PathError::new(
                &list.index(index),
                format_args!("\"{text}\" is not a permission; permissions are state, task and pass"),
            )
        })?;
        permissions.push(permission.1);
    }
    Ok(Key {
        name: super::name(name, &path.key("name"))?,
        kid: jws::thumbprint(x),
        x: x.clone(),
        public: ed25519_compact::PublicKey::new(bytes),
        sites: (!all).then(|| sites.clone()),
        may: permissions,
    })
}

#[cfg(test)]
mod tests;
