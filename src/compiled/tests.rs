use std::cell::Cell;

use proptest::prelude::*;

use super::*;
use crate::request::{HeaderMap, Request, UnknownPeer};
use crate::state::Document;
use crate::state::jws::{self, STATE_TYP, Token};
use crate::time::Time;
use crate::verdict::{PassReason, Verdict, decide};

const POLICY: &str = "{'fleet': 'eu', 'jwt': {'metadata_key': 'payload'},
    'sites': [{'name': 'a', 'hosts': ['shop', '*.x.com'], 'paths': ['/in'],
               'always_closed': [{'name': 'shut', 'paths': ['/in/shut*']}],
               'exempt': [{'name': 'staff', 'claims': [{'iss': 'i', 'name': 'realm.roles', 'value': 'staff'}]},
                          {'name': 'office', 'remote_ips': ['10.0.0.0/8'], 'headers': [{'name': 'x-a', 'value': {'regex': 'a+'}}]}],
               'reply': {'redirect': 'https://shop/in/sorry', 'html': '<p>{{reason}}', 'retry_after': '5m'}}],
    'state': {'a': {'mode': 'offline', 'windows': [{'id': 'w', 'mode': 'offline', 'from': '2026-11-21T02:00:00Z'}]}}}";

fn json(text: &str) -> Vec<u8> {
    text.replace('\'', "\"").into_bytes()
}

fn compile(text: &str) -> Result<CompiledConfig, PathError> {
    CompiledConfig::from_plugin_configuration(&json(text))
}

fn declared(text: &str) -> Document {
    Document::declared("a", &Tree::from_json(&json(text)).unwrap(), &KeyPath::Root).unwrap()
}

#[test]
fn the_example_compiles() {
    let CompiledConfig { policy, replies } = compile(POLICY).unwrap();
    assert_eq!((policy.sites.len(), replies.len()), (1, 1));
}

#[test]
fn an_unknown_variable_is_an_error_even_if_no_site_uses_the_template() {
    let own = |reply: &str| format!("'sites': [{{'name': 'a', 'reply': {reply}}}]");
    let has_own = own("{'html': '<p>', 'text': '-', 'context': {'phone': '1'}}");
    for sites in [has_own.as_str(), "'sites': []"] {
        for (reply, message) in [
            ("{'html': '{{nosuch}}'}", "reply.html: unknown variable \"{{nosuch}}\""),
            ("{'text': '{{reasn}}'}", "reply.text: unknown variable \"{{reasn}}\"; did you mean \"reason\"?"),
            ("{'text': '{{phone}}'}", "reply.text: unknown variable \"{{phone}}\""),
        ] {
            let error = compile(&format!("{{'reply': {reply}, {sites}}}")).unwrap_err();
            assert_eq!(error.to_string(), message, "{reply} {sites}");
        }
        assert!(
            compile(&format!("{{'reply': {{'html': '{{{{team}}}}', 'context': {{'team': '1'}}}}, {sites}}}")).is_ok()
        );
    }
    // The context of a site that uses the template counts.
    let knows = own("{'context': {'phone': '1'}}");
    assert!(compile(&format!("{{'reply': {{'html': '{{{{phone}}}}', 'text': '{{{{phone}}}}'}}, {knows}}}")).is_ok());
}

fn bytes(most: usize) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..most),
        // Near what is meant, so that more than the first check is met.
        prop::collection::vec(prop::sample::select(&b"/.%25eEfFcC0aA;\\#?&=+: \0\xff\xc0pub"[..]), 0..most),
    ]
}

fn paths() -> impl Strategy<Value = Vec<u8>> {
    let part = prop::sample::select(vec![
        "/public/", "/public", "public", "/", "//", ".", "..", "%2e", "%2E", "%2f", "%5c", "\\", ";", "%", "%00", "a",
        "%70", "?", "#", "%25", "2e", "private", "\u{fe0e}", "%c0%ae",
    ]);
    prop_oneof![
        bytes(60),
        prop::collection::vec(part, 0..9).prop_map(|parts| parts.concat().into_bytes()),
        prop::collection::vec(prop::sample::select(vec!["..", "/", "a", ";", "%2e"]), 0..6).prop_map(|parts| format!(
            "/public/{}",
            parts.concat()
        )
        .into_bytes()),
    ]
}

fn requests() -> impl Strategy<Value = HeaderMap> {
    let names = prop::sample::select(vec![
        ":authority",
        "cookie",
        "origin",
        "accept",
        "content-type",
        "x-a",
        "sec-fetch-dest",
        "access-control-request-method",
        "access-control-request-headers",
        "connect-protocol-version",
        "user-agent",
    ]);
    let method = prop_oneof![Just(b"GET".to_vec()), Just(b"OPTIONS".to_vec()), bytes(8)];
    let host = prop_oneof![Just(b"shop".to_vec()), bytes(20)];
    let more = prop::collection::vec((names.prop_map(|name| name.as_bytes().to_vec()), bytes(60)), 0..6);
    (method, host, paths(), more).prop_map(|(method, host, path, more)| {
        let own = [(":method", method), (":authority", host), (":path", path)];
        HeaderMap::new(own.into_iter().map(|(name, value)| (name.into(), value)).chain(more).collect())
    })
}

