//! Regexes of rules. They match a whole value, as Envoy's own regexes do.
//!
//! What a stranger makes a regex do is paid for step by step (see [`WorkBudget`]). Nearly every regex that operators write
//! becomes an [`Automaton`], which knows after each character what it has cost, and costs little for what is only a
//! prefix, a suffix or a list of words. Any other is run by `regex_lite`, and paid for in advance by the most it can cost.
//! That is bounded by the size of its program, not by the text of the regex: a second reader of that text could err.

use regex_lite::{Regex, RegexBuilder};

use crate::request::WorkBudget;
use crate::tree::{KeyPath, PathError};

mod automaton;
mod syntax;

use automaton::Automaton;

/// What one state of `regex_lite` costs a byte, in units of the budget.
const STATE: usize = 4;
/// What starting it costs, in bytes.
const START: usize = 16;
/// The least that a state of `regex_lite` takes, and the largest program that a value can be examined by, in bytes.
const STATE_SIZE: usize = 16;
const MAX_PROGRAM: usize = 64 * 1024;
/// What it costs to begin with any regex, in units of the budget.
const LOOK: usize = 16;

/// A compiled regex.
#[derive(Clone, Debug)]
pub enum WholeRegex {
    /// One of at most [`automaton::MAX_POSITIONS`] characters and classes.
    Automaton(Box<Automaton>),
    /// Any other.
    Engine {
        /// Between `\A` and `\z`.
        regex: Regex,
        /// An upper bound on the states visited for each byte.
        states: usize,
    },
}

impl WholeRegex {
    /// Compiles `regex`, which stands at `path`.
    pub fn compile(regex: &str, path: &KeyPath<'_>) -> Result<WholeRegex, PathError> {
        let whole = format!(r"\A(?:{regex})\z");
        // Compile it alone first: `a)(b` is valid only inside the added group.
        let compiled = Regex::new(regex)
            .and_then(|_| Regex::new(&whole))
            .map_err(|error| PathError::new(path, format_args!("\"{regex}\" is not a regex: {error}")))?;
        if let Some(automaton) = syntax::parse(regex).and_then(|node| Automaton::of(&node)) {
            return Ok(WholeRegex::Automaton(Box::new(automaton)));
        }
        let states = states(&whole).ok_or_else(|| {
            PathError::new(path, format_args!("\"{regex}\" is too large: no value could ever be compared with it"))
        })?;
        Ok(WholeRegex::Engine { regex: compiled, states })
    }

    /// Whether it matches `text`; none where the budget does not suffice. `is_ascii` says whether the text is ASCII, which
    /// is looked at once for all regexes.
    pub fn is_match(&self, text: &str, is_ascii: bool, budget: &WorkBudget) -> Option<bool> {
        if !budget.pay(LOOK) {
            return None;
        }
        match self {
            WholeRegex::Automaton(automaton) => automaton.is_match(text, is_ascii, budget),
            WholeRegex::Engine { regex, states } => {
                let cost = (text.len() + START).saturating_mul(states.saturating_mul(STATE));
                budget.pay(cost).then(|| regex.is_match(text))
            }
        }
    }
}

/// An upper bound on the states of a valid regex: as many as the least memory that suffices for its program can hold. None
/// where it needs more than [`MAX_PROGRAM`].
fn states(whole: &str) -> Option<usize> {
    let fits = |size: &usize| RegexBuilder::new(whole).size_limit(*size).build().is_ok();
    let sizes = std::iter::successors(Some(256), |size| Some(size + size / 4));
    let least = sizes.take_while(|size| *size <= MAX_PROGRAM).find(fits);
    least.map(|size| size / STATE_SIZE)
}

#[cfg(test)]
mod tests;
