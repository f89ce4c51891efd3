//! The proof that every Envoy of a target has adopted documents which reached it without a push.

use crate::config::target::Target;
use crate::envoys::adoption::{self, Adoption, ExpectedDocument};
use crate::envoys::error::EnvoyError;
use crate::envoys::failure::EnvoyFailure;
use crate::terminal::times;
use crate::write::change::ChangeOptions;

/// The result of a proof.
#[derive(Debug)]
pub struct Proof {
    pub adoption: Adoption,
    /// The difference from the expected number of Envoys, if there is one.
    pub miscount: Option<String>,
}

/// Waits until every Envoy of the target has adopted the documents, or the deadline has passed. It never fails: the
/// documents were published before, so an Envoy that cannot be asked is reported as lagging.
pub fn prove(target: &Target, expected: &[ExpectedDocument], options: &ChangeOptions) -> Proof {
    match target.call(None, options.deadline) {
        Ok(roll) => {
            roll.warn(times::time(&times::now()));
            let adoption = adoption::wait(&roll, expected, options.deadline);
            Proof { adoption, miscount: roll.miscount }
        }
        Err(error) => {
            let unread = EnvoyFailure::new("envoys", EnvoyError::Unexpected(format!("{error:#}")));
            let total = target.envoys.len();
            let adoption = Adoption { total, lagging: vec![unread], ..Adoption::default() };
            Proof { adoption, miscount: None }
        }
    }
}
