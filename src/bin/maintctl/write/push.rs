//! The push writer: signs documents and puts them to the control endpoint of every Envoy. Where Envoys hold different
//! documents, the newest is changed, and all get the result.

use std::time::Instant;

use anyhow::{Result, bail};
use envoy_maintenance::protocol::ErrorCode;
use envoy_maintenance::state::Head;
use envoy_maintenance::time::Time;

use crate::config::target::Target;
use crate::document::draft::Draft;
use crate::envoys::adoption::{self, Adoption, ExpectedDocument};
use crate::envoys::error::{EnvoyError, explained};
use crate::envoys::failure::{EnvoyFailure, missing_lines};
use crate::envoys::roll::{EnvoyProcess, Roll};
use crate::envoys::status::EnvoyStatus;
use crate::exit::ExitError;
use crate::terminal::output::shown;
use crate::terminal::times;
use crate::write::change::{self, ChangeOptions, ChangeReport, Edit, SiteChange};
use crate::write::selection::SiteSelection;

/// How often a change is made anew because somebody else was faster.
const ATTEMPTS: usize = 8;

/// How far a document that is handed on as it is may be from this machine's clock, in milliseconds: Envoys take it for
/// five minutes, less what clocks are apart.
const YOUNG: u64 = 4 * 60 * 1000;

/// What is to be sent for one site.
struct SitePlan {
    outcome: SiteChange,
    /// What every Envoy is to hold in the end; none: there is no document, and need not be.
    wanted: Option<ExpectedDocument>,
    /// The signed form; none: all hold it.
    signed: Option<String>,
}

/// Makes a change on every Envoy of the target.
pub fn apply(
    target: &Target,
    selection: &SiteSelection,
    edit: &Edit<'_>,
    options: &ChangeOptions,
) -> Result<ChangeReport> {
    let (key, fleet) = target.signer()?;
    let token = || key.read_token(fleet, times::time(&times::now()));
    let mut roll = target.call(Some(&token()), options.deadline)?;
    roll.somebody()?;
    if options.wait {
        roll.compare_clocks(times::time(&times::now()));
    }
    let mut options = options.clone();
    let sites = options.paused(|| selection.choose(&roll.sites()))?;
    let mut outcomes: Vec<SiteChange> = Vec::new();
    for _ in 0..ATTEMPTS {
        let now = times::time(&times::now());
        let keep: &Edit<'_> = &|_, _, _| Ok(());
        let edit_of = |site: &String| if outcomes.iter().any(|outcome| outcome.site == *site) { keep } else { edit };
        let plans = sites
            .iter()
            .map(|site| plan(&roll, target, site, edit_of(site), &options.by, now))
            .collect::<Result<Vec<SitePlan>>>()?;
        let mut answers = decide(&roll, &plans, &mut outcomes, options.deadline);
        let is_decided = answers.iter().all(Result::is_ok);
        if is_decided {
            answers = roll.each(|envoy| send(envoy, &plans, options.deadline));
        }
        let conflict = !is_decided || answers.iter().any(|answer| answer.as_ref().is_err_and(EnvoyError::is_conflict));
        roll.leave_out(answers.into_iter().map(|answer| answer.err().filter(|trouble| !trouble.is_conflict())));
        if roll.envoys.is_empty() {
            bail!(nobody_took_it(&roll));
        }
        if !conflict {
            let wanted: Vec<ExpectedDocument> = plans.into_iter().filter_map(|plan| plan.wanted).collect();
            let following = match options.wait && !sites.is_empty() {
                true => Some(adoption::wait(&roll, &wanted, options.deadline)),
                // Who did not take it is told, though nobody waits for those who did.
                false => (!roll.missing.is_empty()).then(|| Adoption {
                    total: roll.envoys.len() + roll.missing.len(),
                    followed: roll.envoys.len(),
                    lagging: roll.missing.clone(),
                    overtaken: Vec::new(),
                }),
            };
            let unreached = match options.wait && !sites.is_empty() {
                true => target.unreached(roll.envoys.len(), options.deadline),
                false => Vec::new(),
            };
            return Ok(ChangeReport {
                target: target.name.clone(),
                outcomes,
                following,
                blind: false,
                durable: false,
                miscounted: roll.miscounted,
                unreached,
            });
        }
        let token = token();
        let answers = roll.ask_all(Some(&token), options.deadline);
        roll.update(answers);
        roll.somebody()?;
    }
    bail!(ExitError::Rejected(
        "somebody else changes it all the time; look at `maintctl status`, and try again".to_owned()
    ))
}

/// Lets one Envoy decide between operators who change a site at once: of those that know it the first by name. What it
/// has taken is an outcome: from then on it is handed on, and never made again. The answers are those of all Envoys.
fn decide(
    roll: &Roll,
    plans: &[SitePlan],
    outcomes: &mut Vec<SiteChange>,
    deadline: Instant,
) -> Vec<Result<(), EnvoyError>> {
    let mut answers: Vec<Result<(), EnvoyError>> = roll.envoys.iter().map(|_| Ok(())).collect();
    for plan in plans {
        let site = &plan.outcome.site;
        if outcomes.iter().any(|outcome| outcome.site == *site) {
            continue;
        }
        let knows = roll.envoys.iter().zip(&mut answers).filter(|(envoy, _)| envoy.status.site(site).is_some());
        let (sent, answer) = match knows.min_by_key(|(envoy, _)| envoy.name()) {
            Some((envoy, answer)) => (send(envoy, std::slice::from_ref(plan), deadline), Some(answer)),
            None => (Ok(()), None),
        };
        match (sent, answer) {
            (Err(trouble), Some(answer)) => *answer = Err(trouble),
            _ => outcomes.push(plan.outcome.clone()),
        }
    }
    answers
}

