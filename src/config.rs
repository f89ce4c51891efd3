//! The policy as written: the plugin configuration, field by field. No rules and no matching; [`crate::policy`] makes
//! sense of it, and refuses what makes none.

use std::borrow::Cow;
use std::rc::Rc;

use crate::state::{Document, Mode};
use crate::tree::{Fields, KeyPath, PathError, Tree, fields};

/// A plugin configuration.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PluginConfig {
    /// The fleet whose documents hold here.
    pub fleet: Option<String>,
    /// The sites; none: one site for everything.
    pub sites: Option<Vec<SiteConfig>>,
    /// Exempt rules for every site.
    pub exempt: Vec<RuleConfig>,
    /// Rules for every site that refuse also when it is online.
    pub always_closed: Vec<RuleConfig>,
    /// Health checks that the filter answers itself while a site is closed.
    pub health_checks: Vec<RuleConfig>,
    /// The reply for every site.
    pub reply: ReplyConfig,
    /// Declared state by site.
    pub state: Vec<(String, Rc<Document>)>,
    /// Who may sign what.
    pub keys: Vec<KeyConfig>,
    /// Under which name jwt_authn leaves a verified token's payload.
    pub jwt_metadata_key: Option<String>,
    /// Where the control endpoint stands, if this listener has one.
    pub control_path_prefix: Option<String>,
    /// Whether the built-in rules stand.
    pub builtin_rules: Option<bool>,
}

/// One site.
#[derive(Clone, Debug, PartialEq)]
pub struct SiteConfig {
    /// Its name.
    pub name: String,
    /// Its hosts; none: any.
    pub hosts: Option<Vec<String>>,
    /// Its path prefixes; none: all.
    pub paths: Option<Vec<String>>,
    /// Its exempt rules.
    pub exempt: Vec<RuleConfig>,
    /// Its rules that refuse also when it is online.
    pub always_closed: Vec<RuleConfig>,
    /// Its health checks.
    pub health_checks: Vec<RuleConfig>,
    /// Its reply.
    pub reply: ReplyConfig,
}

/// One rule. All conditions that it names must hold.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleConfig {
    /// Its name.
    pub name: String,
    /// Paths, any of them.
    pub paths: Option<Vec<TextConfig>>,
    /// Methods, any of them.
    pub methods: Option<Vec<String>>,
    /// Client addresses, any of them.
    pub remote_ips: Option<Vec<String>>,
    /// URI SANs of the client's certificate, any of them.
    pub uri_sans: Option<Vec<TextConfig>>,
    /// Headers, every one.
    pub headers: Option<Vec<NamedConfig>>,
    /// Query parameters, every one.
    pub query: Option<Vec<NamedConfig>>,
    /// Cookies, every one.
    pub cookies: Option<Vec<NamedConfig>>,
    /// Claims of a verified token, every one.
    pub claims: Option<Vec<ClaimConfig>>,
    /// ModeSet in which the rule holds.
    pub modes: Option<Vec<Mode>>,
}

/// How a text is matched.
#[derive(Clone, Debug, PartialEq)]
pub enum TextConfig {
    /// `exact`, `prefix*`, `*suffix` or `*`.
    Plain(String),
    /// `{ regex: … }`
    Regex(String),
    /// `{ sha256: … }`
    Sha256(String),
    /// `{ absent: true }`
    Absent,
}

/// A named value and how it is matched.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedConfig {
    /// The name of the header, parameter or cookie.
    pub name: String,
    /// Any of these; none: the name is present.
    pub value: Option<Vec<TextConfig>>,
}

/// A claim of a verified token and how it is matched.
#[derive(Clone, Debug, PartialEq)]
pub struct ClaimConfig {
    /// The token's issuer.
    pub iss: String,
    /// The claim, members of objects joined by dots; a name with `://` in it is one member.
    pub name: String,
    /// Any of these; none: the claim is present.
    pub value: Option<Vec<TextConfig>>,
}

/// What a refused client gets. Each field of a site's reply overrides the policy's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReplyConfig {
    /// 400 to 599.
    pub status: Option<i64>,
    /// `auto`, `html`, `json` or `text`.
    pub format: Option<String>,
    /// A duration; `Some(None)`: no header.
    pub retry_after: Option<Option<String>>,
    /// A duration.
    pub retry_jitter: Option<String>,
    /// A URL.
    pub redirect: Option<String>,
    /// A template.
    pub html: Option<String>,
    /// A template.
    pub text: Option<String>,
    /// Members to add to the problem.
    pub json: Option<Vec<(String, Tree)>>,
    /// Headers to add.
    pub headers: Option<Vec<(String, String)>>,
    /// Cookies to expire.
    pub clear_cookies: Option<Vec<String>>,
    /// Texts for the templates.
    pub context: Option<Vec<(String, String)>>,
    /// Origins that may read a refusal.
    pub cors_origins: Option<Vec<TextConfig>>,
    /// Formats by path, the first match.
    pub formats: Option<Vec<FormatConfig>>,
}

