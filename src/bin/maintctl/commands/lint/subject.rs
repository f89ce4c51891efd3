//! The policies that `maintctl lint` checks.

use envoy_maintenance::compiled::CompiledConfig;
use envoy_maintenance::config::{PluginConfig, RuleConfig};
use envoy_maintenance::policy::Policy;
use envoy_maintenance::time::Time;

use crate::commands::lint::finding::Finding;
use crate::config::policy_file::FoundPolicy;

/// A policy that the filter would take, as written and as compiled.
pub struct Subject {
    pub config: PluginConfig,
    pub policy: Policy,
    pub now: Time,
}

/// The three lists of rules, by the name that they have in a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    Exempt,
    AlwaysClosed,
    HealthChecks,
}

impl List {
    /// In the order in which they are asked.
    pub const ALL: [List; 3] = [List::AlwaysClosed, List::HealthChecks, List::Exempt];

    pub fn name(self) -> &'static str {
        match self {
            List::Exempt => "exempt",
            List::AlwaysClosed => "always_closed",
            List::HealthChecks => "health_checks",
        }
    }
}

/// A rule as written, and where.
pub struct WrittenRule<'c> {
    pub path: String,
    pub list: List,
    /// The position of its site; none: for every site.
    pub site: Option<usize>,
    pub rule: &'c RuleConfig,
}

impl Subject {
    /// Every rule as written, in the order in which they are asked: list by list, those for every site first.
    pub fn rules(&self) -> Vec<WrittenRule<'_>> {
        let mut all = Vec::new();
        for list in List::ALL {
            let wide = match list {
                List::Exempt => &self.config.exempt,
                List::AlwaysClosed => &self.config.always_closed,
                List::HealthChecks => &self.config.health_checks,
            };
            let mut add = |prefix: &str, site: Option<usize>, rules| {
                let written =
                    |(index, rule)| WrittenRule { path: format!("{prefix}{}[{index}]", list.name()), list, site, rule };
                all.extend(<[RuleConfig]>::iter(rules).enumerate().map(written));
            };
            add("", None, wide);
            for (position, site) in self.config.sites.iter().flatten().enumerate() {
                let rules = match list {
                    List::Exempt => &site.exempt,
                    List::AlwaysClosed => &site.always_closed,
                    List::HealthChecks => &site.health_checks,
                };
                add(&format!("sites[{position}]."), Some(position), rules);
            }
        }
        all
    }
}

/// The policy, or the filter's own refusal of it.
pub fn subject(found: &FoundPolicy, now: Time) -> Result<Subject, Finding> {
    let read = || {
        let tree = found.policy.as_ref().map_err(Clone::clone)?;
        Ok((PluginConfig::read(tree)?, CompiledConfig::from_tree(tree)?.policy))
    };
    match read() {
        Ok((config, policy)) => Ok(Subject { config, policy, now }),
        Err(error) => {
            let error: envoy_maintenance::tree::PathError = error;
            Err(Finding::error(found.place(&error.path), error.problem))
        }
    }
}
