//! The plugin configuration as written, field by field. It has the right fields and types, and nothing else is checked:
//! [`policy`](crate::policy) and [`reply`](crate::reply) compile it.

use std::borrow::Cow;
use std::rc::Rc;

use crate::request::Scalar;
use crate::state::{Document, Mode};
use crate::tree::Tree;

mod read;
#[cfg(test)]
mod tests;

/// The name of the only site of a configuration that names no sites.
pub const DEFAULT_SITE: &str = "default";

/// A plugin configuration.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PluginConfig {
    /// The fleet of this Envoy.
    pub fleet: Option<String>,
    /// The sites; none: one site that covers everything.
    pub sites: Option<Vec<SiteConfig>>,
    /// Policy-wide exempt rules.
    pub exempt: Vec<RuleConfig>,
    /// Policy-wide rules that refuse requests even if the site is online.
    pub always_closed: Vec<RuleConfig>,
    /// Policy-wide rules for requests that the filter answers itself while the site is closed.
    pub health_checks: Vec<RuleConfig>,
    /// The policy-wide reply.
    pub reply: ReplyConfig,
    /// Declared documents by site.
    pub state: Vec<(String, Rc<Document>)>,
    /// Public keys.
    pub keys: Vec<KeyConfig>,
    /// `jwt.metadata_key`: the key under which jwt_authn stores the payload of a verified token.
    pub jwt_metadata_key: Option<String>,
    /// `control.path_prefix`; none: this listener has no control endpoint.
    pub control_path_prefix: Option<String>,
    /// True if the policy has the built-in rules; `true` by default.
    pub builtin_rules: Option<bool>,
}

/// A site.
#[derive(Clone, Debug, PartialEq)]
pub struct SiteConfig {
    /// The name.
    pub name: String,
    /// The host patterns; none: any host.
    pub hosts: Option<Vec<String>>,
    /// The path prefixes; none: all paths.
    pub paths: Option<Vec<String>>,
    /// Exempt rules.
    pub exempt: Vec<RuleConfig>,
    /// Rules that refuse requests even if the site is online.
    pub always_closed: Vec<RuleConfig>,
    /// Rules for requests that the filter answers itself while the site is closed.
    pub health_checks: Vec<RuleConfig>,
    /// The reply; its fields override those of the policy-wide one.
    pub reply: ReplyConfig,
}

/// A rule. It matches if all of its conditions match.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleConfig {
    /// The name.
    pub name: String,
    /// Paths, one of which has to match.
    pub paths: Option<Vec<TextConfig>>,
    /// Methods, one of which has to match.
    pub methods: Option<Vec<String>>,
    /// Addresses and CIDR ranges, one of which has to match.
    pub remote_ips: Option<Vec<String>>,
    /// URI SANs of the client certificate, one of which has to match.
    pub uri_sans: Option<Vec<TextConfig>>,
    /// Headers, all of which have to match.
    pub headers: Option<Vec<NamedConfig>>,
    /// Query parameters, all of which have to match.
    pub query: Option<Vec<NamedConfig>>,
    /// Cookies, all of which have to match.
    pub cookies: Option<Vec<NamedConfig>>,
    /// Claims of a verified token, all of which have to match.
    pub claims: Option<Vec<ClaimConfig>>,
    /// The modes in which the rule applies; none: all.
    pub modes: Option<Vec<Mode>>,
}

impl RuleConfig {
    /// A rule with this name and no condition.
    pub fn named(name: String) -> RuleConfig {
        RuleConfig {
            name,
            paths: None,
            methods: None,
            remote_ips: None,
            uri_sans: None,
            headers: None,
            query: None,
            cookies: None,
            claims: None,
            modes: None,
        }
    }

    /// True if the rule has a condition on the request, which `modes` is not.
    pub fn has_condition(&self) -> bool {
        let RuleConfig { name: _, paths, methods, remote_ips, uri_sans, headers, query, cookies, claims, modes: _ } =
            self;
        paths.is_some()
            || methods.is_some()
            || remote_ips.is_some()
            || uri_sans.is_some()
            || headers.is_some()
            || query.is_some()
            || cookies.is_some()
            || claims.is_some()
    }
}

