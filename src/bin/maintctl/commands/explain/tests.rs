use envoy_maintenance::request::RequestPath;
use envoy_maintenance::tree::Tree;

use super::*;
use clap::Parser;

use super::print::text;
use crate::args::{Cli, Command};

const POLICY: &str = r#"{
    "fleet": "f", "control": { "path_prefix": "/.m" }, "jwt": { "metadata_key": "payload" },
    "sites": [{ "name": "shop", "hosts": ["shop"], "paths": ["/a"], "reply": { "format": "text", "text": "one\ntwo" } },
              { "name": "blog", "hosts": ["blog"] }],
    "exempt": [
        { "name": "office", "remote_ips": ["10.0.0.0/8"] },
        { "name": "mesh", "uri_sans": ["spiffe://a"], "methods": ["GET"] },
        { "name": "staff", "claims": [{ "iss": "i", "name": "role" }] },
        { "name": "probe", "headers": [{ "name": "x-probe" }] }
    ],
    "state": { "shop": { "mode": "read_only", "suspend": ["probe"] } }
}"#;

fn explained(words: &[&str]) -> Explanation {
    let words = ["maintctl", "explain", "--policy", "p"].iter().chain(words);
    let Command::Explain(args) = Cli::try_parse_from(words).unwrap().command else { panic!("not explain") };
    let config = CompiledConfig::from_tree(&Tree::from_json(POLICY.as_bytes()).unwrap()).unwrap();
    let states = States::read(&[], &config.policy, Time(0)).unwrap();
    let (headers, _) = url::headers(&args).unwrap();
    let flags = ClientFlags::new(&args);
    explain(&config, &states, &Request::new(&headers, &flags), &flags, Time(0))
}

#[test]
fn flags_describe_the_certificate_and_the_verified_token() {
    let to_shop = |words: &[&str]| explained(&[words, &["--ip", "192.0.2.1", "http://shop/a"]].concat());
    for (words, verdict, notes) in [
        (&["--uri-san", "spiffe://a"][..], "exempt:mesh", 0),
        (&["--uri-san", "spiffe://b", "--claim", "iss=i", "--claim", "role=admin"], "exempt:staff", 0),
        (&["--uri-san", "spiffe://b", "--claim", "iss=j", "--claim", "role=admin"], "read_only", 0),
        (&["--uri-san", "spiffe://b", "--claim", "iss=i", "--claim", "name=admin"], "read_only", 0),
        (&["--uri-san", "spiffe://b", "--claim", "role=admin"], "read_only", 1),
    ] {
        let explanation = to_shop(words);
        assert_eq!(explanation.verdict, verdict, "{words:?}");
        let missing = explanation.notes.iter().filter(|note| note.contains("do not match")).count();
        assert_eq!(missing, notes, "{words:?}: {:?}", explanation.notes);
    }
}

#[test]
fn claims_have_the_type_of_their_json() {
    let value = |text: &str| -> Vec<u8> {
        let words = ["maintctl", "explain", "--policy", "p", "--claim", text, "http://shop"];
        let Command::Explain(args) = Cli::try_parse_from(words).unwrap().command else { panic!("not explain") };
        args.claim[0].value.clone()
    };
    for (text, expected) in [
        ("a=true", &[1][..]),
        ("a=false", &[0]),
        ("a=7", &7f64.to_le_bytes()),
        ("a=\"true\"", b"true"),
        ("a=x=y", b"x=y"),
        ("a=", b""),
    ] {
        assert_eq!(value(text), expected, "{text}");
    }
    for text in ["a", "=a", "a=[1]", "a=null", "a={}"] {
        let words = ["maintctl", "explain", "--policy", "p", "--claim", text, "http://shop"];
        assert!(Cli::try_parse_from(words).is_err(), "{text}");
    }
}

