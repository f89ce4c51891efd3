//! Regexes of rules. One that is only literal text, `.*` and lists of words, such as `/api/.*` or `.*(bot|crawler).*`, is
//! compared as text. Any other is run by `regex_lite`, which examines each byte once for each of its states.

use regex_lite::Regex;

use crate::request::Budget;
use crate::tree::{Path, PathError};

/// More alternatives are left to the regex engine.
const MAX_GLOBS: usize = 64;
/// What one state of a regex costs a byte, in units of the budget.
const STATE: usize = 4;
/// What starting a regex costs, in bytes.
const START: usize = 16;

/// A regex that must match a whole value, as Envoy's own regexes do.
#[derive(Clone, Debug)]
pub enum WholeRegex {
    /// Any of these globs.
    Globs(Vec<Glob>),
    /// A regex, and how many states it has at most.
    Regex {
        /// Between `\A` and `\z`.
        regex: Regex,
        /// At most so many states are looked at for each byte.
        states: usize,
    },
}

/// Literal texts in order, and whether `.*` stands before, between and after them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob {
    /// The texts between each `.*`; the first and the last may be empty.
    parts: Vec<String>,
}

impl WholeRegex {
    /// Compiles `regex`, which stands at `path`.
    pub fn compile(regex: &str, path: &Path<'_>) -> Result<WholeRegex, PathError> {
        // By itself first, so that a group that closes what stands around it is an error.
        let compiled = Regex::new(regex)
            .and_then(|_| Regex::new(&format!(r"\A(?:{regex})\z")))
            .map_err(|error| PathError::new(path, format_args!("\"{regex}\" is not a regex: {error}")))?;
        Ok(match globs(regex) {
            Some(globs) => WholeRegex::Globs(globs),
            None => WholeRegex::Regex { regex: compiled, states: states(regex) },
        })
    }

    /// Whether it matches `text`; none where the budget does not suffice.
    pub fn is_match(&self, text: &str, budget: &Budget) -> Option<bool> {
        if !budget.pay(self.cost(text.len())) {
            return None;
        }
        Some(match self {
            // `.` takes everything but a line feed.
            WholeRegex::Globs(globs) => {
                let has_line_feed = text.contains('\n');
                globs.iter().any(|glob| glob.is_match(text) && (!has_line_feed || glob.parts.len() == 1))
            }
            WholeRegex::Regex { regex, .. } => regex.is_match(text),
        })
    }

    /// What a value of `length` bytes costs, in units of the budget.
    pub fn cost(&self, length: usize) -> usize {
        match self {
            WholeRegex::Globs(globs) => globs.iter().map(|glob| glob.cost(length)).sum(),
            WholeRegex::Regex { states, .. } => (length + START).saturating_mul(states * STATE),
        }
    }
}

impl Glob {
    fn is_match(&self, text: &str) -> bool {
        let Some((first, others)) = self.parts.split_first() else { return false };
        let Some(rest) = text.strip_prefix(first.as_str()) else { return false };
        let Some((last, middle)) = others.split_last() else { return rest.is_empty() };
        let Some(mut rest) = rest.strip_suffix(last.as_str()) else { return false };
        middle.iter().all(|part| match rest.split_once(part.as_str()) {
            Some((_, after)) => {
                rest = after;
                true
            }
            None => false,
        })
    }

    fn cost(&self, length: usize) -> usize {
        match self.parts.as_slice() {
            [_] | [_, _] => self.parts.iter().map(String::len).sum::<usize>().min(length) + 8,
            // The text is searched once.
            _ => length.saturating_mul(2) + 32,
        }
    }
}

/// The globs that a regex stands for, if it is nothing more: literal characters, `.*`, `^` before and `$` behind an
/// alternative, and groups of words, of which one may follow another.
fn globs(regex: &str) -> Option<Vec<Glob>> {
    let mut reader = Reader { rest: regex };
    let globs = reader.alternatives(false)?;
    reader.rest.is_empty().then_some(globs)
}

struct Reader<'r> {
    rest: &'r str,
}

impl Reader<'_> {
    /// Alternatives up to the end or a closing bracket. Those of a group are words: no `.*` in them.
    fn alternatives(&mut self, is_group: bool) -> Option<Vec<Glob>> {
        let mut all = Vec::new();
        loop {
            all.extend(self.alternative(is_group)?);
            if all.len() > MAX_GLOBS {
                return None;
            }
            match self.rest.strip_prefix('|') {
                Some(rest) => self.rest = rest,
                None => return Some(all),
            }
        }
    }

    /// One alternative: what each of its groups may be makes a glob of its own.
    fn alternative(&mut self, is_group: bool) -> Option<Vec<Glob>> {
        if !is_group && let Some(rest) = self.rest.strip_prefix('^') {
            self.rest = rest;
        }
        let mut globs = vec![Glob { parts: vec![String::new()] }];
        loop {
            let mut rest = self.rest.chars();
            let words = match rest.next() {
                None | Some('|' | ')') => return Some(globs),
                Some('$') if !is_group && matches!(rest.clone().next(), None | Some('|')) => {
                    self.rest = rest.as_str();
                    return Some(globs);
                }
                Some('.') if !is_group => {
                    // Neither `.*?` nor `.**` is meant.
                    let after = rest.as_str().strip_prefix('*')?;
                    self.rest = after;
                    globs.iter_mut().for_each(|glob| glob.parts.push(String::new()));
                    continue;
                }
                Some('(') if !is_group => {
                    let inner = rest.as_str();
                    self.rest = inner.strip_prefix("?:").unwrap_or(inner);
                    let words = self.alternatives(true)?;
                    self.rest = self.rest.strip_prefix(')')?;
                    words
                }
                Some('\\') => {
                    let escaped = rest.next().filter(char::is_ascii_punctuation)?;
                    self.rest = rest.as_str();
                    vec![Glob { parts: vec![escaped.into()] }]
                }
                Some('.' | '(' | '[' | ']' | '{' | '}' | '*' | '+' | '?' | '^' | '$') => return None,
                Some('\n') => return None,
                Some(literal) => {
                    self.rest = rest.as_str();
                    vec![Glob { parts: vec![literal.into()] }]
                }
            };
            if self.rest.starts_with(['*', '+', '?', '{']) {
                return None;
            }
            globs = product(&globs, &words)?;
        }
    }
}

