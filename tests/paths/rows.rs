//! Paths with the results of real programs or of their documentation, as tests of the models.

use crate::envoy::{EnvoyAnswer, EnvoyModel, Setting};
use crate::servers::{frameworks, nginx, node, tomcat};

#[test]
fn the_model_of_envoy_agrees_with_recorded_results() {
    use EnvoyAnswer::{Forward, Redirect, Reject};
    let forward = |path: &str| Forward(path.as_bytes().to_vec());
    let redirect = |path: &str| Redirect(path.as_bytes().to_vec());
    for (path, base, shipped) in [
        ("/%63heckout", forward("/checkout"), forward("/checkout")),
        ("/%7e%2D%5F%3a%21%c3%a9", forward("/~-_%3a%21%c3%a9"), forward("/~-_%3a%21%c3%a9")),
        ("/a\\..\\b", forward("/b"), forward("/b")),
        ("/x//../checkout", forward("/x/checkout"), forward("/x/checkout")),
        ("//a//", forward("//a//"), forward("/a/")),
        ("///", forward("///"), forward("//")),
        ("/a%2f%2e%2e/b", forward("/a%2f../b"), redirect("/b")),
        ("/a%252fb", forward("/a%252fb"), forward("/a%252fb")),
        ("/a%5c..%5cb", forward("/a%5c..%5cb"), redirect("/b")),
        ("/%2f", forward("/%2f"), redirect("//")),
        ("/%%30%30", forward("/%2500"), forward("/%2500")),
        ("/%%300", forward("/%2500"), forward("/%2500")),
        ("/%4%31", forward("/%2541"), forward("/%2541")),
        ("/%%63x", forward("/%cx"), forward("/%cx")),
        ("/%25%32%66b", forward("/%252fb"), forward("/%252fb")),
        ("/a%", forward("/a%"), forward("/a%")),
        ("/a/..;x/b", forward("/b"), forward("/b")),
        ("/a/%2e%2e;/b", forward("/a/..;/b"), forward("/a/..;/b")),
        ("/a/..;\\b", forward("/"), forward("/")),
        ("/a/..;x%2fy/b", forward("/b"), redirect("/y/b")),
        ("/a%00", Reject, Reject),
        ("/a#b", Reject, Reject),
        ("/a\tb", Reject, Reject),
        ("a", Reject, Reject),
    ] {
        let envoy = |setting| EnvoyModel { setting, cuts_dot_parameters: true };
        assert_eq!(envoy(Setting::Base).receive(path.as_bytes()), base, "{path}");
        assert_eq!(envoy(Setting::Shipped).receive(path.as_bytes()), shipped, "{path}");
    }
    let older = EnvoyModel { setting: Setting::Base, cuts_dot_parameters: false };
    assert_eq!(older.receive(b"/a/..;x/b"), forward("/a/..;x/b"));
}

#[test]
fn the_models_of_servers_agree_with_their_documentation() {
    let servers = frameworks::SERVERS;
    for (name, path, seen) in [
        ("no normalization", "/a%2f..//b", Some("/a%2f..//b")),
        ("WSGI", "/%61%2f..%252f", Some("/a/..%2f")),
        ("WSGI in gunicorn", "/a\tb#c", Some("/ab")),
        ("decodes twice", "/%2561", Some("/a")),
        ("reads a backslash as a slash", "/a%5c..%5cb", Some("/b")),
        ("decodes wide forms", "/a%u002f..%c0%afb", Some("/b")),
        ("decodes wide forms", "/%e0%80%aea%u005Cb", Some("/.a/b")),
        ("Go ServeMux", "/a//b/%2e%2e/c/", Some("/a/c/")),
        ("Go ServeMux", "/a%", None),
        ("Go ServeMux", "/..", Some("/")),
        ("Apache httpd", "/a//../b", Some("/b")),
        ("Apache httpd", "/../b", None),
        ("Apache httpd", "/b%00", None),
        ("Kestrel", "/a%2f%2e%2e/b", Some("/a%2F../b")),
        ("Spring UrlPathHelper", "/a;x%2fy/%2f/b", Some("/a/b")),
        ("ends at NUL", "/a%00b", Some("/a")),
        ("ends at #", "/a%23b", Some("/a%23b")),
    ] {
        let server = servers.iter().find(|server| server.name == name).unwrap();
        let found = server.read(path.as_bytes()).map(|seen| String::from_utf8(seen.path).unwrap());
        assert_eq!(found.as_deref(), seen, "{name}: {path}");
    }
}