fn plan(roll: &Roll, target: &Target, site: &str, edit: &Edit<'_>, by: &str, now: Time) -> Result<SitePlan> {
    let (key, fleet) = target.signer()?;
    if let Some((envoy, _)) = roll.of_site(site).find(|(_, status)| status.is_declared()) {
        bail!(ExitError::Rejected(declared(site, &shown(&envoy.name()))));
    }
    let newest = roll.of_site(site).max_by_key(|(_, status)| status.stamp());
    let newest = newest.and_then(|(envoy, status)| Some((envoy, status, status.stamp()?)));
    let current = match newest {
        None => Draft::new(site, Some(fleet)),
        Some((envoy, status, _)) => match status.details.document.as_object() {
            Some(members) => Draft::from_members(site, members.clone()),
            None => bail!("{site}: {} does not show its document", shown(&envoy.name())),
        },
    };
    let mut before = current.clone();
    before.tidy(now)?;
    let mut after = current.clone();
    edit(&mut after, site, now)?;
    let changed = after != before;
    let rules = roll.of_site(site).flat_map(|(_, status)| &status.details.bypassed.0).map(|(rule, _)| rule.clone());
    change::check_suspended(site, &before, &after, &rules.collect())?;
    let digest = current.digest()?.to_string();
    let all_hold_it = newest.is_some_and(|(_, _, (_, newest))| {
        roll.of_site(site).all(|(_, status)| status.digest.as_deref() == Some(newest))
    });
    let (send, document) = match newest {
        _ if changed => {
            after.stamp(now, by);
            after.set("fleet", Some(fleet));
            after.date(now);
            (true, after.clone())
        }
        None => (false, current),
        Some(_) if all_hold_it => (false, current),
        Some((_, _, (_, newest))) if newest == digest && is_young(&current, now) => (true, current),
        // It is too old to be taken, or was not written the way this maintctl writes: only a successor can be the same
        // everywhere.
        Some(_) => {
            let mut successor = current;
            successor.restamp(now);
            successor.date(now);
            (true, successor)
        }
    };
    let read = document.read()?;
    let payload = document.payload()?;
    let wanted = match (send, newest) {
        (false, None) => None,
        (false, Some((_, _, (revision, digest)))) => Some((revision, digest.to_owned())),
        (true, _) => Some((document.revision(), document.digest()?.to_string())),
    };
    Ok(SitePlan {
        outcome: SiteChange { site: site.to_owned(), before, after, changed },
        wanted: wanted.map(|(revision, digest)| ExpectedDocument {
            site: site.to_owned(),
            revision,
            digest,
            document: read,
        }),
        signed: send.then(|| key.sign_document(&payload)),
    })
}

/// Whether Envoys still take this document, also those that have none: its revision is not far ahead.
fn is_young(document: &Draft, now: Time) -> bool {
    let Ok(document) = document.read() else {
        return false;
    };
    let head = Head { iat: document.iat, revision: document.stamp.revision };
    head.time().0.abs_diff(now.0) < YOUNG && head.can_follow(None, now)
}

/// Puts what an Envoy lacks. An Envoy that does not know a site is found out by the wait.
fn send(envoy: &EnvoyProcess, plans: &[SitePlan], deadline: Instant) -> Result<(), EnvoyError> {
    for plan in plans {
        let (Some(wanted), Some(signed)) = (&plan.wanted, &plan.signed) else {
            continue;
        };
        let Some(held) = envoy.status.site(&wanted.site) else {
            continue;
        };
        if held.digest.as_deref() == Some(&wanted.digest) {
            continue;
        }
        match envoy.endpoint.put(&wanted.site, signed, held.digest.as_deref(), deadline) {
            Err(EnvoyError::Refused { code, .. }) if ErrorCode::parse(&code) == Some(ErrorCode::Declared) => {
                return Err(EnvoyError::Refused { code, detail: declared(&wanted.site, "the policy there") });
            }
            answer => answer.map_err(explained)?,
        }
    }
    Ok(())
}

fn declared(site: &str, place: &str) -> String {
    format!(
        "{site}: declared by the policy (`state.{site}`, in {place}); while that entry stands nothing else counts. \
         Change it where the policy is kept, or remove it there"
    )
}

/// The error where every Envoy refused or was lost.
fn nobody_took_it(roll: &Roll) -> ExitError {
    let lines = missing_lines(&roll.missing);
    match roll.missing.iter().any(|missing| matches!(missing.error, EnvoyError::Refused { .. })) {
        true => ExitError::Rejected(format!("refused; nothing changed{lines}")),
        false => ExitError::NotAdopted(format!("no Envoy took it{lines}")),
    }
}

impl Roll {
    /// Takes those off whom something is the matter with.
    pub fn leave_out(&mut self, troubles: impl Iterator<Item = Option<EnvoyError>>) {
        let envoys = std::mem::take(&mut self.envoys);
        for (envoy, trouble) in envoys.into_iter().zip(troubles) {
            match trouble {
                None => self.envoys.push(envoy),
                Some(trouble) => self.missing.push(EnvoyFailure::new(envoy.name(), trouble)),
            }
        }
    }

    /// Remembers what every Envoy has just said.
    pub fn update(&mut self, answers: Vec<Result<EnvoyStatus, EnvoyError>>) {
        let envoys = std::mem::take(&mut self.envoys);
        for (mut envoy, answer) in envoys.into_iter().zip(answers) {
            match answer {
                Ok(status) => {
                    envoy.status = status;
                    self.envoys.push(envoy);
                }
                Err(trouble) => self.missing.push(EnvoyFailure::new(envoy.name(), trouble)),
            }
        }
    }
}

#[cfg(test)]
mod tests;
