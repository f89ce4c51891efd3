//! Declared state that has no effect any more, or none at all.

use envoy_maintenance::state::Mode;
use envoy_maintenance::tree::fields::did_you_mean;

use crate::commands::lint::finding::Finding;
use crate::commands::lint::subject::Subject;

/// Entries and windows that have ended.
pub fn is_over(subject: &Subject) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (site, document) in &subject.config.state {
        let over = document.until.filter(|until| document.mode != Mode::Online && *until <= subject.now);
        if let Some(until) = over {
            let text = format!("{until} is over, so {site} is open again; take the entry out, or move the time");
            findings.push(Finding::warning(format!("state.{site}.until"), text));
        }
        for (index, window) in document.windows.iter().enumerate() {
            if let Some(until) = window.until.filter(|until| *until <= subject.now) {
                let text = format!("window \"{}\" ended at {until}; take it out", window.id);
                findings.push(Finding::warning(format!("state.{site}.windows[{index}].until"), text));
            }
        }
    }
    findings
}

/// Names of rules to suspend that no exempt rule of the site has.
pub fn suspends_nothing(subject: &Subject) -> Vec<Finding> {
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
                    let near = if near.is_empty() { "; take it out".to_owned() } else { near };
                    let text = format!("no exempt rule of {name} is named \"{suspended}\"{near}");
                    findings.push(Finding::warning(format!("state.{name}{place}.suspend[{index}]"), text));
                }
            }
        }
    }
    findings
}
