//! Compiles a rule.

use super::Rule;
use super::condition::{Claim, Named};
use crate::config::{ClaimConfig, ClaimValueConfig, NamedConfig, RuleConfig, TextConfig};
use crate::matching::cidr::{self, IpSet};
use crate::matching::path::compile_paths;
use crate::matching::text::{TextMatcher, as_written};
use crate::policy::name;
use crate::request::is_token_byte;
use crate::state::{Mode, ModeSet};
use crate::tree::{KeyPath, PathError};

impl Rule {
    /// Compiles the rule at `path`. A rule without a condition is an error.
    pub fn compile(config: &RuleConfig, path: &KeyPath<'_>) -> Result<Rule, PathError> {
        name(&config.name, &path.key("name"))?;
        let rule = Rule::with_conditions(config, path)?;
        if config.has_condition() {
            Ok(rule)
        } else {
            Err(PathError::new(path, "a rule without a condition would match every request"))
        }
    }

    /// Compiles the conditions at `path`, without checking the name.
    pub fn with_conditions(config: &RuleConfig, path: &KeyPath<'_>) -> Result<Rule, PathError> {
        // Names every field, so that a new one is a compile error here.
        let RuleConfig { name, paths, methods, remote_ips, uri_sans, headers, query, cookies, claims, modes } = config;
        Ok(Rule {
            name: name.clone(),
            paths: optional(paths, |texts| compile_paths(texts, &path.key("paths")))?,
            methods: optional(methods, |methods| compile_methods(methods, &path.key("methods")))?,
            remote_ips: optional(remote_ips, |ranges| compile_ranges(ranges, &path.key("remote_ips")))?,
            uri_sans: optional(uri_sans, |texts| compile_uri_sans(texts, &path.key("uri_sans")))?,
            headers: compile_named(headers, &path.key("headers"), header_name)?,
            query: compile_named(query, &path.key("query"), |name| Ok(name.to_owned()))?,
            cookies: compile_named(cookies, &path.key("cookies"), cookie_name)?,
            claims: compile_claims(claims, &path.key("claims"))?,
            modes: optional(modes, |modes| compile_modes(modes, &path.key("modes")))?,
            built_in: None,
        })
    }
}

/// Rejects conditions on claims if jwt_authn stores no verified tokens.
pub fn check_tokens(config: &RuleConfig, has_tokens: bool, path: &KeyPath<'_>) -> Result<(), PathError> {
    if config.claims.is_none() || has_tokens {
        return Ok(());
    }
    let problem = "requires jwt.metadata_key, under which jwt_authn stores a verified token";
    Err(PathError::new(&path.key("claims"), problem))
}

fn optional<C, T>(
    config: &Option<C>,
    compile: impl FnOnce(&C) -> Result<T, PathError>,
) -> Result<Option<T>, PathError> {
    config.as_ref().map(compile).transpose()
}

fn compile_methods(methods: &[String], path: &KeyPath<'_>) -> Result<Vec<String>, PathError> {
    if methods.is_empty() {
        return Err(PathError::new(path, "an empty list matches nothing"));
    }
    for (index, method) in methods.iter().enumerate() {
        if method.is_empty() || !method.bytes().all(|byte| is_token_byte(byte) && !byte.is_ascii_lowercase()) {
            let problem = format_args!("\"{method}\" is not a method in upper case");
            return Err(PathError::new(&path.index(index), problem));
        }
    }
    Ok(methods.to_vec())
}

fn compile_ranges(ranges: &[String], path: &KeyPath<'_>) -> Result<IpSet, PathError> {
    if ranges.is_empty() {
        return Err(PathError::new(path, "an empty list matches nothing"));
    }
    let mut parsed = Vec::with_capacity(ranges.len());
    for (index, text) in ranges.iter().enumerate() {
        parsed.push(cidr::parse(text).map_err(|problem| PathError::new(&path.index(index), problem))?);
    }
    Ok(IpSet::new(parsed))
}

fn compile_uri_sans(texts: &[TextConfig], path: &KeyPath<'_>) -> Result<TextMatcher, PathError> {
    for (index, text) in texts.iter().enumerate() {
        let problem = match text {
            TextConfig::Plain(text) if !begins_with_scheme(text) => {
                format!("\"{text}\" has no scheme such as spiffe://")
            }
            // A scheme ends with a colon; in a regex, `(?:` has one too.
            TextConfig::Regex(regex)
                if !regex.as_bytes().windows(2).any(|pair| matches!(pair, [before, b':'] if *before != b'?')) =>
            {
                format!("\"{regex}\" has no scheme such as spiffe://")
            }
            TextConfig::Absent => "a missing certificate proves nothing".to_owned(),
            TextConfig::Plain(_) | TextConfig::Regex(_) | TextConfig::Sha256(_) => continue,
        };
        return Err(PathError::new(&path.index(index), problem));
    }
    TextMatcher::compile(texts, path, as_written)
}

