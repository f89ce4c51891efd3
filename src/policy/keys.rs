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
mod tests {
    use super::*;

    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    fn config(name: &str, x: &str, sites: &[&str], may: &[&str]) -> KeyConfig {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let jwk = JwkConfig { kty: "OKP".to_owned(), crv: "Ed25519".to_owned(), x: x.to_owned() };
        KeyConfig { name: name.to_owned(), jwk, sites: texts(sites), may: texts(may) }
    }

    fn compile(configs: &[KeyConfig]) -> Result<Vec<Key>, String> {
        super::compile(configs, &KeyPath::Root.key("keys")).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let plain = config("a", X, &["*"], &["state"]);
        let jwk = |kty: &str, crv: &str| JwkConfig { kty: kty.to_owned(), crv: crv.to_owned(), x: X.to_owned() };
        let malformed = "keys[0].jwk.x: not an Ed25519 public key of 32 bytes in base64url";
        let other = jws::encode(&[9; 32]);
        for (configs, message) in [
            (vec![KeyConfig { jwk: jwk("EC", "P-256"), ..plain.clone() }], "keys[0].jwk.kty: \"EC\" is not \"OKP\""),
            (
                vec![KeyConfig { jwk: jwk("OKP", "X25519"), ..plain.clone() }],
                "keys[0].jwk.crv: \"X25519\" is not \"Ed25519\"",
            ),
            (vec![config("a", "", &["*"], &["state"])], malformed),
            (vec![config("a", &X[1..], &["*"], &["state"])], malformed),
            (vec![config("a", &format!("{X}="), &["*"], &["state"])], malformed),
            // The same bytes, written in another way: another thumbprint, which no token would ever name.
            (vec![config("a", &X.replace("URo", "URp"), &["*"], &["state"])], malformed),
            (vec![config("a", X, &[], &["state"])], "keys[0].sites: empty; \"*\" stands for all"),
            (
                vec![config("a", X, &["shop", "*.shop"], &["state"])],
                "keys[0].sites[1]: \"*.shop\" is not a name of at most 63 characters of a-z, 0-9 and -",
            ),
            (vec![config("a", X, &["*"], &[])], "keys[0].may: empty; a key may sign state, task or pass"),
            (
                vec![config("a", X, &["*"], &["state", "read"])],
                "keys[0].may[1]: \"read\" is none of state, task and pass",
            ),
            (
                vec![config("On call", X, &["*"], &["state"])],
                "keys[0].name: \"On call\" is not a name of at most 63 characters of a-z, 0-9 and -",
            ),
            (vec![plain.clone(), config("a", &other, &["*"], &["state"])], "keys[1].name: \"a\" stands twice"),
            (vec![plain.clone(), config("b", X, &["shop"], &["task"])], "keys[1].jwk: is the key of \"a\" too"),
        ] {
            assert_eq!(compile(&configs).map(|_| ()), Err(message.to_owned()));
        }
    }

    #[test]
    fn a_key_is_good_for_its_sites_and_kinds() {
        let [all, some] = &compile(&[
            config("all", X, &["*"], &["state", "pass"]),
            config("some", &jws::encode(&[9; 32]), &["shop"], &["state"]),
        ])
        .unwrap()[..] else {
            panic!("two keys");
        };
        for (key, kind, site, permitted) in [
            (all, Permission::State, "anything", true),
            (all, Permission::Pass, "anything", true),
            (all, Permission::Task, "anything", false),
            (some, Permission::State, "shop", true),
            (some, Permission::State, "shops", false),
            (some, Permission::Pass, "shop", false),
        ] {
            assert_eq!(key.is_permitted(kind, site), permitted, "{} {kind:?} {site}", key.name);
        }
        assert_eq!(all.kid, jws::thumbprint(X));
    }
}
