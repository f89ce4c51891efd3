//! Plugins of this filter in an Envoy configuration.

use envoy_maintenance::config::RuleConfig;
use envoy_maintenance::tree::Tree;

use super::finding::Finding;
use super::subject::Subject;
use crate::config::policy_file::{Carrier, FoundPolicy, MANAGER};
use crate::config::tree_query::{is_type, join, list, member, objects, text};

/// An object of the configuration, and its key path.
pub type Located<'t> = (String, &'t Tree);

/// One plugin, and the configuration that contains it.
pub struct Plugin<'a> {
    pub found: &'a FoundPolicy,
    pub subject: &'a Subject,
    /// The plugin's own configuration.
    pub config: &'a Tree,
    pub listener: Option<Located<'a>>,
    pub filter_chain: Option<Located<'a>>,
    pub manager: Option<Located<'a>>,
    /// The HTTP filters in front of the plugin.
    pub filters_before: Vec<Located<'a>>,
}

impl<'a> Plugin<'a> {
    /// The plugin of the policy `found`; `None` if an Envoy configuration does not contain it.
    pub fn find(tree: &'a Tree, found: &'a FoundPolicy, subject: &'a Subject) -> Option<Plugin<'a>> {
        if found.carrier != Carrier::Envoy {
            return None;
        }
        let objects = objects(tree);
        let (_, config) = objects.iter().find(|(path, _)| *path == found.plugin)?;
        let contains = |path: &str| {
            found.plugin.strip_prefix(path).is_some_and(|rest| path.is_empty() || rest.starts_with(['.', '[']))
        };
        let innermost =
            |is: &dyn Fn(&Tree) -> bool| objects.iter().rev().find(|(path, node)| contains(path) && is(node)).cloned();
        let manager = innermost(&|node| is_type(node, MANAGER));
        let filters_before = manager.as_ref().map(|manager| filters_before(manager, found)).unwrap_or_default();
        Some(Plugin {
            found,
            subject,
            config,
            listener: innermost(&|node| member(node, "filter_chains").is_some()),
            filter_chain: innermost(&|node| member(node, "filters").is_some()),
            manager,
            filters_before,
        })
    }

    /// The quoted names of the rules that `uses` accepts, joined by commas; `None` if there are none.
    pub fn rules(&self, uses: impl Fn(&RuleConfig) -> bool) -> Option<String> {
        let rules = self.subject.rules();
        let used = rules.iter().filter(|written| uses(written.rule));
        let names: Vec<String> = used.map(|written| format!("\"{}\"", written.rule.name)).collect();
        (!names.is_empty()).then(|| names.join(", "))
    }
}

fn filters_before<'a>((path, manager): &Located<'a>, found: &FoundPolicy) -> Vec<Located<'a>> {
    let key = if manager.get("http_filters").is_some() { "http_filters" } else { "httpFilters" };
    let list_path = join(path, key);
    let filters = list(manager, "http_filters").iter().enumerate();
    let before = filters.take_while(|(index, _)| !found.plugin.starts_with(&format!("{list_path}[{index}].")));
    before.map(|(index, filter)| (format!("{list_path}[{index}]"), filter)).collect()
}

/// Plugins that have the same name and root id, but different policies. Envoy and the filter take them for one plugin.
pub fn same_name(tree: &Tree, policies: &[FoundPolicy]) -> Vec<Finding> {
    let objects = objects(tree);
    let identity = |found: &FoundPolicy| {
        let (_, plugin) = objects.iter().find(|(path, _)| *path == found.plugin)?;
        let vm = member(plugin, "vm_config").and_then(|vm| text(vm, "vm_id"));
        Some([text(plugin, "name"), text(plugin, "root_id"), vm].map(Option::unwrap_or_default))
    };
    let is_readable = |found: &&FoundPolicy| found.carrier == Carrier::Envoy && found.policy.is_ok();
    let policies: Vec<&FoundPolicy> = policies.iter().filter(is_readable).collect();
    let mut findings = Vec::new();
    for (index, found) in policies.iter().enumerate() {
        let twin = policies.iter().take(index).find(|other| {
            identity(other) == identity(found) && other.policy.as_ref().ok() != found.policy.as_ref().ok()
        });
        if let Some(twin) = twin {
            let text = format!(
                "has the same name and root_id as {}, but another policy, so Envoy takes both for one plugin and only one \
                 policy counts in the status; give each plugin its own `name`",
                twin.plugin
            );
            findings.push(Finding::error(found.plugin.clone(), text));
        }
    }
    findings
}
