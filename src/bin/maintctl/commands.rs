//! The subcommands: one file for each verb.

mod answer;
pub mod cancel;
mod change;
pub mod close;
pub mod completions;
pub mod doctor;
pub mod explain;
pub mod history;
pub mod init;
pub mod keys;
pub mod lint;
pub mod open;
pub mod schedule;
pub mod status;
pub mod sync;
