use super::*;
use crate::tree::PathError;

/// Reads a policy that is written with single quotes.
fn read(text: &str) -> Result<PluginConfig, PathError> {
    PluginConfig::read(&Tree::from_json(text.replace('\'', "\"").as_bytes())?)
}

fn assert_refused(rows: &[(&str, &str)]) {
    for (text, message) in rows {
        let problem = read(text).map(|_| ()).map_err(|error| error.to_string());
        assert_eq!(problem, Err((*message).to_owned()), "{text}");
    }
}

#[test]
fn values_that_are_not_objects_are_refused() {
    assert_refused(&[
        ("{", "not JSON: EOF while parsing an object at line 1 column 1"),
        ("", "not JSON: EOF while parsing a value at line 1 column 0"),
        ("[]", "[] is a list, not an object"),
        ("null", "null is null, not an object"),
        ("{'reply': 5}", "reply: 5 is a number, not an object"),
        ("{'jwt': 'payload'}", "jwt: \"payload\" is a text, not an object"),
        ("{'control': true}", "control: true is a boolean, not an object"),
        ("{'state': []}", "state: [] is a list, not an object"),
        ("{'state': {'shop': 'offline'}}", "state.shop: \"offline\" is a text, not an object"),
        ("{'sites': ['shop']}", "sites[0]: \"shop\" is a text, not an object"),
        ("{'exempt': ['office']}", "exempt[0]: \"office\" is a text, not an object"),
        ("{'keys': [5]}", "keys[0]: 5 is a number, not an object"),
        ("{'keys': [{'name': 'a', 'jwk': 'x'}]}", "keys[0].jwk: \"x\" is a text, not an object"),
        ("{'exempt': [{'name': 'a', 'headers': ['x']}]}", "exempt[0].headers[0]: \"x\" is a text, not an object"),
        ("{'exempt': [{'name': 'a', 'claims': ['x']}]}", "exempt[0].claims[0]: \"x\" is a text, not an object"),
        ("{'reply': {'cors': []}}", "reply.cors: [] is a list, not an object"),
        ("{'reply': {'formats': [1.5]}}", "reply.formats[0]: 1.5 is a number, not an object"),
        ("{'reply': {'headers': []}}", "reply.headers: [] is a list, not an object"),
    ]);
}

#[test]
fn missing_fields_are_refused() {
    assert_refused(&[
        ("{'jwt': {}}", "jwt.metadata_key: missing"),
        ("{'control': {}}", "control.path_prefix: missing"),
        ("{'control': {'path_prefix': null}}", "control.path_prefix: missing"),
        ("{'sites': [{}]}", "sites[0].name: missing"),
        ("{'always_closed': [{}]}", "always_closed[0].name: missing"),
        ("{'sites': [{'name': 'a', 'exempt': [{}]}]}", "sites[0].exempt[0].name: missing"),
        ("{'exempt': [{'name': 'a', 'cookies': [{'value': 'x'}]}]}", "exempt[0].cookies[0].name: missing"),
        (
            "{'exempt': [{'name': 'a', 'claims': [{'iss': 'i', 'name': 'x', 'value': [true, [1]]}]}]}",
            "exempt[0].claims[0].value[1]: [1] is a list, not a text, true, false, a number, or an object with regex, \
             sha256 or absent",
        ),
        ("{'exempt': [{'name': 'a', 'claims': [{'name': 'x'}]}]}", "exempt[0].claims[0].iss: missing"),
        ("{'exempt': [{'name': 'a', 'claims': [{'iss': 'x'}]}]}", "exempt[0].claims[0].name: missing"),
        ("{'reply': {'cors': {}}}", "reply.cors.origins: missing"),
        ("{'reply': {'formats': [{'format': 'json'}]}}", "reply.formats[0].paths: missing"),
        ("{'reply': {'formats': [{'paths': ['/a']}]}}", "reply.formats[0].format: missing"),
        ("{'keys': [{}]}", "keys[0].name: missing"),
        ("{'keys': [{'name': 'a'}]}", "keys[0].jwk: missing"),
        ("{'keys': [{'name': 'a', 'jwk': {}}]}", "keys[0].jwk.kty: missing"),
        ("{'keys': [{'name': 'a', 'jwk': {'kty': 'OKP'}}]}", "keys[0].jwk.crv: missing"),
        ("{'keys': [{'name': 'a', 'jwk': {'kty': 'OKP', 'crv': 'Ed25519'}}]}", "keys[0].jwk.x: missing"),
        ("{'keys': [{'name': 'a', 'jwk': {'kty': '', 'crv': '', 'x': ''}}]}", "keys[0].sites: missing"),
        ("{'keys': [{'name': 'a', 'jwk': {'kty': '', 'crv': '', 'x': ''}, 'sites': []}]}", "keys[0].may: missing"),
        ("{'state': {'shop': {}}}", "state.shop.mode: missing"),
    ]);
}

