//! Regexes. They match whole values, as Envoy's own regexes do.
//!
//! Matching is charged to the request's [`WorkBudget`]. Nearly every regex that operators write becomes an [`Automaton`],
//! which is charged for each step that it makes; prefixes, suffixes and lists of words are cheap. Any other regex is run by
//! `regex_lite` and charged in advance for the most that it can cost. This bound follows from the size of its compiled
//! program: a second parser of the regex could disagree with that of `regex_lite`.

use regex_lite::{Regex, RegexBuilder};

use crate::request::WorkBudget;
use crate::tree::{KeyPath, PathError};

mod automaton;
mod syntax;

use automaton::Automaton;

/// The cost of one state of `regex_lite` for each byte, in units of the budget.
const STATE: usize = 4;
/// The cost of starting it, in bytes of the value.
const START: usize = 16;
/// The smallest state of `regex_lite`, and the largest program that the budget of a request allows, in bytes.
const STATE_SIZE: usize = 16;
const MAX_PROGRAM: usize = 64 * 1024;
/// The cost of each regex, in units of the budget.
const LOOK: usize = 16;

/// A compiled regex.
#[derive(Clone, Debug)]
pub enum WholeRegex {
    /// A regex of at most [`automaton::MAX_POSITIONS`] characters and classes.
    Automaton(Box<Automaton>),
    /// Any other regex.
    Engine {
        /// The regex between `\A` and `\z`.
        regex: Regex,
        /// An upper bound on the states that it visits for each byte.
        states: usize,
    },
}

impl WholeRegex {
    /// Compiles the regex at `path`.
    pub fn compile(regex: &str, path: &KeyPath<'_>) -> Result<WholeRegex, PathError> {
        let whole = format!(r"\A(?:{regex})\z");
        // Compiles it alone first: `a)(b` is valid only inside the added group.
        let compiled = Regex::new(regex)
            .and_then(|_| Regex::new(&whole))
            .map_err(|error| PathError::new(path, format_args!("\"{regex}\" is not a regex: {error}")))?;
        if let Some(automaton) = syntax::parse(regex).and_then(|node| Automaton::of(&node)) {
            return Ok(WholeRegex::Automaton(Box::new(automaton)));
        }
        let states = states(&whole).ok_or_else(|| {
            PathError::new(path, format_args!("\"{regex}\" is too large: no request has the budget to match it"))
        })?;
        Ok(WholeRegex::Engine { regex: compiled, states })
    }

    /// True if the regex matches `text`; none if the budget is too small. `is_ascii` is true if the text is ASCII; the caller
    /// determines it once for all regexes.
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

/// An upper bound on the states of a valid regex: the number of smallest states that fit into the memory of its program.
/// None if the program is larger than [`MAX_PROGRAM`].
fn states(whole: &str) -> Option<usize> {
    let fits = |size: &usize| RegexBuilder::new(whole).size_limit(*size).build().is_ok();
    let sizes = std::iter::successors(Some(256), |size| Some(size + size / 4));
    let least = sizes.take_while(|size| *size <= MAX_PROGRAM).find(fits);
    least.map(|size| size / STATE_SIZE)
}

#[cfg(test)]
mod tests;
