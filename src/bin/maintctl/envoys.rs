//! The Envoys of a target: requests to their control endpoints, and the proof that they have adopted a document.

pub mod addresses;
pub mod adoption;
pub mod client;
mod confirm;
pub mod error;
pub mod failure;
pub mod hot_restart;
mod parallel;
pub mod roll;
pub mod status;