#[test]
fn an_unknown_field_is_refused_at_every_level() {
    assert_refused(&[
        ("{'site': []}", "site: unknown field; did you mean \"sites\"?"),
        ("{'colour': 1}", "colour: unknown field"),
        // Fields of later versions.
        ("{'public_status': {}}", "public_status: unknown field"),
        ("{'sessions': {}}", "sessions: unknown field"),
        ("{'passes': {}}", "passes: unknown field"),
        ("{'tasks': {}}", "tasks: unknown field"),
        ("{'etcd': {}}", "etcd: unknown field"),
        ("{'close_streams': true}", "close_streams: unknown field"),
        ("{'jwt': {'metadata_key': 'a', 'key': 'b'}}", "jwt.key: unknown field"),
        (
            "{'control': {'path_prefix': '/a', 'path-prefix': 'b'}}",
            "control.path-prefix: unknown field; did you mean \"path_prefix\"?",
        ),
        ("{'sites': [{'name': 'a', 'host': []}]}", "sites[0].host: unknown field; did you mean \"hosts\"?"),
        (
            "{'exempt': [{'name': 'a', 'remote_ip': []}]}",
            "exempt[0].remote_ip: unknown field; did you mean \"remote_ips\"?",
        ),
        (
            "{'exempt': [{'name': 'a', 'paths': [{'regexp': 'x'}]}]}",
            "exempt[0].paths[0].regexp: unknown field; did you mean \"regex\"?",
        ),
        (
            "{'exempt': [{'name': 'a', 'query': [{'name': 'x', 'values': []}]}]}",
            "exempt[0].query[0].values: unknown field; did you mean \"value\"?",
        ),
        (
            "{'exempt': [{'name': 'a', 'claims': [{'iss': 'x', 'name': 'x', 'issuer': 'x'}]}]}",
            "exempt[0].claims[0].issuer: unknown field; did you mean \"iss\"?",
        ),
        ("{'reply': {'retry-after': '5m'}}", "reply.retry-after: unknown field; did you mean \"retry_after\"?"),
        ("{'reply': {'cors': {'origins': [], 'max_age': 5}}}", "reply.cors.max_age: unknown field"),
        (
            "{'reply': {'formats': [{'paths': [], 'format': 'json', 'path': 1}]}}",
            "reply.formats[0].path: unknown field; did you mean \"paths\"?",
        ),
        (
            "{'keys': [{'name': 'a', 'jwk': {'kty': '', 'crv': '', 'x': ''}, 'sites': [], 'may': [], 'can': 1}]}",
            "keys[0].can: unknown field; did you mean \"may\"?",
        ),
        (
            "{'keys': [{'name': 'a', 'jwk': {'kty': '', 'crv': '', 'x': '', 'y': ''}}]}",
            "keys[0].jwk.y: unknown field; did you mean \"x\"?",
        ),
    ]);
}

