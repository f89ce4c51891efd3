//! What is said of a request, in just these words.

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
    let flags = ClientFlags::new(args.ip);
    explain(&config, &states, &Request::new(&headers, &flags), &flags, Time(0))
}

#[test]
fn what_flags_cannot_say_is_said_with_the_rules_that_ask() {
    for (words, expected) in [
        (
            &["-X", "PUT", "http://shop/a"][..],
            &[
                "taken as not met, as no --ip says the client's address: office",
                "taken as not met, as flags cannot say the claims of a verified token: staff",
                "suspended, so not counted: probe",
            ][..],
        ),
        (
            &["--ip", "192.0.2.1", "http://shop/a"],
            &[
                "taken as not met, as flags cannot say the client's certificate: mesh",
                "taken as not met, as flags cannot say the claims of a verified token: staff",
                "suspended, so not counted: probe",
            ],
        ),
        (&["--ip", "::ffff:10.0.0.1", "http://shop/a"], &["suspended, so not counted: probe"]),
        (&["http://shop/b"], &["no site has this host and path (sites: shop, blog)"]),
        (
            &["http://blog/"],
            &[
                "nothing says what its state is, so it is taken to be online: give a document by --state, or the file that \
               maintctl writes as --policy",
            ],
        ),
        (
            &["http://shop/.m/v1/status"],
            &["the control endpoint answers from what Envoy holds; `maintctl status` asks it"],
        ),
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
        path       ambiguous: satisfies no rule that opens and names paths, and is refused where any reading of it would be\n  \
        as sent  /a%2F;b  (it has an encoded slash)\n  \
        read as  /a%2F%3Bb\n  \
        read as  /a/%3Bb\n  \
        read as  /a%2F\n  \
        read as  /a/\n\
        at         1970-01-01T00:00:00Z\n\
        note       taken as not met, as flags cannot say the claims of a verified token: staff\n\
        note       suspended, so not counted: probe\n\
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
fn a_pass_is_shown_with_what_the_application_is_told() {
    let explanation = explained(&["--ip", "10.0.0.1", "http://shop/a"]);
    let shown = "verdict    exempt:office: goes on to the application\n\
        site       shop, which is read_only\n\
        rule       office\n\
        host       shop\n\
        path       /a\n\
        at         1970-01-01T00:00:00Z\n\
        note       suspended, so not counted: probe\n\
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
fn why_a_path_is_ambiguous_is_said() {
    for (path, why) in [
        ("a", "it does not begin with a slash"),
        ("/a/../b", "it has a dot segment in some decoding"),
        ("/a/%252E./b", "it has a dot segment in some decoding"),
        ("/a//b", "it has an empty segment"),
        ("/a%2Fb", "it has an encoded slash"),
        ("/a\\b", "it has a backslash"),
        ("/a%5cb", "it has a backslash"),
        ("/a;b", "it has a semicolon"),
        ("/a%3Bb", "it has a semicolon"),
        ("/a%23b", "it has a number sign or an encoded question mark"),
        ("/a%2561", "it changes when it is decoded again"),
        ("/a b", "it has bytes that are no printable ASCII"),
        ("/a%zz", "its percent-encoding is bad, or stands for a control character or for what is no UTF-8"),
    ] {
        assert!(RequestPath::parse(path.as_bytes()).canonical().is_none(), "{path}");
        assert_eq!(print::why(path), why, "{path}");
    }
}
