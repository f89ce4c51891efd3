//! The annotated policy: it uses every field and every form of text, and passes `maintctl lint`.

use std::fs;

use envoy_maintenance::config::{
    ClaimConfig, FormatConfig, JwkConfig, KeyConfig, NamedConfig, PluginConfig, ReplyConfig, RuleConfig, SiteConfig,
    TextConfig,
};
use envoy_maintenance::state::{Document, Past, Window};
use envoy_maintenance::tree::Tree;
use serde_json::Value;
use tempfile::TempDir;

use super::{demo_policy, shipped};
use crate::support::{client, maintctl, project};

#[tokio::test]
async fn policies_bootstraps_and_manifests_pass_lint() {
    let folder = TempDir::new().unwrap();
    let written = |name: &str, text: String| {
        let file = folder.path().join(name);
        fs::write(&file, text).unwrap();
        file
    };
    let demo = written("demo.yaml", demo_policy());
    // The file that `make run` writes for Envoy to watch.
    let indented: String = demo_policy().lines().map(|line| format!("          {line}\n")).collect();
    let watched = written("maintenance.yaml", shipped("ecds.yaml") + &indented);
    let file = |name: &str| project().join("envoy").join(name);
    for files in [
        vec![file("policy.yaml")],
        vec![file("push.yaml")],
        vec![file("file.yaml")],
        vec![file("istio/wasmplugin.yaml")],
        vec![file("istio/trafficextension.yaml")],
        vec![demo],
        vec![watched.clone()],
        vec![file("file.yaml"), watched.clone()],
        vec![
            file("push.yaml"),
            file("file.yaml"),
            watched,
            file("istio/wasmplugin.yaml"),
            file("istio/trafficextension.yaml"),
        ],
    ] {
        let names = files.iter().map(|file| file.as_os_str());
        let arguments: Vec<_> = [std::ffi::OsStr::new("lint")].into_iter().chain(names).collect();
        let output = client::run(maintctl(), &arguments).await;
        assert_eq!(output.code, 0, "{files:?}: {output:?}");
        // The digest of the image is the reader's to write.
        let is_expected = |line: &str| line.contains("istio/") && line.ends_with("[module-digest-placeholder]");
        let unexpected: Vec<_> = output.stdout.lines().filter(|line| !is_expected(line)).collect();
        assert!(
            files.iter().any(|file| file.ends_with("policy.yaml")) || unexpected.is_empty(),
            "{files:?}: {unexpected:?}"
        );
    }
}

/// A field of a configuration type that can be absent.
trait PolicyField {
    fn is_set(&self) -> bool;
}

impl<T> PolicyField for Option<T> {
    fn is_set(&self) -> bool {
        self.is_some()
    }
}

impl<T> PolicyField for Vec<T> {
    fn is_set(&self) -> bool {
        !self.is_empty()
    }
}

impl PolicyField for String {
    fn is_set(&self) -> bool {
        !self.is_empty()
    }
}

/// Asserts that each field is set in at least one of the values. The pattern names every field of the type, so a new field
/// does not compile until it is added here; fields after `besides` are required and need no check.
macro_rules! assert_every_field_is_used {
    ($values:expr, $type:ident { $($field:ident),+ $(; besides $($other:ident),+)? }) => {{
        // Names every field of the type.
        let _ = |$type { $($field: _,)+ $($($other: _,)+)? }: &$type| ();
        let values = $values;
        $(
            let is_set = values.iter().any(|value| value.$field.is_set());
            assert!(is_set, "policy.yaml does not use {}.{}", stringify!($type), stringify!($field));
        )+
    }};
}

fn annotated() -> PluginConfig {
    let policy: Value = serde_saphyr::from_str(&shipped("policy.yaml")).unwrap();
    PluginConfig::read(&Tree::from_json(policy.to_string().as_bytes()).unwrap()).unwrap()
}

/// All rules of a policy.
fn rules(policy: &PluginConfig) -> Vec<&RuleConfig> {
    let wide = [&policy.exempt, &policy.always_closed, &policy.health_checks];
    let sites = policy.sites.iter().flatten();
    let own = sites.flat_map(|site| [&site.exempt, &site.always_closed, &site.health_checks]);
    wide.into_iter().chain(own).flatten().collect()
}

