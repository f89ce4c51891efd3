//! The gauges of sites: mode and revision.

use std::rc::Rc;

use super::documents::NO_DOCUMENT;
use super::root::Root;
use super::stats;
use super::vms::Records;
use crate::byte_index::ByteIndex;
use crate::state::Mode;

/// Sets the gauges of every site: its mode, and its revision once every worker has adopted it.
pub fn publish(roots: &[Rc<Root>], records: &Records) {
    for root in roots.iter().filter(|root| root.standing().is_member()) {
        for (site, (effective, mode)) in root.policy.sites.iter().zip(root.documents()) {
            stats::set_gauge(&site.name, "mode", mode.number());
            let label = effective.as_ref().map_or(NO_DOCUMENT, |effective| &effective.label);
            if records.workers(root.fleet(), &site.name, label).have_adopted() {
                stats::set_gauge(
                    &site.name,
                    "revision",
                    effective.map_or(0, |effective| effective.document.stamp.revision),
                );
            }
        }
    }
}

/// Resets the gauges of the sites that only a deleted root context has had on this worker.
pub fn reset(gone: &Root, roots: &[Rc<Root>]) {
    let members = roots.iter().filter(|root| root.standing().is_member());
    let known: ByteIndex = members.flat_map(|root| &root.policy.sites).map(|site| &site.name).collect();
    for site in gone.policy.sites.iter().filter(|site| !known.contains(site.name.as_bytes())) {
        stats::set_gauge(&site.name, "mode", Mode::Online.number());
        stats::set_gauge(&site.name, "revision", 0);
    }
}
