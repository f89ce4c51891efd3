use super::*;

/// The states of three sites.
fn states(modes: [&str; 3]) -> [Document; 3] {
    modes.map(|mode| document(&format!("{{'mode': '{mode}'}}")))
}

#[test]
fn a_path_with_a_dot_segment_is_refused_if_its_host_has_a_closed_path() {
    let policy = policy(
        "{'sites': [{'name': 'shop', 'hosts': ['x'], 'paths': ['/shop']},
                    {'name': 'admin', 'hosts': ['x'], 'paths': ['/admin']}, {'name': 'whole', 'hosts': ['y']}],
          'exempt': [{'name': 'public', 'paths': ['/shop/public/*', '/public/*']},
                     {'name': 'any', 'headers': [{'name': 'x-any'}]}]}",
    );
    let online = states(["online", "online", "online"]);
    let shop = states(["offline", "online", "online"]);
    let whole = states(["online", "online", "offline"]);
    for path in [
        "/none/../other",
        "/x/%252e%252e/shop",
        "/x/%25252e%252e/shop",
        "/a%5Cb%2F..%2Fshop",
        "/x%2F%3Ba%2F..%2Fshop",
        "/a\\b/../shop",
        "/x//../shop",
        "/x/..;v=1/shop",
        "/x/..%3Bv/shop",
        "/x/..%00/shop",
        "/x/..%23/shop",
        "/x/.%09./shop",
        "/x/%c0%ae./shop",
        "/x/%u002e./shop",
        "/..",
        "/shop/public/..\\a",
        "/public/a/%2e",
    ] {
        for (states, host, headers, expected) in [
            (&online, "x", "", "online"),
            (&shop, "x", "", "offline"),
            (&shop, "x", " | x-any: 1", "offline"),
            (&whole, "x", "", "online"),
            (&whole, "y", "", "offline"),
            (&whole, "y", " | x-any: 1", "exempt:any"),
            (&shop, "z", "", "no-site"),
        ] {
            let request = format!("GET {host}{path}{headers}");
            assert_eq!(verdict(&policy, states, &request), expected, "{request}");
        }
    }
}

#[test]
fn a_path_with_a_dot_segment_is_refused_if_a_rule_closes_a_path() {
    let policy = policy(
        "{'sites': [{'name': 'a', 'hosts': ['x'], 'always_closed': [{'name': 'beta', 'paths': ['/beta/*']}]},
                    {'name': 'b', 'hosts': ['y'], 'always_closed': [{'name': 'old', 'headers': [{'name': 'x-old'}]}]},
                    {'name': 'c', 'hosts': ['z'],
                     'always_closed': [{'name': 'late', 'paths': ['/late'], 'modes': ['read_only']}]}]}",
    );
    let online = states(["online", "online", "online"]);
    for (request, expected) in [
        ("GET x/a", "online"),
        ("GET x/a%2f..%2fb", "always_closed:beta"),
        ("GET x/beta%2fx", "always_closed:beta"),
        ("GET y/a/../b", "online"),
        ("GET y/a/../b | x-old: 1", "always_closed:old"),
        ("GET z/a/../b", "online"),
    ] {
        assert_eq!(verdict(&policy, &online, request), expected, "{request}");
    }
    let read_only = states(["online", "online", "read_only"]);
    assert_eq!(verdict(&policy, &read_only, "GET z/a/../b"), "always_closed:late");
}

