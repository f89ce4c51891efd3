use super::*;
use crate::config::PluginConfig;
use crate::request::{HeaderMap, UnknownPeer, WorkBudget};
use crate::tree::{KeyPath, PathError, Tree};

/// Compiles the conditions of a rule, written with single quotes.
fn rule(conditions: &str) -> Result<Rule, PathError> {
    let text = format!("{{'exempt': [{{'name': 'a', {conditions}}}]}}").replace('\'', "\"");
    let config = PluginConfig::read(&Tree::from_json(text.as_bytes()).unwrap()).unwrap();
    Rule::compile(&config.exempt[0], &KeyPath::Root.key("rule"))
}

fn assert_refused(rows: &[(&str, &str)]) {
    for (conditions, message) in rows {
        assert_eq!(rule(conditions).unwrap_err().to_string(), *message, "{conditions}");
    }
}

#[test]
fn malformed_conditions_are_refused() {
    assert_refused(&[
        ("'modes': ['offline']", "rule: a rule without a condition would match every request"),
        ("'paths': []", "rule.paths: an empty list matches nothing"),
        ("'paths': ['/a', 'b']", "rule.paths[1]: \"b\" starts with neither '/' nor '*'"),
        ("'paths': ['']", "rule.paths[0]: \"\" starts with neither '/' nor '*'"),
        ("'paths': [{'absent': true}]", "rule.paths[0]: every request has a path"),
        ("'paths': ['/a/*/b']", "rule.paths[0]: \"/a/*/b\" may have one '*', first or last; write it as { regex: … }"),
        ("'paths': ['*a*']", "rule.paths[0]: \"*a*\" may have one '*', first or last; write it as { regex: … }"),
        ("'paths': [{'regex': '['}]", "rule.paths[0].regex: \"[\" is not a regex: found unclosed character class"),
        ("'methods': []", "rule.methods: an empty list matches nothing"),
        ("'methods': ['GET', 'get']", "rule.methods[1]: \"get\" is not a method in upper case"),
        ("'methods': ['G ET']", "rule.methods[0]: \"G ET\" is not a method in upper case"),
        ("'methods': ['GEt']", "rule.methods[0]: \"GEt\" is not a method in upper case"),
        ("'methods': ['']", "rule.methods[0]: \"\" is not a method in upper case"),
        ("'remote_ips': []", "rule.remote_ips: an empty list matches nothing"),
        ("'remote_ips': ['::1', '10.0.0/8']", "rule.remote_ips[1]: \"10.0.0/8\" is not an IP address or CIDR range"),
        ("'remote_ips': ['10.0.0.1/8']", "rule.remote_ips[0]: \"10.0.0.1/8\" has bits set after its prefix of 8 bits"),
        ("'uri_sans': []", "rule.uri_sans: an empty list matches nothing"),
        ("'uri_sans': ['ops']", "rule.uri_sans[0]: \"ops\" has no scheme such as spiffe://"),
        ("'uri_sans': ['*']", "rule.uri_sans[0]: \"*\" has no scheme such as spiffe://"),
        ("'uri_sans': ['*://a']", "rule.uri_sans[0]: \"*://a\" has no scheme such as spiffe://"),
        ("'uri_sans': ['://a']", "rule.uri_sans[0]: \"://a\" has no scheme such as spiffe://"),
        ("'uri_sans': ['1a:b']", "rule.uri_sans[0]: \"1a:b\" has no scheme such as spiffe://"),
        ("'uri_sans': ['a_b:c']", "rule.uri_sans[0]: \"a_b:c\" has no scheme such as spiffe://"),
        ("'uri_sans': ['ops.example.com']", "rule.uri_sans[0]: \"ops.example.com\" has no scheme such as spiffe://"),
        ("'uri_sans': [{'regex': '(?:.*)'}]", "rule.uri_sans[0]: \"(?:.*)\" has no scheme such as spiffe://"),
        ("'uri_sans': [{'regex': '.*'}]", "rule.uri_sans[0]: \".*\" has no scheme such as spiffe://"),
        ("'uri_sans': [{'absent': true}]", "rule.uri_sans[0]: a missing certificate proves nothing"),
    ]);
}

