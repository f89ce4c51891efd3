//! The policy as compiled: what matches a request cannot be invalid. Where a policy is not wholly valid it is refused
//! whole, with the key path and the value.

use std::rc::Rc;

use crate::config::{PluginConfig, ReplyConfig, RuleConfig, SiteConfig, TextConfig};
use crate::matching::path::compile_prefix;
use crate::matching::{HostPattern, RedirectTarget};
use crate::request::{Host, Request};
use crate::state::Document;
use crate::tree::fields::did_you_mean;
use crate::tree::{KeyPath, PathError};

pub mod keys;
pub mod rule;
mod site_index;

pub use keys::{Key, Permission};
pub use rule::{Effect, Rule, Rules};
pub use site_index::{SiteIndex, SiteMatch};

/// The longest name of a site, rule, fleet or key.
const MAX_NAME: usize = 63;

/// A plugin configuration, ready to decide by.
#[derive(Debug)]
pub struct Policy {
    /// The fleet whose documents hold here.
    pub fleet: Option<String>,
    /// The sites, in the order in which they are written.
    pub sites: Vec<Site>,
    /// Finds the site of a request.
    pub index: SiteIndex,
    /// Who may sign what.
    pub keys: Vec<Key>,
    /// Under which name jwt_authn leaves a verified token's payload.
    pub jwt_metadata_key: Option<String>,
    /// The path prefix of the control endpoint, without a trailing slash.
    pub control: Option<String>,
}

/// One site with its rules, those for every site first.
#[derive(Debug)]
pub struct Site {
    /// Its name.
    pub name: String,
    /// Its hosts.
    pub hosts: Vec<HostPattern>,
    /// Its path prefixes, without trailing slashes; `""` for all.
    pub paths: Vec<String>,
    /// Let a request through a closed site.
    pub exempt: Rules,
    /// Refuse it even when the site is online.
    pub always_closed: Rules,
    /// Are answered by the filter itself while the site is closed.
    pub health_checks: Rules,
    /// The target of the redirect that refused browsers get, if the reply has one.
    pub redirect_target: Option<RedirectTarget>,
    /// The site's state, if the policy declares it.
    pub declared: Option<Document>,
}

impl Policy {
    /// Compiles everything in a plugin configuration but its replies.
    pub fn compile(config: &PluginConfig) -> Result<Policy, PathError> {
        // Every field by name, so that a new one must be dealt with here.
        let PluginConfig {
            fleet,
            sites: _,
            exempt,
            always_closed,
            health_checks,
            reply,
            state,
            keys,
            jwt_metadata_key,
            control_path_prefix,
            builtin_rules,
        } = config;
        let root = KeyPath::Root;
        let fleet = fleet.as_ref().map(|fleet| name(fleet, &root.key("fleet"))).transpose()?;
        if fleet.is_none() && !keys.is_empty() {
            return Err(PathError::new(&root.key("fleet"), "missing; keys sign for one fleet"));
        }
        if jwt_metadata_key.as_ref().is_some_and(String::is_empty) {
            return Err(PathError::new(&root.key("jwt").key("metadata_key"), "empty"));
        }
        let has_tokens = jwt_metadata_key.is_some();
        let builtin = if builtin_rules.unwrap_or(true) { builtin()? } else { RuleLists::default() };
        let written: [&[RuleConfig]; 3] = [exempt, always_closed, health_checks];
        let wide = Wide {
            rules: builtin.with(written, has_tokens, &root)?,
            redirect_target: redirect_target(reply, &root.key("reply"))?,
            has_tokens,
        };
        let sites = config.sites_or_default();
        let mut compiled: Vec<Site> = Vec::with_capacity(sites.len());
        let mut index = SiteIndex::default();
        let mut positions: hashbrown::HashMap<String, usize> = hashbrown::HashMap::new();
        let list = root.key("sites");
        for (position, config) in sites.iter().enumerate() {
            let path = list.index(position);
            let site = Site::compile(config, &wide, &path)?;
            if positions.insert(site.name.clone(), position).is_some() {
                return Err(PathError::new(&path.key("name"), format_args!("\"{}\" stands twice", site.name)));
            }
            for host in &site.hosts {
                for prefix in &site.paths {
                    if let Err(before) = index.insert(host.clone(), prefix, position) {
                        let other = if before == position { config } else { sites.get(before).unwrap_or(config) };
                        let shown = if prefix.is_empty() { "/" } else { prefix };
                        let problem = format_args!(
                            "the host \"{host}\" with the path \"{shown}\" belongs to site \"{}\" already",
                            other.name
                        );
                        return Err(PathError::new(&path, problem));
                    }
                }
            }
            compiled.push(site);
        }
        let state_path = root.key("state");
        for (site, document) in state {
            let path = state_path.key(site);
            if let Some(other) = document.fleet.as_ref().filter(|other| Some(*other) != fleet.as_ref()) {
                let problem = format_args!("\"{other}\" is not the fleet of this policy");
                return Err(PathError::new(&path.key("fleet"), problem));
            }
            match positions.get(site.as_str()).and_then(|position| compiled.get_mut(*position)) {
                Some(known) => known.declared = Some(document.clone()),
                None => {
                    let hint = did_you_mean(site, compiled.iter().map(|site| site.name.as_str()));
                    return Err(PathError::new(&path, format_args!("no site has this name{hint}")));
                }
            }
        }
        let keys = keys::compile(keys, &root.key("keys"))?;
        let control = control_path_prefix
            .as_ref()
            .map(|prefix| compile_prefix(prefix, &root.key("control").key("path_prefix")))
            .transpose()?;
        if control.as_ref().is_some_and(String::is_empty) {
            let path = root.key("control");
            return Err(PathError::new(&path.key("path_prefix"), "\"/\" would hide the application"));
        }
        Ok(Policy { fleet, sites: compiled, index, keys, jwt_metadata_key: jwt_metadata_key.clone(), control })
    }

