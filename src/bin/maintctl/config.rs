//! The configuration: `maintctl.toml`, keys, certificates, and the policies in files.

pub mod file;
pub mod keys;
pub mod policy_file;
pub mod source_map;
pub mod target;
mod tls;
pub mod tree_query;
