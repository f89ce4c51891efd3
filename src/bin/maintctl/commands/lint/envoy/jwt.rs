//! The jwt_authn filter, whose verified tokens the claims of rules are about.

use envoy_maintenance::config::ClaimConfig;
use envoy_maintenance::tree::Tree;
use envoy_maintenance::tree::fields::did_you_mean;

use super::filters::has_type;
use super::plugins::{Located, Plugin};
use crate::commands::lint::code;
use crate::commands::lint::finding::Finding;
use crate::config::tree_query::{is_type, join, member, objects, text};

const JWT: &str = "envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication";

/// Claims without a jwt_authn filter in front of the plugin.
pub fn order(plugin: &Plugin<'_>) -> Vec<Finding> {
    let Some(rules) = plugin.subject.rule_names(|rule| rule.claims.is_some()).filter(|_| plugin.manager.is_some())
    else {
        return Vec::new();
    };
    let is_jwt = |(_, filter): &&Located<'_>| has_type(filter, JWT);
    if plugin.filters_before.iter().any(|filter| is_jwt(&filter)) {
        return Vec::new();
    }
    vec![match plugin.filters_behind.iter().find(is_jwt) {
        Some((path, _)) => {
            let text =
                format!("jwt_authn is behind the plugin, so {rules} never match; move it in front of the plugin");
            code::JWT_ORDER.at(path.clone(), text)
        }
        None => {
            let text = format!("no jwt_authn filter is in front of the plugin, so {rules} never match; add one there");
            code::CLAIMS_WITHOUT_JWT.at(plugin.found.plugin.clone(), text)
        }
    }]
}

/// A provider of jwt_authn.
struct Provider<'a> {
    path: String,
    /// `None`: the provider accepts tokens of any issuer.
    issuer: Option<&'a str>,
    metadata_key: Option<&'a str>,
}

/// The providers of the jwt_authn filters in front of the plugin.
fn providers<'a>(plugin: &Plugin<'a>) -> Vec<Provider<'a>> {
    let mut providers = Vec::new();
    for (path, filter) in plugin.filters_before.iter().filter(|(_, filter)| has_type(filter, JWT)) {
        let key = if filter.get("typed_config").is_some() { "typed_config" } else { "typedConfig" };
        let config: Option<&'a Tree> = member(filter, "typed_config");
        if let Some(Tree::Map(entries)) = config.and_then(|config| member(config, "providers")) {
            providers.extend(entries.iter().map(|(name, provider)| Provider {
                path: format!("{path}.{key}.providers.{name}"),
                issuer: text(provider, "issuer").filter(|issuer| !issuer.is_empty()),
                metadata_key: text(provider, "payload_in_metadata"),
            }));
        }
    }
    providers
}

/// The claims of all rules, with their key paths in the document.
fn claims<'a>(plugin: &Plugin<'a>) -> Vec<(String, &'a ClaimConfig)> {
    let mut claims = Vec::new();
    for written in plugin.subject.rules() {
        let of_rule = written.rule.claims.iter().flatten().enumerate();
        claims.extend(of_rule.map(|(index, claim)| (format!("{}.claims[{index}]", written.path), claim)));
    }
    claims
}

/// Providers that store tokens where the filter does not look for them.
pub fn metadata_key(plugin: &Plugin<'_>) -> Vec<Finding> {
    let Some(expected) = &plugin.subject.config.jwt_metadata_key else { return Vec::new() };
    let claims = claims(plugin);
    let is_used = |provider: &Provider<'_>| {
        claims.iter().any(|(_, claim)| provider.issuer.is_none_or(|issuer| issuer == claim.iss))
    };
    let differs = |provider: &Provider<'_>| provider.metadata_key != Some(expected) && is_used(provider);
    let finding = |provider: Provider<'_>| {
        let found = provider.metadata_key.map_or_else(|| "missing".to_owned(), |key| format!("\"{key}\""));
        let text = format!(
            "{found}, but the policy's jwt.metadata_key is \"{expected}\", so claims of this provider never match; set it to \
             \"{expected}\""
        );
        code::JWT_METADATA_KEY.at(join(&provider.path, "payload_in_metadata"), text)
    };
    providers(plugin).into_iter().filter(differs).map(finding).collect()
}

/// Claims of an issuer that no provider has.
pub fn issuers(plugin: &Plugin<'_>) -> Vec<Finding> {
    let providers = providers(plugin);
    if !plugin.filters_before.iter().any(|(_, filter)| has_type(filter, JWT)) {
        return Vec::new();
    }
    let is_unknown = |claim: &ClaimConfig| providers.iter().all(|own| own.issuer.is_some_and(|own| own != claim.iss));
    let finding = |(path, claim): (String, &ClaimConfig)| {
        let known = || providers.iter().filter_map(|provider| provider.issuer);
        let near = did_you_mean(&claim.iss, known());
        let list = known().map(|issuer| format!("\"{issuer}\"")).collect::<Vec<_>>().join(", ");
        let advice = match (near.is_empty(), list.is_empty()) {
            (false, _) => near,
            (true, false) => format!("; its issuers are {list}"),
            (true, true) => "; add one there".to_owned(),
        };
        let text =
            format!("no provider of jwt_authn has the issuer \"{}\", so the rule never matches{advice}", claim.iss);
        code::CLAIM_ISSUER.at(plugin.found.place(&format!("{path}.iss")), text)
    };
    claims(plugin).into_iter().filter(|(_, claim)| is_unknown(claim)).map(finding).collect()
}

/// Requirements that refuse expired tokens, in front of any policy of this filter.
pub fn allow_missing(tree: &Tree) -> Vec<Finding> {
    let filters = objects(tree).into_iter().filter(|(_, node)| is_type(node, JWT));
    let mut findings = Vec::new();
    for (path, filter) in filters {
        for (below, node) in objects(filter) {
            let Some(key) = ["allow_missing", "allowMissing"].into_iter().find(|key| node.get(key).is_some()) else {
                continue;
            };
            let text = "a client whose token has expired gets 401, even while the site is online; write \
                        allow_missing_or_failed instead";
            let place =
                [path.as_str(), &below].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".");
            findings.push(code::JWT_ALLOW_MISSING.at(join(&place, key), text));
        }
    }
    findings
}

#[cfg(test)]
mod tests;
