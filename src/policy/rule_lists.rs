//! The three lists of rules of a site.

use std::rc::Rc;

use super::rule::check_tokens;
use super::{Rule, Rules};
use crate::byte_index::ByteIndex;
use crate::config::RuleConfig;
use crate::tree::{KeyPath, PathError};

/// The rules of a site, or of the policy.
#[derive(Clone, Default)]
pub struct RuleLists {
    pub exempt: Rules,
    pub always_closed: Rules,
    pub health_checks: Rules,
}

impl RuleLists {
    const KEYS: [&str; 3] = ["exempt", "always_closed", "health_checks"];

    /// These rules, followed by the rules at `path`: exempt, always closed, health checks. Stats, logs and `suspend` refer
    /// to a rule by its name, so a second rule of the same name is an error.
    pub fn with(
        self,
        configs: [&[RuleConfig]; 3],
        has_tokens: bool,
        path: &KeyPath<'_>,
    ) -> Result<RuleLists, PathError> {
        let mut lists = [self.exempt, self.always_closed, self.health_checks];
        let mut names: ByteIndex = lists.iter().flatten().map(|rule| &rule.name).collect();
        for ((key, configs), rules) in RuleLists::KEYS.into_iter().zip(configs).zip(&mut lists) {
            let list = path.key(key);
            for (index, config) in configs.iter().enumerate() {
                let path = list.index(index);
                check_tokens(config, has_tokens, &path)?;
                let rule = Rule::compile(config, &path)?;
                if !names.add(rule.name.as_bytes()) {
                    let problem = format_args!("duplicate rule name \"{}\"", rule.name);
                    return Err(PathError::new(&path.key("name"), problem));
                }
                rules.push(Rc::new(rule));
            }
        }
        let [exempt, always_closed, health_checks] = lists;
        Ok(RuleLists { exempt, always_closed, health_checks })
    }
}
