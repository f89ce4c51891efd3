//! The Envoys of a target: requests to their control endpoints, and the proof that they have adopted a document.

pub mod addresses;
pub mod adoption;
pub mod client;
pub mod error;
pub mod exchange;
pub mod failure;
pub mod fleet;
pub mod hot_restart;
pub mod peer;
pub mod request;
pub mod roll;
pub mod status;
