//! Secrets that stand where others can read them.

use envoy_maintenance::config::{NamedConfig, RuleConfig, TextConfig};

use crate::commands::lint::finding::Finding;
use crate::commands::lint::subject::{List, Subject};

/// Parts of names under which secrets travel.
const SECRET: [&str; 9] = ["auth", "bypass", "credential", "key", "pass", "secret", "session", "staff", "token"];
/// From this length on a value of letters and digits is taken for a secret whatever its name.
const LONG: usize = 16;

/// Secrets in the query, which ends up in logs, histories and referrers.
pub fn in_the_query(subject: &Subject) -> Vec<Finding> {
    let is_one_value = |text: &TextConfig| match text {
        TextConfig::Plain(text) => !text.contains('*'),
        TextConfig::Sha256(_) => true,
        TextConfig::Regex(_) | TextConfig::Absent => false,
    };
    values(
        subject,
        |rule| ("query", &rule.query),
        |_, text| is_one_value(text),
        |rule, name| {
            format!(
                "rule \"{rule}\" lets through who knows the value of \"{name}\", and a query ends up in logs; ask for a header"
            )
        },
    )
}

/// Secrets in header values as they are, which everyone sees who may read the policy.
pub fn in_plain_headers(subject: &Subject) -> Vec<Finding> {
    values(subject, |rule| ("headers", &rule.headers), is_plain_secret, |rule, name| plain("header", rule, name))
}

/// The same in cookies.
pub fn in_plain_cookies(subject: &Subject) -> Vec<Finding> {
    values(subject, |rule| ("cookies", &rule.cookies), is_plain_secret, |rule, name| plain("cookie", rule, name))
}

fn plain(kind: &str, rule: &str, name: &str) -> String {
    format!(
        "rule \"{rule}\" shows the secret of {kind} \"{name}\" to all who can read the policy; write {{ sha256: … }} of it"
    )
}

fn is_plain_secret(name: &str, text: &TextConfig) -> bool {
    let TextConfig::Plain(text) = text else { return false };
    let lower = name.to_ascii_lowercase();
    let is_long = text.len() >= LONG
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_+/=.".contains(&byte))
        && text.bytes().any(|byte| byte.is_ascii_digit())
        && text.bytes().any(|byte| byte.is_ascii_alphabetic());
    !text.is_empty() && !text.contains('*') && (SECRET.iter().any(|part| lower.contains(part)) || is_long)
}

/// A finding for each condition of the exempt rules of which a text `is_secret`.
fn values(
    subject: &Subject,
    conditions: impl Fn(&RuleConfig) -> (&'static str, &Option<Vec<NamedConfig>>),
    is_secret: impl Fn(&str, &TextConfig) -> bool,
    text: impl Fn(&str, &str) -> String,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for written in subject.rules().into_iter().filter(|written| written.list == List::Exempt) {
        let (field, named) = conditions(written.rule);
        for (index, named) in named.iter().flatten().enumerate() {
            if named.value.iter().flatten().any(|text| is_secret(&named.name, text)) {
                let path = format!("{}.{field}[{index}].value", written.path);
                findings.push(Finding::warning(path, text(&written.rule.name, &named.name)));
            }
        }
    }
    findings
}
