//! What stands around a policy in an Envoy configuration: its listener, connection manager and neighbours.

use envoy_maintenance::matching::HostPattern;
use envoy_maintenance::request::Host;
use envoy_maintenance::tree::Tree;

use crate::commands::lint::finding::Finding;
use crate::commands::lint::subject::Subject;
use crate::config::policy_file::{Carrier, FoundPolicy, is_type, join, list, member, objects, text};

/// The type of Envoy's HTTP connection manager.
pub const MANAGER: &str = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
const JWT: &str = "envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication";
const ROUTER: &str = "envoy.extensions.filters.http.router.v3.Router";
/// Filters that answer or ask somebody else, and so belong behind this one: type and name.
const BEHIND: [(&str, &str); 5] = [
    ("envoy.extensions.filters.http.cors.v3.Cors", "cors"),
    ("envoy.extensions.filters.http.ext_authz.v3.ExtAuthz", "ext_authz"),
    ("envoy.extensions.filters.http.ext_proc.v3.ExternalProcessor", "ext_proc"),
    ("envoy.extensions.filters.http.oauth2.v3.OAuth2", "oauth2"),
    ("envoy.extensions.filters.http.ratelimit.v3.RateLimit", "ratelimit"),
];

/// What a file that Envoy watches may have at its top.
const DISCOVERY_RESPONSE: [&str; 11] = [
    "canary",
    "controlPlane",
    "control_plane",
    "nonce",
    "resourceErrors",
    "resource_errors",
    "resources",
    "typeUrl",
    "type_url",
    "versionInfo",
    "version_info",
];

/// A node of the document, and its key path.
type Node<'t> = (String, &'t Tree);

/// Where a plugin stands.
struct Place<'a> {
    found: &'a FoundPolicy,
    subject: &'a Subject,
    plugin: &'a Tree,
    listener: Option<Node<'a>>,
    chain: Option<Node<'a>>,
    manager: Option<Node<'a>>,
    /// The filters before it, and those behind it.
    before: Vec<Node<'a>>,
}

