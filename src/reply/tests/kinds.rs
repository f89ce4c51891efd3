use super::*;

#[test]
fn clients_get_a_kind_of_reply_that_they_understand() {
    let (html, text) = ("text/html; charset=utf-8", "text/plain; charset=utf-8");
    let reply = reply(json!({ "formats": [
        { "paths": ["/api/*"], "format": "json" },
        { "paths": ["/plain"], "format": "text" },
    ] }));
    for (request, status, kind, contains) in [
        (BROWSER, 503, Some(html), "<!doctype html>"),
        ("HEAD /\naccept: text/html", 503, Some(html), "<!doctype html>"),
        ("GET /", 503, Some("application/problem+json"), "\"site\":\"shop\""),
        ("GET /api/x\naccept: text/html", 503, Some("application/problem+json"), "\"mode\":\"offline\""),
        ("GET /plain\naccept: text/html", 503, Some(text), "Down for maintenance: Database upgrade\n"),
        ("GET /\naccept: text/plain", 503, Some(text), "Expected back at 2026-11-21 03:00 UTC.\n"),
        ("GET /\nupgrade: websocket", 503, Some("application/problem+json"), ""),
        ("GET /\naccept: */*\nsec-fetch-dest: script", 503, None, ""),
        ("GET /\naccept: text/css,*/*;q=0.1\nsec-fetch-dest: style", 503, None, ""),
        (
            "POST /api/x\ncontent-type: application/grpc-web",
            200,
            Some("application/grpc-web+proto"),
            "grpc-status: 14\r\n",
        ),
        (
            "POST /\ncontent-type: application/grpc-web-text+proto",
            200,
            Some("application/grpc-web-text+proto"),
            "gAAAA",
        ),
        ("POST /\ncontent-type: application/grpc; a=b", 503, Some("application/grpc"), ""),
        ("POST /\ncontent-type: Application/gRPC", 503, Some("application/grpc"), ""),
        (
            "POST /\nconnect-protocol-version: 1",
            503,
            Some("application/json"),
            "{\"code\":\"unavailable\",\"message\":",
        ),
    ] {
        let answer = ask(&reply, request);
        assert_eq!((answer.status, header(&answer, "content-type")), (status, kind), "{request}");
        assert!(body(&answer).contains(contains), "{request}: {}", body(&answer));
        assert_eq!(
            body(&answer).is_empty(),
            contains.is_empty() && kind != Some("application/problem+json"),
            "{request}"
        );
        assert_eq!(answer.grpc_status, None, "{request}");
    }
}

#[test]
fn grpc_gets_unavailable_and_a_short_message() {
    let reply = reply(json!({ "format": "html", "html": "<p>never" }));
    let message = "shop is closed for maintenance: 100% gr??er";
    let state = closed(Mode::Offline, None, Some(60), Some("100% größer"));
    for kind in ["application/grpc", "application/grpc+proto"] {
        let answer = ask_at(&reply, &state, &format!("POST /a.B/C\nte: trailers\ncontent-type: {kind}"));
        assert_eq!((answer.grpc_status, body(&answer).as_str()), (Some(14), message));
        assert_eq!(header(&answer, "grpc-retry-pushback-ms"), Some("60000"));
    }
    let trailers = "\x00\x00\x00\x4egrpc-status: 14\r\ngrpc-message: shop is closed for maintenance: 100%25 gr??er\r\n";
    let frame = [&[0x80], trailers.as_bytes()].concat();
    let answer = ask_at(&reply, &state, "POST /a.B/C\ncontent-type: application/grpc-web+proto");
    assert_eq!((answer.status, header(&answer, "grpc-status"), &*answer.body), (200, None, &frame));
    let answer = ask_at(&reply, &state, "POST /a.B/C\ncontent-type: application/grpc-web-text");
    assert_eq!(body(&answer), Base64::encode_to_string(&frame).unwrap());
    let answer = ask_at(&reply, &state, "POST /a.B/C\ncontent-type: application/grpc; a=b");
    assert_eq!(header(&answer, "grpc-status"), Some("14"));
    assert_eq!(header(&answer, "grpc-message"), Some("shop is closed for maintenance: 100%25 gr??er"));
}

#[test]
fn only_browsers_are_redirected() {
    let reply = reply(json!({ "redirect": "https://status.example.com/?from=shop", "format": "json" }));
    for (request, status) in [
        (BROWSER, 302),
        ("HEAD /\naccept: text/html", 302),
        ("POST /\naccept: text/html", 503),
        ("GET /", 503),
        ("GET /\naccept: application/json", 503),
        ("GET /\naccept: text/html\nsec-fetch-dest: script", 503),
    ] {
        let answer = ask(&reply, request);
        let location = (status == 302).then_some("https://status.example.com/?from=shop");
        assert_eq!((answer.status, header(&answer, "location")), (status, location), "{request}");
    }
    assert_eq!(reply.redirect.as_ref().unwrap().path, "/");
}