/// TEXT: one way of matching a value.
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

/// A header, parameter or cookie.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedConfig {
    /// The name.
    pub name: String,
    /// Texts, one of which has to match; none: any value.
    pub value: Option<Vec<TextConfig>>,
}

/// A claim of a verified token.
#[derive(Clone, Debug, PartialEq)]
pub struct ClaimConfig {
    /// The issuer of the token.
    pub iss: String,
    /// The name; nested members are joined by dots. A name that contains `://` is a single member.
    pub name: String,
    /// Values, one of which has to match; none: any value but `false`.
    pub value: Option<Vec<ClaimValueConfig>>,
}

/// One way of matching the value of a claim.
#[derive(Clone, Debug, PartialEq)]
pub enum ClaimValueConfig {
    /// TEXT.
    Text(TextConfig),
    /// A boolean or a number: the claim has this type and value.
    Scalar(Scalar),
}

/// REPLY: the response to a refused request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReplyConfig {
    /// The HTTP status, 400 to 599.
    pub status: Option<i64>,
    /// `auto`, `html`, `json` or `text`.
    pub format: Option<String>,
    /// A duration; `0s` or `Some(None)`, which is `null`: no header.
    pub retry_after: Option<Option<String>>,
    /// A duration: the largest random addition to `retry_after`.
    pub retry_jitter: Option<String>,
    /// The URL to which browsers are redirected.
    pub redirect: Option<String>,
    /// The template of the page.
    pub html: Option<String>,
    /// The template of the plain text.
    pub text: Option<String>,
    /// Members to add to the JSON body.
    pub json: Option<Vec<(String, Tree)>>,
    /// Headers to add.
    pub headers: Option<Vec<(String, String)>>,
    /// Cookies to expire: names, and the conditions of rules.
    pub clear_cookies: Option<Vec<RuleConfig>>,
    /// Texts for the templates.
    pub context: Option<Vec<(String, String)>>,
    /// `cors.origins`: origins whose scripts can read a refusal.
    pub cors_origins: Option<Vec<TextConfig>>,
    /// Formats by path; the first match applies.
    pub formats: Option<Vec<FormatConfig>>,
}

/// An entry of `formats`.
#[derive(Clone, Debug, PartialEq)]
pub struct FormatConfig {
    /// Paths, one of which has to match.
    pub paths: Vec<TextConfig>,
    /// `auto`, `html`, `json` or `text`.
    pub format: String,
}

/// A public key, with its sites and permissions.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyConfig {
    /// The name, shown in the status and in logs.
    pub name: String,
    /// The public key (RFC 7517).
    pub jwk: JwkConfig,
    /// The names of sites; `*` for all.
    pub sites: Vec<String>,
    /// The permissions: `state`, `task`, `pass`.
    pub may: Vec<String>,
}

/// A public JSON Web Key (RFC 8037 section 2).
#[derive(Clone, Debug, PartialEq)]
pub struct JwkConfig {
    /// The key type.
    pub kty: String,
    /// The curve.
    pub crv: String,
    /// The public key, in base64url.
    pub x: String,
}

impl PluginConfig {
    /// The sites; if the configuration lists none, one site named `default` that covers everything.
    pub fn sites_or_default(&self) -> Cow<'_, [SiteConfig]> {
        self.sites.as_deref().map_or_else(|| Cow::Owned(vec![SiteConfig::everything()]), Cow::Borrowed)
    }
}

impl SiteConfig {
    fn everything() -> SiteConfig {
        SiteConfig {
            name: DEFAULT_SITE.to_owned(),
            hosts: None,
            paths: None,
            exempt: Vec::new(),
            always_closed: Vec::new(),
            health_checks: Vec::new(),
            reply: ReplyConfig::default(),
        }
    }
}