/// The findings about what stands around a policy.
pub fn check(tree: &Tree, found: &FoundPolicy, subject: &Subject) -> Vec<Finding> {
    let objects = objects(tree);
    let around = |is: &dyn Fn(&Tree) -> bool| {
        let holds = |path: &str| {
            found.plugin.strip_prefix(path).is_some_and(|rest| path.is_empty() || rest.starts_with(['.', '[']))
        };
        objects.iter().rev().find(|(path, node)| holds(path) && is(node)).cloned()
    };
    let Some((_, plugin)) = objects.iter().find(|(path, _)| *path == found.plugin) else { return Vec::new() };
    if found.carrier != Carrier::Envoy {
        return Vec::new();
    }
    let manager = around(&|node| is_type(node, MANAGER));
    let filters = manager.as_ref().map_or(&[][..], |(_, manager)| list(manager, "http_filters"));
    let at = manager.as_ref().map(|(path, manager)| {
        let snake = if manager.get("http_filters").is_some() { "http_filters" } else { "httpFilters" };
        join(path, snake)
    });
    let at = at.unwrap_or_default();
    let here = |index: usize| found.plugin.starts_with(&format!("{at}[{index}]."));
    let before = filters.iter().enumerate().take_while(|(index, _)| !here(*index));
    let before = before.map(|(index, filter)| (format!("{at}[{index}]"), filter)).collect();
    let place = Place {
        found,
        subject,
        plugin,
        listener: around(&|node| member(node, "filter_chains").is_some()),
        chain: around(&|node| member(node, "filters").is_some()),
        manager,
        before,
    };
    [
        has_no_policy(&place),
        believes_forwarded_addresses(&place),
        believes_untrusted_certificates(&place),
        routes_are_wider_than_the_sites(&place),
        control_endpoint_is_public(&place),
        claims_without_jwt_authn(&place),
        order_of_filters(&place),
        does_not_reload(&place),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Members of a watched file that Envoy passes over, such as those of a policy that is not indented.
pub fn beside_resources(tree: &Tree, policies: &[FoundPolicy]) -> Vec<Finding> {
    let Tree::Map(entries) = tree else { return Vec::new() };
    if !policies.iter().any(|found| found.plugin.starts_with("resources[")) {
        return Vec::new();
    }
    let is_known = |key: &str| DISCOVERY_RESPONSE.contains(&key);
    let others: Vec<&str> = entries.iter().map(|(key, _)| key.as_str()).filter(|key| !is_known(key)).collect();
    let finding = |first: &&str| {
        let text = format!(
            "Envoy passes over what stands beside `resources` ({}); indent a policy below `value`",
            others.join(", ")
        );
        Finding::warning(*first, text)
    };
    others.first().map(finding).into_iter().collect()
}

/// Plugins of one name with policies of their own, which count as one.
pub fn share_a_name(tree: &Tree, policies: &[FoundPolicy]) -> Vec<Finding> {
    let objects = objects(tree);
    // A plugin is told by its name and root id, within its VM.
    let names = |found: &FoundPolicy| {
        let (_, plugin) = objects.iter().find(|(path, _)| *path == found.plugin)?;
        let vm = member(plugin, "vm_config").and_then(|vm| text(vm, "vm_id"));
        Some([text(plugin, "name"), text(plugin, "root_id"), vm].map(Option::unwrap_or_default))
    };
    let mut findings = Vec::new();
    let is_read = |found: &&FoundPolicy| found.carrier == Carrier::Envoy && found.policy.is_ok();
    let policies: Vec<&FoundPolicy> = policies.iter().filter(is_read).collect();
    for (index, found) in policies.iter().enumerate() {
        let earlier = policies.iter().take(index);
        let twin = |other: &&&FoundPolicy| {
            names(other) == names(found) && other.policy.as_ref().ok() != found.policy.as_ref().ok()
        };
        if let Some(twin) = earlier.into_iter().find(twin) {
            let text = format!(
                "has the name and root_id of {}, whose policy is another one, so the status counts only one of them; give \
                 each a `name` of its own",
                twin.plugin
            );
            findings.push(Finding::error(found.plugin.clone(), text));
        }
    }
    findings
}

/// The names of the rules that `ask` for something, quoted.
fn rules(place: &Place<'_>, ask: impl Fn(&envoy_maintenance::config::RuleConfig) -> bool) -> Option<String> {
    let rules = place.subject.rules();
    let names: Vec<String> =
        rules.iter().filter(|written| ask(written.rule)).map(|written| format!("\"{}\"", written.rule.name)).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

/// A `value` with nothing in it, as where the policy below it is not indented.
fn has_no_policy(place: &Place<'_>) -> Vec<Finding> {
    let value = member(place.plugin, "configuration").and_then(|configuration| configuration.get("value"));
    let text = "null, so the policy is empty; indent yours below it";
    (value == Some(&Tree::Null)).then(|| Finding::warning(&*place.found.at, text)).into_iter().collect()
}

/// `remote_ips` under a connection manager that takes the client's word for its address.
fn believes_forwarded_addresses(place: &Place<'_>) -> Vec<Finding> {
    let Some((path, manager)) = &place.manager else { return Vec::new() };
    if member(manager, "use_remote_address") == Some(&Tree::Bool(true)) {
        return Vec::new();
    }
    let finding = |rules: String| {
        let text = format!(
            "not true, so the remote_ips of {rules} believe what strangers write into X-Forwarded-For; set it to true"
        );
        Finding::error(join(path, "use_remote_address"), text)
    };
    rules(place, |rule| rule.remote_ips.is_some()).map(finding).into_iter().collect()
}

/// `uri_sans` where certificates are not checked.
fn believes_untrusted_certificates(place: &Place<'_>) -> Vec<Finding> {
    let Some((path, chain)) = &place.chain else { return Vec::new() };
    let Some(rules) = rules(place, |rule| rule.uri_sans.is_some()) else { return Vec::new() };
    let untrusted = objects(chain)
        .into_iter()
        .filter(|(_, node)| text(node, "trust_chain_verification") == Some("ACCEPT_UNTRUSTED"));
    let finding = |(below, _): Node<'_>| {
        let text = format!(
            "ACCEPT_UNTRUSTED, so anybody can make the certificate that the uri_sans of {rules} ask for; take it out"
        );
        Finding::error(join(&join(path, &below), "trust_chain_verification"), text)
    };
    untrusted.map(finding).collect()
}

/// Domains that Envoy routes and no site has, or of which sites have some paths only.
fn routes_are_wider_than_the_sites(place: &Place<'_>) -> Vec<Finding> {
    let Some((path, manager)) = &place.manager else { return Vec::new() };
    let sites = &place.subject.policy.sites;
    if sites.is_empty() {
        return Vec::new();
    }
    let mut findings = Vec::new();
    let routes = member(manager, "route_config").map_or(&[][..], |config| list(config, "virtual_hosts"));
    for (index, host) in routes.iter().enumerate() {
        for (number, domain) in list(host, "domains").iter().enumerate() {
            let Tree::Text(domain) = domain else { continue };
            let at = format!("{path}.route_config.virtual_hosts[{index}].domains[{number}]");
            // A path that the sites of one host leave out is left to those of the next wider one.
            let its = sites.iter().filter(|site| site.hosts.iter().any(|host| has_all_of(host, domain)));
            let mut paths: Vec<&str> = its.flat_map(|site| &site.paths).map(String::as_str).collect();
            paths.sort_unstable();
            paths.dedup();
            match paths.first() {
                None => {
                    let text =
                        format!("no site has all of \"{domain}\", and what has no site is never closed; add it to one");
                    findings.push(Finding::warning(at, text));
                }
                // The empty one, which stands for all paths, comes first.
                Some(&"") => {}
                Some(_) => {
                    let verb = if paths.len() == 1 { "belongs" } else { "belong" };
                    let paths = paths.join(", ");
                    let text = format!("only {paths} of \"{domain}\" {verb} to a site; the rest is never closed");
                    findings.push(Finding::note(at, text));
                }
            }
        }
    }
    findings
}

/// Whether every host that Envoy takes for `domain` is one of `host`.
fn has_all_of(host: &HostPattern, domain: &str) -> bool {
    match domain.strip_prefix('*') {
        Some(suffix) => match host {
            HostPattern::Any => true,
            HostPattern::Suffix(own) => !suffix.is_empty() && suffix.to_ascii_lowercase().ends_with(own.as_str()),
            HostPattern::Exact(_) => false,
        },
        None => match Host::parse(domain.as_bytes()) {
            Some(domain) => host.matches(domain.as_str()),
            None => *host == HostPattern::Any,
        },
    }
}

/// A control endpoint that more than this machine can reach.
fn control_endpoint_is_public(place: &Place<'_>) -> Vec<Finding> {
    let (Some((path, listener)), Some(prefix)) = (&place.listener, &place.subject.policy.control) else {
        return Vec::new();
    };
    let socket = member(listener, "address").and_then(|address| member(address, "socket_address"));
    let Some(address) = socket.and_then(|socket| text(socket, "address")) else { return Vec::new() };
    let is_loopback = address.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    if is_loopback {
        return Vec::new();
    }
    let text = format!(
        "the control endpoint {prefix} listens on {address}; give it a listener of its own on 127.0.0.1, or on a network \
         of operators"
    );
    vec![Finding::warning(format!("{path}.address.socket_address.address"), text)]
}

/// Claims that nothing has verified.
fn claims_without_jwt_authn(place: &Place<'_>) -> Vec<Finding> {
    if place.manager.is_none() || place.before.iter().any(|(_, filter)| has_type(filter, JWT)) {
        return Vec::new();
    }
    let finding = |rules: String| {
        let text = format!("no jwt_authn stands before the filter, so {rules} can never hold; put it there");
        Finding::error(place.found.plugin.clone(), text)
    };
    rules(place, |rule| rule.claims.is_some()).map(finding).into_iter().collect()
}

/// Neighbours that stand on the wrong side.
fn order_of_filters(place: &Place<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, filter) in &place.before {
        if has_type(filter, ROUTER) {
            let text = "the router stands before the filter, which no request reaches; put it last";
            findings.push(Finding::error(path.clone(), text));
        }
        if let Some((_, name)) = BEHIND.iter().find(|(kind, _)| has_type(filter, kind)) {
            let text = format!(
                "{name} stands before the filter, so it answers or costs something while a site is closed; put it behind"
            );
            findings.push(Finding::warning(path.clone(), text));
        }
    }
    findings
}

fn has_type(filter: &Tree, kind: &str) -> bool {
    member(filter, "typed_config").is_some_and(|config| is_type(config, kind))
}

/// A filter that stays dead after a trap.
fn does_not_reload(place: &Place<'_>) -> Vec<Finding> {
    if text(place.plugin, "failure_policy") == Some("FAIL_RELOAD") {
        return Vec::new();
    }
    let text = "not FAIL_RELOAD, so after a trap the filter does not start anew; set it";
    vec![Finding::warning(join(&place.found.plugin, "failure_policy"), text)]
}

#[cfg(test)]
mod tests;
