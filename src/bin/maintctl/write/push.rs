//! The push writer: signs documents and sends them to the control endpoint of every Envoy. If Envoys have different
//! documents, the newest one is changed, and all Envoys get the result.

use std::time::Instant;

use anyhow::{Error, Result, bail};
use envoy_maintenance::protocol::ErrorCode;

use crate::config::target::Target;
use crate::envoys::adoption::{self, Adoption, ExpectedDocument};
use crate::envoys::error::EnvoyError;
use crate::envoys::failure;
use crate::envoys::roll::{EnvoyProcess, Roll};
use crate::exit::ExitError;
use crate::terminal::times;
use crate::write::change::{ChangeOptions, ChangeReport, Edit, SiteChange};
use crate::write::plan::{SitePlan, declared};
use crate::write::selection::SiteSelection;

/// The number of attempts while other operators change the same sites.
const ATTEMPTS: usize = 8;

/// Makes a change on every Envoy of the target.
pub fn apply(
    target: &Target,
    selection: &SiteSelection,
    edit: &Edit<'_>,
    options: &ChangeOptions,
) -> Result<ChangeReport> {
    let (key, fleet) = target.signer()?;
    let token = || key.read_token(fleet, times::time(&times::now()));
    let mut roll = target.call(Some(&token()), options.deadline).map_err(nothing_changed)?;
    roll.require_any("; nothing changed")?;
    if options.wait {
        roll.warn(times::time(&times::now()));
    }
    let mut options = options.clone();
    let sites = options.without_the_time_of(|| selection.choose(&roll.sites()))?;
    let mut accepted: Vec<SiteChange> = Vec::new();
    for _ in 0..ATTEMPTS {
        let plans = plan(&roll, target, &sites, edit, &accepted, &options)?;
        if options.dry_run {
            let planned = plans.into_iter().map(|plan| plan.change).collect();
            return Ok(report(target, &roll, planned, &[], &ChangeOptions { wait: false, ..options }));
        }
        if send_all(&mut roll, &plans, &mut accepted, options.deadline)? {
            let expected: Vec<ExpectedDocument> = plans.into_iter().filter_map(|plan| plan.expected).collect();
            let mut report = report(target, &roll, accepted, &expected, &options);
            if let Some(adoption) = &mut report.adoption {
                adoption::explain(adoption, &roll, &expected, &token());
            }
            return Ok(report);
        }
        roll.refresh(Some(&token()), options.deadline);
        roll.require_any("; nothing changed")?;
    }
    let text = "other operators keep changing the same sites; see `maintctl status`, and try again";
    bail!(ExitError::Rejected(text.to_owned()))
}

/// Adds that nothing changed to the error of a request that came before any change.
fn nothing_changed(error: Error) -> Error {
    match error.downcast::<ExitError>() {
        Ok(ExitError::NotAdopted(text)) => ExitError::NotAdopted(format!("{text}; nothing changed")).into(),
        Ok(error) => error.into(),
        Err(error) => error,
    }
}

/// The plan of each site. A change that an Envoy has accepted is not made again, only propagated.
fn plan(
    roll: &Roll,
    target: &Target,
    sites: &[String],
    edit: &Edit<'_>,
    accepted: &[SiteChange],
    options: &ChangeOptions,
) -> Result<Vec<SitePlan>> {
    let now = times::time(&times::now());
    let keep: &Edit<'_> = &|_, _, _| Ok(());
    let plan = |site: &String| {
        let is_accepted = accepted.iter().any(|change| change.site == *site);
        SitePlan::new(roll, target, site, if is_accepted { keep } else { edit }, &options.by, now)
    };
    sites.iter().map(plan).collect()
}

