//! Reads the plugin configuration. Unknown fields are errors.

use std::rc::Rc;

use super::{
    ClaimConfig, ClaimValueConfig, FormatConfig, JwkConfig, KeyConfig, NamedConfig, PluginConfig, ReplyConfig,
    RuleConfig, SiteConfig, TextConfig,
};
use crate::request::Scalar;
use crate::state::{Document, Mode};
use crate::tree::{Fields, KeyPath, PathError, Tree, fields};

impl PluginConfig {
    /// Reads a plugin configuration.
    pub fn read(tree: &Tree) -> Result<PluginConfig, PathError> {
        let root = KeyPath::Root;
        let mut members = Fields::of(tree, &root)?;
        let config = PluginConfig {
            fleet: members.optional("fleet", fields::text)?,
            sites: members.optional("sites", fields::list(site))?,
            exempt: members.list("exempt", rule)?,
            always_closed: members.list("always_closed", rule)?,
            health_checks: members.list("health_checks", rule)?,
            reply: members.optional("reply", reply)?.unwrap_or_default(),
            state: declared(&mut members)?,
            keys: members.list("keys", key)?,
            jwt_metadata_key: members.optional("jwt", only_member("metadata_key"))?,
            control_path_prefix: members.optional("control", only_member("path_prefix"))?,
            builtin_rules: members.optional("builtin_rules", fields::boolean)?,
        };
        members.end_without_null()?;
        Ok(config)
    }
}

fn declared(members: &mut Fields<'_>) -> Result<Vec<(String, Rc<Document>)>, PathError> {
    let Some(entries) = members.optional("state", fields::map(fields::any))? else {
        return Ok(Vec::new());
    };
    let path = KeyPath::Root.key("state");
    let mut documents = Vec::with_capacity(entries.len());
    for (site, entry) in entries {
        let document = Document::declared(&site, &entry, &path.key(&site))?;
        documents.push((site, Rc::new(document)));
    }
    Ok(documents)
}

fn site(tree: &Tree, path: &KeyPath<'_>) -> Result<SiteConfig, PathError> {
    let mut members = Fields::of(tree, path)?;
    let site = SiteConfig {
        name: members.required("name", fields::text)?,
        hosts: members.optional("hosts", fields::list(fields::text))?,
        paths: members.optional("paths", fields::list(fields::text))?,
        exempt: members.list("exempt", rule)?,
        always_closed: members.list("always_closed", rule)?,
        health_checks: members.list("health_checks", rule)?,
        reply: members.optional("reply", reply)?.unwrap_or_default(),
    };
    members.end_without_null()?;
    Ok(site)
}

fn rule(tree: &Tree, path: &KeyPath<'_>) -> Result<RuleConfig, PathError> {
    let mut members = Fields::of(tree, path)?;
    let rule = RuleConfig {
        name: members.required("name", fields::text)?,
        paths: members.optional("paths", fields::list(text))?,
        methods: members.optional("methods", fields::list(fields::text))?,
        remote_ips: members.optional("remote_ips", fields::list(fields::text))?,
        uri_sans: members.optional("uri_sans", fields::list(text))?,
        headers: members.optional("headers", fields::list(named))?,
        query: members.optional("query", fields::list(named))?,
        cookies: members.optional("cookies", fields::list(named))?,
        claims: members.optional("claims", fields::list(claim))?,
        modes: members.optional("modes", fields::list(Mode::read))?,
    };
    members.end_without_null()?;
    Ok(rule)
}

/// Reads a cookie to expire: its name, or an object with the conditions of a rule.
fn cookie(tree: &Tree, path: &KeyPath<'_>) -> Result<RuleConfig, PathError> {
    match tree {
        Tree::Text(name) => Ok(RuleConfig::named(name.clone())),
        Tree::Map(_) => rule(tree, path),
        other => Err(fields::wrong(other, "a name or an object with a name and conditions", path)),
    }
}

fn text(tree: &Tree, path: &KeyPath<'_>) -> Result<TextConfig, PathError> {
    if let Tree::Text(plain) = tree {
        return Ok(TextConfig::Plain(plain.clone()));
    }
    let Tree::Map(_) = tree else {
        return Err(fields::wrong(tree, "a text or an object with regex, sha256 or absent", path));
    };
    let mut members = Fields::of(tree, path)?;
    let regex = members.optional("regex", fields::text)?.map(TextConfig::Regex);
    let sha256 = members.optional("sha256", fields::text)?.map(TextConfig::Sha256);
    let absent = match members.optional("absent", fields::boolean)? {
        Some(false) => {
            return Err(PathError::new(&path.key("absent"), "false has no meaning; omit the field"));
        }
        absent => absent.map(|_| TextConfig::Absent),
    };
    members.end_without_null()?;
    match [regex, sha256, absent].map(Option::into_iter).into_iter().flatten().collect::<Vec<_>>().as_slice() {
        [one] => Ok(one.clone()),
        _ => Err(PathError::new(path, "exactly one of regex, sha256 and absent is required")),
    }
}

