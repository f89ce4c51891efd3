//! Checks of a policy by itself.

pub mod subject;

mod anyone;
mod assets;
mod budget;
mod empty;
mod errors;
mod redirect;
mod regex;
mod request;
mod rules;
mod secrets;
mod sites;
mod state;

use super::finding::Finding;
use subject::Subject;

const CHECKS: [fn(&Subject) -> Vec<Finding>; 13] = [
    empty::without_effect,
    budget::expensive_rules,
    rules::anyone_matches,
    rules::paths_outside_the_site,
    regex::open_end,
    sites::overlap,
    state::expired,
    state::unknown_suspensions,
    assets::refused_assets,
    redirect::target,
    secrets::in_query,
    secrets::in_plain_headers,
    secrets::in_plain_cookies,
];

/// Runs all checks. The paths of the findings are those of the policy.
pub fn check(subject: &Subject) -> Vec<Finding> {
    CHECKS.iter().flat_map(|check| check(subject)).collect()
}

#[cfg(test)]
mod tests;
