//! The writers: each makes a change and proves that every Envoy has adopted it.

use anyhow::Result;

use crate::config::target::{Target, TargetWriter};

use change::{ChangeOptions, ChangeReport, Edit};
use selection::SiteSelection;

pub mod change;
pub mod ecds;
pub mod file;
pub mod push;
pub mod selection;

/// Makes a change.
pub fn apply(
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