#[test]
fn a_value_of_another_type_is_refused() {
    for (field, message) in [
        ("'fleet': 5", "fleet: 5 is a number, not a text"),
        ("'sites': {}", "sites: {} is an object, not a list"),
        ("'exempt': {}", "exempt: {} is an object, not a list"),
        ("'always_closed': 'a'", "always_closed: \"a\" is a text, not a list"),
        ("'health_checks': true", "health_checks: true is a boolean, not a list"),
        ("'keys': {}", "keys: {} is an object, not a list"),
        ("'jwt': {'metadata_key': 5}", "jwt.metadata_key: 5 is a number, not a text"),
        ("'control': {'path_prefix': 5}", "control.path_prefix: 5 is a number, not a text"),
        ("'builtin_rules': 'yes'", "builtin_rules: \"yes\" is a text, not true or false"),
    ] {
        assert_refused(&[(&format!("{{{field}}}"), message)]);
    }
    for (field, message) in [
        ("'name': 5", "name: 5 is a number, not a text"),
        ("'name': 'a', 'hosts': 'a'", "hosts: \"a\" is a text, not a list"),
        ("'name': 'a', 'hosts': [5]", "hosts[0]: 5 is a number, not a text"),
        ("'name': 'a', 'paths': ['/', 5]", "paths[1]: 5 is a number, not a text"),
        ("'name': 'a', 'reply': []", "reply: [] is a list, not an object"),
    ] {
        assert_refused(&[(&format!("{{'sites': [{{{field}}}]}}"), &format!("sites[0].{message}"))]);
    }
    for (field, message) in [
        ("'paths': '/a'", "paths: \"/a\" is a text, not a list"),
        ("'methods': [5]", "methods[0]: 5 is a number, not a text"),
        ("'remote_ips': ['::', null]", "remote_ips[1]: null is null, not a text"),
        ("'uri_sans': [5]", "uri_sans[0]: 5 is a number, not a text or an object with regex, sha256 or absent"),
        (
            "'headers': [{'name': 'x', 'value': true}]",
            "headers[0].value: true is a boolean, not a text or an object with regex, sha256 or absent",
        ),
        (
            "'headers': [{'name': 'x', 'value': ['a', 5]}]",
            "headers[0].value[1]: 5 is a number, not a text or an object with regex, sha256 or absent",
        ),
        (
            "'headers': [{'name': 'x', 'value': [['a']]}]",
            "headers[0].value[0]: [\"a\"] is a list, not a text or an object with regex, sha256 or absent",
        ),
        ("'query': {}", "query: {} is an object, not a list"),
        ("'modes': ['closed']", "modes[0]: \"closed\" is not a mode; modes are online, read_only and offline"),
        ("'modes': ['pending']", "modes[0]: \"pending\" is not a mode; modes are online, read_only and offline"),
    ] {
        let text = format!("{{'health_checks': [{{'name': 'a', {field}}}]}}");
        assert_refused(&[(&text, &format!("health_checks[0].{message}"))]);
    }
    for (field, message) in [
        ("'status': '503'", "status: \"503\" is a text, not a whole number"),
        ("'status': 503.5", "status: 503.5 is not a whole number below 2^53"),
        ("'retry_after': 300", "retry_after: 300 is a number, not a text"),
        ("'headers': {'x': 5}", "headers.x: 5 is a number, not a text"),
        ("'context': {'x': null}", "context.x: null is null, not a text"),
    ] {
        assert_refused(&[(&format!("{{'reply': {{{field}}}}}"), &format!("reply.{message}"))]);
    }
}

#[test]
fn a_text_has_exactly_one_form() {
    let needed = "exactly one of regex, sha256 and absent is required";
    for (text, problem) in [
        ("{}", format!(": {needed}")),
        ("{'regex': 'a', 'absent': true}", format!(": {needed}")),
        ("{'regex': 'a', 'sha256': 'b'}", format!(": {needed}")),
        ("{'absent': false}", ".absent: false has no meaning; omit the field".to_owned()),
        ("{'absent': 'yes'}", ".absent: \"yes\" is a text, not true or false".to_owned()),
        ("{'regex': 5}", ".regex: 5 is a number, not a text".to_owned()),
    ] {
        let policy = format!("{{'exempt': [{{'name': 'a', 'headers': [{{'name': 'x', 'value': {text}}}]}}]}}");
        assert_refused(&[(&policy, &format!("exempt[0].headers[0].value{problem}"))]);
    }
}

