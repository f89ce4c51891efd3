use super::*;
use clap::Parser;

use crate::args::Cli;

fn args(words: &[&str]) -> ExplainArgs {
    let words = ["maintctl", "explain", "--policy", "p"].iter().chain(words);
    match Cli::try_parse_from(words).unwrap().command {
        crate::args::Command::Explain(args) => args,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_url_is_not_normalized() {
    for (url, scheme, authority, path) in [
        ("https://Shop.example.com:8443/a/../b?c#d", "https", "Shop.example.com:8443", "/a/../b?c"),
        ("HTTP://a", "http", "a", "/"),
        ("http://a?b", "http", "a", "/?b"),
        ("http://a#b", "http", "a", "/"),
        ("http://[::1]:80//a", "http", "[::1]:80", "//a"),
        ("http://u@a/%2e%2E/%zz", "http", "u@a", "/%2e%2E/%zz"),
    ] {
        let (headers, notes) = headers(&args(&[url])).unwrap();
        let first = |name| String::from_utf8_lossy(headers.first(name).unwrap()).into_owned();
        assert_eq!(
            (first(":scheme"), first(":authority"), first(":path")),
            (scheme.into(), authority.into(), path.into())
        );
        assert_eq!(notes.len(), usize::from(url.contains('#')), "{url}");
    }
}

#[test]
fn headers_are_joined_as_envoy_does() {
    let args =
        args(&["-H", "Cookie: a", "-H", "cookie:b", "-H", "X-A: 1", "-H", "x-a: 2 ", "-H", "Host: h", "http://a"]);
    let (headers, _) = headers(&args).unwrap();
    let all = |name| headers.all(name).map(|value| String::from_utf8_lossy(value).into_owned()).collect::<Vec<_>>();
    assert_eq!(
        (all("cookie"), all("x-a"), all(":authority")),
        (vec!["a; b".into()], vec!["1".into(), "2".into()], vec!["h".into()])
    );
}

#[test]
fn invalid_urls_headers_and_methods_are_rejected() {
    for (words, message) in [
        (&["shop.example.com/a"][..], "\"shop.example.com/a\": not a URL such as https://shop.example.com/checkout"),
        (&["ftp://a"], "\"ftp://a\": not a URL such as https://shop.example.com/checkout"),
        (&["-H", "a", "http://a"], "--header \"a\": not a header such as 'accept: text/html'"),
        (&["-H", ":path: /", "http://a"], "--header \":path: /\": not a header such as 'accept: text/html'"),
        (&["-X", "G T", "http://a"], "--method \"G T\": not a method"),
    ] {
        assert_eq!(headers(&args(words)).unwrap_err(), message);
    }
}
