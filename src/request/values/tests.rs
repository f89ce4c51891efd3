use super::*;

/// The values of `key`.
fn of_key<'p>(pairs: &'p [Pair<'_>]) -> Vec<&'p [u8]> {
    pairs.iter().filter(|(name, _)| name.as_ref() == b"key").map(|(_, value)| value.as_ref()).collect()
}

#[test]
fn all_values_of_a_query_parameter_are_found() {
    for (text, separator, values) in [
        ("key=a&key=b", Separator::Ampersand, &["a", "b"][..]),
        ("k%65y=a%20b+c%2b", Separator::Ampersand, &["a b c+"]),
        ("key", Separator::Ampersand, &[""]),
        ("key=", Separator::Ampersand, &[""]),
        ("key=a=b", Separator::Ampersand, &["a=b"]),
        ("keys=a&KEY=b", Separator::Ampersand, &[]),
        ("", Separator::Ampersand, &[]),
        ("key=%zz", Separator::Ampersand, &["%zz"]),
        ("a=1;key=b", Separator::Ampersand, &[]),
        ("a=1;key=b", Separator::Either, &["b"]),
        ("key=a;b", Separator::Ampersand, &["a;b"]),
        ("key=a;b&key=c", Separator::Either, &["a", "c"]),
    ] {
        let pairs = parameters(text.as_bytes(), separator, &WorkBudget::of_request()).unwrap();
        let expected: Vec<&[u8]> = values.iter().map(|value| value.as_bytes()).collect();
        assert_eq!(of_key(&pairs), expected, "{text} {separator:?}");
    }
}

#[test]
fn all_values_of_a_cookie_are_found() {
    let headers = HeaderMap::new(vec![
        (b"cookie".to_vec(), b"a=1; key=x; b; key=y=z".to_vec()),
        (b"cookie".to_vec(), b"key".to_vec()),
    ]);
    let pairs = cookies(&headers, &WorkBudget::of_request()).unwrap();
    assert_eq!(of_key(&pairs), [&b"x"[..], b"y=z", b""]);
}

#[test]
fn pairs_beyond_the_budget_are_not_read() {
    for query in [b"a&".repeat(30_000), b"%61&".repeat(15_000)] {
        assert!(parameters(&query, Separator::Ampersand, &WorkBudget::of_request()).is_none());
    }
    let headers = HeaderMap::new(vec![(b"cookie".to_vec(), b"a;".repeat(30_000))]);
    assert!(cookies(&headers, &WorkBudget::of_request()).is_none());
}

#[test]
fn quotes_are_stripped_in_pairs() {
    for (value, expected) in [("\"a\"", Some("a")), ("\"\"", Some("")), ("\"", None), ("a", None), ("\"a", None)] {
        assert_eq!(unquoted(value.as_bytes()), expected.map(str::as_bytes), "{value}");
    }
}
