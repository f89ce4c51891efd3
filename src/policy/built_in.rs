//! The built-in rules, which precede the policy's own unless `builtin_rules` is false.

use std::rc::Rc;

use super::Rule;
use super::rule_lists::RuleLists;
use crate::config::{NamedConfig, RuleConfig, TextConfig};
use crate::request::Request;
use crate::tree::{KeyPath, PathError};

/// The user agents of load balancers and of kubelet.
const HEALTH_CHECK_AGENTS: [&str; 4] = ["kube-probe/*", "ELB-HealthChecker/*", "GoogleHC/*", "Envoy/HC"];

/// The exempt rule `acme-challenge`, so that certificates renew during a long maintenance, and the health check
/// `health-check-agents`.
pub fn built_in() -> Result<RuleLists, PathError> {
    let agents = RuleConfig {
        headers: Some(vec![NamedConfig {
            name: "user-agent".to_owned(),
            value: Some(HEALTH_CHECK_AGENTS.iter().map(|agent| TextConfig::Plain((*agent).to_owned())).collect()),
        }]),
        ..RuleConfig::named("health-check-agents".to_owned())
    };
    let acme = Rc::new(Rule::built_in("acme-challenge", is_acme_challenge));
    let lists = RuleLists { exempt: vec![acme], ..RuleLists::default() };
    lists.with([&[], &[], &[agents]], false, &KeyPath::Root)
}

/// True if the request is for an ACME challenge (RFC 8555 section 8.3): GET or HEAD of one base64url segment, without a
/// query.
fn is_acme_challenge(request: &Request<'_>) -> bool {
    let token = request.target.strip_prefix(b"/.well-known/acme-challenge/").unwrap_or_default();
    let is_base64url = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let is_read = matches!(request.method, b"GET" | b"HEAD") && !request.may_change_method();
    is_read && !token.is_empty() && token.iter().all(is_base64url)
}
