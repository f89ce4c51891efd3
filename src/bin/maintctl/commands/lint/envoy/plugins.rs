//! Plugins of this filter in an Envoy configuration.

use envoy_maintenance::tree::Tree;

use crate::commands::lint::policy::subject::Subject;
use crate::config::policy_file::{Carrier, FoundPolicy, MANAGER};
use crate::config::tree_query::{is_type, join, list, member, objects};

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
    /// The HTTP filters behind the plugin.
    pub filters_behind: Vec<Located<'a>>,
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
        let (filters_before, filters_behind) =
            manager.as_ref().map(|manager| other_filters(manager, found)).unwrap_or_default();
        Some(Plugin {
            found,
            subject,
            config,
            listener: innermost(&|node| member(node, "filter_chains").is_some()),
            filter_chain: innermost(&|node| member(node, "filters").is_some()),
            manager,
            filters_before,
            filters_behind,
        })
    }
}

/// The HTTP filters of a manager in front of a plugin, and those behind it.
fn other_filters<'a>((path, manager): &Located<'a>, found: &FoundPolicy) -> (Vec<Located<'a>>, Vec<Located<'a>>) {
    let key = if manager.get("http_filters").is_some() { "http_filters" } else { "httpFilters" };
    let list_path = join(path, key);
    let filters = list(manager, "http_filters").iter().enumerate();
    let mut before: Vec<Located<'a>> =
        filters.map(|(index, filter)| (format!("{list_path}[{index}]"), filter)).collect();
    let is_own = |(path, _): &Located<'a>| found.plugin.strip_prefix(path).is_some_and(|rest| rest.starts_with('.'));
    let own = before.iter().position(is_own).unwrap_or(before.len());
    let behind = before.split_off(own).into_iter().skip(1).collect();
    (before, behind)
}
