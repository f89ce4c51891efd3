//! The plugins that are compared with each other.

use envoy_maintenance::policy::{Key, Permission};

use crate::commands::lint::document::{LintedDocument, LintedFile};
use crate::commands::lint::finding::Finding;
use crate::commands::lint::policy::subject::Subject;
use crate::config::policy_file::{Carrier, FoundPolicy};
use crate::config::tree_query::{join, member, objects, text};

/// A plugin, and the names by which Envoy and the filter know it.
pub struct Member<'a> {
    pub file: &'a LintedFile,
    pub document: &'a LintedDocument,
    pub found: &'a FoundPolicy,
    pub subject: &'a Subject,
    pub vm_id: &'a str,
    pub name: [&'a str; 2],
}

impl<'a> Member<'a> {
    /// The members of a document.
    pub fn all(file: &'a LintedFile, document: &'a LintedDocument) -> Vec<Member<'a>> {
        let objects = objects(&document.source.tree);
        let member_of = |(found, subject): (&'a FoundPolicy, &'a Subject)| {
            let (_, plugin) = objects.iter().find(|(path, _)| *path == found.plugin)?;
            let vm_id = member(plugin, "vm_config").and_then(|vm| text(vm, "vm_id")).unwrap_or_default();
            let name = match found.carrier {
                Carrier::Istio => [found.name.as_deref(), text(plugin, "pluginName")],
                Carrier::Envoy | Carrier::Bare => [text(plugin, "name"), text(plugin, "root_id")],
            };
            let name = name.map(Option::unwrap_or_default);
            Some(Member { file, document, found, subject, vm_id, name })
        };
        document.valid().filter_map(member_of).collect()
    }

    pub fn fleet(&self) -> &str {
        self.subject.config.fleet.as_deref().unwrap_or_default()
    }

    pub fn has_sites(&self) -> bool {
        !self.subject.policy.sites.is_empty()
    }

    pub fn has_control(&self) -> bool {
        self.subject.policy.control.is_some()
    }

    /// True if both use the same documents and the same status.
    pub fn shares_state_with(&self, other: &Member<'_>) -> bool {
        self.vm_id == other.vm_id && self.fleet() == other.fleet()
    }

    /// A finding about a member of the policy.
    pub fn in_policy(&self, finding: Finding) -> Finding {
        let path = self.found.place(&finding.path);
        self.file.placed(self.document.number, Finding { path, ..finding })
    }

    /// A finding about a member of the plugin.
    pub fn in_plugin(&self, finding: Finding) -> Finding {
        let path = join(&self.found.plugin, &finding.path);
        self.file.placed(self.document.number, Finding { path, ..finding })
    }

    /// The name, the file and the line of the plugin, for findings about another one.
    pub fn described(&self) -> String {
        let name = self.found.name.as_deref().unwrap_or(&self.found.plugin);
        let location = self.file.source_map.locate(self.document.number, &self.found.plugin);
        let line = location.map(|location| format!(":{}", location.position.line)).unwrap_or_default();
        format!("plugin \"{name}\" ({}{line})", self.file.name)
    }

    /// The keys that may sign documents of any of these sites, with their numbers.
    pub fn signing_keys<'k>(&'k self, sites: &'k Subject) -> impl Iterator<Item = (usize, &'k Key)> {
        let signs = |key: &Key| sites.policy.sites.iter().any(|site| key.is_permitted(Permission::State, &site.name));
        self.subject.policy.keys.iter().enumerate().filter(move |(_, key)| signs(key))
    }
}
