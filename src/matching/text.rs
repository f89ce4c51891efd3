//! Text matchers, written in a policy as TEXT: one of the forms below, or a list of them.
//!
//! ```text
//! "exact"             the whole value
//! "prefix*"           values that begin with `prefix`
//! "*suffix"           values that end with `suffix`
//! "*"                 any value that is present
//! { regex: "…" }      values that the regex matches as a whole
//! { sha256: "hex" }   the value with this SHA-256; compared in constant time
//! { absent: true }    no value
//! ```
//!
//! The work is charged to the request's [`WorkBudget`]. [`Unexamined`] is the result for a value that cannot be
//! examined, because it is not UTF-8 or because the budget is exhausted.

use std::borrow::Cow;

use super::affixes::Affixes;
use super::regex::WholeRegex;
use crate::byte_index::ByteIndex;
use crate::config::TextConfig;
use crate::request::WorkBudget;
use crate::state::Digest;
use crate::tree::{KeyPath, PathError};

/// The cost of examining a value, besides its bytes, in units of the budget.
const LOOKUP: usize = 32;
/// The cost of SHA-256 for each byte and for each value, and of one comparison, in units of the budget.
const DIGEST: usize = 8;
const DIGEST_START: usize = 1024;
const COMPARISON: usize = 64;

/// The result for a value that cannot be examined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unexamined {
    /// The value counts as different: for rules that let requests through.
    Differs,
    /// The value counts as a match: for rules that refuse requests.
    Matches,
}

impl Unexamined {
    /// True if the value counts as a match.
    pub fn is_match(self) -> bool {
        self == Unexamined::Matches
    }
}

/// Converts the literal part of a plain text to the form in which values are compared. Its second argument is the whole
/// text, `*` included. An error says why no value could match.
pub type Canonicalize = fn(&str, &str) -> Result<String, String>;

/// Matches a value against a list of texts.
#[derive(Clone, Debug, Default)]
pub struct TextMatcher {
    any: bool,
    absent: bool,
    exact: ByteIndex,
    prefixes: Affixes,
    suffixes: Affixes,
    regexes: Vec<WholeRegex>,
    digests: Vec<Digest>,
}

impl TextMatcher {
    /// A matcher of any value that is present.
    pub fn present() -> TextMatcher {
        TextMatcher { any: true, ..TextMatcher::default() }
    }

    /// Compiles the list of texts at `path`. An empty list is an error.
    pub fn compile(
        texts: &[TextConfig],
        path: &KeyPath<'_>,
        canonicalize: Canonicalize,
    ) -> Result<TextMatcher, PathError> {
        if texts.is_empty() {
            return Err(PathError::new(path, "an empty list matches nothing"));
        }
        let mut matcher = TextMatcher::default();
        for (index, text) in texts.iter().enumerate() {
            matcher.add(text, &path.index(index), canonicalize)?;
        }
        Ok(matcher)
    }

    /// Compiles the text at `path`, and adds it to the list.
    pub fn add(&mut self, text: &TextConfig, path: &KeyPath<'_>, canonicalize: Canonicalize) -> Result<(), PathError> {
        match text {
            TextConfig::Plain(text) => {
                self.add_plain(text, canonicalize).map_err(|problem| PathError::new(path, problem))?;
            }
            TextConfig::Regex(regex) => self.regexes.push(WholeRegex::compile(regex, &path.key("regex"))?),
            TextConfig::Sha256(digits) => {
                let digest = Digest::parse(digits).ok_or_else(|| {
                    PathError::new(&path.key("sha256"), "not a SHA-256 digest of 64 hexadecimal digits")
                })?;
                self.digests.push(digest);
            }
            TextConfig::Absent => self.absent = true,
        }
        Ok(())
    }

    fn add_plain(&mut self, text: &str, canonicalize: Canonicalize) -> Result<(), String> {
        let literal = |literal: &str| {
            if literal.contains('*') {
                return Err(format!("\"{text}\" may have one '*', first or last; write it as {{ regex: … }}"));
            }
            canonicalize(literal, text).map(String::into_bytes)
        };
        if text == "*" {
            self.any = true;
        } else if let Some(suffix) = text.strip_prefix('*') {
            self.suffixes.insert(&literal(suffix)?);
        } else if let Some(prefix) = text.strip_suffix('*') {
            self.prefixes.insert(&literal(prefix)?);
        } else {
            self.exact.add(&literal(text)?);
        }
        Ok(())
    }

    /// True if `value` matches one of the texts.
    pub fn is_match(&self, value: &[u8], unexamined: Unexamined, budget: &WorkBudget) -> bool {
        if self.any {
            return true;
        }
        let length = value.len();
        if !budget.pay(LOOKUP + length + self.prefixes.cost(length) + self.suffixes.cost(length)) {
            return unexamined.is_match();
        }
        self.exact.contains(value)
            || self.prefixes.is_prefix(value)
            || self.suffixes.is_suffix(value)
            || (!self.regexes.is_empty() && self.is_regex_match(value, unexamined, budget))
            || (!self.digests.is_empty() && self.is_digest_match(value, unexamined, budget))
    }

    fn is_regex_match(&self, value: &[u8], unexamined: Unexamined, budget: &WorkBudget) -> bool {
        let text = match (std::str::from_utf8(value), unexamined) {
            (Ok(text), _) => Cow::Borrowed(text),
            (Err(_), Unexamined::Differs) => return false,
            (Err(_), Unexamined::Matches) => String::from_utf8_lossy(value),
        };
        let is_ascii = text.is_ascii();
        self.regexes.iter().any(|regex| regex.is_match(&text, is_ascii, budget).unwrap_or(unexamined.is_match()))
    }

    fn is_digest_match(&self, value: &[u8], unexamined: Unexamined, budget: &WorkBudget) -> bool {
        let comparisons = self.digests.len().saturating_mul(COMPARISON);
        if !budget.pay(value.len().saturating_mul(DIGEST) + DIGEST_START + comparisons) {
            return unexamined.is_match();
        }
        let digest = Digest::of(value);
        // Compares with every digest, so that the time reveals nothing.
        self.digests.iter().fold(false, |found, own| found | ct_codecs::verify(&own.0, &digest.0))
    }

    /// True if one of `values` matches. Without values, true if the list contains `absent`.
    pub fn is_match_any(
        &self,
        values: impl IntoIterator<Item = impl AsRef<[u8]>>,
        unexamined: Unexamined,
        budget: &WorkBudget,
    ) -> bool {
        let mut is_absent = true;
        for value in values {
            is_absent = false;
            if self.is_match(value.as_ref(), unexamined, budget) {
                return true;
            }
        }
        is_absent && self.absent
    }
}

/// The [`Canonicalize`] of values that are compared as they are.
pub fn as_written(literal: &str, _: &str) -> Result<String, String> {
    Ok(literal.to_owned())
}

#[cfg(test)]
mod tests;
