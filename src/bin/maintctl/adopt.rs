//! Waiting until every Envoy follows: each is asked again and again, all at once, until all its workers have adopted
//! what was sent or time is up.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use envoy_maintenance::state::Document;
use envoy_maintenance::time::Time;

use crate::client::{Status, Trouble};
use crate::output::Progress;
use crate::roll::{Envoy, Missing, Roll, joined};
use crate::when;

/// How long to leave an Envoy alone between two questions.
const PAUSE: Duration = Duration::from_millis(25);

/// What an Envoy must hold of one site.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    pub site: String,
    pub revision: u64,
    pub digest: String,
    pub document: Document,
}

/// How far the Envoys are.
#[derive(Clone, Debug, Default)]
pub struct Following {
    pub total: usize,
    pub followed: usize,
    /// Who does not follow, and why.
    pub lagging: Vec<Missing>,
    /// Sites on which a newer change has come after this one.
    pub overtaken: Vec<String>,
}

/// How far one Envoy is with all that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Followed { overtaken: Vec<String> },
    Behind(String),
}

/// Waits for all Envoys of the roll.
pub fn wait(roll: &Roll, wanted: &[Wanted], deadline: Instant) -> Following {
    let mut following = Following { total: roll.envoys.len() + roll.missing.len(), ..Following::default() };
    following.lagging.extend(roll.missing.iter().cloned());
    let done = AtomicUsize::new(0);
    let progress = Progress::start("waiting for Envoy");
    let results: Vec<(&Envoy, Result<Vec<String>, Trouble>)> = thread::scope(|scope| {
        let (done, lanes) = (&done, roll.lanes());
        let running: Vec<_> = roll
            .envoys
            .iter()
            .map(|envoy| {
                let thread = scope.spawn(move || {
                    let result = follow(envoy, wanted, lanes, deadline);
                    done.fetch_add(1, Ordering::Relaxed);
                    result
                });
                (envoy, thread)
            })
            .collect();
        while done.load(Ordering::Relaxed) < roll.envoys.len() {
            progress.say(|| format!("{}/{} Envoys follow", done.load(Ordering::Relaxed), following.total));
            thread::sleep(PAUSE / 5);
        }
        running.into_iter().map(|(envoy, thread)| (envoy, joined(thread.join()))).collect()
    });
    progress.end();
    for (envoy, result) in results {
        match result {
            Ok(overtaken) => {
                following.followed += 1;
                following.overtaken.extend(overtaken);
            }
            Err(trouble) => following.lagging.push(Missing::new(envoy.name(), trouble)),
        }
    }
    following.overtaken.sort();
    following.overtaken.dedup();
    following
}

/// Asks until an Envoy follows, and then on fresh connections: another Envoy behind its address may not.
fn follow(envoy: &Envoy, wanted: &[Wanted], lanes: usize, deadline: Instant) -> Result<Vec<String>, Trouble> {
    let check = |status: &Status| match step(status, wanted, when::time(&when::now())) {
        Step::Followed { overtaken } => Ok(overtaken),
        Step::Behind(why) => Err(Trouble::Strange(why)),
    };
    loop {
        let status = envoy.ask(None, deadline);
        let first = status.and_then(|status| check(&status));
        match first.and_then(|_| envoy.confirm(lanes, deadline, check)) {
            Ok(overtaken) => return Ok(overtaken.concat()),
            Err(trouble @ Trouble::Another(_)) => return Err(trouble),
            Err(behind) if Instant::now() >= deadline => return Err(behind),
            Err(_) => thread::sleep(PAUSE),
        }
    }
}

