//! Secrets that others can read.

use envoy_maintenance::config::{NamedConfig, RuleConfig, TextConfig};

use super::subject::{RuleList, Subject};
use crate::commands::lint::code;
use crate::commands::lint::finding::{Code, Finding};

/// Parts of the names of headers and cookies that carry secrets.
const SECRET: [&str; 9] = ["auth", "bypass", "credential", "key", "pass", "secret", "session", "staff", "token"];
/// The length from which a value of letters and digits counts as a secret, whatever its name.
const LONG: usize = 16;

/// Secrets in the query, which appears in logs, histories and referrers.
pub fn in_query(subject: &Subject) -> Vec<Finding> {
    let is_one_value = |text: &TextConfig| match text {
        TextConfig::Plain(text) => !text.contains('*'),
        TextConfig::Sha256(_) => true,
        TextConfig::Regex(_) | TextConfig::Absent => false,
    };
    values(
        subject,
        &code::SECRET_IN_QUERY,
        |rule| ("query", &rule.query),
        |_, text| is_one_value(text),
        |rule, name| {
            format!(
                "rule \"{rule}\" exempts by a secret in parameter \"{name}\", and queries appear in logs; use a header instead"
            )
        },
    )
}

/// Header values in plain text, which everyone who can read the policy sees.
pub fn in_plain_headers(subject: &Subject) -> Vec<Finding> {
    values(
        subject,
        &code::SECRET_IN_PLAIN_TEXT,
        |rule| ("headers", &rule.headers),
        is_plain_secret,
        |rule, name| plain("header", rule, name),
    )
}

/// Cookie values in plain text.
pub fn in_plain_cookies(subject: &Subject) -> Vec<Finding> {
    values(
        subject,
        &code::SECRET_IN_PLAIN_TEXT,
        |rule| ("cookies", &rule.cookies),
        is_plain_secret,
        |rule, name| plain("cookie", rule, name),
    )
}

fn plain(kind: &str, rule: &str, name: &str) -> String {
    format!(
        "rule \"{rule}\" contains the secret value of {kind} \"{name}\" in plain text; write {{ sha256: … }} instead"
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

/// One finding for each condition of an exempt rule with a value that `is_secret`.
fn values(
    subject: &Subject,
    code: &'static Code,
    conditions: impl Fn(&RuleConfig) -> (&'static str, &Option<Vec<NamedConfig>>),
    is_secret: impl Fn(&str, &TextConfig) -> bool,
    text: impl Fn(&str, &str) -> String,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for written in subject.rules().into_iter().filter(|written| written.list == RuleList::Exempt) {
        let (field, named) = conditions(written.rule);
        for (index, named) in named.iter().flatten().enumerate() {
            if named.value.iter().flatten().any(|text| is_secret(&named.name, text)) {
                let path = format!("{}.{field}[{index}].value", written.path);
                findings.push(code.at(path, text(&written.rule.name, &named.name)));
            }
        }
    }
    findings
}