/// True if `text` begins with a scheme and a colon (RFC 3986 section 3.1).
fn begins_with_scheme(text: &str) -> bool {
    let is_scheme_byte = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.bytes().find(|byte| !is_scheme_byte(byte)) == Some(b':')
}

fn compile_named(
    configs: &Option<Vec<NamedConfig>>,
    path: &KeyPath<'_>,
    canonical: fn(&str) -> Result<String, String>,
) -> Result<Vec<Named>, PathError> {
    let Some(configs) = configs else {
        return Ok(Vec::new());
    };
    if configs.is_empty() {
        return Err(PathError::new(path, "an empty list has no effect"));
    }
    let mut named = Vec::with_capacity(configs.len());
    for (index, NamedConfig { name, value }) in configs.iter().enumerate() {
        let path = path.index(index);
        if name.is_empty() {
            return Err(PathError::new(&path.key("name"), "empty"));
        }
        named.push(Named {
            name: canonical(name).map_err(|problem| PathError::new(&path.key("name"), problem))?,
            value: compile_value(value, &path)?,
        });
    }
    Ok(named)
}

fn compile_value(value: &Option<Vec<TextConfig>>, path: &KeyPath<'_>) -> Result<TextMatcher, PathError> {
    match value {
        None => Ok(TextMatcher::present()),
        Some(texts) => TextMatcher::compile(texts, &path.key("value"), as_written),
    }
}

fn compile_claims(configs: &Option<Vec<ClaimConfig>>, path: &KeyPath<'_>) -> Result<Vec<Claim>, PathError> {
    let Some(configs) = configs else {
        return Ok(Vec::new());
    };
    if configs.is_empty() {
        return Err(PathError::new(path, "an empty list has no effect"));
    }
    let mut claims = Vec::with_capacity(configs.len());
    for (index, ClaimConfig { iss, name, value }) in configs.iter().enumerate() {
        let path = path.index(index);
        // Dots in a URL (RFC 7519 section 4.2) do not separate members.
        let members: Vec<String> =
            if name.contains("://") { vec![name.clone()] } else { name.split('.').map(str::to_owned).collect() };
        if members.iter().any(String::is_empty) {
            let problem = format_args!("\"{name}\" is not the name of a claim, or of nested members joined by dots");
            return Err(PathError::new(&path.key("name"), problem));
        }
        if iss.is_empty() {
            return Err(PathError::new(&path.key("iss"), "empty; a claim is worth no more than its issuer"));
        }
        let mut claim = Claim { iss: iss.clone(), path: members, texts: TextMatcher::default(), scalars: Vec::new() };
        compile_claim_values(&mut claim, value, &path.key("value"))?;
        claims.push(claim);
    }
    Ok(claims)
}

fn compile_claim_values(
    claim: &mut Claim,
    values: &Option<Vec<ClaimValueConfig>>,
    path: &KeyPath<'_>,
) -> Result<(), PathError> {
    let Some(values) = values else {
        claim.texts = TextMatcher::present();
        return Ok(());
    };
    if values.is_empty() {
        return Err(PathError::new(path, "an empty list matches nothing"));
    }
    for (index, value) in values.iter().enumerate() {
        match value {
            ClaimValueConfig::Text(text) => claim.texts.add(text, &path.index(index), as_written)?,
            ClaimValueConfig::Scalar(scalar) => claim.scalars.push(*scalar),
        }
    }
    Ok(())
}

fn compile_modes(modes: &[Mode], path: &KeyPath<'_>) -> Result<ModeSet, PathError> {
    if modes.is_empty() {
        return Err(PathError::new(path, "an empty list contains no mode"));
    }
    let mut set = ModeSet::default();
    modes.iter().for_each(|mode| set.insert(*mode));
    Ok(set)
}

/// The name by which Envoy passes a header.
fn header_name(name: &str) -> Result<String, String> {
    let lower = name.to_ascii_lowercase();
    match lower.as_str() {
        "host" => Ok(":authority".to_owned()),
        ":authority" | ":method" | ":path" | ":scheme" => Ok(lower),
        other if other.bytes().all(is_token_byte) => Ok(lower),
        _ => Err(format!("\"{name}\" is not a header name")),
    }
}

/// Browsers and servers accept nearly every cookie name, but not the characters that end it.
fn cookie_name(name: &str) -> Result<String, String> {
    if name.contains(['=', ';']) || name.trim() != name {
        return Err(format!("\"{name}\" is not a cookie name"));
    }
    Ok(name.to_owned())
}
