//! TEXT: how rules match a value. `"exact"` · `"prefix*"` · `"*suffix"` · `"*"` (present) · `{ regex }` · `{ sha256 }` ·
//! `{ absent: true }` · a list of these.

use hashbrown::HashSet;

use super::affixes::Affixes;
use super::regex::WholeRegex;
use crate::config::TextConfig;
use crate::request::WorkBudget;
use crate::tree::{KeyPath, PathError};

/// What a look at a value costs beside its bytes, in units of the budget.
const LOOK: usize = 32;
/// What SHA-256 costs a byte, what it costs for each value, and what a comparison costs, in units of the budget.
const DIGEST: usize = 8;
const DIGEST_START: usize = 1024;
const COMPARISON: usize = 64;

/// How to treat a value that was not examined: it is not UTF-8, or the budget of its request is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unexamined {
    /// It satisfies nothing: for rules that open.
    Differs,
    /// It satisfies everything: for rules that close.
    Matches,
}

impl Unexamined {
    /// Whether such a value satisfies a condition.
    pub fn satisfies(self) -> bool {
        self == Unexamined::Matches
    }
}

/// Puts the literal part of a plain text into the form in which values will come, or says why none ever will. Its second
/// argument is the text, which says where the `*` stands.
pub type Canonical = fn(&str, &str) -> Result<String, String>;

/// Matches a value against any of some texts.
#[derive(Clone, Debug, Default)]
pub struct TextMatcher {
    present: bool,
    absent: bool,
    exact: HashSet<Vec<u8>>,
    prefixes: Affixes,
    suffixes: Affixes,
    regexes: Vec<WholeRegex>,
    digests: Vec<[u8; 32]>,
}

impl TextMatcher {
    /// A matcher of any value at all.
    pub fn present() -> TextMatcher {
        TextMatcher { present: true, ..TextMatcher::default() }
    }

    /// Compiles a list of texts; `path` is the list's.
    pub fn compile(texts: &[TextConfig], path: &KeyPath<'_>, canonical: Canonical) -> Result<TextMatcher, PathError> {
        if texts.is_empty() {
            return Err(PathError::new(path, "an empty list matches nothing"));
        }
        let mut matcher = TextMatcher::default();
        for (index, text) in texts.iter().enumerate() {
            let path = path.index(index);
            matcher.add(text, &path, canonical)?;
        }
        Ok(matcher)
    }

    fn add(&mut self, text: &TextConfig, path: &KeyPath<'_>, canonical: Canonical) -> Result<(), PathError> {
        let literal = |literal: &str, text: &str| {
            if literal.contains('*') {
                let problem = "has a '*' that stands neither first nor last; write it as { regex: … }";
                return Err(PathError::new(path, format_args!("\"{literal}\" {problem}")));
            }
            canonical(literal, text).map(String::into_bytes).map_err(|problem| PathError::new(path, problem))
        };
        match text {
            TextConfig::Plain(text) if text == "*" => self.present = true,
            TextConfig::Plain(text) => match (text.strip_prefix('*'), text.strip_suffix('*')) {
                (Some(_), Some(_)) => {
                    return Err(PathError::new(
                        path,
                        format_args!("\"{text}\" has a '*' at both ends; write it as {{ regex: … }}"),
                    ));
                }
                (Some(suffix), None) => self.suffixes.insert(literal(suffix, text)?),
                (None, Some(prefix)) => self.prefixes.insert(literal(prefix, text)?),
                (None, None) => {
                    self.exact.insert(literal(text, text)?);
                }
            },
            TextConfig::Regex(regex) => self.regexes.push(WholeRegex::compile(regex, &path.key("regex"))?),
            TextConfig::Sha256(digits) => {
                let digest = crate::state::Digest::parse(digits).ok_or_else(|| {
                    PathError::new(&path.key("sha256"), "not a SHA-256 digest of 64 hexadecimal digits")
                })?;
                self.digests.push(digest.0);
            }
            TextConfig::Absent => self.absent = true,
        }
        Ok(())
    }

    /// Whether it holds for each of `samples`. Where these have little in common, it then holds for about everything.
    pub fn is_everything(&self, samples: &[&str]) -> bool {
        let holds = |sample: &&str| self.is_match(sample.as_bytes(), Unexamined::Differs, &WorkBudget::unlimited());
        samples.iter().all(holds)
    }

    /// Whether it holds where there is no value.
    pub fn takes_absence(&self) -> bool {
        self.absent
    }

    fn look(&self, length: usize) -> usize {
        LOOK + length + self.prefixes.cost(length) + self.suffixes.cost(length)
    }

    /// Whether `value` is one of the texts.
    pub fn is_match(&self, value: &[u8], unknown: Unexamined, budget: &WorkBudget) -> bool {
        if self.present {
            return true;
        }
        if !budget.pay(self.look(value.len())) {
            return unknown.satisfies();
        }
        self.exact.contains(value)
            || self.prefixes.is_prefix(value)
            || self.suffixes.is_suffix(value)
            || (!self.regexes.is_empty() && self.is_regex_match(value, unknown, budget))
            || (!self.digests.is_empty() && self.is_digest_match(value, unknown, budget))
    }

    fn is_regex_match(&self, value: &[u8], unknown: Unexamined, budget: &WorkBudget) -> bool {
        let text = match (std::str::from_utf8(value), unknown) {
            (Ok(text), _) => std::borrow::Cow::Borrowed(text),
            (Err(_), Unexamined::Differs) => return false,
            (Err(_), Unexamined::Matches) => String::from_utf8_lossy(value),
        };
        let is_ascii = text.is_ascii();
        self.regexes.iter().any(|regex| regex.is_match(&text, is_ascii, budget).unwrap_or(unknown.satisfies()))
    }

    fn is_digest_match(&self, value: &[u8], unknown: Unexamined, budget: &WorkBudget) -> bool {
        // Each of them is compared, so that the time says nothing about any.
        let compared = self.digests.len().saturating_mul(COMPARISON);
        if !budget.pay(value.len().saturating_mul(DIGEST) + DIGEST_START + compared) {
            return unknown.satisfies();
        }
        let digest = hmac_sha256::Hash::hash(value);
        self.digests.iter().fold(false, |found, wanted| found | ct_codecs::verify(wanted, &digest))
    }

    /// Whether any of `values` is one of the texts; where there is none, whether absence is.
    pub fn is_match_any(
        &self,
        values: impl IntoIterator<Item = impl AsRef<[u8]>>,
        unknown: Unexamined,
        budget: &WorkBudget,
    ) -> bool {
        let mut is_absent = true;
        for value in values {
            is_absent = false;
            if self.is_match(value.as_ref(), unknown, budget) {
                return true;
            }
        }
        is_absent && self.absent
    }
}

/// The texts of values that have no canonical form of their own.
pub fn as_written(literal: &str, _: &str) -> Result<String, String> {
    Ok(literal.to_owned())
}

#[cfg(test)]
mod tests;
