//! The values of one name in a query or in cookies: all occurrences, as a stranger may send several.

use super::Headers;
use super::path::percent_decode;

/// What separates the parameters of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Separator {
    /// `&` alone (WHATWG URL, section 5.1).
    Ampersand,
    /// `;` too, as HTML 4 advised (appendix B.2.2) and some servers do.
    Either,
}

/// The values of `name` in a query (the `application/x-www-form-urlencoded` parser of the WHATWG URL standard,
/// section 5.1): percent-decoded, `+` for a space, empty where there is no `=`.
pub fn query<'q>(query: &'q [u8], name: &'q str, separator: Separator) -> impl Iterator<Item = Vec<u8>> + 'q {
    let form = |bytes: &[u8]| {
        let spaced: Vec<u8> = bytes.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
        percent_decode(&spaced)
    };
    // A stranger may send ten thousands of keys: they are decoded only where they could be the name then.
    let is_name = move |key: &[u8]| match key.iter().any(|byte| matches!(byte, b'%' | b'+')) {
        true => (name.len()..=name.len().saturating_mul(3)).contains(&key.len()) && form(key) == name.as_bytes(),
        false => key == name.as_bytes(),
    };
    let separates = move |byte: &u8| *byte == b'&' || separator == Separator::Either && *byte == b';';
    query.split(separates).filter_map(move |pair| {
        let (key, value) = split(pair);
        is_name(key).then(|| form(value.unwrap_or_default()))
    })
}

/// The values of the cookie `name` (RFC 6265 section 4.2.1), as they stand.
pub fn cookies<'h>(headers: &'h Headers, name: &'h str) -> impl Iterator<Item = &'h [u8]> {
    headers.all("cookie").flat_map(|line| line.split(|byte| *byte == b';')).filter_map(move |pair| {
        let (key, value) = split(pair);
        (key.trim_ascii() == name.as_bytes()).then(|| value.unwrap_or_default().trim_ascii())
    })
}

/// A cookie's value without the quotes around it (RFC 6265 section 4.1.1), which some servers strip.
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
mod tests {
    use super::*;

    #[test]
    fn every_occurrence_in_a_query_counts() {
        for (text, values) in [
            ("key=a&key=b", &["a", "b"][..]),
            ("k%65y=a%20b+c", &["a b c"]),
            ("key", &[""]),
            ("key=", &[""]),
            ("key=a=b", &["a=b"]),
            ("keys=a&KEY=b", &[]),
            ("", &[]),
            ("key=%zz", &["%zz"]),
        ] {
            let found: Vec<Vec<u8>> = query(text.as_bytes(), "key", Separator::Ampersand).collect();
            assert_eq!(found, values.iter().map(|value| value.as_bytes()).collect::<Vec<_>>(), "{text}");
        }
    }

    #[test]
    fn a_semicolon_separates_parameters_only_where_it_is_asked_to() {
        for (text, separator, values) in [
            ("a=1;key=b", Separator::Ampersand, &[][..]),
            ("a=1;key=b", Separator::Either, &["b"]),
            ("key=a;b", Separator::Ampersand, &["a;b"]),
            ("key=a;b&key=c", Separator::Either, &["a", "c"]),
        ] {
            let found: Vec<Vec<u8>> = query(text.as_bytes(), "key", separator).collect();
            assert_eq!(found, values.iter().map(|value| value.as_bytes()).collect::<Vec<_>>(), "{text} {separator:?}");
        }
    }

    #[test]
    fn quotes_are_stripped_in_pairs() {
        for (value, expected) in [("\"a\"", Some("a")), ("\"\"", Some("")), ("\"", None), ("a", None), ("\"a", None)] {
            assert_eq!(unquoted(value.as_bytes()), expected.map(str::as_bytes), "{value}");
        }
    }

    #[test]
    fn every_occurrence_of_a_cookie_counts() {
        let headers = Headers::new(vec![
            (b"cookie".to_vec(), b"a=1; sessionid=x; b; sessionid=y=z".to_vec()),
            (b"cookie".to_vec(), b"sessionid".to_vec()),
        ]);
        let found: Vec<&[u8]> = cookies(&headers, "sessionid").collect();
        assert_eq!(found, [&b"x"[..], b"y=z", b""]);
    }
}