/// Compares what an Envoy says with what is wanted, and with what that means at `now`.
fn step(status: &Status, wanted: &[Wanted], now: Time) -> Step {
    let mut overtaken = Vec::new();
    for wanted in wanted {
        let Some(site) = status.site(&wanted.site) else {
            return Step::Behind(format!("has no site \"{}\"", wanted.site));
        };
        if site.digest.as_deref() != Some(&wanted.digest) {
            match site.stamp() {
                Some(held) if held > (wanted.revision, &wanted.digest) => overtaken.push(wanted.site.clone()),
                _ => {
                    return Step::Behind(format!("{}: still {}, by another document", wanted.site, site.mode));
                }
            }
        }
        let workers = site.workers;
        if !workers.all() {
            return Step::Behind(format!("{}: {}/{} workers follow", wanted.site, workers.adopted, workers.members));
        }
        let mode = wanted.document.at(now).mode().name();
        if site.digest.as_deref() == Some(&wanted.digest) && site.mode != mode {
            return Step::Behind(format!(
                "{}: {} and not {mode}, as its clock says {} and this machine's {now}: set the wrong one right",
                wanted.site, site.mode, status.time
            ));
        }
    }
    Step::Followed { overtaken }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envoy_follows_with_all_its_workers_and_this_document_or_a_newer_one() {
        let followed = |overtaken: &[&str]| Step::Followed {
            overtaken: overtaken.iter().map(|site| (*site).to_owned()).collect(),
        };
        let behind = |why: &str| Step::Behind(why.to_owned());
        for (site, revision, expected) in [
            (r#""digest": "b", "revision": 5, "workers": {"members": 4, "adopted": 4}"#, 5, followed(&[])),
            (
                r#""digest": "b", "revision": 5, "workers": {"members": 4, "adopted": 3}"#,
                5,
                behind("shop: 3/4 workers follow"),
            ),
            (
                r#""digest": "b", "revision": 5, "workers": {"members": 0, "adopted": 0}"#,
                5,
                behind("shop: 0/0 workers follow"),
            ),
            (
                r#""digest": "a", "revision": 4, "workers": {"members": 4, "adopted": 4}"#,
                5,
                behind("shop: still online, by another document"),
            ),
            (
                r#""digest": "a", "revision": 5, "workers": {"members": 4, "adopted": 4}"#,
                5,
                behind("shop: still online, by another document"),
            ),
            (r#""digest": "c", "revision": 5, "workers": {"members": 4, "adopted": 4}"#, 5, followed(&["shop"])),
            (r#""digest": "a", "revision": 6, "workers": {"members": 4, "adopted": 4}"#, 5, followed(&["shop"])),
            (r#""digest": null"#, 5, behind("shop: still online, by another document")),
        ] {
            let text = format!(r#"{{"envoy": "n/0", "sites": [{{"site": "shop", "mode": "online", {site}}}]}}"#);
            let status: Status = serde_json::from_str(&text).unwrap();
            assert_eq!(step(&status, &[wanted(revision, "online")], NOW), expected, "{text}");
        }
    }

    #[test]
    fn a_site_that_an_envoy_lacks_is_named() {
        let status: Status = serde_json::from_str(r#"{"envoy": "n/0", "sites": []}"#).unwrap();
        let expected = Step::Behind("has no site \"shop\"".to_owned());
        assert_eq!(step(&status, &[wanted(5, "online")], NOW), expected);
    }

    #[test]
    fn what_an_envoy_makes_of_the_document_by_its_clock_is_what_it_means_by_this_one() {
        let text = r#"{"envoy": "n/0", "time": "1970-01-01T01:00:00Z", "sites": [{"site": "shop", "mode": "online",
            "digest": "b", "revision": 5, "workers": {"members": 4, "adopted": 4}}]}"#;
        let status: Status = serde_json::from_str(text).unwrap();
        let expected = "shop: online and not offline, as its clock says 1970-01-01T01:00:00Z and this machine's \
                        1970-01-01T00:00:00Z: set the wrong one right";
        assert_eq!(step(&status, &[wanted(5, "offline")], NOW), Step::Behind(expected.to_owned()));
        // What has come since is not this change's.
        let status: Status = serde_json::from_str(&text.replace("\"b\"", "\"c\"")).unwrap();
        assert_eq!(step(&status, &[wanted(4, "offline")], NOW), Step::Followed { overtaken: vec!["shop".to_owned()] });
    }

    const NOW: Time = Time(0);

    /// The document `b` in this mode.
    fn wanted(revision: u64, mode: &str) -> Wanted {
        let text = format!(r#"{{"site": "shop", "fleet": "f", "revision": {revision}, "mode": "{mode}"}}"#);
        let document = Document::from_payload(text.as_bytes()).unwrap();
        Wanted { site: "shop".to_owned(), revision, digest: "b".to_owned(), document }
    }
}
