//! Thousands of random requests, from a fixed seed.

use futures::StreamExt;

use super::{assert_healthy, envoy};
use crate::support::app::App;
use crate::support::raw;

/// A pseudo-random generator (xorshift).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % sides
    }

    fn one<'a>(&mut self, pieces: &[&'a [u8]]) -> &'a [u8] {
        pieces[self.roll(pieces.len())]
    }

    /// Up to five of these pieces, with random bytes other than line ends.
    fn some(&mut self, pieces: &[&[u8]]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for _ in 0..self.roll(6) {
            bytes.extend_from_slice(self.one(pieces));
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
async fn random_requests_reach_exempt_paths_only() {
    let app = App::start();
    let envoy = envoy(&app).await;
    let mut dice = Dice(0x005e_ed0f_ab1e);
    let requests: Vec<_> = (0..6000).map(|_| dice.request()).collect();
    let to = envoy.data();
    let answers: Vec<(Vec<u8>, u16)> = futures::stream::iter(requests)
        .map(|bytes| async move {
            let mut connection = raw::Connection::open(to).await;
            connection.send(&bytes).await;
            // Every request asks Envoy to close the connection after the response.
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
    let count = |expected: u16| answers.iter().filter(|(_, status)| *status == expected).count();
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
    assert_healthy(&envoy).await;
}