#[test]
fn an_ambiguous_path_is_refused_if_one_of_its_interpretations_is() {
    let policy = policy(
        "{'sites': [{'name': 'shop', 'hosts': ['x'], 'paths': ['/shop']}, {'name': 'rest', 'hosts': ['x']},
                    {'name': 'y', 'hosts': ['y']}],
          'always_closed': [{'name': 'secret', 'paths': ['*/secret']}],
          'exempt': [{'name': 'public', 'paths': ['/shop/public/*']}, {'name': 'any', 'headers': [{'name': 'x-any'}]}]}",
    );
    let shop = states(["offline", "online", "online"]);
    for (request, expected) in [
        ("GET x/api/v4/projects/group%2Fproject", "online"),
        ("GET x/cart;jsessionid=1", "online"),
        ("GET x//cart", "online"),
        ("GET x/caf\u{e9}", "online"),
        ("GET x/a%00b", "online"),
        ("GET x//x/cart", "online"),
        ("GET x/shop/public/a", "exempt:public"),
        ("GET x/shop/public//a", "offline"),
        ("GET x/shop/public/;a", "offline"),
        ("GET x/shop/public/a%3fb", "offline"),
        ("GET x/shop/public/a%2561", "offline"),
        ("GET x/shop/public//a | x-any: 1", "exempt:any"),
        ("GET x//shop", "offline"),
        ("GET x/shop;a", "offline"),
        ("GET x/shop%3Ba/b", "offline"),
        ("GET x/shop%23a", "offline"),
        ("GET x/shop%00a", "offline"),
        ("GET x\\shop", "offline"),
        ("GET x/%5cshop", "offline"),
        ("GET x/%2573hop", "offline"),
        ("GET x/%252573hop", "offline"),
        ("GET x/sh%09op", "offline"),
        ("GET x//any.where/shop", "offline"),
        ("GET x/\\user@any.where:80//shop", "offline"),
        ("GET y//x/shop", "offline"),
        ("GET y//X:80/shop", "offline"),
        ("GET y//x/cart", "online"),
        ("GET x/a%2fsecret", "always_closed:secret"),
        ("GET x/a/secret%3bb", "always_closed:secret"),
    ] {
        let request = request.replace("x\\shop", "x/\\shop");
        assert_eq!(verdict(&policy, &shop, &request), expected, "{request}");
    }
}

#[test]
fn a_tunnel_is_refused_to_a_host_with_any_closed_site() {
    let policy = policy(
        "{'sites': [{'name': 'shop', 'hosts': ['x'], 'paths': ['/shop']}, {'name': 'rest', 'hosts': ['x']},
                    {'name': 'y', 'hosts': ['y'], 'exempt': [{'name': 'any', 'headers': [{'name': 'x-any'}]}]}]}",
    );
    for (modes, request, expected) in [
        (["offline", "online", "online"], "CONNECT x:443", "offline"),
        (["read_only", "online", "online"], "CONNECT x:443", "read_only"),
        (["offline", "online", "online"], "connect x:443", "offline"),
        (["offline", "online", "online"], "CONNECT y:443", "online"),
        (["online", "online", "offline"], "CONNECT y:443 | x-any: 1", "offline"),
        (["online", "online", "online"], "CONNECT x:443", "online"),
    ] {
        assert_eq!(verdict(&policy, &states(modes), request), expected, "{request}");
    }
}