#[test]
fn a_private_key_is_refused_and_optional_members_are_ignored() {
    let policy = |more: &str| {
        let jwk = format!("{{'kty': 'OKP', 'crv': 'Ed25519', 'x': 'A', {more}}}");
        format!("{{'keys': [{{'name': 'a', 'jwk': {jwk}, 'sites': ['*'], 'may': ['state']}}]}}")
    };
    assert_refused(&[(
        &policy("'d': 'secret'"),
        "keys[0].jwk.d: this is a private key; a policy contains public keys only",
    )]);
    assert!(read(&policy("'use': 'sig', 'key_ops': ['verify'], 'alg': 'EdDSA', 'kid': 'k'")).is_ok());
}

#[test]
fn null_is_refused_outside_of_replies() {
    let problem = "null has no meaning; omit the field";
    let conditions = ["paths", "methods", "remote_ips", "uri_sans", "headers", "query", "cookies", "claims", "modes"];
    for condition in conditions {
        for list in ["exempt", "always_closed", "health_checks"] {
            let rule = format!("'{list}': [{{'name': 'a', '{condition}': null}}]");
            assert_refused(&[
                (&format!("{{{rule}}}"), &format!("{list}[0].{condition}: {problem}")),
                (
                    &format!("{{'sites': [{{'name': 'a', {rule}}}]}}"),
                    &format!("sites[0].{list}[0].{condition}: {problem}"),
                ),
            ]);
        }
    }
    for (conditions, path) in [
        ("'methods': ['GET'], 'remote_ips': null", "remote_ips"),
        ("'headers': [{'name': 'x', 'value': null}]", "headers[0].value"),
        ("'query': [{'name': 'x'}, {'name': 'y', 'value': null}]", "query[1].value"),
        ("'cookies': [{'name': 'x', 'value': null}]", "cookies[0].value"),
        ("'cookies': [{'name': 'x', 'value': {'sha256': null, 'absent': true}}]", "cookies[0].value.sha256"),
        ("'paths': [{'regex': '.*', 'absent': null}]", "paths[0].absent"),
        ("'claims': [{'iss': 'i', 'name': 'x', 'value': null}]", "claims[0].value"),
    ] {
        let policy = format!("{{'exempt': [{{'name': 'a', {conditions}}}]}}");
        assert_refused(&[(&policy, &format!("exempt[0].{path}: {problem}"))]);
    }
    assert_refused(&[
        ("{'sites': [{'name': 'a', 'hosts': null}]}", &format!("sites[0].hosts: {problem}")),
        ("{'sites': [{'name': 'a', 'paths': null}]}", &format!("sites[0].paths: {problem}")),
        ("{'sites': [{'name': 'a', 'always_closed': null}]}", &format!("sites[0].always_closed: {problem}")),
        ("{'sites': null}", &format!("sites: {problem}")),
        ("{'fleet': 'f', 'keys': null}", &format!("keys: {problem}")),
        ("{'exempt': [{'name': 'a', 'claims': [{'iss': null, 'name': 'x'}]}]}", "exempt[0].claims[0].iss: missing"),
    ]);
    for list in ["sites", "may"] {
        let key = "{'name': 'a', 'jwk': {'kty': '', 'crv': '', 'x': ''}, 'sites': ['*'], 'may': ['state']}";
        let key = key.replace(&format!("'{list}': ['"), &format!("'{list}': null, '_': ['"));
        assert_refused(&[(&format!("{{'keys': [{key}]}}"), &format!("keys[0].{list}: missing"))]);
    }
}

#[test]
fn null_in_a_reply_unsets_a_field() {
    assert_eq!(read("{'reply': {'html': null}}"), Ok(PluginConfig::default()));
    assert_eq!(read("{'reply': {'retry_after': null}}").unwrap().reply.retry_after, Some(None));
    assert_eq!(read("{'sites': []}").unwrap().sites, Some(Vec::new()));
}
