//! Groups the documents under check by the Envoys that run their plugins.

use envoy_maintenance::tree::Tree;

use super::member::Member;
use crate::commands::lint::document::{LintedDocument, LintedFile};
use crate::commands::lint::envoy::watched_files;
use crate::config::policy_file::Carrier;
use crate::config::tree_query::member;

/// Plugins that may run in one Envoy.
pub struct Group<'a> {
    pub members: Vec<Member<'a>>,
    /// True if the plugins surely run in one Envoy.
    pub is_one_envoy: bool,
    /// True if the documents contain all listeners of the Envoy.
    pub is_whole: bool,
    /// True if Envoy gets policies that are not under check.
    pub lacks_policies: bool,
}

/// The Envoys that run the plugins of a document.
#[derive(Clone, PartialEq, Eq)]
enum Deployment {
    /// The Envoy of the bootstrap with this number.
    Bootstrap(usize),
    /// The workloads of an Istio manifest: its namespace, and what it selects.
    Istio(String),
    /// Parts of a configuration without a bootstrap.
    Parts,
    /// A document of its own.
    Own(usize),
}

/// The groups of all documents.
pub fn of(files: &[LintedFile]) -> Vec<Group<'_>> {
    let all: Vec<(&LintedFile, &LintedDocument)> =
        files.iter().flat_map(|file| file.documents.iter().map(move |document| (file, document))).collect();
    let bootstraps: Vec<usize> = (0..all.len()).filter(|number| is_bootstrap(all.get(*number))).collect();
    let deployments: Vec<Deployment> = (0..all.len()).map(|number| deployment(number, &all, &bootstraps)).collect();
    let mut seen: Vec<&Deployment> = Vec::new();
    let mut groups = Vec::new();
    for deployment in &deployments {
        if seen.contains(&deployment) {
            continue;
        }
        seen.push(deployment);
        let documents =
            all.iter().zip(&deployments).filter(|(_, other)| *other == deployment).map(|(document, _)| *document);
        groups.push(group(deployment, documents.collect()));
    }
    groups
}

fn group<'a>(deployment: &Deployment, documents: Vec<(&'a LintedFile, &'a LintedDocument)>) -> Group<'a> {
    let watched: usize = documents.iter().map(|(_, document)| watched_files(&document.source.tree).len()).sum();
    let resources = documents.iter().filter(|(_, document)| document.source.tree.get("resources").is_some()).count();
    let is_dynamic = documents.iter().any(|(_, document)| member(&document.source.tree, "dynamic_resources").is_some());
    let is_rejected = documents.iter().any(|(_, document)| document.subjects.iter().any(Result::is_err));
    let is_bootstrap = matches!(deployment, Deployment::Bootstrap(_));
    let lacks_policies = is_rejected || is_bootstrap && (is_dynamic || watched > resources);
    Group {
        members: documents.into_iter().flat_map(|(file, document)| Member::all(file, document)).collect(),
        is_one_envoy: is_bootstrap || matches!(deployment, Deployment::Own(_)),
        is_whole: is_bootstrap && !is_dynamic && !lacks_policies,
        lacks_policies,
    }
}

fn is_bootstrap(document: Option<&(&LintedFile, &LintedDocument)>) -> bool {
    document.is_some_and(|(_, document)| member(&document.source.tree, "static_resources").is_some())
}

fn deployment(number: usize, all: &[(&LintedFile, &LintedDocument)], bootstraps: &[usize]) -> Deployment {
    let Some((file, document)) = all.get(number) else { return Deployment::Own(number) };
    let carriers = || document.source.policies.iter().map(|found| found.carrier);
    if bootstraps.contains(&number) {
        return Deployment::Bootstrap(number);
    }
    if carriers().any(|carrier| carrier == Carrier::Istio) {
        return Deployment::Istio(workloads(&document.source.tree));
    }
    if !carriers().any(|carrier| carrier == Carrier::Envoy) {
        return Deployment::Own(number);
    }
    let name = file.name.rsplit('/').next().unwrap_or_default();
    let watches = |bootstrap: &&usize| {
        all.get(**bootstrap).is_some_and(|(_, document)| watched_files(&document.source.tree).contains(&name))
    };
    match (bootstraps.iter().find(watches), bootstraps) {
        (Some(bootstrap), _) | (None, [bootstrap]) => Deployment::Bootstrap(*bootstrap),
        (None, []) => Deployment::Parts,
        (None, _) => Deployment::Own(number),
    }
}

/// The namespace of a manifest and its selection, as text.
fn workloads(manifest: &Tree) -> String {
    let namespace = manifest.get("metadata").and_then(|metadata| metadata.get("namespace"));
    let spec = |key: &str| manifest.get("spec").and_then(|spec| spec.get(key));
    let parts = [namespace, spec("selector"), spec("targetRefs")];
    parts.map(|part| part.map(Tree::to_json_text).unwrap_or_default()).join(" ")
}