/// Reads a TEXT, or a list of them.
fn value(tree: &Tree, path: &KeyPath<'_>) -> Result<Vec<TextConfig>, PathError> {
    match tree {
        Tree::List(_) => fields::list(text)(tree, path),
        one => Ok(vec![text(one, path)?]),
    }
}

/// Reads a value of a claim, or a list of them.
fn claim_values(tree: &Tree, path: &KeyPath<'_>) -> Result<Vec<ClaimValueConfig>, PathError> {
    let one = |tree: &Tree, path: &KeyPath<'_>| match (Scalar::of(tree), tree) {
        (Some(scalar), _) => Ok(ClaimValueConfig::Scalar(scalar)),
        (None, Tree::Text(_) | Tree::Map(_)) => text(tree, path).map(ClaimValueConfig::Text),
        _ => Err(fields::wrong(tree, "a text, true, false, a number, or an object with regex, sha256 or absent", path)),
    };
    match tree {
        Tree::List(_) => fields::list(one)(tree, path),
        tree => Ok(vec![one(tree, path)?]),
    }
}

fn named(tree: &Tree, path: &KeyPath<'_>) -> Result<NamedConfig, PathError> {
    let mut members = Fields::of(tree, path)?;
    let named = NamedConfig { name: members.required("name", fields::text)?, value: members.optional("value", value)? };
    members.end_without_null()?;
    Ok(named)
}

fn claim(tree: &Tree, path: &KeyPath<'_>) -> Result<ClaimConfig, PathError> {
    let mut members = Fields::of(tree, path)?;
    let claim = ClaimConfig {
        iss: members.required("iss", fields::text)?,
        name: members.required("name", fields::text)?,
        value: members.optional("value", claim_values)?,
    };
    members.end_without_null()?;
    Ok(claim)
}

fn reply(tree: &Tree, path: &KeyPath<'_>) -> Result<ReplyConfig, PathError> {
    let mut members = Fields::of(tree, path)?;
    let retry_after = match members.raw("retry_after") {
        None => None,
        Some(Tree::Null) => Some(None),
        Some(value) => Some(Some(fields::text(value, &path.key("retry_after"))?)),
    };
    let reply = ReplyConfig {
        status: members.optional("status", fields::integer)?,
        format: members.optional("format", fields::text)?,
        retry_after,
        retry_jitter: members.optional("retry_jitter", fields::text)?,
        redirect: members.optional("redirect", fields::text)?,
        html: members.optional("html", fields::text)?,
        text: members.optional("text", fields::text)?,
        json: members.optional("json", fields::map(fields::any))?,
        headers: members.optional("headers", fields::map(fields::text))?,
        clear_cookies: members.optional("clear_cookies", fields::list(cookie))?,
        context: members.optional("context", fields::map(fields::text))?,
        cors_origins: members.optional("cors", |tree: &Tree, path: &KeyPath<'_>| {
            let mut members = Fields::of(tree, path)?;
            let origins = members.required("origins", fields::list(text))?;
            members.end()?;
            Ok(origins)
        })?,
        formats: members.optional("formats", fields::list(format))?,
    };
    members.end()?;
    Ok(reply)
}

fn format(tree: &Tree, path: &KeyPath<'_>) -> Result<FormatConfig, PathError> {
    let mut members = Fields::of(tree, path)?;
    let format = FormatConfig {
        paths: members.required("paths", fields::list(text))?,
        format: members.required("format", fields::text)?,
    };
    members.end()?;
    Ok(format)
}

fn key(tree: &Tree, path: &KeyPath<'_>) -> Result<KeyConfig, PathError> {
    let mut members = Fields::of(tree, path)?;
    let key = KeyConfig {
        name: members.required("name", fields::text)?,
        jwk: members.required("jwk", jwk)?,
        sites: members.required("sites", fields::list(fields::text))?,
        may: members.required("may", fields::list(fields::text))?,
    };
    members.end()?;
    Ok(key)
}

/// Reads a public key. The optional members that other tools write (RFC 7517 section 4) are ignored; a private key is an
/// error.
fn jwk(tree: &Tree, path: &KeyPath<'_>) -> Result<JwkConfig, PathError> {
    let mut members = Fields::of(tree, path)?;
    let jwk = JwkConfig {
        kty: members.required("kty", fields::text)?,
        crv: members.required("crv", fields::text)?,
        x: members.required("x", fields::text)?,
    };
    if tree.get("d").is_some() {
        return Err(PathError::new(&path.key("d"), "this is a private key; a policy contains public keys only"));
    }
    for optional in ["use", "key_ops", "alg", "kid"] {
        members.raw(optional);
    }
    members.end()?;
    Ok(jwk)
}

/// Reads an object with one member, the string `name`.
fn only_member(name: &'static str) -> impl fields::Reader<String> {
    move |tree: &Tree, path: &KeyPath<'_>| {
        let mut members = Fields::of(tree, path)?;
        let value = members.required(name, fields::text)?;
        members.end()?;
        Ok(value)
    }
}
