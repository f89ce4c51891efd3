//! Simulates pushes to fleets with frozen, late, dead and restarting Envoys and another operator, and checks after each run:
//!
//! - it ends by the deadline;
//! - every healthy Envoy gets the result, and an Envoy is reported as following only if it follows;
//! - the change is made once, and the other operator's change is never lost.
//!
//! Runs are numbered, and a run's number determines it. `SIMULATIONS` sets the number of runs, and `SIMULATION` runs a single
//! one.

use std::time::Duration;

use serde_json::json;

use super::result::PushResult;
use super::*;
use crate::config::keys::SigningKey;
use crate::document::draft::Draft;
use model::{ModelFleet, Trouble};
use random::Random;

mod model;
mod random;

const RUNS: u64 = 300;

/// Adds a window with the first free id.
fn add_window(draft: &mut Draft, reason: &str) {
    let ids = (1..).map(|number| json!(format!("w{number}")));
    let windows = draft.members().get("windows").and_then(|windows| windows.as_array().cloned()).unwrap_or_default();
    let mut free = ids.filter(|id| windows.iter().all(|window| window["id"] != *id));
    let (from, until) = ("2099-01-01T00:00:00Z", "2099-01-01T01:00:00Z");
    let window = json!({ "id": free.next(), "mode": "offline", "from": from, "until": until, "reason": reason });
    draft.add_window(window);
}

/// Runs a push of a window that is not idempotent: each repetition adds another one.
fn push(model: &mut ModelFleet, wait: bool) -> Result<PushResult> {
    let key = SigningKey::generate();
    let edit: &crate::write::change::Edit<'_> = &|draft, _, _| {
        add_window(draft, "ours");
        Ok(())
    };
    let planner = Planner { key: &key, fleet: "f", by: "us", edit };
    let choose = |_: &Roll| Ok((vec!["shop".to_owned()], Duration::ZERO));
    let urls = model.urls();
    let options = PushOptions { named: &["shop".to_owned()], wait, dry_run: false, deadline: model.deadline };
    let mut flow = PushFlow::new(&urls, planner, &choose, options);
    model.run(&mut flow)?;
    flow.finish()
}

/// One random run.
fn simulate(seed: u64) -> Result<(), String> {
    let mut model = ModelFleet::random(&mut Random(seed));
    let result = push(&mut model, true);
    if model.now > model.deadline + Duration::from_millis(300) {
        return Err(format!("it ended after {:?}", model.now));
    }
    let result = match result {
        Ok(result) => result,
        Err(error) if model.envoys.iter().all(|envoy| envoy.trouble != Trouble::None) => {
            return if error.to_string().is_empty() { Err("no message".to_owned()) } else { Ok(()) };
        }
        Err(error) => return Err(format!("{error:#}")),
    };
    check(&model, &result)
}

fn check(model: &ModelFleet, result: &PushResult) -> Result<(), String> {
    let is_lagging = |url: &str| result.adoption.lagging.iter().any(|failure| failure.name.contains(url));
    let newest = model.envoys.iter().filter_map(|envoy| envoy.stamp()).max();
    for envoy in &model.envoys {
        let (url, follows) = (&envoy.url, !is_lagging(&envoy.url));
        if envoy.trouble == Trouble::None && !follows {
            return Err(format!("{url} is healthy, but lags: {:?}", result.adoption.lagging));
        }
        if follows && envoy.count("ours") + envoy.count("other") == 0 && envoy.trouble != Trouble::Restarts {
            return Err(format!("{url} does not follow: {:?}", envoy.document));
        }
        if envoy.count("ours") > 1 {
            return Err(format!("{url} has the change twice: {:?}", envoy.document));
        }
        if envoy.was_changed_by_other && envoy.trouble != Trouble::Restarts && envoy.count("other") != 1 {
            return Err(format!("{url} lost the other change: {:?}", envoy.document));
        }
        if envoy.trouble == Trouble::None && envoy.count("ours") == 0 && result.adoption.replaced.is_empty() {
            return Err(format!("{url} has lost the change, and the report does not say so: {:?}", envoy.document));
        }
        // After its proof, an Envoy is not asked again.
        let is_stable = model.other_at.is_none_or(|at| at < Duration::from_millis(150));
        if envoy.trouble == Trouble::None && is_stable && envoy.stamp() != newest && !model.is_newest_hidden() {
            return Err(format!("{url} has {:?}, but {newest:?} is newer", envoy.stamp()));
        }
    }
    Ok(())
}

#[test]
fn pushes_to_random_fleets_reach_every_healthy_envoy_and_lose_nothing() {
    let number = |name: &str| std::env::var(name).ok().and_then(|number| number.parse::<u64>().ok());
    let all = 0..number("SIMULATIONS").unwrap_or(RUNS);
    let seeds = number("SIMULATION").map_or(all, |seed| seed..seed + 1);
    for seed in seeds {
        if let Err(error) = simulate(seed) {
            panic!("SIMULATION={seed}: {error}\n{:#?}", ModelFleet::random(&mut Random(seed)));
        }
    }
}

#[test]
fn healthy_envoys_are_switched_at_once_and_proven_within_a_second() {
    let mut model = ModelFleet::healthy(17, Duration::from_secs(10));
    model.add(Trouble::FrozenUntil(Duration::MAX));
    model.add(Trouble::FrozenUntil(Duration::MAX));
    model.add(Trouble::Dead);
    let result = push(&mut model, true).unwrap();
    assert_eq!((result.adoption.adopted, result.adoption.total), (17, 20), "{:?}", result.adoption);
    let accepted = model.envoys.iter().filter_map(|envoy| envoy.accepted_at).max().unwrap();
    assert!(accepted < Duration::from_millis(200), "{accepted:?}");
    // The frozen ones may still thaw, so the push waits for them until the deadline.
    assert!(model.now >= model.deadline, "{:?}", model.now);
}

#[test]
fn addresses_without_an_envoy_extend_the_wait_by_half_a_second_at_most() {
    let mut model = ModelFleet::healthy(3, Duration::from_secs(10));
    model.add(Trouble::Dead);
    let result = push(&mut model, true).unwrap();
    assert_eq!((result.adoption.adopted, result.adoption.total), (3, 4));
    assert!(model.now < Duration::from_millis(1500), "{:?}", model.now);
}

#[test]
fn an_envoy_that_thaws_in_time_counts() {
    let mut model = ModelFleet::healthy(2, Duration::from_secs(10));
    model.add(Trouble::FrozenUntil(Duration::from_secs(7)));
    let result = push(&mut model, true).unwrap();
    assert_eq!((result.adoption.adopted, result.adoption.total), (3, 3), "{:?}", result.adoption);
}

#[test]
fn without_a_wait_every_envoy_that_responds_gets_the_document() {
    let mut model = ModelFleet::healthy(3, Duration::from_secs(10));
    model.add(Trouble::FrozenUntil(Duration::MAX));
    let result = push(&mut model, false).unwrap();
    assert!(model.envoys.iter().filter(|envoy| envoy.count("ours") == 1).count() == 3);
    assert_eq!(result.adoption.lagging.len(), 1, "{:?}", result.adoption);
    assert!(model.now < Duration::from_secs(3), "{:?}", model.now);
}
