//! The push writer: signs documents and sends them to the control endpoint of every Envoy. If Envoys have different
//! documents, the newest one is changed, and all Envoys get the result.

use std::time::Instant;

use anyhow::{Result, bail};

use crate::config::target::Target;
use crate::diagnosis::envoy::absence;
use crate::diagnosis::lag;
use crate::document::draft::Draft;
use crate::envoys::adoption::Adoption;
use crate::envoys::exchange::StopWatch;
use crate::envoys::failure;
use crate::envoys::roll::{EnvoyProcess, Roll};
use crate::exit::ExitError;
use crate::terminal::output::shown;
use crate::terminal::times;
use crate::write::change::{ChangeOptions, ChangeReport, Edit};
use crate::write::envoy_warnings;
use crate::write::push::plan::Planner;
use crate::write::selection::SiteSelection;
use flow::{PushFlow, PushOptions};

mod flow;
mod plan;
mod site;

/// Makes a change on every Envoy of the target.
pub fn apply(
    target: &Target,
    selection: &SiteSelection,
    edit: &Edit<'_>,
    options: &ChangeOptions,
) -> Result<ChangeReport> {
    run(target, &selection.names, edit, options, &|roll| selection.choose(&known_sites(roll, selection)?))
}

/// Brings every Envoy to the newest document of each site, except of sites whose state a policy declares.
pub fn sync(target: &Target, selection: &SiteSelection, options: &ChangeOptions) -> Result<ChangeReport> {
    let keep: &Edit<'_> = &|_: &mut Draft, _, _| Ok(());
    run(target, &selection.names, keep, options, &|roll| {
        let mut sites = selection.choose(&known_sites(roll, selection)?)?;
        sites.retain(|site| !roll.of_site(site).any(|(_, status)| status.is_declared()));
        Ok(sites)
    })
}

/// The names of all sites. If no Envoy shows one, the error has the reason of each Envoy.
fn known_sites(roll: &Roll, selection: &SiteSelection) -> Result<Vec<String>> {
    let sites = roll.sites();
    if !sites.is_empty() || roll.envoys.is_empty() {
        return Ok(sites);
    }
    let site = selection.names.first();
    let reason = |envoy: &EnvoyProcess| {
        let cause = match site {
            Some(site) => lag::absent(&envoy.status, site, lag::ADD_SITE).text(),
            None => {
                let (problem, remedy) = absence(&envoy.status);
                format!("{problem}; {remedy}")
            }
        };
        format!("\n  {}", shown(&format!("{}: {cause}", envoy.name())))
    };
    let reasons: String = roll.envoys.iter().map(reason).collect();
    let failures = failure::lines(&roll.failures);
    bail!(ExitError::NotAdopted(format!("no Envoy shows a site; nothing changed:{reasons}{failures}")))
}

fn run(
    target: &Target,
    named: &[String],
    edit: &Edit<'_>,
    options: &ChangeOptions,
    choose: &dyn Fn(&Roll) -> Result<Vec<String>>,
) -> Result<ChangeReport> {
    let (key, fleet) = target.signer()?;
    let token = || Some(key.read_token(fleet, times::time(&times::now())));
    let watch = StopWatch::start();
    let choose = |roll: &Roll| {
        let asked = Instant::now();
        let sites = watch.stop_during(|| choose(roll))?;
        Ok((sites, asked.elapsed()))
    };
    let planner = Planner { key, fleet, by: &options.by, edit };
    let wait = options.wait && !options.dry_run;
    let settings = PushOptions { named, wait, dry_run: options.dry_run, deadline: watch.until(options.deadline) };
    let mut flow = PushFlow::new(&target.envoys, planner, &choose, settings);
    // The interfaces are asked beside the change, so that none of them delays it.
    let restarts = wait.then(|| target.hot_restarts(options.deadline));
    target.exchange(&watch, &token, options.deadline).run(&mut flow, "waiting for Envoy")?;
    let result = flow.finish()?;
    let roll = result.roll;
    result.notes.iter().for_each(|note| aside!("note: {}", shown(note)));
    if wait {
        envoy_warnings::print(&roll);
    }
    Ok(ChangeReport {
        target: target.name.clone(),
        sites: result.sites,
        adoption: adoption(result.adoption, options),
        is_unverifiable: false,
        durable: false,
        miscount: target.miscount(&roll).filter(|_| !options.dry_run),
        clock_lead: roll.clock_lead(),
        unreached: restarts.map(|restarts| restarts.finish(roll.envoys.len())).unwrap_or_default(),
        repaired: result.repaired,
        brought: Vec::new(),
        dry_run: options.dry_run,
    })
}

/// The adoption to report. Without a wait, only Envoys that did not accept the change are reported.
fn adoption(adoption: Adoption, options: &ChangeOptions) -> Option<Adoption> {
    let is_reported = options.wait || !adoption.lagging.is_empty();
    (is_reported && !options.dry_run).then_some(adoption)
}
