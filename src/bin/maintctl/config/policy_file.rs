//! The policies in a file: a policy by itself, an Envoy bootstrap, an ECDS or LDS file, an EnvoyFilter, or an Istio
//! WasmPlugin or TrafficExtension, in YAML or JSON. A YAML file may have several documents.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use envoy_maintenance::compiled::CompiledConfig;
use envoy_maintenance::tree::fields::did_you_mean;
use envoy_maintenance::tree::{PathError, Tree};

use crate::config::tree_query::{is_type, join, member, objects, text};
use crate::terminal::output::shown;

/// The type of Envoy's HTTP connection manager.
pub const MANAGER: &str = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
/// The type of Envoy's Wasm filter.
pub const WASM: &str = "envoy.extensions.filters.http.wasm.v3.Wasm";
/// Members of which every supported file has at least one, unless it is a policy.
const NO_POLICY: [&str; 11] = [
    "@type",
    "admin",
    "apiVersion",
    "dynamic_resources",
    "dynamicResources",
    "kind",
    "node",
    "resources",
    "static_resources",
    "staticResources",
    "typed_config",
];

/// One document of a file, and its policies.
#[derive(Debug)]
pub struct PolicySource {
    /// The name of the file, with the number of the document if there are several.
    pub name: String,
    /// The whole document.
    pub tree: Tree,
    pub policies: Vec<FoundPolicy>,
}

/// The kind of configuration that contains a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// None: the document is the policy.
    Bare,
    /// The configuration of Envoy's Wasm filter.
    Envoy,
    /// A WasmPlugin or TrafficExtension.
    Istio,
}

/// A policy in a document.
#[derive(Debug)]
pub struct FoundPolicy {
    /// The key path of the policy; empty for a bare policy.
    pub at: String,
    /// The key path of the plugin; empty for a bare policy.
    pub plugin: String,
    /// The plugin's name, if it has one.
    pub name: Option<String>,
    pub carrier: Carrier,
    /// The policy as written.
    pub policy: Result<Tree, PathError>,
}

impl FoundPolicy {
    /// The key path in the document of a key path in the policy.
    pub fn place(&self, path: &str) -> String {
        match (self.at.as_str(), path) {
            ("", path) => path.to_owned(),
            (at, "") => at.to_owned(),
            (at, path) => format!("{at}.{path}"),
        }
    }

    /// True if the policy has an empty list of sites, as for a control listener.
    fn has_no_sites(&self) -> bool {
        matches!(&self.policy, Ok(policy) if policy.get("sites") == Some(&Tree::List(Vec::new())))
    }
}

/// Reads every document of a file.
pub fn read(file: &Path) -> Result<Vec<PolicySource>> {
    let text = fs::read_to_string(file).with_context(|| format!("{}: cannot be read", file.display()))?;
    parse(&file.display().to_string(), &text)
}

/// The first line of a rendered error, such as `line 1 column 3: unclosed bracket`.
fn first_line(rendered: &str) -> &str {
    let line = rendered.lines().next().unwrap_or_default();
    line.strip_prefix("error: ").unwrap_or(line)
}

/// Reads every document of the text of a file.
pub fn parse(file: &str, text: &str) -> Result<Vec<PolicySource>> {
    let words = |error: serde_saphyr::Error| error.render_with_formatter(&serde_saphyr::UserMessageFormatter);
    let trees: Vec<Tree> = serde_saphyr::from_multiple(text)
        .map_err(|error| anyhow!("{file}: not YAML: {}", first_line(&words(error))))?;
    // The file may be a key, so its text is not printed.
    if trees.iter().any(|tree| matches!(tree, Tree::Text(_))) {
        bail!("{file}: no policy found: a policy is a YAML mapping or a JSON object, and this file is neither");
    }
    // An empty file is an empty plugin configuration, which is a valid policy.
    let trees = if trees.is_empty() { vec![Tree::Map(Vec::new())] } else { trees };
    let several = trees.len() > 1;
    let source = |(index, tree): (usize, Tree)| {
        let name = if several { format!("{file} (document {})", index + 1) } else { file.to_owned() };
        PolicySource { name, policies: policies(&tree), tree }
    };
    let sources: Vec<PolicySource> = trees.into_iter().enumerate().map(source).collect();
    Ok(sources)
}

/// The policy of the plugin `plugin`, or the only policy that has sites.
pub fn only(file: &Path, plugin: Option<&str>) -> Result<(String, FoundPolicy)> {
    let mut found = Vec::new();
    for PolicySource { name, policies, .. } in read(file)? {
        found.extend(policies.into_iter().map(|policy| (name.clone(), policy)));
    }
    choose(&file.display().to_string(), found, plugin)
}

/// Compiles the policy of the plugin `plugin`, or the only policy that has sites.
pub fn compile(file: &Path, plugin: Option<&str>) -> Result<CompiledConfig> {
    let (name, found) = only(file, plugin)?;
    let refused = |path: &str, problem: &str| match found.place(path).as_str() {
        "" => anyhow!("{name}: {}", shown(problem)),
        place => anyhow!("{name}: {}", shown(&format!("{place}: {problem}"))),
    };
    let tree = found.policy.as_ref().map_err(|error| refused(&error.path, &error.problem))?;
    CompiledConfig::from_tree(tree).map_err(|error| refused(&error.path, &error.problem))
}

