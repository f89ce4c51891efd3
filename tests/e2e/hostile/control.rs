//! The same for the control endpoint: what nobody expects in its two headers is answered with a code and changes nothing.

use hyper::Method;
use serde_json::Value;

use super::all_is_well;
use crate::support::app::App;
use crate::support::envoy::Envoy;
use crate::support::signer::{Signer, document, now_ms};
use crate::support::{raw, shop};

const DOCUMENT: &[u8] = b"x-maintenance-document";
const IF_MATCH: &[u8] = b"if-match";
const GET: &str = "GET /.maintenance/v1/status";
const PUT: &str = "PUT /.maintenance/v1/sites/shop";

type HeaderPairs<'a> = &'a [(&'a [u8], &'a [u8])];

/// Four workers that hold a pushed document, which closes `shop`, and its digest.
async fn closed(app: &App, ops: &Signer) -> (Envoy, String) {
    let envoy =
        Envoy::builder(app.address()).policy(&shop::policy(ops)).control(&shop::control(ops)).workers(4).start().await;
    let digest = shop::push(&envoy, ops, &document("shop", "offline")).await;
    (envoy, digest)
}

/// A newer document, which would open it.
fn opening(ops: &Signer) -> String {
    let mut opening = document("shop", "online");
    opening["revision"] = (now_ms() + 1000).into();
    ops.sign(&opening)
}

/// Sends a request to the control endpoint; the status, and the code in the answer.
async fn ask(envoy: &Envoy, line: &str, headers: HeaderPairs<'_>) -> (u16, String) {
    let mut bytes = format!("{line} HTTP/1.1\r\nHost: a\r\n").into_bytes();
    for (name, value) in headers {
        bytes.extend_from_slice(&[*name, b": ", *value, b"\r\n"].concat());
    }
    bytes.extend_from_slice(b"\r\n");
    let answer = raw::exchange(envoy.listener("control"), &bytes).await;
    let answer = answer.unwrap_or_else(|| panic!("no answer: {line}"));
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    (answer.status, body["code"].as_str().unwrap_or_default().to_owned())
}

/// What is refused with this code, unless Envoy itself does not take so many bytes.
fn refused(headers: HeaderPairs<'_>, status: u16, code: &str) -> (u16, String) {
    let length: usize = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    if length > 60 * 1024 { (431, String::new()) } else { (status, code.to_owned()) }
}

/// What holds, but for who has adopted it: a machine that is busy elsewhere makes workers late.
async fn held(envoy: &Envoy, ops: &Signer) -> Value {
    let mut held = shop::full_status(envoy, ops, "shop").await;
    held["workers"].take();
    held
}

/// The workers live, those of the control listener too.
async fn all_is_well_everywhere(envoy: &Envoy) {
    all_is_well(envoy).await;
    for _ in 0..40 {
        assert_eq!(ask(envoy, GET, &[]).await, (200, String::new()));
    }
}

#[tokio::test]
async fn documents_that_are_none_are_refused_with_a_code() {
    let (app, ops) = (App::start(), Signer::generate());
    let (envoy, _) = closed(&app, &ops).await;
    let before = held(&envoy, &ops).await;
    let opening = opening(&ops);
    let good = opening.as_bytes();
    let with = |at: usize, bytes: &[u8]| [&good[..at], bytes, &good[at..]].concat();
    for value in [
        b"\xff\xfe\x80".to_vec(),
        b"\xed\xa0\x80.\xc0\xaf.\xff".to_vec(),
        with(0, b"\xff"),
        with(good.len() / 2, b"\xc3"),
        with(good.len(), b"\xff"),
        b"".to_vec(),
        b"  ".to_vec(),
        b".".to_vec(),
        b"..".to_vec(),
        b"{}".to_vec(),
        with(good.len(), b"."),
        [good, b", ", good].concat(),
        b"A".repeat(20 * 1024),
        with(good.len(), &b"A".repeat(50 * 1024)),
        b"\xff".repeat(59 * 1024),
        b"A".repeat(100 * 1024),
    ] {
        let (status, code) = if value.len() > 12 * 1024 { (413, "too_large") } else { (400, "malformed_document") };
        let value = value.as_slice();
        for line in [GET, PUT] {
            for headers in [
                &[(DOCUMENT, value)][..],
                &[(DOCUMENT, value), (DOCUMENT, value)],
                // Of several the first counts: what follows makes it no better.
                &[(DOCUMENT, value), (DOCUMENT, good)],
                &[(DOCUMENT, value), (IF_MATCH, b"\xff")],
            ] {
                let start = String::from_utf8_lossy(&value[..value.len().min(40)]);
                assert_eq!(ask(&envoy, line, headers).await, refused(headers, status, code), "{line}: {start}");
            }
        }
    }
    assert_eq!(held(&envoy, &ops).await, before);
    all_is_well_everywhere(&envoy).await;
}

#[tokio::test]
async fn conditions_that_are_none_are_not_met() {
    let (app, ops) = (App::start(), Signer::generate());
    let (envoy, digest) = closed(&app, &ops).await;
    let before = held(&envoy, &ops).await;
    let opening = opening(&ops);
    let good = opening.as_bytes();
    for value in [
        b"\xff\xfe\x80".to_vec(),
        [b"\"", digest.as_bytes(), b"\xff\""].concat(),
        [b"\xc0\xaf", digest.as_bytes()].concat(),
        b"".to_vec(),
        b" ".to_vec(),
        b"\"".to_vec(),
        b"\"\"".to_vec(),
        b"*".to_vec(),
        b"\"*\"".to_vec(),
        digest.as_bytes()[..digest.len() - 1].to_vec(),
        b"A".repeat(20 * 1024),
        b"\xff".repeat(50 * 1024),
        b"A".repeat(100 * 1024),
    ] {
        let value = value.as_slice();
        for headers in
            [&[(DOCUMENT, good), (IF_MATCH, value)][..], &[(DOCUMENT, good), (IF_MATCH, value), (IF_MATCH, value)]]
        {
            let start = String::from_utf8_lossy(&value[..value.len().min(40)]);
            let answer = ask(&envoy, PUT, headers).await;
            assert_eq!(answer, refused(headers, 412, "conflict"), "{start}");
            assert_eq!(ask(&envoy, GET, &headers[1..]).await, refused(&headers[1..], 200, ""), "{start}");
        }
    }
    assert_eq!(held(&envoy, &ops).await, before);
    all_is_well_everywhere(&envoy).await;
    // Nothing else was wrong with it.
    let condition = format!("\"{digest}\"");
    let headers = [("x-maintenance-document", opening.as_str()), ("if-match", &condition)];
    assert_eq!(envoy.control(Method::PUT, "/v1/sites/shop", &headers).await.0, 200);
}
