//! State documents: drafts of them, the edits that operators make, and their description as text.

pub mod describe;
pub mod draft;
pub mod edit;
pub mod hold;
pub mod restore;
pub mod warnings;
pub mod window;

#[cfg(test)]
mod tests;
