//! The plugin configuration as compiled: the policy, which decides, and the replies of its sites, which a refused client
//! gets. The policy knows no replies and the replies know no rules; this module pairs them.

use crate::config::{PluginConfig, ReplyConfig};
use crate::policy::{Policy, Site, check_tokens};
use crate::reply::{Reply, ReplyOverrides};
use crate::tree::{KeyPath, PathError, Tree};

/// A compiled plugin configuration.
#[derive(Debug)]
pub struct CompiledConfig {
    /// Sites, rules and keys.
    pub policy: Policy,
    /// The reply of each site, in the order of the policy's sites.
    pub replies: Vec<Reply>,
}

impl CompiledConfig {
    /// Reads and compiles a plugin configuration in the form in which Envoy passes it to the plugin: JSON text, or the
    /// bytes of a `google.protobuf.Struct`. One error rejects the whole configuration.
    pub fn from_plugin_configuration(bytes: &[u8]) -> Result<CompiledConfig, PathError> {
        CompiledConfig::from_tree(&Tree::from_plugin_configuration(bytes)?)
    }

    /// Reads and compiles a plugin configuration.
    pub fn from_tree(tree: &Tree) -> Result<CompiledConfig, PathError> {
        let config = PluginConfig::read(tree)?;
        let policy = Policy::compile(&config)?;
        let replies = compile_replies(&config, &policy.sites)?;
        Ok(CompiledConfig { policy, replies })
    }
}

/// Compiles the reply of each site: the policy-wide reply, overridden by the site's own.
fn compile_replies(config: &PluginConfig, compiled: &[Site]) -> Result<Vec<Reply>, PathError> {
    let root = KeyPath::Root;
    let has_tokens = config.jwt_metadata_key.is_some();
    check_cookies(&config.reply, has_tokens, &root.key("reply"))?;
    let wide = ReplyOverrides::compile(&config.reply, &root.key("reply"))?;
    let sites = config.sites_or_default();
    let override_all = |overrides: fn(&ReplyConfig) -> bool| sites.iter().all(|site| overrides(&site.reply));
    wide.check_unused(override_all(|reply| reply.html.is_some()), override_all(|reply| reply.text.is_some()))?;
    let list = root.key("sites");
    let mut replies = Vec::with_capacity(compiled.len());
    for (index, (config, site)) in sites.iter().zip(compiled).enumerate() {
        let path = list.index(index);
        check_cookies(&config.reply, has_tokens, &path.key("reply"))?;
        let own = ReplyOverrides::compile(&config.reply, &path.key("reply"))?;
        replies.push(Reply::merge(&wide, &own, &site.name, &site.hosts)?);
    }
    Ok(replies)
}

fn check_cookies(config: &ReplyConfig, has_tokens: bool, path: &KeyPath<'_>) -> Result<(), PathError> {
    let path = path.key("clear_cookies");
    let mut cookies = config.clear_cookies.iter().flatten().enumerate();
    cookies.try_for_each(|(index, cookie)| check_tokens(cookie, has_tokens, &path.index(index)))
}

#[cfg(test)]
mod tests;
