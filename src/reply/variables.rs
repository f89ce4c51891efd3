//! What templates and problems can say of a refusal, and the variables under which they name it.

use crate::state::{EffectiveState, Mode};
use crate::time::Time;
use crate::verdict::Refusal;

/// A name in a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variable {
    /// The site's name.
    Site,
    /// The mode.
    Mode,
    /// The reason, for visitors.
    Reason,
    /// Since when, RFC 3339.
    Since,
    /// When the site opens by itself, RFC 3339.
    Until,
    /// The promise to visitors, RFC 3339.
    Eta,
    /// Seconds.
    RetryAfter,
    /// The request's path, without the query.
    Path,
    /// Built in: when to come back, `eta` or else `until`, RFC 3339.
    Back,
    /// Built in: the same for people, in UTC.
    BackUtc,
    /// Built in: has a value once `eta` has passed.
    Overdue,
    /// Built in: has a value in that mode.
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

const BUILT_IN: [(&str, Variable); 4] = [
    ("back", Variable::Back),
    ("back_utc", Variable::BackUtc),
    ("overdue", Variable::Overdue),
    ("read_only", Variable::ReadOnly),
];

impl Variable {
    /// The variable of that name.
    pub fn named(name: &str, built_in: bool) -> Option<Variable> {
        let extra: &[_] = if built_in { &BUILT_IN } else { &[] };
        NAMES.iter().chain(extra).find(|(known, _)| *known == name).map(|(_, variable)| *variable)
    }

    /// The names that every template knows.
    pub fn names<'n>() -> impl Iterator<Item = &'n str> {
        NAMES.iter().map(|(name, _)| *name)
    }
}

/// What is said of a refusal, apart from what each request or second changes. Equal facts make equal replies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusalFacts<'d> {
    /// What visitors are told.
    pub mode: Mode,
    /// Whether a rule refuses, and not the mode.
    pub by_rule: bool,
    /// The reason.
    pub reason: Option<&'d str>,
    /// Since when.
    pub since: Option<Time>,
    /// When the site opens by itself.
    pub until: Option<Time>,
    /// The promise.
    pub eta: Option<Time>,
    /// Whether the promise has been broken.
    pub overdue: bool,
    /// Whether there is a `retry-after`.
    pub retry: bool,
}

impl<'d> RefusalFacts<'d> {
    /// What is to be said of `refusal` at `now`. What is always closed is offline to its visitors, whatever the site is.
    pub fn new(refusal: Refusal<'_>, situation: &'d EffectiveState, now: Time, retry: bool) -> RefusalFacts<'d> {
        let (mode, by_rule) = match refusal {
            Refusal::AlwaysClosed(_) => (Mode::Offline, true),
            Refusal::Mode(mode) => (mode, false),
        };
        let eta = situation.eta();
        RefusalFacts {
            mode,
            by_rule,
            reason: situation.reason(),
            since: situation.since(),
            until: situation.until(),
            eta,
            overdue: eta.is_some_and(|eta| eta <= now),
            retry,
        }
    }

    /// The moment that visitors are promised.
    pub fn back(&self) -> Option<Time> {
        self.eta.or(self.until)
    }

    /// Whether a variable has a value.
    pub fn has(&self, variable: Variable) -> bool {
        match variable {
            Variable::Site | Variable::Mode | Variable::Path => true,
            Variable::Reason => self.reason.is_some_and(|reason| !reason.is_empty()),
            Variable::Since => self.since.is_some(),
            Variable::Until => self.until.is_some(),
            Variable::Eta => self.eta.is_some(),
            Variable::RetryAfter => self.retry,
            Variable::Back | Variable::BackUtc => self.back().is_some(),
            Variable::Overdue => self.overdue,
            Variable::ReadOnly => self.mode == Mode::ReadOnly,
        }
    }

    /// The value of a variable; none for those that each request or second changes, and for those without one.
    pub fn value(&self, variable: Variable, site: &str) -> Option<String> {
        match variable {
            Variable::Site => Some(site.to_owned()),
            Variable::Mode => Some(self.mode.name().to_owned()),
            Variable::Reason => self.reason.map(str::to_owned),
            Variable::Since => self.since.map(|time| time.to_string()),
            Variable::Until => self.until.map(|time| time.to_string()),
            Variable::Eta => self.eta.map(|time| time.to_string()),
            Variable::Back => self.back().map(|time| time.to_string()),
            Variable::BackUtc => self.back().map(for_people),
            Variable::RetryAfter | Variable::Path | Variable::Overdue | Variable::ReadOnly => None,
        }
    }
}

/// `2026-11-21 03:00 UTC`
fn for_people(time: Time) -> String {
    let text = time.to_string();
    match (text.get(..10), text.get(11..16)) {
        (Some(day), Some(minute)) => format!("{day} {minute} UTC"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_for_people_have_minutes_and_a_zone() {
        assert_eq!(for_people(Time::parse("2026-11-21T03:00:00.5Z").unwrap()), "2026-11-21 03:00 UTC");
    }
}