    /// The part of a request's `:path` below the prefix of the control endpoint, from its slash on and without the query.
    /// Only the literal prefix counts: others may read an encoded one as a path of the application.
    pub fn below_control<'r>(&self, request: &Request<'r>) -> Option<&'r [u8]> {
        let path = request.target.split(|byte| *byte == b'?').next()?;
        path.strip_prefix(self.control.as_deref()?.as_bytes()).filter(|below| below.starts_with(b"/"))
    }

    /// Whether a rule refuses requests also while every site is online.
    pub fn has_always_closed(&self) -> bool {
        self.sites.iter().any(|site| !site.always_closed.is_empty())
    }
}

/// What holds for every site.
struct Wide {
    rules: RuleLists,
    redirect_target: Option<RedirectTarget>,
    /// Whether Envoy leaves verified tokens where claims can be read.
    has_tokens: bool,
}

/// The three kinds of rules.
#[derive(Clone, Default)]
struct RuleLists {
    exempt: Rules,
    always_closed: Rules,
    health_checks: Rules,
}

impl RuleLists {
    /// These rules and, after them, those that are written at `path`: exempt, always closed, health checks. Two rules of
    /// one name are refused, as stats, logs and `suspend` tell rules by their names.
    fn with(self, written: [&[RuleConfig]; 3], has_tokens: bool, path: &KeyPath<'_>) -> Result<RuleLists, PathError> {
        let names = |rules: &Rules| rules.iter().map(|rule| rule.name.clone()).collect::<Vec<_>>();
        let mut lists = [self.exempt, self.always_closed, self.health_checks];
        let mut seen: hashbrown::HashMap<String, usize> = hashbrown::HashMap::new();
        seen.extend(lists.iter().flat_map(names).zip(0..));
        for ((key, configs), rules) in RuleLists::KEYS.into_iter().zip(written).zip(&mut lists) {
            let list = path.key(key);
            for (index, config) in configs.iter().enumerate() {
                let path = list.index(index);
                if config.claims.is_some() && !has_tokens {
                    let problem = "jwt.metadata_key is missing, under which Envoy leaves a verified token";
                    return Err(PathError::new(&path.key("claims"), problem));
                }
                let rule = Rule::compile(config, &path)?;
                if seen.insert(rule.name.clone(), index).is_some() {
                    let problem = format_args!("\"{}\" is the name of another rule too", rule.name);
                    return Err(PathError::new(&path.key("name"), problem));
                }
                rules.push(Rc::new(rule));
            }
        }
        let [exempt, always_closed, health_checks] = lists;
        Ok(RuleLists { exempt, always_closed, health_checks })
    }

    const KEYS: [&str; 3] = ["exempt", "always_closed", "health_checks"];
}

