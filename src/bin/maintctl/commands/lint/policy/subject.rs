//! A policy under check, as written and as compiled.

use envoy_maintenance::compiled::CompiledConfig;
use envoy_maintenance::config::{PluginConfig, ReplyConfig, RuleConfig};
use envoy_maintenance::policy::Policy;
use envoy_maintenance::time::Time;
use envoy_maintenance::tree::{PathError, Tree};

use super::errors::all_errors;
use crate::commands::lint::code;
use crate::commands::lint::finding::Finding;
use crate::config::policy_file::FoundPolicy;

/// A valid policy.
pub struct Subject {
    pub tree: Tree,
    pub config: PluginConfig,
    pub policy: Policy,
    pub now: Time,
}

/// The lists of rules in a policy and its sites.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleList {
    Exempt,
    AlwaysClosed,
    HealthChecks,
}

impl RuleList {
    const ALL: [RuleList; 3] = [RuleList::AlwaysClosed, RuleList::HealthChecks, RuleList::Exempt];

    fn key(self) -> &'static str {
        match self {
            RuleList::Exempt => "exempt",
            RuleList::AlwaysClosed => "always_closed",
            RuleList::HealthChecks => "health_checks",
        }
    }
}

/// A rule as written.
pub struct WrittenRule<'c> {
    /// The key path.
    pub path: String,
    pub list: RuleList,
    /// The index of the rule's site; `None` for a policy-wide rule.
    pub site: Option<usize>,
    pub rule: &'c RuleConfig,
}

impl Subject {
    /// All rules: list by list, policy-wide rules before those of sites.
    pub fn rules(&self) -> Vec<WrittenRule<'_>> {
        let mut all = Vec::new();
        for list in RuleList::ALL {
            let policy_wide = match list {
                RuleList::Exempt => &self.config.exempt,
                RuleList::AlwaysClosed => &self.config.always_closed,
                RuleList::HealthChecks => &self.config.health_checks,
            };
            let mut add = |prefix: &str, site: Option<usize>, rules| {
                let written =
                    |(index, rule)| WrittenRule { path: format!("{prefix}{}[{index}]", list.key()), list, site, rule };
                all.extend(<[RuleConfig]>::iter(rules).enumerate().map(written));
            };
            add("", None, policy_wide);
            for (position, site) in self.config.sites.iter().flatten().enumerate() {
                let rules = match list {
                    RuleList::Exempt => &site.exempt,
                    RuleList::AlwaysClosed => &site.always_closed,
                    RuleList::HealthChecks => &site.health_checks,
                };
                add(&format!("sites[{position}]."), Some(position), rules);
            }
        }
        all
    }

    /// The quoted names of the rules that `uses` accepts, joined by commas; `None` if there are none.
    pub fn rule_names(&self, uses: impl Fn(&RuleConfig) -> bool) -> Option<String> {
        let rules = self.rules();
        let used = rules.iter().filter(|written| uses(written.rule));
        let names: Vec<String> = used.map(|written| format!("\"{}\"", written.rule.name)).collect();
        (!names.is_empty()).then(|| names.join(", "))
    }

    /// The text field `key` of the reply of the site at `position`, and its key path.
    pub fn reply_text<'c>(
        &'c self,
        position: usize,
        key: &str,
        read: impl Fn(&'c ReplyConfig) -> Option<&'c str>,
    ) -> Option<(String, &'c str)> {
        let site = self.config.sites.iter().flatten().nth(position);
        match (site.and_then(|site| read(&site.reply)), read(&self.config.reply)) {
            (Some(own), _) => Some((format!("sites[{position}].reply.{key}"), own)),
            (None, Some(policy_wide)) => Some((format!("reply.{key}"), policy_wide)),
            (None, None) => None,
        }
    }
}

/// Reads and compiles a policy as the filter does. The errors are the filter's own.
pub fn subject(found: &FoundPolicy, now: Time) -> Result<Subject, Vec<Finding>> {
    let errors = match &found.policy {
        Ok(tree) => match compile(tree) {
            Ok((config, policy)) => return Ok(Subject { tree: tree.clone(), config, policy, now }),
            Err(first) => all_errors(tree, first, |tree| compile(tree).err()),
        },
        Err(error) => vec![error.clone()],
    };
    Err(errors.into_iter().map(|error| code::POLICY_REJECTED.at(found.place(&error.path), error.problem)).collect())
}

fn compile(tree: &Tree) -> Result<(PluginConfig, Policy), PathError> {
    Ok((PluginConfig::read(tree)?, CompiledConfig::from_tree(tree)?.policy))
}