#[test]
fn notes_name_the_rules_that_depend_on_unknown_properties() {
    for (words, expected) in [
        (
            &["-X", "PUT", "http://shop/a"][..],
            &[
                "rules that do not match, because --ip does not give the client address: office",
                "rules that do not match, because --claim does not describe a verified token: staff",
                "suspended rules: probe",
            ][..],
        ),
        (
            &["--ip", "192.0.2.1", "http://shop/a"],
            &[
                "rules that do not match, because --uri-san does not describe a client certificate: mesh",
                "rules that do not match, because --claim does not describe a verified token: staff",
                "suspended rules: probe",
            ],
        ),
        (&["--ip", "::ffff:10.0.0.1", "http://shop/a"], &["suspended rules: probe"]),
        (&["http://shop/b"], &["no site matches this host and path (sites: shop, blog)"]),
        (
            &["http://blog/"],
            &[
                "no document gives the state of the site, so it counts as online; --live uses the current one, --state that of a \
                 file",
            ],
        ),
        (&["http://shop/.m/v1/status"], &["the response depends on Envoy's state; use `maintctl status`"]),
    ] {
        assert_eq!(explained(words).notes, expected, "{words:?}");
    }
}

#[test]
fn a_refusal_is_shown_with_its_reply() {
    let explanation = explained(&["--ip", "192.0.2.1", "-X", "PUT", "http://shop/a%2F;b"]);
    let shown = "verdict    read_only: answered by the filter\n\
        site       shop, which is read_only\n\
        rule       none\n\
        host       shop\n\
        path       ambiguous: matches no exempt rule with paths, and is refused if any interpretation would be refused\n  \
        as sent  /a%2F;b  (it has an encoded slash)\n  \
        or       /a%2F%3Bb\n  \
        or       /a/%3Bb\n  \
        or       /a%2F\n  \
        or       /a/\n\
        at         1970-01-01T00:00:00Z\n\
        note       rules that do not match, because --claim does not describe a verified token: staff\n\
        note       suspended rules: probe\n\
        \n\
        HTTP 503\n\
        x-maintenance-mode: read_only\n\
        cache-control: no-store, max-age=0\n\
        x-robots-tag: noindex\n\
        vary: accept, origin\n\
        x-envoy-ratelimited: true\n\
        content-type: text/plain; charset=utf-8\n\
        x-content-type-options: nosniff\n\
        retry-after: 300\n\
        \n\
        one\n\
        two\n";
    assert_eq!(text(&explanation, true), shown);
}

#[test]
fn a_request_that_passes_is_shown_with_its_upstream_headers() {
    let explanation = explained(&["--ip", "10.0.0.1", "http://shop/a"]);
    let shown = "verdict    exempt:office: passes to the application\n\
        site       shop, which is read_only\n\
        rule       office\n\
        host       shop\n\
        path       /a\n\
        at         1970-01-01T00:00:00Z\n\
        note       suspended rules: probe\n\
        upstream   x-maintenance-status: read_only; via=exempt:office\n";
    assert_eq!(text(&explanation, true), shown);
}

#[test]
fn a_long_body_is_cut_on_terminals_only() {
    let long = "line\n".repeat(30);
    let cut = print::body(&long, true);
    assert!(cut.ends_with("line\n… 10 more lines, 150 bytes in all; --json prints all\n"), "{cut}");
    assert_eq!(print::body(&long, false), format!("\n{long}"));
}

#[test]
fn the_reason_why_a_path_is_ambiguous_is_shown() {
    for (path, why) in [
        ("a", "it does not begin with a slash"),
        ("/a/../b", "it has a dot segment, perhaps after decoding"),
        ("/a/%252E./b", "it has a dot segment, perhaps after decoding"),
        ("/a//b", "it has an empty segment"),
        ("/a%2Fb", "it has an encoded slash"),
        ("/a\\b", "it has a backslash"),
        ("/a%5cb", "it has a backslash"),
        ("/a;b", "it has a semicolon"),
        ("/a%3Bb", "it has a semicolon"),
        ("/a%23b", "it has a number sign or an encoded question mark"),
        ("/a%2561", "it changes when it is decoded again"),
        ("/a b", "it has characters outside of printable ASCII"),
        ("/a%zz", "it has invalid percent-encoding, or encodes a control character or invalid UTF-8"),
    ] {
        assert!(RequestPath::parse(path.as_bytes()).canonical().is_none(), "{path}");
        assert_eq!(print::why(path), why, "{path}");
    }
}
