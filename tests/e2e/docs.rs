//! README.md and docs/: every fenced block is checked, every link has a target, and the reference names every field.
//!
//! The info string of a fence names its kind, and so its check. A fence of another kind fails the test.
//!
//! | info string | content | check |
//! |---|---|---|
//! | `yaml policy` | a whole policy | `maintctl lint` reports nothing |
//! | `yaml connection_manager` | fields of a connection manager | Envoy and `maintctl lint` accept them in `envoy/push.yaml` |
//! | `yaml bootstrap` | top-level fields of a bootstrap | the same |
//! | `yaml istio` | a manifest | `maintctl lint` reports nothing |
//! | `yaml alerts` | Prometheus alert rules | every metric exists on a real Envoy |
//! | `toml maintctl` | a `maintctl.toml` | `maintctl` reads every target of it |
//! | `sh` | commands | they succeed in front of a real Envoy; HTTP statuses in comments are those of the answers |
//! | `sh options` | commands of maintctl | their options exist; they are not run |
//! | `json document` | a state document | the filter's reader accepts it |
//! | `text transcript` | commands and what they print | a test has run them; `UPDATE_DOCS=1` writes them again |
//! | `json status`, `json problem` | an answer | a real Envoy answers with the same members |
//!
//! Inline code that begins with `maintctl` must have options that exist.

use std::collections::BTreeSet;
use std::fs;

use crate::support::project;

mod alerts;
mod answers;
mod commands;
mod configuration;
mod django;
mod lint;
mod markdown;
mod night;
mod snippets;
mod transcript;

use markdown::{Fence, MarkdownFile};

/// The kinds of fences. Each has a check in one of the modules below.
const KINDS: [&str; 12] = [
    "yaml policy",
    "yaml connection_manager",
    "yaml bootstrap",
    "yaml istio",
    "yaml alerts",
    "toml maintctl",
    "sh",
    "sh options",
    "json document",
    "json status",
    "json problem",
    "text transcript",
];

/// All fences of a kind; there is at least one.
fn fences(kind: &str) -> Vec<Fence> {
    assert!(KINDS.contains(&kind), "{kind}");
    let fences = markdown::files().into_iter().flat_map(|file| file.fences());
    let fences: Vec<Fence> = fences.filter(|fence| fence.kind == kind).collect();
    assert!(!fences.is_empty(), "no fence of the kind `{kind}`; remove it from KINDS");
    fences
}

#[test]
fn every_fence_is_of_a_kind_that_is_checked() {
    for fence in markdown::files().iter().flat_map(MarkdownFile::fences) {
        assert!(KINDS.contains(&fence.kind.as_str()), "{}: no test checks `{}`", fence.place, fence.kind);
    }
}

#[test]
fn every_link_leads_to_a_file_or_heading() {
    let files = markdown::files();
    for file in &files {
        for link in file.links().iter().filter(|link| !link.contains("://")) {
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() { file.path.clone() } else { file.path.parent().unwrap().join(path) };
            let target = target.canonicalize().unwrap_or_else(|error| panic!("{}: {link}: {error}", file.name));
            if !anchor.is_empty() {
                let named = files.iter().find(|known| known.path == target);
                let anchors = named.unwrap_or_else(|| panic!("{}: {link}: not a page", file.name)).anchors();
                assert!(anchors.contains(anchor), "{}: {link}: no such heading among {anchors:?}", file.name);
            }
        }
    }
}

#[test]
fn the_reference_names_every_field_of_the_annotated_policy() {
    let policy = fs::read_to_string(project().join("envoy/policy.yaml")).unwrap();
    let mut fields = BTreeSet::new();
    collect_fields(&serde_saphyr::from_str(&policy).unwrap(), &mut fields);
    let pages = ["docs/policy.md", "docs/replies.md", "docs/state.md"].map(markdown::file);
    let codes: Vec<String> = pages.iter().flat_map(MarkdownFile::codes).collect();
    let named: BTreeSet<&str> = codes.iter().flat_map(|code| markdown::words(code)).collect();
    for field in fields {
        assert!(named.contains(field.as_str()), "no reference page names the field `{field}`");
    }
}

/// The names of all fields, but not the names that the operator chooses.
fn collect_fields(value: &serde_json::Value, fields: &mut BTreeSet<String>) {
    let chosen = ["context", "json", "state"];
    if let Some(members) = value.as_object() {
        for (name, member) in members {
            fields.insert(name.clone());
            match member.as_object().filter(|_| chosen.contains(&name.as_str()) || name == "headers") {
                Some(entries) if name == "state" => entries.values().for_each(|entry| collect_fields(entry, fields)),
                Some(_) => {}
                None => collect_fields(member, fields),
            }
        }
    }
    value.as_array().into_iter().flatten().for_each(|item| collect_fields(item, fields));
}

#[test]
fn the_architecture_names_every_module() {
    let codes = markdown::file("docs/architecture.md").codes();
    let modules = fs::read_dir(project().join("src")).unwrap().map(|entry| entry.unwrap().path());
    for module in modules.filter(|path| path.extension().is_some_and(|extension| extension == "rs")) {
        let name = module.file_stem().unwrap().to_str().unwrap();
        let is_named = codes.iter().any(|code| code.trim_end_matches('/') == name);
        assert!(is_named || name == "lib", "docs/architecture.md does not name the module `{name}`");
    }
}

#[test]
fn custom_pages_get_the_digest_of_the_script() {
    let digest = |name: &str| {
        let text = fs::read_to_string(project().join(name)).unwrap();
        text.split_once("script-src 'sha256-").and_then(|(_, rest)| Some(rest.split_once('\'')?.0.to_owned()))
    };
    assert!(digest("src/reply/page.rs").is_some());
    assert_eq!(digest("docs/replies.md"), digest("src/reply/page.rs"));
}

#[test]
fn the_readme_is_short_and_its_picture_is_small() {
    let words = fs::read_to_string(project().join("README.md")).unwrap().split_whitespace().count();
    assert!(words <= 1000, "README.md has {words} words");
    let picture = fs::metadata(project().join("docs/closed.png")).unwrap().len();
    assert!(picture <= 100 * 1024, "docs/closed.png has {picture} bytes");
}
