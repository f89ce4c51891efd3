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
pub enum Unknown {
    /// It satisfies nothing: for rules that open.
    Fails,
    /// It satisfies everything: for rules that close.
    Satisfies,
}

impl Unknown {
    /// Whether such a value satisfies a condition.
    pub fn satisfies(self) -> bool {
        self == Unknown::Satisfies
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
        let holds = |sample: &&str| self.is_match(sample.as_bytes(), Unknown::Fails, &WorkBudget::unlimited());
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
    pub fn is_match(&self, value: &[u8], unknown: Unknown, budget: &WorkBudget) -> bool {
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

    fn is_regex_match(&self, value: &[u8], unknown: Unknown, budget: &WorkBudget) -> bool {
        let text = match (std::str::from_utf8(value), unknown) {
            (Ok(text), _) => std::borrow::Cow::Borrowed(text),
            (Err(_), Unknown::Fails) => return false,
            (Err(_), Unknown::Satisfies) => String::from_utf8_lossy(value),
        };
        let is_ascii = text.is_ascii();
        self.regexes.iter().any(|regex| regex.is_match(&text, is_ascii, budget).unwrap_or(unknown.satisfies()))
    }

    fn is_digest_match(&self, value: &[u8], unknown: Unknown, budget: &WorkBudget) -> bool {
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
        unknown: Unknown,
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
mod tests {
    use super::*;

    fn plain(text: &str) -> TextConfig {
        TextConfig::Plain(text.to_owned())
    }

    fn compile(texts: &[TextConfig]) -> Result<TextMatcher, PathError> {
        TextMatcher::compile(texts, &KeyPath::Root.key("value"), as_written)
    }

    #[test]
    fn each_form_matches_what_it_says() {
        let digest = crate::state::Digest::of(b"secret").to_string();
        for (text, matching, other) in [
            (plain("exact"), &["exact"][..], &["exactly", "Exact", ""][..]),
            (plain("pre*"), &["pre", "prefix"], &["Pre", "xpre", ""]),
            (plain("*fix"), &["fix", "suffix"], &["fixed", ""]),
            (plain("*"), &["", "anything"], &[]),
            (plain(""), &[""], &["a"]),
            (TextConfig::Regex("a|b+".to_owned()), &["a", "bb"], &["ab", "xa", "a\n", ""]),
            (TextConfig::Sha256(digest.clone()), &["secret"], &["Secret", "", &digest]),
            (TextConfig::Absent, &[], &["", "a"]),
        ] {
            let matcher = compile(std::slice::from_ref(&text)).unwrap();
            for value in matching {
                assert!(
                    matcher.is_match(value.as_bytes(), Unknown::Fails, &WorkBudget::of_request()),
                    "{text:?} {value:?}"
                );
            }
            for value in other {
                assert!(
                    !matcher.is_match(value.as_bytes(), Unknown::Satisfies, &WorkBudget::of_request()),
                    "{text:?} {value:?}"
                );
            }
        }
    }

    #[test]
    fn any_of_a_list_will_do() {
        let matcher = compile(&[plain("a"), plain("b*"), TextConfig::Absent]).unwrap();
        assert!(matcher.is_match_any(["x", "b1"], Unknown::Fails, &WorkBudget::of_request()));
        assert!(matcher.is_match_any([""; 0], Unknown::Fails, &WorkBudget::of_request()));
        assert!(!matcher.is_match_any(["x", ""], Unknown::Fails, &WorkBudget::of_request()));
    }

    #[test]
    fn what_is_no_text_opens_nothing_and_closes_what_it_might() {
        let matcher = compile(&[TextConfig::Regex("a.?".to_owned())]).unwrap();
        assert!(!matcher.is_match(b"a\xff", Unknown::Fails, &WorkBudget::of_request()));
        assert!(matcher.is_match(b"a\xff", Unknown::Satisfies, &WorkBudget::of_request()));
    }

    #[test]
    fn what_the_budget_does_not_suffice_for_opens_nothing_and_closes() {
        let digest = crate::state::Digest::of(b"secret").to_string();
        let (sha, regex) = (TextConfig::Sha256(digest), TextConfig::Regex("[a-s]+et".to_owned()));
        for text in [sha, regex, plain("secret"), plain("sec*"), plain("*cret")] {
            let matcher = compile(std::slice::from_ref(&text)).unwrap();
            for (units, opens, closes) in [(crate::request::UNITS, true, true), (10, false, true)] {
                for (unknown, expected) in [(Unknown::Fails, opens), (Unknown::Satisfies, closes)] {
                    let budget = WorkBudget::of_request();
                    assert!(budget.pay(crate::request::UNITS - units));
                    assert_eq!(matcher.is_match(b"secret", unknown, &budget), expected, "{text:?} {units} {unknown:?}");
                }
            }
            // Values that have been examined use the budget up.
            let budget = WorkBudget::of_request();
            let many = std::iter::repeat_n([b'k'; 4096], 100);
            assert!(matcher.is_match_any(many, Unknown::Satisfies, &budget), "{text:?}");
        }
        // To be present costs nothing.
        let spent = WorkBudget::of_request();
        assert!(!spent.pay(usize::MAX));
        assert!(TextMatcher::present().is_match(b"a", Unknown::Fails, &spent));
    }

    #[test]
    fn a_text_that_could_match_nothing_is_refused() {
        let regex = |text: &str| TextConfig::Regex(text.to_owned());
        for (texts, message) in [
            (vec![], "value: an empty list matches nothing"),
            (
                vec![plain("a*b")],
                "value[0]: \"a*b\" has a '*' that stands neither first nor last; write it as { regex: … }",
            ),
            (vec![plain("a"), plain("*a*")], "value[1]: \"*a*\" has a '*' at both ends; write it as { regex: … }"),
            (vec![regex("(")], "value[0].regex: \"(\" is not a regex: found open group without closing ')'"),
            (vec![regex("a)(b")], "value[0].regex: \"a)(b\" is not a regex: found closing ')' without matching '('"),
            (
                vec![TextConfig::Sha256("abc".to_owned())],
                "value[0].sha256: not a SHA-256 digest of 64 hexadecimal digits",
            ),
        ] {
            assert_eq!(compile(&texts).unwrap_err().to_string(), message);
        }
    }
}