/// Each of `globs` followed by each of `words`.
fn product(globs: &[Glob], words: &[Glob]) -> Option<Vec<Glob>> {
    if globs.len() * words.len() > MAX_GLOBS {
        return None;
    }
    let followed = |glob: &Glob, word: &Glob| {
        let mut parts = glob.parts.clone();
        if let (Some(last), Some(word)) = (parts.last_mut(), word.parts.first()) {
            last.push_str(word);
        }
        Glob { parts }
    };
    Some(globs.iter().flat_map(|glob| words.iter().map(move |word| followed(glob, word))).collect())
}

/// At most so many states has a valid regex: one for each character, class and operator, as often as it is repeated.
/// Counts too many where it does not understand a class.
fn states(regex: &str) -> usize {
    // The states of the open groups, and of the last piece, which an operator repeats.
    let mut groups: Vec<usize> = Vec::new();
    let (mut total, mut last) = (0_usize, 0_usize);
    let mut rest = regex.chars();
    while let Some(c) = rest.next() {
        match c {
            '(' => {
                groups.push(total + last);
                (total, last) = (0, 2);
            }
            ')' => {
                last += total;
                total = groups.pop().unwrap_or(0);
            }
            '{' => {
                let (counts, after) = rest.as_str().split_once('}').unwrap_or(("", rest.as_str()));
                rest = after.chars();
                let most = counts.split(',').filter_map(|count| count.trim().parse::<usize>().ok()).max().unwrap_or(0);
                last = (last + 2).saturating_mul(most + 1);
            }
            '*' | '+' | '?' | '|' => last += 1,
            c => {
                total += last;
                last = 1;
                match c {
                    '\\' => drop(rest.next()),
                    '[' => rest = class_end(rest.as_str()).chars(),
                    _ => {}
                }
            }
        }
    }
    groups.into_iter().fold(total.saturating_add(last), usize::saturating_add).max(1)
}

/// What follows a class, whose opening bracket has been read.
fn class_end(class: &str) -> &str {
    let first = class.trim_start_matches('^');
    let mut rest = first.strip_prefix(']').unwrap_or(first).chars();
    while let Some(c) = rest.next() {
        match c {
            '\\' => drop(rest.next()),
            ']' => break,
            _ => {}
        }
    }
    rest.as_str()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn compile(regex: &str) -> WholeRegex {
        WholeRegex::compile(regex, &Path::Root).unwrap()
    }

    #[test]
    fn a_regex_of_literal_text_needs_no_engine() {
        for (regex, is_glob) in [
            ("staff", true),
            ("^/api/.*", true),
            (".*\\.css$", true),
            ("yes|no|^maybe$", true),
            (".*(?:bot|crawler|spider).*", true),
            ("/(a|b)/(c|d)/.*/e", true),
            ("", true),
            ("[a-z]+", false),
            ("a.b", false),
            ("a+", false),
            ("(a|b)*", false),
            (".*?", false),
            ("(?i)bot", false),
            ("\\d", false),
            ("a{2}", false),
            ("((a))", false),
        ] {
            assert_eq!(matches!(compile(regex), WholeRegex::Globs(_)), is_glob, "{regex}");
        }
    }

    #[test]
    fn repetitions_count_as_often_as_they_may_repeat() {
        for (regex, least, most) in [
            ("[a-z]+-[0-9]{1,3}", 6, 20),
            ("(ab){100}", 200, 700),
            ("((a{10}){10}){10}", 1000, 8000),
            ("a{1000}", 1000, 4000),
            ("[(]{5}x", 6, 30),
            ("\\{5}", 2, 30),
            ("[]a-z]*", 1, 5),
        ] {
            let states = states(regex);
            assert!((least..=most).contains(&states), "{regex}: {states}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn globs_match_what_the_engine_matches(
            regex in "(\\^?(a|b|/|\\.\\*|\\\\\\.|\\((\\?:)?(a|ab|b)\\|(b|)\\)){0,5}\\$?\\|?){0,2}",
            texts in prop::collection::vec("[ab/.\n]{0,8}", 1..20),
        ) {
            let Ok(engine) = Regex::new(&format!(r"\A(?:{regex})\z")) else { return Ok(()) };
            let compiled = WholeRegex::compile(&regex, &Path::Root).unwrap();
            for text in texts {
                let found = compiled.is_match(&text, &Budget::unlimited());
                prop_assert_eq!(found, Some(engine.is_match(&text)), "{:?} {:?}", regex, text);
            }
        }
    }
}