#[test]
fn a_rule_that_closes_matches_every_interpretation() {
    for (condition, matching, other) in [
        ("'methods': ['PURGE']", "purge x/", "PURG x/"),
        ("'methods': ['PURGE']", "POST x/ | x-http-method-override: PURGE", "POST x/ | x-method: PURGE"),
        ("'methods': ['PURGE']", "POST x/ | x_method_override: Purge", "POST x/"),
        ("'headers': [{'name': 'host', 'value': 'x'}]", "GET X.:80/", "GET y/"),
        ("'headers': [{'name': ':method', 'value': 'PURGE'}]", "purge x/", "GET x/"),
        ("'headers': [{'name': ':path', 'value': '/in*'}]", "GET x/%69n", "GET x/out"),
        ("'headers': [{'name': ':path', 'value': '/in*'}]", "GET x//out", "GET x/out"),
        ("'query': [{'name': 'debug', 'value': '1'}]", "GET x/?a=b;debug=1", "GET x/?a=b;debugs=1"),
        ("'query': [{'name': 'a', 'value': 'b;c'}]", "GET x/?a=b;c", "GET x/?a=b;d"),
        (
            "'cookies': [{'name': 'debug', 'value': 'on'}]",
            "GET x/ | cookie: debug=\"on\"",
            "GET x/ | cookie: debug=\"on",
        ),
        (
            "'cookies': [{'name': 'debug', 'value': '\\\"on\\\"'}]",
            "GET x/ | cookie: debug=\"on\"",
            "GET x/ | cookie: debug=on",
        ),
    ] {
        let rule = format!("{{'name': 'r', {condition}}}");
        let closing = policy(&format!("{{'always_closed': [{rule}]}}"));
        assert_eq!(verdict(&closing, &[], matching), "always_closed:r", "{matching}");
        assert_eq!(verdict(&closing, &[], other), "online", "{other}");
    }
    // A rule that opens matches by one interpretation only.
    let offline = [document("{'mode': 'offline'}")];
    for (condition, request) in [
        ("'methods': ['PURGE']", "purge x/"),
        ("'methods': ['GET']", "GET x/ | x-http-method-override: DELETE"),
        ("'headers': [{'name': ':path', 'value': '/public/*'}]", "GET x/public/%252e%252e/checkout"),
        ("'headers': [{'name': ':path', 'value': '/public/*'}]", "GET x/public/../checkout"),
        ("'query': [{'name': 'debug', 'value': '1'}]", "GET x/?a=b;debug=1"),
        ("'cookies': [{'name': 'debug', 'value': 'on'}]", "GET x/ | cookie: debug=\"on\""),
    ] {
        let opening = policy(&format!("{{'exempt': [{{'name': 'r', {condition}}}]}}"));
        assert_eq!(verdict(&opening, &offline, request), "offline", "{request}");
    }
}

#[test]
fn a_read_only_site_refuses_method_overrides_and_upgrades() {
    let (policy, read_only) = (policy("{}"), [document("{'mode': 'read_only'}")]);
    for (request, expected) in
        [("GET x/", "read_only"), ("GET x/ | upgrade-insecure-requests: 1", "read_only"), ("OPTIONS x/", "read_only")]
    {
        assert_eq!(verdict(&policy, &read_only, request), expected, "{request}");
        let headers = headers(request);
        let state = read_only[0].at(Time(0));
        assert_eq!(
            decide(&policy, |_| &state, &Request::new(&headers, &TestPeer)).verdict,
            Verdict::Pass(PassReason::ReadOnly)
        );
    }
    for name in [
        "upgrade",
        ":protocol",
        "x-http-method-override",
        "x-http-method",
        "x-method-override",
        "x_http_method_override",
    ] {
        let request = format!("GET x/ | {name}: DELETE");
        let headers = headers(&request);
        let state = read_only[0].at(Time(0));
        let verdict = decide(&policy, |_| &state, &Request::new(&headers, &TestPeer)).verdict;
        assert_eq!(verdict, Verdict::Refuse(Refusal::Mode(Mode::ReadOnly)), "{request}");
    }
}

#[test]
fn an_acme_challenge_is_one_base64url_segment() {
    let (policy, offline) = (policy("{}"), [document("{'mode': 'offline'}")]);
    const PREFIX: &str = "/.well-known/acme-challenge/";
    for (request, expected) in [
        (format!("GET x{PREFIX}LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0"), "exempt:acme-challenge"),
        (format!("HEAD x{PREFIX}a-_9"), "exempt:acme-challenge"),
        (format!("POST x{PREFIX}a"), "offline"),
        (format!("get x{PREFIX}a"), "offline"),
        (format!("GET x{PREFIX}"), "offline"),
        (format!("GET x{PREFIX}a/b"), "offline"),
        (format!("GET x{PREFIX}a?"), "offline"),
        (format!("GET x{PREFIX}a?b=c"), "offline"),
        (format!("GET x{PREFIX}a.b"), "offline"),
        (format!("GET x{PREFIX}%61"), "offline"),
        (format!("GET x{PREFIX}%252e%252e/%252e%252e/checkout"), "offline"),
        (format!("GET x{PREFIX}a=="), "offline"),
    ] {
        assert_eq!(verdict(&policy, &offline, &request), expected, "{request}");
    }
}

