//! Changes of sites: a writer stores the changed documents, then the change is proven on every Envoy.
//!
//! A target has one writer: `push` sends signed documents to the control endpoint of each Envoy, `file` writes them into
//! a file that Envoy watches.

use anyhow::Result;

use crate::config::target::{Target, TargetWriter};
use change::{ChangeOptions, ChangeReport, Edit};
use selection::SiteSelection;

pub mod change;
mod envoy_warnings;
pub mod file;
pub mod journal;
pub mod push;
pub mod selection;

/// Brings every Envoy to the newest document of each site, and changes no mode.
pub fn sync(target: &Target, selection: &SiteSelection, options: &ChangeOptions) -> Result<ChangeReport> {
    match &target.writer {
        TargetWriter::Push => push::sync(target, selection, options),
        TargetWriter::File(writer) => file::sync(target, writer, selection, options),
    }
}

/// Makes a change, waits until every Envoy has adopted it, and appends it to the journal.
pub fn apply(
    target: &Target,
    selection: &SiteSelection,
    edit: &Edit<'_>,
    options: &ChangeOptions,
) -> Result<ChangeReport> {
    if options.dry_run {
        return apply_unrecorded(target, selection, edit, options);
    }
    journal::begin(target, options);
    let result = apply_unrecorded(target, selection, edit, options);
    journal::record(target, options, &result);
    result
}

/// Makes a change without an entry in the journal, such as the renewal of a lease.
pub fn apply_unrecorded(
    target: &Target,
    selection: &SiteSelection,
    edit: &Edit<'_>,
    options: &ChangeOptions,
) -> Result<ChangeReport> {
    match &target.writer {
        TargetWriter::Push => push::apply(target, selection, edit, options),
        TargetWriter::File(writer) => file::apply(target, writer, selection, edit, options),
    }
}
