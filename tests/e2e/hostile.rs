//! What strangers send ends in an answer, never in a trap, and never opens a closed site.

use std::net::SocketAddr;

use futures::StreamExt;
use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::envoy::Envoy;
use crate::support::raw;

mod control;

/// The site is closed but for `/public/*`, and for rules that read whatever a request may hold.
fn policy() -> Value {
    let named = |kind: &str, name: &str, value: Value| json!({ "name": format!("{kind}-rule"), kind: [{ "name": name, "value": value }] });
    json!({
        "sites": [{ "name": "shop" }],
        "state": { "shop": { "mode": "offline", "reason": "closed" } },
        "exempt": [
            { "name": "public", "paths": ["/public/*"] },
            { "name": "office", "remote_ips": ["203.0.113.7", "10.0.0.0/8", "2001:db8::/32"] },
            named("headers", "x-staff", json!({ "regex": "yes|ja" })),
            named("cookies", "staff", "yes".into()),
            named("query", "staff", "yes".into()),
            { "name": "agents", "headers": [{ "name": "user-agent", "value": "Staff/*" }, { "name": "accept" }, { "name": "origin" }] },
        ],
        "always_closed": [{ "name": "inner", "paths": ["/public/inner/*"] }],
        "reply": { "cors": { "origins": ["https://*"] } },
    })
}

async fn envoy(app: &App) -> Envoy {
    Envoy::builder(app.address()).policy(&policy()).workers(4).start().await
}