#[test]
fn the_model_of_nginx_agrees_with_recorded_results() {
    for (path, sent) in [
        ("/a/%252e%252e/b", Some("/a/%252e%252e/b")),
        ("/a%2f..%2f/b", Some("/b")),
        ("/a//b/./c/..", Some("/a/b/")),
        ("/a\\..\\b;x", Some("/a\\..\\b;x")),
        ("/a%5c..%5cb%3b", Some("/a%5C..%5Cb;")),
        ("/a%23b", Some("/a%23b")),
        ("/..%23", Some("/..%23")),
        ("/a%3f", Some("/a%3F")),
        ("/a%25", Some("/a%25")),
        ("/caf%c3%a9", Some("/caf%C3%A9")),
        ("/{a}", Some("/{a}")),
        ("/{a}%20", Some("/%7Ba%7D%20")),
        ("/..", None),
        ("/a/../../b", None),
        ("/a%00", None),
        ("/a%2", None),
        ("/a b", None),
    ] {
        let found = nginx::forward(path.as_bytes()).map(|sent| String::from_utf8(sent).unwrap());
        assert_eq!(found.as_deref(), sent, "{path}");
    }
}

#[test]
fn the_model_of_tomcat_agrees_with_its_documentation() {
    let servers = tomcat::SERVERS;
    for (path, shipped, lax) in [
        ("/a;x=1/b", Some("/a/b"), Some("/a/b")),
        ("/a/..;x/b", Some("/b"), Some("/b")),
        ("/a;%2fx/b", Some("/a/b"), Some("/a/b")),
        ("/a%3bx", Some("/a;x"), Some("/a;x")),
        ("/a%2fb", None, Some("/a/b")),
        ("/a%5C..%5cb", None, Some("/b")),
        ("/../a", None, None),
        ("/a%00", None, None),
        ("/a%zz", None, None),
    ] {
        let found: Vec<_> = servers.iter().map(|server| server.read(path.as_bytes()).map(|seen| seen.path)).collect();
        assert_eq!(found, [shipped, lax].map(|path| path.map(|path| path.as_bytes().to_vec())), "{path}");
    }
}

#[test]
fn the_model_of_node_agrees_with_recorded_results() {
    for (path, seen) in [
        ("/a\\..\\b", Some((None, "/b"))),
        ("/a/%2e%2E/b", Some((None, "/b"))),
        ("/a/.%2e", Some((None, "/"))),
        ("/a//b", Some((None, "/a//b"))),
        ("/a%2f..%2fb", Some((None, "/a%2f..%2fb"))),
        ("/a\tb#c", Some((None, "/ab"))),
        ("/a/..;x/b", Some((None, "/a/..;x/b"))),
        ("/%63", Some((None, "/%63"))),
        ("//shop.example/a/../b", Some((Some("shop.example"), "/b"))),
        ("///Shop.Example:80", Some((Some("shop.example"), "/"))),
        ("/\\/u@shop%2eexample/b", Some((Some("shop.example"), "/b"))),
        ("//\u{ff53}hop\u{3002}example/b", Some((Some("shop.example"), "/b"))),
        ("//", None),
        ("//a b/c", None),
        ("//a:x/c", None),
        ("//a:65536/c", None),
        ("//%zz/c", None),
        ("//a;b/c", Some((Some("a;b"), "/c"))),
    ] {
        let expected = seen.map(|(host, path)| (host.map(str::to_owned), path.as_bytes().to_vec()));
        assert_eq!(node::parse(path.as_bytes()).map(|seen| (seen.host, seen.path)), expected, "{path}");
    }
}