/// Headers, query parameters and cookies of these rules.
fn named<'r>(rules: &[&'r RuleConfig]) -> Vec<&'r NamedConfig> {
    let lists = rules.iter().flat_map(|rule| [&rule.headers, &rule.query, &rule.cookies]);
    lists.flatten().flatten().collect()
}

#[test]
fn the_annotated_policy_uses_every_field() {
    let policy = annotated();
    let sites: Vec<&SiteConfig> = policy.sites.iter().flatten().collect();
    let rules = rules(&policy);
    let replies: Vec<&ReplyConfig> = [&policy.reply].into_iter().chain(sites.iter().map(|site| &site.reply)).collect();
    let claims: Vec<&ClaimConfig> = rules.iter().flat_map(|rule| &rule.claims).flatten().collect();
    let formats: Vec<&FormatConfig> = replies.iter().flat_map(|reply| &reply.formats).flatten().collect();
    let keys: Vec<&KeyConfig> = policy.keys.iter().collect();
    let jwks: Vec<&JwkConfig> = keys.iter().map(|key| &key.jwk).collect();
    let documents: Vec<&Document> = policy.state.iter().map(|(_, document)| &**document).collect();
    let windows: Vec<&Window> = documents.iter().flat_map(|document| &document.windows).collect();
    let past: Vec<&Past> = documents.iter().flat_map(|document| &document.past).collect();

    assert_every_field_is_used!([&policy], PluginConfig {
        fleet, sites, exempt, always_closed, health_checks, state, keys, jwt_metadata_key, control_path_prefix,
        builtin_rules; besides reply
    });
    assert_every_field_is_used!(sites, SiteConfig {
        name, hosts, paths, exempt, always_closed, health_checks; besides reply
    });
    assert_every_field_is_used!(
        &rules,
        RuleConfig { name, paths, methods, remote_ips, uri_sans, headers, query, cookies, claims, modes }
    );
    assert_every_field_is_used!(named(&rules), NamedConfig { name, value });
    assert_every_field_is_used!(claims, ClaimConfig { iss, name, value });
    assert_every_field_is_used!(
        replies,
        ReplyConfig {
            status,
            format,
            retry_after,
            retry_jitter,
            redirect,
            html,
            text,
            json,
            headers,
            clear_cookies,
            context,
            cors_origins,
            formats
        }
    );
    assert_every_field_is_used!(formats, FormatConfig { paths, format });
    assert_every_field_is_used!(keys, KeyConfig { name, sites, may; besides jwk });
    assert_every_field_is_used!(jwks, JwkConfig { kty, crv, x });
    assert_every_field_is_used!(documents, Document {
        site, fleet, iat, since, eta, until, reason, note, by, suspend, windows, past, payload;
        besides stamp, mode, unknown
    });
    assert_every_field_is_used!(windows, Window { id, until, eta, reason, suspend, by; besides mode, from });
    assert_every_field_is_used!(past, Past { reason, by; besides mode, from, until });
}

/// The form of a text, as the policy's reference names it.
fn form(text: &TextConfig) -> &'static str {
    match text {
        TextConfig::Plain(text) => match (text.starts_with('*'), text.ends_with('*'), text.len() > 1) {
            (true, true, false) => "*",
            (true, ..) => "*suffix",
            (_, true, _) => "prefix*",
            (false, false, _) => "exact",
        },
        TextConfig::Regex(_) => "regex",
        TextConfig::Sha256(_) => "sha256",
        TextConfig::Absent => "absent",
    }
}

#[test]
fn the_annotated_policy_uses_every_form_of_text() {
    let policy = annotated();
    let rules = rules(&policy);
    let lists = rules
        .iter()
        .flat_map(|rule| [&rule.paths, &rule.uri_sans])
        .chain(named(&rules).into_iter().map(|named| &named.value));
    let forms: Vec<&str> = lists.flatten().flatten().map(form).collect();
    for expected in ["exact", "prefix*", "*suffix", "*", "regex", "sha256", "absent"] {
        assert!(forms.contains(&expected), "policy.yaml has no text of the form {expected}: {forms:?}");
    }
}

#[test]
fn the_annotated_policy_says_what_a_session_cookie_proves() {
    let text = shipped("policy.yaml").replace("\n# ", " ");
    for statement in [
        "A session cookie can tell members from other visitors, but it proves nothing",
        "require a claim of a verified token",
    ] {
        assert!(text.contains(statement), "{statement}");
    }
}
