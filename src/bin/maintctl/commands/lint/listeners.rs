//! The plugins of one Envoy against each other: `vm_id`, fleets, keys, names, and which of them have sites or a control
//! endpoint.

use envoy_maintenance::tree::fields::did_you_mean;

use super::code;
use super::document::LintedFile;
use super::finding::Finding;

mod groups;
mod member;

use groups::Group;
use member::Member;

/// Runs all checks of plugins that run in one Envoy.
pub fn check(files: &[LintedFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for group in groups::of(files) {
        for check in [same_name, control_without_sites, keys, sites_without_control, unknown_sites] {
            findings.extend(check(&group));
        }
    }
    findings
}

/// Plugins that have the same name and root id, but different policies. Envoy and the filter treat them as one plugin.
fn same_name(group: &Group<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, member) in group.members.iter().enumerate() {
        let is_conflicting = |other: &&Member<'_>| {
            other.name == member.name
                && other.vm_id == member.vm_id
                && other.subject.tree != member.subject.tree
                // Two watched files may belong to different Envoys.
                && (group.is_one_envoy || std::ptr::eq(other.file, member.file))
        };
        if let Some(other) = group.members.iter().take(index).find(is_conflicting) {
            let text = format!(
                "has the same name and root_id as {}, but another policy, so Envoy treats both as one plugin and only one \
                 policy counts in the status; give each plugin its own `name`",
                other.described()
            );
            let finding = code::PLUGIN_NAME_CONFLICT.at(member.found.plugin.clone(), text);
            findings.push(member.file.placed(member.document.number, finding));
        }
    }
    findings
}

/// Control endpoints whose `vm_id` and fleet no policy with sites has.
fn control_without_sites(group: &Group<'_>) -> Vec<Finding> {
    let data: Vec<&Member<'_>> = group.members.iter().filter(|member| member.has_sites()).collect();
    let controls = group.members.iter().filter(|member| member.has_control() && !member.has_sites());
    let alone = controls.filter(|control| !data.iter().any(|other| other.shares_state_with(control)));
    let finding = |control: &Member<'_>| {
        let with = |is_near: &dyn Fn(&Member<'_>) -> bool| data.iter().find(|other| is_near(other));
        if let Some(other) = with(&|other| other.fleet() == control.fleet()) {
            let text = format!(
                "\"{}\", but that of {} is \"{}\", so the control endpoint does not know its sites; use one vm_id",
                control.vm_id,
                other.described(),
                other.vm_id
            );
            return Some(control.in_plugin(code::VM_ID_DIFFERS.at("vm_config.vm_id", text)));
        }
        if let Some(other) = with(&|other| other.vm_id == control.vm_id) {
            let text = format!(
                "\"{}\", but that of {} is \"{}\", so the control endpoint does not know its sites; use one fleet",
                control.fleet(),
                other.described(),
                other.fleet()
            );
            return Some(control.in_policy(code::FLEET_DIFFERS.at("fleet", text)));
        }
        // A part of a configuration, or one with more listeners elsewhere, may lack the other listeners.
        group.is_whole.then(|| {
            let text = format!(
                "no policy with sites has the vm_id \"{}\" and the fleet \"{}\", so the control endpoint knows no site; give \
                 the data listener the same ones",
                control.vm_id,
                control.fleet()
            );
            control.in_policy(code::CONTROL_WITHOUT_SITES.at("control", text))
        })
    };
    if group.lacks_policies { Vec::new() } else { alone.filter_map(finding).collect() }
}

/// Keys of a control listener that a data listener lacks, or that have another value there.
fn keys(group: &Group<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let controls = || group.members.iter().filter(|member| member.has_control());
    for data in group.members.iter().filter(|member| member.has_sites()) {
        let is_other = |control: &&Member<'_>| control.shares_state_with(data) && !std::ptr::eq(*control, data);
        for control in controls().filter(is_other) {
            for (_, key) in control.signing_keys(data.subject) {
                let own = &data.subject.policy.keys;
                if own.iter().any(|own| own.kid == key.kid) {
                    continue;
                }
                let name = &key.name;
                findings.push(match own.iter().position(|own| own.name == *name) {
                    Some(index) => {
                        let text = format!(
                            "key \"{name}\" is another one than in {}, so one of the two cannot sign for these sites; list \
                             the same key in both",
                            control.described()
                        );
                        data.in_policy(code::KEY_DIFFERS.at(format!("keys[{index}].jwk"), text))
                    }
                    None => {
                        let text = format!(
                            "key \"{name}\" of {} is missing here, so this listener ignores the documents that it signs; add it",
                            control.described()
                        );
                        data.in_policy(code::KEY_MISSING.at("keys", text))
                    }
                });
            }
        }
    }
    findings
}

/// Policies whose keys have no effect, because no control endpoint accepts documents.
fn sites_without_control(group: &Group<'_>) -> Vec<Finding> {
    if !group.is_whole {
        return Vec::new();
    }
    let has_control = |data: &Member<'_>| {
        let others = group.members.iter().filter(|other| other.has_control());
        others.clone().any(|control| {
            // If only one of the two differs, control_without_sites reports it.
            control.shares_state_with(data)
                || !control.has_sites() && (control.vm_id == data.vm_id || control.fleet() == data.fleet())
        })
    };
    let data = group.members.iter().filter(|member| member.has_sites() && !member.subject.policy.keys.is_empty());
    let finding = |data: &Member<'_>| {
        let text = format!(
            "no control endpoint has the vm_id \"{}\" and the fleet \"{}\", so these keys have no effect; add a control \
             listener with both",
            data.vm_id,
            data.fleet()
        );
        data.in_policy(code::SITES_WITHOUT_CONTROL.at("keys", text))
    };
    data.filter(|data| !has_control(data)).map(finding).collect()
}

/// Sites in `keys` that no policy with the same `vm_id` and fleet has.
fn unknown_sites(group: &Group<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for member in group.members.iter().filter(|member| member.has_sites() || !group.lacks_policies) {
        let sharing = group.members.iter().filter(|other| other.shares_state_with(member));
        let known: Vec<&str> =
            sharing.flat_map(|other| &other.subject.policy.sites).map(|site| site.name.as_str()).collect();
        for (index, key) in member.subject.config.keys.iter().enumerate() {
            for (number, site) in key.sites.iter().enumerate() {
                if known.is_empty() || site == "*" || known.contains(&site.as_str()) {
                    continue;
                }
                let near = did_you_mean(site, known.iter().copied());
                let near = if near.is_empty() { format!("; the sites are {}", known.join(", ")) } else { near };
                let text = format!("no policy has the site \"{site}\"{near}");
                let path = format!("keys[{index}].sites[{number}]");
                findings.push(member.in_policy(code::KEY_UNKNOWN_SITE.at(path, text)));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests;
