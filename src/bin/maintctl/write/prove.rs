//! The proof that every Envoy of a target has adopted documents which reached it without a push.

use crate::config::target::Target;
use crate::envoys::adoption::{Adoption, ExpectedDocument};
use crate::envoys::error::EnvoyError;
use crate::envoys::exchange::StopWatch;
use crate::envoys::failure::EnvoyFailure;
use crate::envoys::fleet::{Fleet, Patience};
use crate::terminal::output::shown;
use crate::terminal::times;
use crate::write::change::ChangeOptions;

/// The result of a proof.
#[derive(Debug)]
pub struct Proof {
    pub adoption: Adoption,
    /// The difference from the expected number of Envoys, if there is one.
    pub miscount: Option<String>,
}

/// Waits until every Envoy of the target has adopted the documents, or the deadline has passed. No Envoy waits for
/// another. It never fails: the documents were published before, so an Envoy that cannot be asked is reported as lagging.
pub fn prove(target: &Target, expected: &[ExpectedDocument], options: &ChangeOptions) -> Proof {
    let watch = StopWatch::start();
    let mut fleet = Fleet::new(&target.envoys, Some(expected.to_vec()), Patience::Full, watch.until(options.deadline));
    if let Err(error) = target.exchange(&watch, &|| None, options.deadline).run(&mut fleet, "waiting for Envoy") {
        let unread = EnvoyFailure::new("envoys", EnvoyError::Unexpected(format!("{error:#}")));
        let adoption = Adoption { total: target.envoys.len(), lagging: vec![unread], ..Adoption::default() };
        return Proof { adoption, miscount: None };
    }
    let mut roll = fleet.known();
    roll.count(target.expect);
    fleet.notes.iter().for_each(|note| aside!("note: {}", shown(note)));
    roll.warn(times::time(&times::now()));
    Proof { adoption: fleet.adoption(), miscount: roll.miscount }
}
