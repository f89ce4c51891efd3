//! Declared state without effect.

use envoy_maintenance::state::Mode;
use envoy_maintenance::tree::fields::did_you_mean;

use super::subject::Subject;
use crate::commands::lint::code;
use crate::commands::lint::finding::Finding;

/// Entries and windows whose end has passed.
pub fn expired(subject: &Subject) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (site, document) in &subject.config.state {
        let ended = document.until.filter(|until| document.mode != Mode::Online && *until <= subject.now);
        if let Some(until) = ended {
            let text =
                format!("{until} has passed, so site \"{site}\" is open again; remove the entry, or change the time");
            findings.push(code::STATE_ENDED.at(format!("state.{site}.until"), text));
        }
        for (index, window) in document.windows.iter().enumerate() {
            if let Some(until) = window.until.filter(|until| *until <= subject.now) {
                let text = format!("window \"{}\" ended at {until}; remove it", window.id);
                findings.push(code::STATE_ENDED.at(format!("state.{site}.windows[{index}].until"), text));
            }
        }
    }
    findings
}

/// Names in `suspend` that no exempt rule of the site has.
pub fn unknown_suspensions(subject: &Subject) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, document) in &subject.config.state {
        let site = subject.policy.sites.iter().find(|site| site.name == *name);
        let known = || site.iter().flat_map(|site| &site.exempt).map(|rule| rule.name.as_str());
        let own = std::iter::once((String::new(), &document.suspend));
        let windows = document.windows.iter().enumerate();
        let windows = windows.map(|(index, window)| (format!(".windows[{index}]"), &window.suspend));
        for (place, names) in own.chain(windows) {
            for (index, suspended) in names.iter().enumerate() {
                if !known().any(|known| known == suspended) {
                    let near = did_you_mean(suspended, known());
                    let near = if near.is_empty() { "; remove it".to_owned() } else { near };
                    let text = format!("site \"{name}\" has no exempt rule \"{suspended}\"{near}");
                    findings
                        .push(code::SUSPENDS_UNKNOWN_RULE.at(format!("state.{name}{place}.suspend[{index}]"), text));
                }
            }
        }
    }
    findings
}