impl Site {
    /// Whether the site has some paths of its hosts only.
    pub fn has_paths(&self) -> bool {
        !self.paths.iter().any(String::is_empty)
    }

    /// Whether `host` is one that the site names in full.
    pub fn is_exact_host(&self, host: &Host) -> bool {
        self.hosts.iter().any(|own| matches!(own, HostPattern::Exact(name) if name == host.as_str()))
    }

    fn compile(config: &SiteConfig, wide: &Wide, path: &KeyPath<'_>) -> Result<Site, PathError> {
        let SiteConfig { name: site, hosts, paths, exempt, always_closed, health_checks, reply } = config;
        let site = name(site, &path.key("name"))?;
        let hosts = match hosts {
            None => vec![HostPattern::Any],
            Some(hosts) => each(hosts, &path.key("hosts"), |host, path| {
                HostPattern::parse(host).map_err(|problem| PathError::new(path, problem))
            })?,
        };
        let paths = match paths {
            None => vec![String::new()],
            Some(paths) => each(paths, &path.key("paths"), compile_prefix)?,
        };
        let written: [&[RuleConfig]; 3] = [exempt, always_closed, health_checks];
        let RuleLists { exempt, always_closed, health_checks } =
            wide.rules.clone().with(written, wide.has_tokens, path)?;
        let own = redirect_target(reply, &path.key("reply"))?;
        let redirect_target = own.or_else(|| wide.redirect_target.clone());
        Ok(Site { name: site, hosts, paths, exempt, always_closed, health_checks, redirect_target, declared: None })
    }
}

fn redirect_target(reply: &ReplyConfig, path: &KeyPath<'_>) -> Result<Option<RedirectTarget>, PathError> {
    reply.redirect.as_ref().map(|url| RedirectTarget::compile(url, &path.key("redirect"))).transpose()
}

/// The rules that stand without being written: certificates renew during a long window (RFC 8555 section 8.3), and
/// probes are answered.
fn builtin() -> Result<RuleLists, PathError> {
    let agents = ["kube-probe/*", "ELB-HealthChecker/*", "GoogleHC/*", "Envoy/HC"];
    let probes = RuleConfig {
        name: "health-check-agents".to_owned(),
        paths: None,
        methods: None,
        remote_ips: None,
        uri_sans: None,
        headers: Some(vec![crate::config::NamedConfig {
            name: "user-agent".to_owned(),
            value: Some(agents.iter().map(|agent| TextConfig::Plain((*agent).to_owned())).collect()),
        }]),
        query: None,
        cookies: None,
        claims: None,
        modes: None,
    };
    let acme = Rc::new(Rule::built_in("acme-challenge", is_acme_challenge));
    let lists = RuleLists { exempt: vec![acme], ..RuleLists::default() };
    lists.with([&[], &[], &[probes]], false, &KeyPath::Root)
}

/// Whether a certificate authority asks for the answer to a challenge (RFC 8555 section 8.3): its token is base64url, and
/// nothing follows it.
fn is_acme_challenge(request: &Request<'_>) -> bool {
    let token = request.target.strip_prefix(b"/.well-known/acme-challenge/").unwrap_or_default();
    let is_base64url = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let is_read = matches!(request.method, b"GET" | b"HEAD") && !request.may_change_method();
    is_read && !token.is_empty() && token.iter().all(is_base64url)
}

fn each<T>(
    texts: &[String],
    path: &KeyPath<'_>,
    read: impl Fn(&str, &KeyPath<'_>) -> Result<T, PathError>,
) -> Result<Vec<T>, PathError> {
    if texts.is_empty() {
        return Err(PathError::new(path, "an empty list matches nothing"));
    }
    texts.iter().enumerate().map(|(index, text)| read(text, &path.index(index))).collect()
}

/// Reads a name: `[a-z0-9-]`, at most 63.
pub fn name(text: &str, path: &KeyPath<'_>) -> Result<String, PathError> {
    let is_valid = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if (1..=MAX_NAME).contains(&text.len()) && text.bytes().all(is_valid) {
        Ok(text.to_owned())
    } else {
        let problem = format_args!("\"{text}\" is not a name of at most {MAX_NAME} characters of a-z, 0-9 and -");
        Err(PathError::new(path, problem))
    }
}

#[cfg(test)]
mod tests;
