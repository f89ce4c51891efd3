//! The Envoys of a file target that do not read its file and follow a pushed document: they get the documents of a change
//! by push.

use std::thread;
use std::time::{Duration, Instant};

use crate::config::target::Target;
use crate::document::draft::Draft;
use crate::envoys::error::EnvoyError;
use crate::envoys::failure::EnvoyFailure;
use crate::envoys::roll::{EnvoyProcess, Roll};
use crate::write::file::reports::follows_a_push;

/// The time within which an Envoy that watches the file loads it.
const LOADED_AFTER: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(25);
/// The number of attempts while others push documents of the same site.
const ATTEMPTS: usize = 8;

/// A document, and its site.
pub struct SiteDocument {
    pub site: String,
    pub draft: Draft,
}

/// Pushes the documents to each Envoy that still follows a pushed document once it would have loaded the file. Returns the
/// Envoys that did not accept them. `roll` has the reports before the change.
pub fn push(target: &Target, roll: &Roll, documents: &[SiteDocument], deadline: Instant) -> Vec<EnvoyFailure> {
    let loaded = deadline.min(Instant::now() + LOADED_AFTER);
    let results = roll.each(|envoy| {
        let followed = |document: &&SiteDocument| envoy.status.site(&document.site).is_some_and(follows_a_push);
        let mut documents = documents.iter().filter(followed);
        documents.try_for_each(|document| push_unless_loaded(target, envoy, document, loaded, deadline))
    });
    let failed = roll.envoys.iter().zip(results).filter_map(|(envoy, result)| Some((envoy, result.err()?)));
    failed.map(|(envoy, error)| EnvoyFailure::new(envoy.name(), error)).collect()
}

fn push_unless_loaded(
    target: &Target,
    envoy: &EnvoyProcess,
    document: &SiteDocument,
    loaded: Instant,
    deadline: Instant,
) -> Result<(), EnvoyError> {
    let SiteDocument { site, draft } = document;
    let unsigned = |error: anyhow::Error| EnvoyError::Unexpected(format!("{error:#}"));
    let digest = draft.digest().map_err(unsigned)?.to_string();
    for _ in 0..ATTEMPTS {
        let current = loop {
            let status = envoy.ask(None, deadline)?;
            let Some(status) = status.site(site).filter(|status| follows_a_push(status)) else { return Ok(()) };
            if status.digest.as_deref() == Some(&digest) {
                return Ok(());
            }
            if Instant::now() >= loaded {
                break status.digest.clone();
            }
            thread::sleep(PAUSE);
        };
        let (key, _) = target.signer().map_err(unsigned)?;
        let signed = key.sign_document(&draft.payload().map_err(unsigned)?);
        match envoy.endpoint.put(site, &signed, current.as_deref(), deadline) {
            Err(error) if error.is_conflict() && Instant::now() < deadline => {}
            result => return result.map_err(EnvoyError::with_advice),
        }
    }
    Err(EnvoyError::Unexpected("others keep pushing documents of the site".to_owned()))
}