#[test]
fn only_canonical_paths_below_an_exempt_one_pass_a_closed_site() {
    let config = compile(
        "{'builtin_rules': false, 'exempt': [{'name': 'public', 'paths': ['/public/*']}],
          'always_closed': [{'name': 'shut', 'query': [{'name': 'pub', 'value': {'regex': 'a+'}}],
                             'cookies': [{'name': 'pub'}], 'headers': [{'name': 'x-a', 'value': {'regex': '.'}}]}],
          'reply': {'text': '{{path}} {{reason}}', 'cors': {'origins': ['https://a', {'regex': '.*'}]},
                    'formats': [{'paths': ['/public/*'], 'format': 'text'}]}}",
    );
    let CompiledConfig { policy, replies } = config.unwrap();
    let document = declared("{'mode': 'offline', 'reason': 'r', 'eta': '2026-11-21T02:00:00Z'}");
    let state = document.at(Time(0));
    let passed = Cell::new(0);
    proptest!(ProptestConfig::with_cases(4000), |(headers in requests())| {
        let request = Request::new(&headers, &UnknownPeer);
        let decision = decide(&policy, |_| &state, &request);
        let (site, _) = decision.site.unwrap();
        match decision.verdict {
            Verdict::Refuse(refusal) => {
                let reply = replies[site].answer(refusal, &state, &request, Time(0), 7);
                let is_plain = |text: &str| text.bytes().all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte));
                for (name, value) in reply.headers.iter() {
                    prop_assert!(is_plain(name) && is_plain(value), "{} {}", name, value);
                }
            }
            Verdict::Pass(PassReason::Exempt("public")) => {
                let path = headers.first(":path").unwrap();
                let path = path.split(|byte| *byte == b'?').next().unwrap();
                passed.set(passed.get() + 1);
                prop_assert!(!path.contains(&b';'));
                // The decoded path is unambiguous.
                let decoded = String::from_utf8(percent_decoded(path)).unwrap();
                prop_assert!(decoded.starts_with("/public/"), "{}", decoded);
                prop_assert!(!decoded.contains(['\\', '\0']) && !decoded.contains("//"), "{}", decoded);
                prop_assert!(decoded.split('/').all(|segment| segment != "." && segment != ".."), "{}", decoded);
            }
            other => prop_assert!(false, "{}", other),
        }
    });
    assert!(passed.get() > 40, "too few requests passed to say anything: {}", passed.get());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn arbitrary_bytes_are_read_or_refused(bytes in bytes(300)) {
        let _ = Token::parse(&bytes, STATE_TYP);
        let _ = Document::from_payload(&bytes);
        let _ = CompiledConfig::from_plugin_configuration(&bytes);
    }

    #[test]
    fn a_policy_or_token_with_some_bytes_changed_is_read_or_refused(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)
    ) {
        let pair = ed25519_compact::KeyPair::from_seed(ed25519_compact::Seed::new([7; 32]));
        let state = json("{'site': 'a', 'fleet': 'b', 'revision': 5, 'mode': 'offline', 'windows': [\
            {'id': 'w', 'mode': 'offline', 'from': '2026-11-21T02:00:00Z'}], 'critical': ['until']}");
        let token = jws::sign(STATE_TYP, &state, &pair).into_bytes();
        let changed = |bytes: &[u8]| {
            let mut bytes = bytes.to_vec();
            for (index, byte) in &changes {
                let at = index.index(bytes.len());
                bytes[at] = *byte;
            }
            bytes
        };
        let _ = CompiledConfig::from_plugin_configuration(&changed(&json(POLICY)));
        let _ = Document::from_payload(&changed(&state)).map(|document| document.at(Time(0)).mode());
        let changed = changed(&token);
        if let Ok(parsed) = Token::parse(&changed, STATE_TYP) {
            prop_assert!(changed == token || parsed.verify(&pair.pk).is_err());
        }
    }
}

fn percent_decoded(path: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::new();
    let mut rest = path;
    while let [byte, tail @ ..] = rest {
        rest = tail;
        match (byte, tail) {
            (b'%', [one, other, after @ ..]) => {
                let digits = String::from_utf8(vec![*one, *other]).unwrap();
                decoded.push(u8::from_str_radix(&digits, 16).unwrap());
                rest = after;
            }
            _ => decoded.push(*byte),
        }
    }
    decoded
}

#[test]
fn claims_of_cookies_require_a_metadata_key() {
    let cookie = "{'name': 'a', 'claims': [{'iss': 'i', 'name': 'staff', 'value': true}]}";
    let problem = "requires jwt.metadata_key, under which jwt_authn stores a verified token";
    for (policy, path) in [
        (format!("'reply': {{'clear_cookies': [{cookie}]}}"), "reply.clear_cookies[0].claims"),
        (
            format!("'sites': [{{'name': 's', 'reply': {{'clear_cookies': ['b', {cookie}]}}}}]"),
            "sites[0].reply.clear_cookies[1].claims",
        ),
    ] {
        assert_eq!(compile(&format!("{{{policy}}}")).unwrap_err().to_string(), format!("{path}: {problem}"));
        assert!(compile(&format!("{{'jwt': {{'metadata_key': 'payload'}}, {policy}}}")).is_ok());
    }
}