/// A format for some paths.
#[derive(Clone, Debug, PartialEq)]
pub struct FormatConfig {
    /// Paths, any of them.
    pub paths: Vec<TextConfig>,
    /// `auto`, `html`, `json` or `text`.
    pub format: String,
}

/// A public key and what it may sign.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyConfig {
    /// Its name, for status and logs.
    pub name: String,
    /// The public key (RFC 7517).
    pub jwk: JwkConfig,
    /// Sites, `*` for all.
    pub sites: Vec<String>,
    /// `state`, `task`, `pass`.
    pub may: Vec<String>,
}

/// A public JSON Web Key as written.
#[derive(Clone, Debug, PartialEq)]
pub struct JwkConfig {
    /// Key type.
    pub kty: String,
    /// Curve.
    pub crv: String,
    /// Public key, base64url.
    pub x: String,
}

impl PluginConfig {
    /// The sites; if the configuration lists none, one site named `default` that covers everything.
    pub fn sites_or_default(&self) -> Cow<'_, [SiteConfig]> {
        self.sites.as_deref().map_or_else(|| Cow::Owned(vec![SiteConfig::everything()]), Cow::Borrowed)
    }

    /// Reads the tree of a plugin configuration.
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

impl SiteConfig {
    fn everything() -> SiteConfig {
        SiteConfig {
            name: "default".to_owned(),
            hosts: None,
            paths: None,
            exempt: Vec::new(),
            always_closed: Vec::new(),
            health_checks: Vec::new(),
            reply: ReplyConfig::default(),
        }
    }
}

fn declared(members: &mut Fields<'_>) -> Result<Vec<(String, Rc<Document>)>, PathError> {
    let Some(entries) = members.optional("state", fields::map(fields::any))? else {
        return Ok(Vec::new());
    };
    let path = KeyPath::Root.key("state");
    entries
        .into_iter()
        .map(|(site, entry)| {
            let document = Document::declared(&site, &entry, &path.key(&site))?;
            Ok((site, Rc::new(document)))
        })
        .collect()
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
            return Err(PathError::new(&path.key("absent"), "false says nothing; leave it out"));
        }
        absent => absent.map(|_| TextConfig::Absent),
    };
    members.end_without_null()?;
    match [regex, sha256, absent].map(Option::into_iter).into_iter().flatten().collect::<Vec<_>>().as_slice() {
        [one] => Ok(one.clone()),
        _ => Err(PathError::new(path, "exactly one of regex, sha256 and absent is needed")),
    }
}

/// One TEXT, or a list of them.
fn value(tree: &Tree, path: &KeyPath<'_>) -> Result<Vec<TextConfig>, PathError> {
    match tree {
        Tree::List(_) => fields::list(text)(tree, path),
        one => Ok(vec![text(one, path)?]),
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
        value: members.optional("value", value)?,
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
        clear_cookies: members.optional("clear_cookies", fields::list(fields::text))?,
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

/// Reads a public key as other tools write it, so the optional members of RFC 7517 section 4 are passed over; a private
/// one is refused, as secrets have no place in a policy.
fn jwk(tree: &Tree, path: &KeyPath<'_>) -> Result<JwkConfig, PathError> {
    let mut members = Fields::of(tree, path)?;
    let jwk = JwkConfig {
        kty: members.required("kty", fields::text)?,
        crv: members.required("crv", fields::text)?,
        x: members.required("x", fields::text)?,
    };
    if tree.get("d").is_some() {
        return Err(PathError::new(&path.key("d"), "this is a private key; a policy holds public keys only"));
    }
    for optional in ["use", "key_ops", "alg", "kid"] {
        members.raw(optional);
    }
    members.end()?;
    Ok(jwk)
}

/// Reads an object whose one member, `name`, is a text.
fn only_member(name: &'static str) -> impl fields::Reader<String> {
    move |tree: &Tree, path: &KeyPath<'_>| {
        let mut members = Fields::of(tree, path)?;
        let value = members.required(name, fields::text)?;
        members.end()?;
        Ok(value)
    }
}

#[cfg(test)]
mod tests;