/// Every worker answers, and nobody has trapped.
async fn all_is_well(envoy: &Envoy) {
    let mut connections = Vec::new();
    for _ in 0..40 {
        let mut connection = raw::Connection::open(envoy.data()).await;
        connection.send(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert_eq!(connection.response().await.expect("an answer").status, 503);
        connections.push(connection);
    }
    let active = envoy.stats("downstream_cx_active").await;
    for worker in 0..4 {
        let of = format!("worker_{worker}.downstream_cx_active");
        assert!(active.iter().any(|(name, count)| name.ends_with(&of) && *count > 0), "{of}: {active:?}");
    }
    let log = envoy.log().to_lowercase();
    for word in ["panick", "trap", "unreachable", "wasm vm failed", "runtime error", "proxy-wasm", "fail reload"] {
        assert!(!log.contains(word), "{word}: {log}");
    }
    let failures = envoy.stats("wasm").await;
    let bad = |name: &str| name.contains("vm_reload") || name.contains("remote_load") || name.contains("crash");
    assert!(!failures.iter().any(|(name, count)| bad(name) && *count > 0), "{failures:?}");
}

/// A request line and headers as bytes, with the end of the head.
fn request(target: &[u8], headers: &[(&[u8], &[u8])]) -> Vec<u8> {
    let mut bytes = [b"GET ", target, b" HTTP/1.1\r\n"].concat();
    for (name, value) in headers {
        bytes.extend_from_slice(&[*name, b": ", *value, b"\r\n"].concat());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes
}

/// The status, or 0 where the connection was closed without an answer.
async fn status(to: SocketAddr, bytes: &[u8]) -> u16 {
    raw::exchange(to, bytes).await.map_or(0, |answer| answer.status)
}

#[tokio::test]
async fn bytes_that_are_no_text_and_headers_that_are_twice_or_empty_open_nothing() {
    let app = App::start();
    let envoy = envoy(&app).await;
    let cookies = [b"a=".as_slice(), &b"x; b=".repeat(58 * 1024 / 5), b"y"].concat();
    for name in [
        "x-staff",
        "cookie",
        "user-agent",
        "accept",
        "accept-language",
        "origin",
        "content-type",
        "referer",
        "sec-fetch-dest",
        "access-control-request-method",
        "upgrade-insecure-requests",
        "x-forwarded-for",
        "x-forwarded-proto",
        "x-maintenance-document",
        "x-maintenance-pass",
        "x-request-id",
        "authorization",
        "purpose",
        "x-requested-with",
        "te",
    ] {
        let name = name.as_bytes();
        for value in [
            &b"\xff\xfe\x80"[..],
            b"yes\xc0\xaf",
            b"\xed\xa0\x80",
            b"",
            b" ",
            b"staff=\xff; staff",
            b"=;=;;",
            b"yes,yes",
            b",q=,;q",
        ] {
            for headers in
                [vec![(name, value)], vec![(name, value), (name, value)], vec![(name, &b""[..]), (name, value)]]
            {
                let headers = [vec![(&b"Host"[..], &b"a"[..])], headers].concat();
                let seen = status(envoy.data(), &request(b"/", &headers)).await;
                // What Envoy itself does not take it answers itself.
                assert!(matches!(seen, 503 | 400 | 0), "{}: {value:?}: {seen}", String::from_utf8_lossy(name));
            }
        }
    }
    assert_eq!(status(envoy.data(), &request(b"/", &[(b"Host", b"a"), (b"Cookie", &cookies)])).await, 503);
    let opened = [cookies.as_slice(), b"; staff=yes"].concat();
    assert_eq!(status(envoy.data(), &request(b"/", &[(b"Host", b"a"), (b"Cookie", &opened)])).await, 200);
    assert_eq!(app.hits(), 1);
    all_is_well(&envoy).await;
}

#[tokio::test]
async fn a_host_has_one_site_however_it_is_written() {
    let app = App::start();
    let policy = json!({
        "sites": [
            { "name": "shop", "hosts": ["shop.example.com"] },
            { "name": "six", "hosts": ["[2001:db8::1]"] },
            { "name": "blog", "hosts": ["blog.example.com"] },
        ],
        "state": { "shop": { "mode": "offline" }, "six": { "mode": "offline" } },
    });
    let envoy = Envoy::builder(app.address()).policy(&policy).start().await;
    for (host, expected) in [
        ("shop.example.com", 503),
        ("SHOP.Example.COM", 503),
        ("shop.example.com:80", 503),
        ("shop.example.com:", 503),
        ("shop.example.com.", 503),
        ("Shop.example.com.:8443", 503),
        ("[2001:db8::1]", 503),
        ("[2001:DB8:0:0::1]:443", 503),
        ("user@blog.example.com", 503),
        ("blog.example.com,shop.example.com", 503),
        ("blog.example.com shop.example.com", 503),
        ("blog..example.com", 503),
        ("", 503),
        ("blog.example.com", 200),
        ("BLOG.example.com.:80", 200),
        ("myshop.example.com", 200),
        ("shop.example.com.evil", 200),
        ("[2001:db8::2]", 200),
    ] {
        let before = app.hits();
        let seen = status(envoy.data(), &request(b"/", &[(b"Host", host.as_bytes())])).await;
        // What is no host at all Envoy may refuse itself.
        let refused = expected == 503 && matches!(seen, 400 | 404 | 0);
        assert!(seen == expected || refused, "{host:?}: {seen}");
        assert_eq!(app.hits() - before, u64::from(expected == 200), "{host:?}");
    }
    // The target of an absolute form names the host, whatever the header says.
    for (target, host, expected) in [
        (&b"http://shop.example.com/"[..], &b"blog.example.com"[..], 503),
        (b"http://SHOP.example.com:80/x", b"blog.example.com", 503),
        (b"http://blog.example.com/", b"shop.example.com", 200),
    ] {
        assert_eq!(status(envoy.data(), &request(target, &[(b"Host", host)])).await, expected);
    }
    // Two of them are none.
    let before = app.hits();
    let two = request(b"/", &[(b"Host", b"blog.example.com"), (b"Host", b"shop.example.com")]);
    assert_ne!(status(envoy.data(), &two).await, 200);
    assert_eq!(app.hits(), before);
}

#[tokio::test]
async fn a_path_that_can_be_read_in_two_ways_is_no_exempt_one() {
    let app = App::start();
    let envoy = envoy(&app).await;
    for path in [
        "/public",
        "/publicity",
        "/PUBLIC/a",
        "/public/../x",
        "/public/%2e%2e/x",
        "/public/.%2E/x",
        "/public/a/..",
        "/public/./a",
        "//public/a",
        "/public//a",
        "/public/a%2F..%2fx",
        "/public%2fa",
        "/public/a%5c..%5Cx",
        "/public/..\\x",
        "/public/;/x",
        "/public/a;b",
        "/public/..;/x",
        "/public/%00",
        "/public/a%00b",
        "/public/%",
        "/public/%4",
        "/public/%zz",
        "/public/%c0%ae%c0%ae/x",
        "/public/%e0%80%af",
        "/public/%ff",
        "/x/../public/a",
        "/%2e/public/a",
        "/public/inner/a",
        "/public/inner%2fa",
        "/public/x/../inner/a",
        "*",
        "/x?/public/a",
        "/x#/public/a",
    ] {
        let seen = status(envoy.data(), &request(path.as_bytes(), &[(b"Host", b"a")])).await;
        assert!(matches!(seen, 503 | 400 | 404), "{path}: {seen}");
    }
    let seen = status(envoy.data(), &request(b"/public/\xff\xfe", &[(b"Host", b"a")])).await;
    assert!(matches!(seen, 503 | 400 | 0), "raw bytes: {seen}");
    assert_eq!(app.paths(), Vec::<String>::new());
    for path in ["/public/a", "/%70ublic/a", "/public/a%20b?c=../..", "/public/"] {
        assert_eq!(status(envoy.data(), &request(path.as_bytes(), &[(b"Host", b"a")])).await, 200, "{path}");
    }
    all_is_well(&envoy).await;
}

#[tokio::test]
async fn a_stranger_is_not_whom_it_says_that_it_is() {
    let app = App::start();
    let envoy = envoy(&app).await;
    for value in [
        "203.0.113.7",
        "10.0.0.1, 203.0.113.7",
        "203.0.113.7, 10.1.1.1",
        "2001:db8::1",
        "::ffff:10.0.0.1",
        "[2001:db8::1]:80",
    ] {
        for name in [
            "x-forwarded-for",
            "X-Forwarded-For",
            "forwarded",
            "x-real-ip",
            "x-envoy-external-address",
            "true-client-ip",
        ] {
            let bytes = request(b"/", &[(b"Host", b"a"), (name.as_bytes(), value.as_bytes())]);
            assert_eq!(status(envoy.data(), &bytes).await, 503, "{name}: {value}");
        }
    }
    assert_eq!(app.hits(), 0);
}

/// Numbers that are the same in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % sides
    }

    fn one<'a>(&mut self, of: &[&'a [u8]]) -> &'a [u8] {
        of[self.roll(of.len())]
    }

    /// A few of these pieces, and bytes of any kind but those that end a line.
    fn some(&mut self, of: &[&[u8]]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for _ in 0..self.roll(6) {
            bytes.extend_from_slice(self.one(of));
            if self.roll(4) == 0 {
                let byte = u8::try_from(self.roll(256)).unwrap();
                bytes.extend((byte != b'\r' && byte != b'\n').then_some(byte));
            }
        }
        bytes
    }

    fn request(&mut self) -> Vec<u8> {
        const PATH: [&[u8]; 24] = [
            b"/public",
            b"/public/",
            b"/",
            b"//",
            b"..",
            b"/../",
            b"%2e%2e",
            b"%2F",
            b"%5c",
            b"\\",
            b";",
            b"%00",
            b"%",
            b"%c0%ae",
            b"%252e",
            b"a",
            b"?staff=",
            b"&",
            b"#",
            b"inner",
            b"%70ublic",
            b"http://",
            b"%ff",
            b".",
        ];
        const HOST: [&[u8]; 12] =
            [b"a", b"shop.example.com", b":80", b".", b"@", b",", b"[::1]", b"[", b"]", b"%2e", b"\xff", b" "];
        const VALUE: [&[u8]; 16] = [
            b"staff=",
            b"yess",
            b"s; ",
            b"text/html",
            b"application/json",
            b";q=0.",
            b",",
            b"\"",
            b"=",
            b"https://a",
            b"203.0.113.7",
            b"\xff",
            b"\xc0\xaf",
            b"{",
            b"*/*",
            b"application/grpc",
        ];
        const NAME: [&[u8]; 12] = [
            b"x-staff",
            b"cookie",
            b"user-agent",
            b"accept",
            b"origin",
            b"content-type",
            b"x-forwarded-for",
            b"referer",
            b"x-maintenance-document",
            b"sec-fetch-dest",
            b"access-control-request-method",
            b"x-maintenance-status",
        ];
        let method = self.one(&[b"GET", b"POST", b"HEAD", b"OPTIONS", b"PUT", b"BREW"]);
        let mut target = if self.roll(8) == 0 { Vec::new() } else { b"/".to_vec() };
        if self.roll(8) == 0 {
            target.extend_from_slice(b"public/a");
        }
        target.extend(self.some(&PATH));
        let mut bytes = [method, b" ", &target, b" HTTP/1.1\r\nHost: ", &self.some(&HOST), b"\r\n"].concat();
        for _ in 0..self.roll(6) {
            let name = self.one(&NAME);
            bytes.extend_from_slice(&[name, b": ", &self.some(&VALUE), b"\r\n"].concat());
        }
        bytes.extend_from_slice(b"Connection: close\r\n\r\n");
        bytes
    }
}