/// Sends the documents. Returns false on a conflict with another operator. Envoys with other errors are set aside.
fn send_all(roll: &mut Roll, plans: &[SitePlan], accepted: &mut Vec<SiteChange>, deadline: Instant) -> Result<bool> {
    let mut results = send_to_first(roll, plans, accepted, deadline);
    let is_accepted = results.iter().all(Result::is_ok);
    if is_accepted {
        results = roll.each(|envoy| send(envoy, plans, deadline));
    }
    let is_conflict = results.iter().any(|result| result.as_ref().is_err_and(EnvoyError::is_conflict));
    roll.set_aside(results.into_iter().map(|result| result.err().filter(|error| !error.is_conflict())));
    if roll.envoys.is_empty() {
        let rejected = roll.failures.iter().any(|failure| matches!(failure.error, EnvoyError::Rejected { .. }));
        let lines = failure::lines(&roll.failures);
        if rejected {
            bail!(ExitError::Rejected(format!("rejected; nothing changed{lines}")));
        }
        bail!(ExitError::NotAdopted(format!("no Envoy accepted the change{lines}")));
    }
    Ok(is_accepted && !is_conflict)
}

/// Sends each plan to the first Envoy by name that has the site, so that it decides between operators who change the
/// site at the same time. Returns one result for each Envoy of the roll.
fn send_to_first(
    roll: &Roll,
    plans: &[SitePlan],
    accepted: &mut Vec<SiteChange>,
    deadline: Instant,
) -> Vec<Result<(), EnvoyError>> {
    let mut results: Vec<Result<(), EnvoyError>> = roll.envoys.iter().map(|_| Ok(())).collect();
    for plan in plans {
        let site = &plan.change.site;
        if accepted.iter().any(|change| change.site == *site) {
            continue;
        }
        let with_site = roll.envoys.iter().zip(&mut results).filter(|(envoy, _)| envoy.status.site(site).is_some());
        if let Some((envoy, result)) = with_site.min_by_key(|(envoy, _)| envoy.name())
            && let Err(error) = send(envoy, std::slice::from_ref(plan), deadline)
        {
            *result = Err(error);
            continue;
        }
        accepted.push(plan.change.clone());
    }
    results
}

/// Sends the documents that an Envoy lacks. Sites that it does not have are reported by the wait for adoption.
fn send(envoy: &EnvoyProcess, plans: &[SitePlan], deadline: Instant) -> Result<(), EnvoyError> {
    for plan in plans {
        let (Some(expected), Some(signed)) = (&plan.expected, &plan.signed) else {
            continue;
        };
        let Some(current) = envoy.status.site(&expected.site) else {
            continue;
        };
        if current.digest.as_deref() == Some(&expected.digest) {
            continue;
        }
        match envoy.endpoint.put(&expected.site, signed, current.digest.as_deref(), deadline) {
            Err(EnvoyError::Rejected { code, .. }) if ErrorCode::parse(&code) == Some(ErrorCode::Declared) => {
                return Err(EnvoyError::Rejected { code, detail: declared(&expected.site, "the policy there") });
            }
            result => result.map_err(EnvoyError::with_advice)?,
        }
    }
    Ok(())
}

fn report(
    target: &Target,
    roll: &Roll,
    sites: Vec<SiteChange>,
    expected: &[ExpectedDocument],
    options: &ChangeOptions,
) -> ChangeReport {
    let wait = options.wait && !sites.is_empty();
    let adoption = if wait {
        Some(adoption::wait(roll, expected, options.deadline))
    } else {
        // Without a wait, Envoys that rejected the change are still reported.
        (!roll.failures.is_empty()).then(|| Adoption {
            total: roll.total(),
            adopted: roll.envoys.len(),
            lagging: roll.failures.clone(),
            replaced: Vec::new(),
        })
    };
    let unreached = if wait { target.unreached(roll.envoys.len(), options.deadline) } else { Vec::new() };
    ChangeReport {
        target: target.name.clone(),
        sites,
        adoption,
        is_unverifiable: false,
        durable: false,
        miscount: roll.miscount.clone(),
        unreached,
        repaired: Vec::new(),
        brought: Vec::new(),
        dry_run: options.dry_run,
    }
}
