//! Hostile requests to the control endpoint: invalid values of its two headers get an error code and change nothing.

use hyper::Method;
use serde_json::Value;

use super::assert_healthy;
use crate::support::app::App;
use crate::support::envoy::Envoy;
use crate::support::signer::{Signer, document, now_ms};
use crate::support::{raw, shop};

const DOCUMENT: &[u8] = b"x-maintenance-document";
const IF_MATCH: &[u8] = b"if-match";
const GET: &str = "GET /.maintenance/v1/status";
const PUT: &str = "PUT /.maintenance/v1/sites/shop";

type HeaderPairs<'a> = &'a [(&'a [u8], &'a [u8])];

/// An Envoy with four workers that have adopted a document that closes `shop`, and the digest of the document.
async fn closed(app: &App, ops: &Signer) -> (Envoy, String) {
    let envoy =
        Envoy::builder(app.address()).policy(&shop::policy(ops)).control(&shop::control(ops)).workers(4).start().await;
    let digest = shop::push(&envoy, ops, &document("shop", "offline")).await;
    (envoy, digest)
}

/// A newer document that opens `shop`.
fn opening(ops: &Signer) -> String {
    let mut opening = document("shop", "online");
    opening["revision"] = (now_ms() + 1000).into();
    ops.sign(&opening)
}

/// Sends a request to the control endpoint and returns the status and the error code.
async fn ask(envoy: &Envoy, line: &str, headers: HeaderPairs<'_>) -> (u16, String) {
    let mut bytes = format!("{line} HTTP/1.1\r\nHost: a\r\n").into_bytes();
    for (name, value) in headers {
        bytes.extend_from_slice(&[*name, b": ", *value, b"\r\n"].concat());
    }
    bytes.extend_from_slice(b"\r\n");
    let answer = raw::exchange(envoy.listener("control"), &bytes).await;
    let answer = answer.unwrap_or_else(|| panic!("no response: {line}"));
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    (answer.status, body["code"].as_str().unwrap_or_default().to_owned())
}

/// The expected rejection: Envoy itself rejects headers of more than 60 KiB.
fn refused(headers: HeaderPairs<'_>, status: u16, code: &str) -> (u16, String) {
    let length: usize = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    if length > 60 * 1024 { (431, String::new()) } else { (status, code.to_owned()) }
}

/// The full status of `shop` without `workers`: on a busy machine, workers may adopt late.
async fn current(envoy: &Envoy, ops: &Signer) -> Value {
    let mut status = shop::full_status(envoy, ops, "shop").await;
    status["workers"].take();
    status
}

/// Asserts that the workers respond on both listeners.
async fn assert_both_listeners_healthy(envoy: &Envoy) {
    assert_healthy(envoy).await;
    for _ in 0..40 {
        assert_eq!(ask(envoy, GET, &[]).await, (200, String::new()));
    }
}

#[tokio::test]
async fn malformed_documents_are_rejected_with_an_error_code() {
    let (app, ops) = (App::start(), Signer::generate());
    let (envoy, _) = closed(&app, &ops).await;
    let before = current(&envoy, &ops).await;
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
                // The filter uses the first of several headers.
                &[(DOCUMENT, value), (DOCUMENT, good)],
                &[(DOCUMENT, value), (IF_MATCH, b"\xff")],
            ] {
                let start = String::from_utf8_lossy(&value[..value.len().min(40)]);
                assert_eq!(ask(&envoy, line, headers).await, refused(headers, status, code), "{line}: {start}");
            }
        }
    }
    assert_eq!(current(&envoy, &ops).await, before);
    assert_both_listeners_healthy(&envoy).await;
}

#[tokio::test]
async fn malformed_if_match_conditions_are_not_met() {
    let (app, ops) = (App::start(), Signer::generate());
    let (envoy, digest) = closed(&app, &ops).await;
    let before = current(&envoy, &ops).await;
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
    assert_eq!(current(&envoy, &ops).await, before);
    assert_both_listeners_healthy(&envoy).await;
    // With a valid condition, the document is accepted.
    let condition = format!("\"{digest}\"");
    let headers = [("x-maintenance-document", opening.as_str()), ("if-match", &condition)];
    assert_eq!(envoy.control(Method::PUT, "/v1/sites/shop", &headers).await.0, 200);
}
