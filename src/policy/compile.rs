//! Compiles a plugin configuration into a [`Policy`].

use std::rc::Rc;

use super::built_in::built_in;
use super::rule_lists::RuleLists;
use super::{Policy, Site, SiteIndex, keys};
use crate::byte_index::ByteIndex;
use crate::config::{PluginConfig, ReplyConfig, SiteConfig};
use crate::matching::path::compile_prefix;
use crate::matching::{HostPattern, RedirectTarget};
use crate::state::Document;
use crate::tree::fields::did_you_mean;
use crate::tree::{KeyPath, PathError};

/// The longest name of a site, rule, fleet or key, in characters.
const MAX_NAME: usize = 63;

impl Policy {
    /// Compiles a configuration, except its replies.
    pub fn compile(config: &PluginConfig) -> Result<Policy, PathError> {
        // Names every field, so that a new one is a compile error here.
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
            return Err(PathError::new(&root.key("fleet"), "missing; \"keys\" requires it"));
        }
        if jwt_metadata_key.as_ref().is_some_and(String::is_empty) {
            return Err(PathError::new(&root.key("jwt").key("metadata_key"), "empty"));
        }
        let has_tokens = jwt_metadata_key.is_some();
        let built_in = if builtin_rules.unwrap_or(true) { built_in()? } else { RuleLists::default() };
        let wide = PolicyWide {
            rules: built_in.with([exempt, always_closed, health_checks], has_tokens, &root)?,
            redirect_target: redirect_target(reply, &root.key("reply"))?,
            has_tokens,
        };
        let (mut sites, index) = compile_sites(&config.sites_or_default(), &wide)?;
        declare(&mut sites, state, fleet.as_deref())?;
        Ok(Policy {
            fleet,
            sites,
            index,
            keys: keys::compile(keys, &root.key("keys"))?,
            jwt_metadata_key: jwt_metadata_key.clone(),
            control: control_path_prefix.as_deref().map(control_prefix).transpose()?,
        })
    }
}

/// The settings that apply to every site.
struct PolicyWide {
    rules: RuleLists,
    redirect_target: Option<RedirectTarget>,
    /// True if jwt_authn stores verified tokens, so that rules can have `claims`.
    has_tokens: bool,
}

fn redirect_target(reply: &ReplyConfig, path: &KeyPath<'_>) -> Result<Option<RedirectTarget>, PathError> {
    reply.redirect.as_ref().map(|url| RedirectTarget::compile(url, &path.key("redirect"))).transpose()
}

fn compile_sites(configs: &[SiteConfig], wide: &PolicyWide) -> Result<(Vec<Site>, SiteIndex), PathError> {
    let list = KeyPath::Root.key("sites");
    let mut sites: Vec<Site> = Vec::with_capacity(configs.len());
    let mut index = SiteIndex::default();
    let mut names = ByteIndex::default();
    for (position, config) in configs.iter().enumerate() {
        let path = list.index(position);
        let site = compile_site(config, wide, &path)?;
        if !names.add(site.name.as_bytes()) {
            return Err(PathError::new(&path.key("name"), format_args!("duplicate site name \"{}\"", site.name)));
        }
        add_to_index(&mut index, &site, position).map_err(|taken| {
            let Taken { host, prefix, position: other } = taken;
            let owner = configs.get(other).map_or("", |owner| &owner.name);
            let shown = if prefix.is_empty() { "/" } else { prefix };
            let problem =
                format_args!("the host \"{host}\" with the path \"{shown}\" already belongs to site \"{owner}\"");
            PathError::new(&path, problem)
        })?;
        sites.push(site);
    }
    Ok((sites, index))
}

/// A host and path prefix that already belong to the site at `position`.
struct Taken<'s> {
    host: &'s HostPattern,
    prefix: &'s str,
    position: usize,
}

fn add_to_index<'s>(index: &mut SiteIndex, site: &'s Site, position: usize) -> Result<(), Taken<'s>> {
    for host in &site.hosts {
        for prefix in &site.paths {
            index.insert(host, prefix, position).map_err(|position| Taken { host, prefix, position })?;
        }
    }
    Ok(())
}

fn compile_site(config: &SiteConfig, wide: &PolicyWide, path: &KeyPath<'_>) -> Result<Site, PathError> {
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
    let rules = wide.rules.clone().with([exempt, always_closed, health_checks], wide.has_tokens, path)?;
    let RuleLists { exempt, always_closed, health_checks } = rules;
    let own_target = redirect_target(reply, &path.key("reply"))?;
    let redirect_target = own_target.or_else(|| wide.redirect_target.clone());
    Ok(Site { name: site, hosts, paths, exempt, always_closed, health_checks, redirect_target, declared: None })
}

/// Gives sites the states that the configuration declares.
fn declare(sites: &mut [Site], state: &[(String, Rc<Document>)], fleet: Option<&str>) -> Result<(), PathError> {
    let state_path = KeyPath::Root.key("state");
    for (name, document) in state {
        let path = state_path.key(name);
        if let Some(other) = document.fleet.as_deref().filter(|other| Some(*other) != fleet) {
            let problem = format_args!("\"{other}\" is not the fleet of this policy");
            return Err(PathError::new(&path.key("fleet"), problem));
        }
        let hint = || did_you_mean(name, sites.iter().map(|site| site.name.as_str()));
        match sites.iter().position(|site| site.name == *name) {
            None => return Err(PathError::new(&path, format_args!("no site has this name{}", hint()))),
            Some(position) => {
                if let Some(site) = sites.get_mut(position) {
                    site.declared = Some(document.clone());
                }
            }
        }
    }
    Ok(())
}

fn control_prefix(prefix: &str) -> Result<String, PathError> {
    let path = KeyPath::Root.key("control");
    let path = path.key("path_prefix");
    match compile_prefix(prefix, &path)? {
        prefix if prefix.is_empty() => Err(PathError::new(&path, "\"/\" would hide the application")),
        prefix => Ok(prefix),
    }
}

fn each<T>(
    texts: &[String],
    path: &KeyPath<'_>,
    read: impl Fn(&str, &KeyPath<'_>) -> Result<T, PathError>,
) -> Result<Vec<T>, PathError> {
    if texts.is_empty() {
        return Err(PathError::new(path, "an empty list matches nothing"));
    }
    let mut values = Vec::with_capacity(texts.len());
    for (index, text) in texts.iter().enumerate() {
        values.push(read(text, &path.index(index))?);
    }
    Ok(values)
}

/// Checks the name of a site, rule, fleet or key: `[a-z0-9-]`, at most 63 characters.
pub fn name(text: &str, path: &KeyPath<'_>) -> Result<String, PathError> {
    let is_valid = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if (1..=MAX_NAME).contains(&text.len()) && text.bytes().all(is_valid) {
        Ok(text.to_owned())
    } else {
        let problem = format_args!("\"{text}\" is not a name of at most {MAX_NAME} characters of a-z, 0-9 and -");
        Err(PathError::new(path, problem))
    }
}
