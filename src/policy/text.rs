//! TEXT: how rules match a value. `"exact"` · `"prefix*"` · `"*suffix"` · `"*"` (present) · `{ regex }` · `{ sha256 }` ·
//! `{ absent: true }` · a list of these.

use hashbrown::HashSet;
use regex_lite::Regex;

use crate::config::TextConfig;
use crate::tree::{Path, PathError};

/// Values that are longer are not looked at by a regex or a digest, as what a stranger sends must cost bounded work.
pub const MAX_COMPUTED: usize = 4096;
/// Nor are those that follow so many of the same name.
const MAX_VALUES: usize = 32;

/// How a value is read that cannot be read one way: bytes that are no text, or more of them than is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// It satisfies nothing: for rules that open.
    Strict,
    /// It satisfies what any reading of it would: for rules that close.
    Wide,
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
    prefixes: Vec<Vec<u8>>,
    suffixes: Vec<Vec<u8>>,
    regexes: Vec<Regex>,
    digests: Vec<[u8; 32]>,
}

impl TextMatcher {
    /// A matcher of any value at all.
    pub fn present() -> TextMatcher {
        TextMatcher { present: true, ..TextMatcher::default() }
    }

    /// Compiles a list of texts; `path` is the list's.
    pub fn compile(texts: &[TextConfig], path: &Path<'_>, canonical: Canonical) -> Result<TextMatcher, PathError> {
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

    fn add(&mut self, text: &TextConfig, path: &Path<'_>, canonical: Canonical) -> Result<(), PathError> {
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
                (Some(suffix), None) => self.suffixes.push(literal(suffix, text)?),
                (None, Some(prefix)) => self.prefixes.push(literal(prefix, text)?),
                (None, None) => {
                    self.exact.insert(literal(text, text)?);
                }
            },
            TextConfig::Regex(regex) => self.regexes.push(whole(regex, &path.key("regex"))?),
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
        samples.iter().all(|sample| self.is_match(sample.as_bytes(), Reading::Strict))
    }

    /// Whether it holds where there is no value.
    pub fn takes_absence(&self) -> bool {
        self.absent
    }

    /// Whether `value` is one of the texts.
    pub fn is_match(&self, value: &[u8], reading: Reading) -> bool {
        self.is_match_after(0, value, reading)
    }

    /// Whether `value`, which comes after so many `others` of its name, is one of the texts.
    fn is_match_after(&self, others: usize, value: &[u8], reading: Reading) -> bool {
        self.present
            || self.exact.contains(value)
            || self.prefixes.iter().any(|prefix| value.starts_with(prefix))
            || self.suffixes.iter().any(|suffix| value.ends_with(suffix))
            || self.is_computed_match(others, value, reading)
    }

    fn is_computed_match(&self, others: usize, value: &[u8], reading: Reading) -> bool {
        if self.regexes.is_empty() && self.digests.is_empty() {
            return false;
        }
        if value.len() > MAX_COMPUTED || others >= MAX_VALUES {
            return reading == Reading::Wide;
        }
        let by_regex = || match (std::str::from_utf8(value), reading) {
            (Ok(text), _) => self.regexes.iter().any(|regex| regex.is_match(text)),
            (Err(_), Reading::Strict) => false,
            (Err(_), Reading::Wide) => {
                let text = String::from_utf8_lossy(value);
                self.regexes.iter().any(|regex| regex.is_match(&text))
            }
        };
        let by_digest = || {
            let digest = hmac_sha256::Hash::hash(value);
            self.digests.iter().fold(false, |found, wanted| found | ct_codecs::verify(wanted, &digest))
        };
        !self.regexes.is_empty() && by_regex() || !self.digests.is_empty() && by_digest()
    }

    /// Whether any of `values` is one of the texts; where there is none, whether absence is.
    pub fn is_match_any(&self, values: impl IntoIterator<Item = impl AsRef<[u8]>>, reading: Reading) -> bool {
        let mut others = 0;
        for value in values {
            if self.is_match_after(others, value.as_ref(), reading) {
                return true;
            }
            others += 1;
        }
        others == 0 && self.absent
    }
}

/// Compiles `regex` so that it must match the whole value, as Envoy's own regexes do.
fn whole(regex: &str, path: &Path<'_>) -> Result<Regex, PathError> {
    // By itself first, so that a group that closes what stands around it is an error.
    Regex::new(regex)
        .and_then(|_| Regex::new(&format!(r"\A(?:{regex})\z")))
        .map_err(|error| PathError::new(path, format_args!("\"{regex}\" is not a regex: {error}")))
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
        TextMatcher::compile(texts, &Path::Root.key("value"), as_written)
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
                assert!(matcher.is_match(value.as_bytes(), Reading::Strict), "{text:?} {value:?}");
            }
            for value in other {
                assert!(!matcher.is_match(value.as_bytes(), Reading::Wide), "{text:?} {value:?}");
            }
        }
    }

    #[test]
    fn any_of_a_list_will_do() {
        let matcher = compile(&[plain("a"), plain("b*"), TextConfig::Absent]).unwrap();
        assert!(matcher.is_match_any(["x", "b1"], Reading::Strict));
        assert!(matcher.is_match_any([""; 0], Reading::Strict));
        assert!(!matcher.is_match_any(["x", ""], Reading::Strict));
    }

    #[test]
    fn what_cannot_be_read_opens_nothing_and_closes_what_it_might() {
        let matcher = compile(&[TextConfig::Regex("a.*".to_owned())]).unwrap();
        let long = vec![b'b'; MAX_COMPUTED + 1];
        for value in [&b"a\xff"[..], &long] {
            assert!(!matcher.is_match(value, Reading::Strict));
            assert!(matcher.is_match(value, Reading::Wide));
        }
    }

    #[test]
    fn of_many_values_no_more_than_32_are_looked_at_by_a_regex_or_a_digest() {
        let digest = crate::state::Digest::of(b"secret").to_string();
        for text in [TextConfig::Sha256(digest), TextConfig::Regex("secret".to_owned())] {
            let matcher = compile(&[text, plain("plain")]).unwrap();
            let after = |others: usize, last: &'static str| std::iter::repeat_n("k", others).chain([last]);
            for (others, last, strict, wide) in [
                (31, "secret", true, true),
                (31, "k", false, false),
                (32, "secret", false, true),
                (32, "k", false, true),
                (32, "plain", true, true),
                (28_000, "plain", true, true),
            ] {
                assert_eq!(matcher.is_match_any(after(others, last), Reading::Strict), strict, "{others} {last}");
                assert_eq!(matcher.is_match_any(after(others, last), Reading::Wide), wide, "{others} {last}");
            }
        }
        let matcher = compile(&[plain("plain"), TextConfig::Absent]).unwrap();
        assert!(!matcher.is_match_any(["k"; 33], Reading::Wide));
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