#[test]
fn malformed_named_conditions_are_refused() {
    assert_refused(&[
        ("'headers': []", "rule.headers: an empty list has no effect"),
        ("'query': []", "rule.query: an empty list has no effect"),
        ("'cookies': []", "rule.cookies: an empty list has no effect"),
        ("'claims': []", "rule.claims: an empty list has no effect"),
        ("'headers': [{'name': ''}]", "rule.headers[0].name: empty"),
        ("'headers': [{'name': 'x y'}]", "rule.headers[0].name: \"x y\" is not a header name"),
        ("'headers': [{'name': ':'}]", "rule.headers[0].name: \":\" is not a header name"),
        ("'headers': [{'name': ':nosuch'}]", "rule.headers[0].name: \":nosuch\" is not a header name"),
        ("'headers': [{'name': ':status'}]", "rule.headers[0].name: \":status\" is not a header name"),
        ("'query': [{'name': ''}]", "rule.query[0].name: empty"),
        ("'cookies': [{'name': ''}]", "rule.cookies[0].name: empty"),
        ("'cookies': [{'name': 'a'}, {'name': 'a=b'}]", "rule.cookies[1].name: \"a=b\" is not a cookie name"),
        ("'cookies': [{'name': 'a;b'}]", "rule.cookies[0].name: \"a;b\" is not a cookie name"),
        ("'cookies': [{'name': ' a'}]", "rule.cookies[0].name: \" a\" is not a cookie name"),
        ("'headers': [{'name': 'x', 'value': []}]", "rule.headers[0].value: an empty list matches nothing"),
        (
            "'query': [{'name': 'x', 'value': ['a', {'sha256': 'A1'}]}]",
            "rule.query[0].value[1].sha256: not a SHA-256 digest of 64 hexadecimal digits",
        ),
        ("'claims': [{'iss': '', 'name': 'a'}]", "rule.claims[0].iss: empty; a claim is worth no more than its issuer"),
        (
            "'claims': [{'iss': 'i', 'name': 'a..b'}]",
            "rule.claims[0].name: \"a..b\" is not the name of a claim, or of nested members joined by dots",
        ),
        (
            "'paths': ['/a?b=1']",
            "rule.paths[0]: \"/a?b=1\" contains a '?', but paths are compared without the query; use \"query\"",
        ),
        (
            "'paths': ['/a?*']",
            "rule.paths[0]: \"/a?*\" contains a '?', but paths are compared without the query; use \"query\"",
        ),
        (
            "'claims': [{'iss': 'i', 'name': ''}]",
            "rule.claims[0].name: \"\" is not the name of a claim, or of nested members joined by dots",
        ),
        ("'claims': [{'iss': 'i', 'name': 'a', 'value': []}]", "rule.claims[0].value: an empty list matches nothing"),
        (
            "'claims': [{'iss': 'i', 'name': 'a', 'value': 'a*b'}]",
            "rule.claims[0].value[0]: \"a*b\" may have one '*', first or last; write it as { regex: … }",
        ),
        ("'paths': ['/a'], 'modes': []", "rule.modes: an empty list contains no mode"),
    ]);
}

#[test]
fn what_a_client_can_present_can_be_asked_for() {
    for conditions in [
        "'uri_sans': ['urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66', 'spiffe:*', 'a+b-c.1:x']",
        "'uri_sans': [{'regex': 'urn:uuid:[0-9a-f-]+'}, {'regex': '(?:spiffe|https)://ops'}, {'regex': 'spiffe:\\\\/x'}]",
        "'methods': ['M_SEARCH', 'M-SEARCH', 'VERSION-CONTROL', 'X2!']",
        "'paths': ['/a%25b', {'regex': '/a?'}]",
    ] {
        assert!(rule(conditions).is_ok(), "{conditions}");
    }
}

