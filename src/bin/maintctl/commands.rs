//! The subcommands: one file for each verb.

mod answer;
pub mod apply;
pub mod cancel;
mod change;
pub mod close;
pub mod completions;
mod details;
pub mod diff;
pub mod doctor;
pub mod explain;
pub mod hash;
pub mod history;
pub mod init;
pub mod keys;
pub mod lint;
pub mod man;
pub mod open;
pub mod preview;
mod program;
pub mod schedule;
pub mod status;
pub mod sync;
pub mod update;
