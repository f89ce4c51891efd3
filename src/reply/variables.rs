//! The variables of templates, and their values for one refusal.

use crate::config::DEFAULT_SITE;
use crate::state::{EffectiveState, Mode};
use crate::time::Time;
use crate::verdict::Refusal;

/// A variable of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variable {
    /// The site's name.
    Site,
    /// The name of the mode.
    Mode,
    /// The public reason.
    Reason,
    /// The beginning of the maintenance, RFC 3339.
    Since,
    /// The time at which the site opens automatically, RFC 3339.
    Until,
    /// The expected end, RFC 3339.
    Eta,
    /// The value of `retry-after`, in seconds.
    RetryAfter,
    /// The request's path, without the query.
    Path,
    /// Built-in templates only: `since`, `until` and `eta` as `2026-11-21 03:00 UTC`.
    SinceUtc,
    /// See `SinceUtc`.
    UntilUtc,
    /// See `SinceUtc`.
    EtaUtc,
    /// Built-in templates only: the site's name, unless the policy names no sites.
    SiteName,
    /// Built-in templates only: `eta`, else `until`, RFC 3339.
    Back,
    /// Built-in templates only: the same, as `2026-11-21 03:00 UTC`.
    BackUtc,
    /// Built-in templates only: has a value if `eta` has passed.
    Overdue,
    /// Built-in templates only: has a value if the mode is `read_only`.
    ReadOnly,
}

/// The variables of every template.
const NAMES: [(&str, Variable); 8] = [
    ("site", Variable::Site),
    ("mode", Variable::Mode),
    ("reason", Variable::Reason),
    ("since", Variable::Since),
    ("until", Variable::Until),
    ("eta", Variable::Eta),
    ("retry_after", Variable::RetryAfter),
    ("path", Variable::Path),
];

const BUILT_IN: [(&str, Variable); 8] = [
    ("since_utc", Variable::SinceUtc),
    ("until_utc", Variable::UntilUtc),
    ("eta_utc", Variable::EtaUtc),
    ("site_name", Variable::SiteName),
    ("back", Variable::Back),
    ("back_utc", Variable::BackUtc),
    ("overdue", Variable::Overdue),
    ("read_only", Variable::ReadOnly),
];

impl Variable {
    /// The variable called `name`. `built_in` includes the variables of the built-in page.
    pub fn named(name: &str, built_in: bool) -> Option<Variable> {
        let extra: &[_] = if built_in { &BUILT_IN } else { &[] };
        NAMES.iter().chain(extra).find(|(known, _)| *known == name).map(|(_, variable)| *variable)
    }

    /// The names of the variables of every template.
    pub fn names<'n>() -> impl Iterator<Item = &'n str> {
        NAMES.iter().map(|(name, _)| *name)
    }
}

/// The facts that a reply states about a refusal. Replies with equal facts differ only in their placeholders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusalFacts<'d> {
    /// The mode that visitors see.
    pub mode: Mode,
    /// True if an `always_closed` rule refused the request, not the mode.
    pub by_rule: bool,
    /// The public reason.
    pub reason: Option<&'d str>,
    /// The beginning of the maintenance.
    pub since: Option<Time>,
    /// The time at which the site opens automatically.
    pub until: Option<Time>,
    /// The expected end.
    pub eta: Option<Time>,
    /// True if `eta` has passed.
    pub overdue: bool,
    /// True if the reply has a `retry-after`.
    pub has_retry_after: bool,
}

impl<'d> RefusalFacts<'d> {
    /// The facts about `refusal` at `now`. For an `always_closed` rule, visitors see the mode `offline`.
    pub fn new(refusal: Refusal<'_>, state: &'d EffectiveState, now: Time, has_retry_after: bool) -> RefusalFacts<'d> {
        let (mode, by_rule) = match refusal {
            Refusal::AlwaysClosed(_) => (Mode::Offline, true),
            Refusal::Mode(mode) => (mode, false),
        };
        let eta = state.eta();
        RefusalFacts {
            mode,
            by_rule,
            reason: state.reason().filter(|reason| !reason.is_empty()),
            since: state.since(),
            until: state.until(),
            eta,
            overdue: eta.is_some_and(|eta| eta <= now),
            has_retry_after,
        }
    }

    /// The time at which visitors can expect the site back.
    fn back(&self) -> Option<Time> {
        self.eta.or(self.until)
    }

    /// True if `variable` has a value.
    pub fn has_value(&self, variable: Variable, site: &str) -> bool {
        match variable {
            Variable::Site | Variable::Mode | Variable::Path => true,
            Variable::Reason => self.reason.is_some(),
            Variable::Since | Variable::SinceUtc => self.since.is_some(),
            Variable::Until | Variable::UntilUtc => self.until.is_some(),
            Variable::Eta | Variable::EtaUtc => self.eta.is_some(),
            Variable::SiteName => site != DEFAULT_SITE,
            Variable::RetryAfter => self.has_retry_after,
            Variable::Back | Variable::BackUtc => self.back().is_some(),
            Variable::Overdue => self.overdue,
            Variable::ReadOnly => self.mode == Mode::ReadOnly,
        }
    }

    /// The value of `variable`, if it has one and is no placeholder.
    pub fn value(&self, variable: Variable, site: &str) -> Option<String> {
        let time = match variable {
            Variable::Site | Variable::SiteName => return Some(site.to_owned()),
            Variable::Mode => return Some(self.mode.name().to_owned()),
            Variable::Reason => return self.reason.map(str::to_owned),
            Variable::BackUtc => return self.back().map(in_utc),
            Variable::SinceUtc => return self.since.map(in_utc),
            Variable::UntilUtc => return self.until.map(in_utc),
            Variable::EtaUtc => return self.eta.map(in_utc),
            Variable::Since => self.since,
            Variable::Until => self.until,
            Variable::Eta => self.eta,
            Variable::Back => self.back(),
            Variable::RetryAfter | Variable::Path | Variable::Overdue | Variable::ReadOnly => None,
        };
        time.map(|time| time.to_string())
    }
}

/// `2026-11-21 03:00 UTC`
fn in_utc(time: Time) -> String {
    let text = time.to_string();
    match (text.get(..10), text.get(11..16)) {
        (Some(day), Some(minute)) => format!("{day} {minute} UTC"),
        _ => text,
    }
}

#[cfg(test)]
mod tests;
