//! The holds of one running command.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use anyhow::{Result, bail};
use envoy_maintenance::state::Mode;
use envoy_maintenance::time::Time;
use jiff::Zoned;

use super::flags::CloseFlags;
use crate::commands::answer;
use crate::config::target::Target;
use crate::document::describe;
use crate::document::draft::Draft;
use crate::document::hold::{self, HoldState, NewHold, SeenHold};
use crate::exit::ExitError;
use crate::terminal::output::shown;
use crate::terminal::times;
use crate::write;
use crate::write::change::{ChangeOptions, ChangeReport, SiteChange};
use crate::write::journal;
use crate::write::selection::SiteSelection;

/// The number of attempts to prove a hold while other operators change the same sites.
const ATTEMPTS: usize = 8;

/// A command and its hold, which has the same id on all sites.
pub struct Job<'j> {
    target: &'j Target,
    flags: &'j CloseFlags,
    options: ChangeOptions,
    id: String,
    /// The hold of each site, in the newest document that this command has seen.
    seen: Mutex<BTreeMap<String, SeenHold>>,
}

impl<'j> Job<'j> {
    /// A hold with a new id.
    pub fn new(target: &'j Target, flags: &'j CloseFlags, options: ChangeOptions) -> Job<'j> {
        let id = format!("h{:08x}", fastrand::u32(..));
        Job { target, flags, options, id, seen: Mutex::default() }
    }

    fn seen(&self) -> MutexGuard<'_, BTreeMap<String, SeenHold>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    pub fn is_leased(&self) -> bool {
        self.flags.lease.is_some()
    }

    /// The sites on which the hold was taken.
    pub fn sites(&self) -> Vec<String> {
        self.seen().keys().cloned().collect()
    }

    /// The hold, as it was last seen. A lease counts from `now`; a fixed end stays.
    fn hold(&self, site: &str, now: Time) -> (NewHold, Option<SeenHold>) {
        let mut hold = self.flags.hold(&self.id, &self.options.by, now);
        let seen = self.seen().get(site).cloned();
        if let Some(seen) = seen.as_ref().filter(|_| !hold.is_leased) {
            hold.until = seen.until;
        }
        (hold, seen)
    }

    pub fn take_edit(&self) -> impl Fn(&mut Draft, &str, Time) -> Result<()> + '_ {
        |draft, site, now| self.hold(site, now).0.take(draft, now)
    }

    pub fn take(&self, selection: &SiteSelection) -> Result<ChangeReport> {
        self.remembered(write::apply(self.target, selection, &self.take_edit(), &self.options)?)
    }

    /// Waits until every Envoy has adopted a document with the hold, if another operator has changed the site meanwhile, and
    /// renews a lease that is due. Fails if that operator has removed the hold, or if the lease would end
    /// before its renewal.
    pub fn confirm(&self, taken: &ChangeReport) -> Result<()> {
        self.check_clocks(taken)?;
        let (mut replaced, mut due) = (replaced(taken), self.due());
        for _ in 0..ATTEMPTS {
            let names: Vec<String> =
                replaced.iter().chain(&due).cloned().collect::<BTreeSet<_>>().into_iter().collect();
            if names.is_empty() {
                return Ok(());
            }
            let deadline = self.flags.lease.map(|lease| times::deadline(lease / 3)).unwrap_or(self.options.deadline);
            let options = ChangeOptions { deadline: deadline.max(self.options.deadline), ..self.options.clone() };
            let (report, states) = self.renewed(names, &options)?;
            if let Some((site, _)) = states.iter().find(|(_, state)| **state == HoldState::Removed) {
                bail!(ExitError::Rejected(format!(
                    "{site}: another operator has opened it meanwhile; see maintctl status {site}"
                )));
            }
            answer::check(&report)?;
            (replaced, due) = (self::replaced(&report), self.due());
        }
        if replaced.is_empty() {
            bail!(ExitError::NotAdopted(
                "the lease ends before every Envoy has adopted it; use a longer --lease".to_owned()
            ));
        }
        bail!(ExitError::Rejected("other operators keep changing the same sites; try again".to_owned()))
    }

    /// Fails if a lease could end on the clock of an Envoy before its renewal, which comes after a third of it and may take
    /// another third.
    fn check_clocks(&self, taken: &ChangeReport) -> Result<()> {
        match self.flags.lease.filter(|lease| taken.clock_lead >= *lease / 3) {
            Some(_) => bail!(ExitError::NotAdopted(format!(
                "the clock of an Envoy is {} s ahead of this machine's, at least a third of the lease, so that the lease \
                 could end before it is renewed; correct the clock that is wrong, or use a longer --lease",
                taken.clock_lead.as_secs()
            ))),
            None => Ok(()),
        }
    }

    /// The sites whose lease is due for a renewal: more than a third of it has passed.
    fn due(&self) -> Vec<String> {
        let Some(lease) = self.flags.lease else { return Vec::new() };
        let enough = times::after(times::time(&times::now()), lease * 2 / 3);
        let is_due = |seen: &SeenHold| seen.until.is_some_and(|until| until < enough);
        self.seen().iter().filter(|(_, seen)| is_due(seen)).map(|(site, _)| site.clone()).collect()
    }

    /// Moves the lease of these sites, and takes lost holds again. Returns the state of each hold before.
    pub fn renew(&self, sites: Vec<String>, deadline: Instant) -> Result<(ChangeReport, BTreeMap<String, HoldState>)> {
        self.renewed(sites, &ChangeOptions { wait: false, deadline, ..self.options.clone() })
    }

    fn renewed(
        &self,
        sites: Vec<String>,
        options: &ChangeOptions,
    ) -> Result<(ChangeReport, BTreeMap<String, HoldState>)> {
        let states = RefCell::new(BTreeMap::new());
        let edit = |draft: &mut Draft, site: &str, now: Time| {
            let (hold, seen) = self.hold(site, now);
            if let Some(seen) = seen {
                states.borrow_mut().insert(site.to_owned(), hold.renew(draft, &seen, now)?);
            }
            Ok(())
        };
        let report = write::apply_unrecorded(self.target, &SiteSelection::of(sites), &edit, options);
        let states = states.into_inner();
        if states.values().any(|state| matches!(state, HoldState::Ended | HoldState::Forgotten)) {
            journal::record(self.target, options, &report);
        }
        Ok((self.remembered(report?)?, states))
    }

    pub fn release(&self, selection: &SiteSelection, options: &ChangeOptions) -> Result<ChangeReport> {
        let edit = |draft: &mut Draft, site: &str, now: Time| self.hold(site, now).0.release(draft, now);
        write::apply(self.target, selection, &edit, options)
    }

    /// Closes the sites by hand in place of the hold.
    pub fn keep_closed(&self, options: &ChangeOptions) -> Result<ChangeReport> {
        let edit = |draft: &mut Draft, site: &str, now: Time| {
            let (hold, seen) = self.hold(site, now);
            seen.map_or(Ok(()), |seen| hold.keep_closed(draft, &seen, now))
        };
        write::apply(self.target, &SiteSelection::of(self.sites()), &edit, options)
    }

    fn remembered(&self, report: ChangeReport) -> Result<ChangeReport> {
        for change in &report.sites {
            if let Some(seen) = hold::seen(&change.after, &self.id)? {
                self.seen().insert(change.site.clone(), seen);
            }
        }
        Ok(report)
    }

    /// The answer for a site on which the hold was taken.
    pub fn taken_line(&self, change: &SiteChange, now: &Zoned) -> Result<String> {
        let text = answer::line(change, now, |after| describe::already_text(after, now))?;
        let closers = describe::closers_text(&change.before.read()?, now);
        let before = if closers.is_empty() { closers } else { format!("; already {closers}") };
        Ok(format!("{text}; hold {}{before}", self.id))
    }

    /// The answer for a site whose hold has ended.
    pub fn settled_line(&self, change: &SiteChange, now: &Zoned) -> Result<String> {
        let (before, after) = (change.before.read()?, change.after.read()?);
        let mode = after.at(times::time(now)).mode();
        let state = match mode {
            Mode::Online => format!("ONLINE{}", describe::next_window_text(&after, now)),
            mode => format!("still {}, {}", describe::label(mode), describe::closers_text(&after, now)),
        };
        let had_hold = before.windows.iter().any(|window| window.id == self.id);
        Ok(if had_hold || change.changed { state } else { format!("{state}; {}", self.lost_text(change, now)?) })
    }

    /// The reason why a site lacks the hold, such as
    /// `the hold h0a1b2c3d was removed at 02:10; the last change is by alice`.
    pub fn lost_text(&self, change: &SiteChange, now: &Zoned) -> Result<String> {
        let document = change.after.read()?;
        let seen = self.seen().get(&change.site).cloned();
        let own = document.past.iter().rev().find(|past| {
            past.by.as_ref() == Some(&self.options.by) && seen.as_ref().is_some_and(|seen| seen.from == past.from)
        });
        let ended = own.map(|past| format!(" at {}", times::short(past.until, now))).unwrap_or_default();
        if own.is_some_and(|past| seen.is_some_and(|seen| seen.until == Some(past.until))) {
            return Ok(format!("the hold {} ended{ended}", self.id));
        }
        let (hold, seen) = self.hold(&change.site, times::time(now));
        if let Some(seen) = seen
            && hold.state(&change.after, &seen, times::time(now))? == HoldState::Forgotten
        {
            return Ok(format!(
                "Envoy had forgotten the hold {}, probably by a restart, so that the site may have been open",
                self.id
            ));
        }
        let by = document.by.map(|by| format!("; the last change is by {}", shown(&by))).unwrap_or_default();
        Ok(format!("the hold {} was removed{ended}{by}", self.id))
    }
}

/// The sites whose newest document is by another operator.
fn replaced(report: &ChangeReport) -> Vec<String> {
    report.adoption.as_ref().map(|adoption| adoption.replaced.clone()).unwrap_or_default()
}
