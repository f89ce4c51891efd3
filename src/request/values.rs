//! The names and values in the query and in cookies: all occurrences, because a request may have several of a name.

use std::borrow::Cow;

use super::path::units;
use super::{HeaderMap, WorkBudget};

/// The separator of the parameters of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Separator {
    /// `&` alone (WHATWG URL, section 5.1).
    Ampersand,
    /// `&` and `;`, as recommended by HTML 4 (appendix B.2.2) and implemented by some servers.
    Either,
}

/// A name and its value.
pub type Pair<'h> = (Cow<'h, [u8]>, Cow<'h, [u8]>);

/// The cost of reading one pair, and of decoding one character, besides their bytes, in units of the budget.
const PAIR: usize = 12;
const DECODING: usize = 24;

/// The parameters of a query (the `application/x-www-form-urlencoded` parser of the WHATWG URL standard, section 5.1):
/// percent-decoded, `+` as a space, an empty value without `=`. None if the budget is too small.
pub fn parameters<'q>(query: &'q [u8], separator: Separator, budget: &WorkBudget) -> Option<Vec<Pair<'q>>> {
    let separates = |byte: &u8| *byte == b'&' || separator == Separator::Either && *byte == b';';
    let count = query.iter().filter(|byte| separates(byte)).count() + 1;
    let encoded = query.iter().filter(|byte| matches!(byte, b'%' | b'+')).count();
    let read = |pair: &'q [u8]| {
        let (name, value) = split(pair);
        (decoded(name), decoded(value.unwrap_or_default()))
    };
    budget.pay(query.len() + count * PAIR + encoded * DECODING).then(|| query.split(separates).map(read).collect())
}

/// A decoded part of a query.
fn decoded(part: &[u8]) -> Cow<'_, [u8]> {
    if !part.iter().any(|byte| matches!(byte, b'%' | b'+')) {
        return Cow::Borrowed(part);
    }
    let spaced = |(byte, is_encoded): (u8, bool)| if byte == b'+' && !is_encoded { b' ' } else { byte };
    Cow::Owned(units(part).map(spaced).collect())
}

/// The cookies of a request (RFC 6265 section 4.2.1), not decoded. None if the budget is too small.
pub fn cookies<'h>(headers: &'h HeaderMap, budget: &WorkBudget) -> Option<Vec<Pair<'h>>> {
    let lines = || headers.all("cookie");
    let count = lines().map(|line| line.iter().filter(|byte| **byte == b';').count() + 1).sum::<usize>();
    let read = |pair: &'h [u8]| {
        let (name, value) = split(pair);
        (Cow::Borrowed(name.trim_ascii()), Cow::Borrowed(value.unwrap_or_default().trim_ascii()))
    };
    let length: usize = lines().map(<[u8]>::len).sum();
    let pairs = || lines().flat_map(|line| line.split(|byte| *byte == b';')).map(read).collect();
    budget.pay(length + count * PAIR).then(pairs)
}

/// A cookie's value without the quotes around it (RFC 6265 section 4.1.1), which some servers remove.
pub fn unquoted(value: &[u8]) -> Option<&[u8]> {
    value.strip_prefix(b"\"")?.strip_suffix(b"\"")
}

fn split(pair: &[u8]) -> (&[u8], Option<&[u8]>) {
    match pair.iter().position(|byte| *byte == b'=').and_then(|at| pair.split_at_checked(at)) {
        Some((key, value)) => (key, value.get(1..)),
        None => (pair, None),
    }
}

#[cfg(test)]
mod tests;