#[test]
fn an_ambiguous_host_is_refused_if_any_site_is_closed_or_has_an_always_closed_rule() {
    let sites = "'sites': [{'name': 'a', 'hosts': ['a']}, {'name': 'b', 'hosts': ['b'], 'paths': ['/b']}, {'name': 'c', 'hosts': ['c']}]";
    let wide = "'exempt': [{'name': 'wide', 'headers': [{'name': 'x-wide'}]}]";
    let open = policy(&format!("{{{sites}, {wide}}}"));
    for (modes, request, expected) in [
        (["online", "online", "online"], "GET a@b/", "online"),
        (["online", "offline", "online"], "GET a@b/", "offline"),
        (["offline", "online", "online"], "GET /x", "offline"),
        (["offline", "online", "online"], "GET a,b/x", "offline"),
        (["offline", "online", "online"], "GET a b/x", "offline"),
        (["offline", "online", "online"], "GET a@b/ | x-wide: 1", "offline"),
        (["online", "read_only", "online"], "GET a@b/", "read_only"),
        (["online", "offline", "online"], "GET d/", "no-site"),
    ] {
        assert_eq!(verdict(&open, &states(modes), request), expected, "{request}");
    }
    let closing = policy(&format!(
        "{{{sites}, {wide}, 'always_closed': [{{'name': 'shut', 'headers': [{{'name': 'x-shut'}}]}}]}}"
    ));
    assert_eq!(verdict(&closing, &states(["online"; 3]), "GET a@b/"), "always_closed:shut");
    let twice = HeaderMap::new([":authority", ":authority"].map(|name| (name.into(), b"c".to_vec())).into());
    let offline = document("{'mode': 'offline'}").at(Time(0));
    let decision = decide(&open, |_| &offline, &Request::new(&twice, &TestPeer));
    assert_eq!(decision.verdict, Verdict::Refuse(Refusal::Mode(Mode::Offline)));
}

#[test]
fn needless_percent_encoding_does_not_change_the_verdict() {
    // The policy has either form of the character, and so has the request.
    for [one, other] in [["x:y", "x%3Ay"], ["x@*y", "x%40%2ay"], ["(x)!", "%28x%29%21"], ["{x}|", "%7Bx%7D%7c"]] {
        for [written, sent] in [[one, one], [one, other], [other, one], [other, other]] {
            // A literal star is encoded in a policy.
            let written = written.replace('*', "%2A");
            let policy = policy(&format!(
                "{{'builtin_rules': false, 'sites': [{{'name': 'a', 'hosts': ['shop'], 'paths': ['/{written}'], \
                 'always_closed': [{{'name': 'shut', 'paths': ['/{written}/shut']}}], \
                 'exempt': [{{'name': 'free', 'paths': ['/{written}/free/{written}*']}}], \
                 'reply': {{'redirect': '/{written}/sorry'}}}}]}}"
            ));
            let offline = [document("{'mode': 'offline'}")];
            for (path, expected) in [
                ("/shut", "always_closed:shut"),
                ("/free/", "offline"),
                ("/sorry", "redirect-target"),
                ("//shut", "always_closed:shut"),
                ("", "offline"),
            ] {
                let request = format!("GET shop/{sent}{path}");
                assert_eq!(verdict(&policy, &offline, &request), expected, "{written} {request}");
            }
            let request = format!("GET shop/{sent}/free/{sent}more");
            assert_eq!(verdict(&policy, &offline, &request), "exempt:free", "{written} {request}");
        }
    }
}