#[test]
fn the_host_is_asked_for_as_a_header_too() {
    let matches = |conditions: &str, authority: &str| {
        let entries = [(":method", "GET"), (":scheme", "http"), (":authority", authority), (":path", "/a?b")];
        let bytes = |text: &str| text.as_bytes().to_vec();
        let headers = HeaderMap::new(entries.into_iter().map(|(name, value)| (bytes(name), bytes(value))).collect());
        rule(conditions).unwrap().matches(&Request::new(&headers, &UnknownPeer), Mode::Offline, Effect::Opens)
    };
    for (conditions, authority, expected) in [
        ("'headers': [{'name': 'host', 'value': 'a.example:8443'}]", "a.example:8443", true),
        ("'headers': [{'name': 'Host', 'value': 'a.*'}]", "a.example", true),
        ("'headers': [{'name': 'host', 'value': 'a.*'}]", "b.example", false),
        ("'headers': [{'name': ':authority', 'value': 'a.*'}]", "a.example", true),
        (
            "'headers': [{'name': ':Method', 'value': 'GET'}, {'name': ':scheme'}, {'name': ':path', 'value': '/a?b'}]",
            "a",
            true,
        ),
    ] {
        assert_eq!(matches(conditions, authority), expected, "{conditions} {authority}");
    }
}

#[test]
fn the_dots_of_a_claim_that_a_url_names_are_its_own() {
    for (name, path) in [
        ("realm_access.roles", &["realm_access", "roles"][..]),
        ("https://example.com/roles", &["https://example.com/roles"]),
        ("https://example.com/a..b.", &["https://example.com/a..b."]),
        ("example.com/roles", &["example", "com/roles"]),
    ] {
        let claims = rule(&format!("'claims': [{{'iss': 'i', 'name': '{name}'}}]")).unwrap().claims;
        assert_eq!(claims[0].path, path, "{name}");
    }
}

#[test]
fn a_path_pattern_stands_for_canonical_paths() {
    for (pattern, matching, other) in [
        ("/%61dmin", "/admin", "/%61dmin"),
        ("/%7euser/*", "/~user/", "/~user"),
        ("/caf%c3%a9*", "/caf%C3%A9/x", "/caf"),
        ("/v1/x:cancel", "/v1/x:cancel", "/v1/x%3Acancel"),
        ("/v1/x%3acancel", "/v1/x:cancel", "/v1/x%3acancel"),
        ("*%3Acancel", "/v1/x:cancel", "/cancel"),
        ("/%7bid%7D/*", "/{id}/x", "/%7Bid%7D/x"),
        // An encoded star is literal.
        ("/a%2A", "/a*", "/ab"),
        ("/a%2ab*", "/a*bc", "/acbc"),
        ("*%2a", "/b*", "/b"),
        ("/.*", "/.git", "/git"),
        ("/a/..*", "/a/..b", "/a/b"),
        ("*.css", "/a.css", "/a.css/b"),
        ("*/", "/a/", "/a"),
        ("*.", "/a.", "/a"),
        ("*/end", "/x/end", "/xend"),
        ("*", "/", ""),
    ] {
        let paths = rule(&format!("'paths': ['{pattern}']")).unwrap().paths.unwrap();
        // The prefix "/" has no counterexample, because every path begins with a slash.
        assert!(
            paths.is_match(matching.as_bytes(), Unexamined::Differs, &WorkBudget::unlimited()),
            "{pattern} {matching}"
        );
        assert!(
            pattern == "*" || !paths.is_match(other.as_bytes(), Unexamined::Matches, &WorkBudget::unlimited()),
            "{pattern} {other}"
        );
    }
    for pattern in [
        "/a/../b", "/a//*", "/a;b", "/a%2Fb", "/a%3Fb", "/a%2561", "/a%zz", "/a/%2*", "*/..", "*//", "/a b", "/ä*",
        "/a/./*",
    ] {
        let message = format!("rule.paths[0]: \"{pattern}\" is not a canonical path, so it would match no request");
        assert_eq!(rule(&format!("'paths': ['{pattern}']")).unwrap_err().to_string(), message);
    }
}