fn choose(file: &str, mut found: Vec<(String, FoundPolicy)>, plugin: Option<&str>) -> Result<(String, FoundPolicy)> {
    if found.is_empty() {
        bail!("{file}: no policy found");
    }
    let labels: Vec<String> = found.iter().map(|(_, found)| found.label().to_owned()).collect();
    let names = labels.iter().map(|label| format!("\"{label}\"")).collect::<Vec<_>>().join(", ");
    match plugin {
        Some(plugin) => found.retain(|(_, found)| found.label() == plugin),
        None if found.len() > 1 => found.retain(|(_, found)| !found.has_no_sites()),
        None => {}
    }
    match (found.pop(), found.is_empty(), plugin) {
        (Some(one), true, _) => Ok(one),
        (None, _, Some(plugin)) => {
            let hint = did_you_mean(plugin, labels.iter().map(String::as_str));
            let list = if labels.iter().all(String::is_empty) {
                "no plugin has a name".to_owned()
            } else {
                format!("plugins: {names}")
            };
            bail!("{file}: {}", shown(&format!("unknown plugin \"{plugin}\"{hint} ({list})")))
        }
        _ => bail!("{file}: several policies; select one with --plugin (plugins: {})", shown(&names)),
    }
}

impl FoundPolicy {
    fn label(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.plugin)
    }
}

fn policies(tree: &Tree) -> Vec<FoundPolicy> {
    let objects = objects(tree);
    let mut found: Vec<FoundPolicy> =
        objects.iter().filter_map(|(path, object)| envoy(path, object).or_else(|| istio(path, object))).collect();
    // Envoy may run other Wasm plugins. If any plugin names this filter, only those that do are used.
    let is_ours = |found: &FoundPolicy| {
        objects.iter().find(|(path, _)| *path == found.plugin).is_some_and(|(_, object)| names_ours(object))
    };
    if found.iter().any(is_ours) {
        found.retain(is_ours);
    }
    let is_policy = |tree: &Tree| match tree {
        Tree::Map(entries) => !entries.iter().any(|(key, _)| NO_POLICY.contains(&key.as_str())),
        // The filter's own reader reports the error.
        _ => true,
    };
    if found.is_empty() && is_policy(tree) {
        let policy = if *tree == Tree::Null { Tree::Map(Vec::new()) } else { tree.clone() };
        let (at, plugin) = (String::new(), String::new());
        found.push(FoundPolicy { at, plugin, name: None, carrier: Carrier::Bare, policy: Ok(policy) });
    }
    found
}

/// True if the name, the VM id or the module of a plugin contains the name of this filter.
pub fn names_ours(plugin: &Tree) -> bool {
    match plugin {
        Tree::Text(text) => text.contains("maintenance"),
        Tree::Map(entries) => entries
            .iter()
            .filter(|(key, _)| !matches!(key.as_str(), "configuration" | "pluginConfig" | "selector" | "match"))
            .any(|(_, value)| names_ours(value)),
        Tree::List(items) => items.iter().any(names_ours),
        _ => false,
    }
}

/// The policy in the configuration of Envoy's Wasm filter at `path`.
fn envoy(path: &str, object: &Tree) -> Option<FoundPolicy> {
    if !is_type(object, WASM) {
        return None;
    }
    // A TypedStruct has the message below `value`.
    let (plugin, message) = match text(object, "type_url") {
        Some(_) => (join(path, "value"), member(object, "value")?),
        None => (path.to_owned(), object),
    };
    let config = member(message, "config")?;
    let plugin = join(&plugin, "config");
    let at = join(&plugin, "configuration");
    let name = text(config, "name").map(str::to_owned);
    let (at, policy) = match member(config, "configuration") {
        None => (at, Ok(Tree::Map(Vec::new()))),
        Some(configuration) => {
            let place = join(&at, "value");
            match (text(configuration, "@type").and_then(|url| url.rsplit('/').next()), member(configuration, "value"))
            {
                (Some("google.protobuf.StringValue" | "google.protobuf.Struct"), None) => {
                    (place, Ok(Tree::Map(Vec::new())))
                }
                (Some("google.protobuf.StringValue"), Some(Tree::Text(text))) => {
                    (place, Tree::from_plugin_configuration(text.as_bytes()))
                }
                (Some("google.protobuf.Struct"), Some(value @ Tree::Map(_))) => (place, Ok(value.clone())),
                _ => {
                    let problem = "neither a google.protobuf.StringValue with a text as its `value` nor a \
                                   google.protobuf.Struct with an object";
                    (at, Err(PathError { path: String::new(), problem: problem.to_owned() }))
                }
            }
        }
    };
    Some(FoundPolicy { at, plugin, name, carrier: Carrier::Envoy, policy })
}

/// The policy in an Istio manifest.
fn istio(path: &str, object: &Tree) -> Option<FoundPolicy> {
    let (below, wasm) = match text(object, "kind")? {
        "WasmPlugin" => ("spec", member(object, "spec")?),
        "TrafficExtension" => ("spec.wasm", member(object, "spec").and_then(|spec| member(spec, "wasm"))?),
        _ => return None,
    };
    let plugin = join(path, below);
    let name = member(object, "metadata").and_then(|metadata| text(metadata, "name")).map(str::to_owned);
    let policy = Ok(member(wasm, "pluginConfig").cloned().unwrap_or_else(|| Tree::Map(Vec::new())));
    Some(FoundPolicy { at: join(&plugin, "pluginConfig"), plugin, name, carrier: Carrier::Istio, policy })
}

#[cfg(test)]
mod tests;