#[tokio::test]
async fn thousands_of_generated_requests_open_nothing_and_every_worker_lives() {
    let app = App::start();
    let envoy = envoy(&app).await;
    let mut dice = Dice(0x005e_ed0f_ab1e);
    let requests: Vec<_> = (0..6000).map(|_| dice.request()).collect();
    let to = envoy.data();
    let answers: Vec<(Vec<u8>, u16)> = futures::stream::iter(requests)
        .map(|bytes| async move {
            let mut connection = raw::Connection::open(to).await;
            connection.send(&bytes).await;
            // It closes after its answer, whatever the method.
            let answer = connection.rest().await;
            let status = String::from_utf8_lossy(answer.get(9..12).unwrap_or(b"0")).parse().unwrap_or(0);
            (bytes, status)
        })
        .buffer_unordered(100)
        .collect()
        .await;
    assert_eq!(answers.len(), 6000);
    for (bytes, status) in &answers {
        let text = String::from_utf8_lossy(bytes);
        assert!(matches!(status, 0 | 200 | 204 | 400 | 404 | 431 | 503), "{status}: {text}");
    }
    let count = |wanted: u16| answers.iter().filter(|(_, status)| *status == wanted).count();
    assert!(count(503) > 500 && count(200) > 10, "{} refused, {} let in", count(503), count(200));
    for path in app.paths() {
        let read = path.replace("%70", "p").replace("%2e", ".");
        let segments: Vec<&str> = read.split('/').collect();
        let dots = segments.iter().any(|segment| matches!(*segment, "." | ".."));
        let empty = segments[1..segments.len() - 1].contains(&"");
        let ambiguous = ["\\", ";", "%2F", "%5c", "%00", "%c0", "%ff"].iter().any(|part| read.contains(part));
        let closed = read.starts_with("/public/inner/");
        assert!(
            read.starts_with("/public/") && !(dots || empty || ambiguous || closed),
            "{path} reached the application"
        );
    }
    all_is_well(&envoy).await;
}
