//! Every check finds what it is for, in just these words, and nothing in what is as it should be.

use super::*;

use crate::config::policy_file::parse;

/// 2026-11-21T02:00:00Z
const NOW: Time = Time(1_795_226_400_000);

pub(super) fn lines(text: &str) -> Vec<String> {
    let sources = parse("f", text).unwrap();
    check("f", &sources, NOW).iter().map(|(file, finding)| finding.line(file)).collect()
}

pub(super) fn levels(text: &str) -> Vec<Level> {
    check("f", &parse("f", text).unwrap(), NOW).into_iter().map(|(_, finding)| finding.level).collect()
}

#[track_caller]
pub(super) fn finds(text: &str, expected: &[&str]) {
    assert_eq!(lines(text), expected, "{text}");
}

#[test]
fn a_policy_that_the_filter_refuses_is_an_error_in_its_words() {
    finds(
        "sites: [{ name: a, exempt: [{ name: b, remote_ips: [10.0.0/8] }] }]",
        &["f: sites[0].exempt[0].remote_ips[0]: \"10.0.0/8\" is not an IP address or CIDR range"],
    );
    finds(
        "kind: WasmPlugin\nspec: { sha256: a, failStrategy: FAIL_RELOAD, pluginConfig: { sits: [] } }",
        &["f: spec.pluginConfig.sits: unknown field; did you mean \"sites\"?"],
    );
    assert_eq!(levels("sits: []"), [Level::Error]);
    finds("kind: Service", &["f: no policy found; name a file that holds one"]);
}

#[test]
fn rules_that_cost_an_ordinary_request_most_of_its_budget() {
    let rules = |count: usize, regex: &str| {
        let rule = |number: usize| format!("{{ name: r{number}, paths: [{{ regex: '{regex}{number}' }}] }}");
        format!("always_closed: [{}]", (0..count).map(rule).collect::<Vec<_>>().join(", "))
    };
    assert!(lines(&rules(10, "/[a-z]+/admin/.*")).is_empty());
    let many = lines(&rules(400, ".*/admin/[0-9]+"));
    let text = "f: an ordinary request (a path and headers of 300 bytes) costs ";
    assert!(many.iter().any(|line| line.starts_with(text)), "{many:?}");
    let one = lines(&rules(1, "/\\b[a-z]{1,300}"));
    assert_eq!(one.len(), 1, "{one:?}");
    assert!(one[0].ends_with(
        "% of what a request may cost, most of it by rule \"r0\"; beyond, exempt rules do not match and always_closed \
         rules do: use fewer or simpler regexes"
    ), "{one:?}");
}

#[test]
fn a_rule_that_lets_everyone_through() {
    let path = "rule \"a\" lets everyone through, so nothing ever closes; ask for what others do not have";
    for rule in [
        "paths: [\"*\"]",
        "paths: [\"/*\"]",
        "paths: [{ regex: \".*\" }]",
        "paths: [{ regex: \"/.*\" }]",
        "remote_ips: [0.0.0.0/0, \"::/0\"]",
        "methods: [GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, TRACE, CONNECT]",
    ] {
        finds(&format!("exempt: [{{ name: a, {rule} }}]"), &[&format!("f: exempt[0]: {path}")]);
    }
    finds("sites: [{ name: s, exempt: [{ name: a, paths: [\"*\"] }] }]", &[&format!("f: sites[0].exempt[0]: {path}")]);
    finds(
        "always_closed: [{ name: a, paths: [\"*\"] }]",
        &["f: always_closed[0]: rule \"a\" refuses everyone, always; to close a site, change its state"],
    );
    finds(
        "health_checks: [{ name: a, paths: [\"*\"] }]",
        &[
            "f: health_checks[0]: rule \"a\" answers everyone \"ok\" while a site is closed; name what only a probe sends",
        ],
    );
    let sends = "who sends a name, with any value; ask for a value";
    let leaves_out = "who leaves a name out; ask for what others do not have";
    for (rule, who) in [
        ("headers: [{ name: x-a }]", sends),
        ("headers: [{ name: user-agent, value: { regex: \".*\" } }]", sends),
        ("query: [{ name: x-a, value: \"*\" }], paths: [\"/*\"]", sends),
        ("headers: [{ name: x-a, value: { absent: true } }]", leaves_out),
        ("query: [{ name: x, value: { absent: true } }]", leaves_out),
    ] {
        let policy = format!("exempt: [{{ name: a, {rule} }}]");
        finds(&policy, &[&format!("f: exempt[0]: rule \"a\" lets everyone through {who}")]);
        assert_eq!(levels(&policy), [Level::Warning]);
        for list in ["always_closed", "health_checks"] {
            finds(&format!("{list}: [{{ name: a, {rule} }}]"), &[]);
        }
    }
    finds("exempt: [{ name: a, paths: [\"/a*\"] }, { name: b, remote_ips: [10.0.0.0/8] }]", &[]);
    finds("exempt: [{ name: a, query: [{ name: next, value: \"/*\" }] }]", &[]);
}

#[test]
fn a_path_rule_outside_of_its_site() {
    let text =
        |rule: &str| format!("sites: [{{ name: s, paths: [/a, /b], exempt: [{{ name: r, paths: [{rule}] }}] }}]");
    finds(
        &text("/c, \"/ab*\""),
        &[
            "f: sites[0].exempt[0].paths: rule \"r\" matches no path of site \"s\"; paths there begin with /a, /b, and rules name \
           them in full",
        ],
    );
    for rule in ["/a", "/b/c", "\"/*\"", "\"/a/*\"", "\"*.css\"", "{ regex: x }"] {
        assert!(!lines(&text(rule)).iter().any(|line| line.contains("matches no path")), "{rule}");
    }
    finds(
        "sites: [{ name: s, paths: [/a] }]\nalways_closed: [{ name: r, paths: [/x] }]",
        &[
            "f: always_closed[0].paths: rule \"r\" matches no path of any site; paths there begin with /a, and rules name them \
           in full",
        ],
    );
}

#[test]
fn sites_that_overlap_are_a_note_that_says_which_wins() {
    let text = "sites: [{ name: a, hosts: [\"*.x.y\"] }, { name: b, hosts: [c.x.y], paths: [/p] }]";
    finds(text, &["f: sites[1]: site \"b\" lies within site \"a\" (sites[0]); at c.x.y/p/ \"b\" wins"]);
    assert_eq!(levels(text), [Level::Note]);
    finds("sites: [{ name: a, hosts: [a] }, { name: b, hosts: [\"*.a\"] }, { name: c, hosts: [c], paths: [/p] }]", &[]);
}

#[test]
fn declared_state_that_is_over() {
    finds(
        "sites: [{ name: s }]\nstate: { s: { mode: offline, until: 2026-11-21T02:00:00Z, windows: [\
         { id: w, mode: offline, from: 2026-11-20T01:00:00Z, until: 2026-11-20T02:00:00Z },\
         { id: x, mode: offline, from: 2026-11-20T01:00:00Z, until: 2026-11-22T02:00:00Z }] } }",
        &[
            "f: state.s.until: 2026-11-21T02:00:00Z is over, so s is open again; take the entry out, or move the time",
            "f: state.s.windows[0].until: window \"w\" ended at 2026-11-20T02:00:00Z; take it out",
        ],
    );
    finds("sites: [{ name: s }]\nstate: { s: { mode: offline, until: 2026-11-21T02:00:01Z } }", &[]);
}

#[test]
fn names_to_suspend_that_no_rule_has() {
    finds(
        "sites: [{ name: s, exempt: [{ name: staff, methods: [PUT] }] }]\nstate: { s: { mode: online, suspend: [staf, staff, \
         acme-challenge], windows: [{ id: w, mode: offline, from: 2026-11-30T01:00:00Z, suspend: [zzzzzzz] }] } }",
        &[
            "f: state.s.suspend[0]: no exempt rule of s is named \"staf\"; did you mean \"staff\"?",
            "f: state.s.windows[0].suspend[0]: no exempt rule of s is named \"zzzzzzz\"; take it out",
        ],
    );
}

#[test]
fn a_page_that_needs_what_the_policy_blocks() {
    let text = |page: &str| {
        format!(
            "sites: [{{ name: s, hosts: [s.x] }}]\nexempt: [{{ name: a, paths: [\"/static/*\"] }}]\nreply: {{ html: '{page}' }}"
        )
    };
    for (page, asset) in [
        ("<img src=\"/logo.png\">", "/logo.png"),
        ("<img alt=\"a\" SRC=/logo.png>", "/logo.png"),
        ("<script src=\"https://s.x/a.js\"></script>", "https://s.x/a.js"),
        ("<script src=\"//S.x/a.js\"></script>", "//S.x/a.js"),
        ("<link rel=stylesheet href=\"style.css\">", "style.css"),
        ("<style>a { background: url(\"/b.png\") }</style>", "/b.png"),
        ("<video poster=\"/p.png\"></video>", "/p.png"),
    ] {
        let line = format!(
            "f: reply.html: the page needs {asset}, which s refuses while it is closed; exempt that path, or put it into the \
             page as a data: URL"
        );
        finds(&text(page), &[&line]);
    }
    for page in [
        "<img src=\"/static/logo.png\">",
        "<img src=\"data:image/png;base64,AA\">",
        "<img src=\"https://cdn.x/a.png\">",
        "<img data-src=\"/a.png\">",
        "<a href=\"/\">back</a>",
        "<p>src=\"/a\"</p>",
    ] {
        finds(&text(page), &[]);
    }
    finds(
        "sites: [{ name: s, reply: { html: \"<img src='/a'>\" } }]",
        &[
            "f: sites[0].reply.html: the page needs /a, which s refuses while it is closed; exempt that path, or put it into the \
           page as a data: URL",
        ],
    );
}

#[test]
fn secrets_in_the_query() {
    let policy = |value: &str| format!("exempt: [{{ name: a, query: [{{ name: key, value: {value} }}] }}]");
    for value in ["letmein", "[x*, letmein]"] {
        finds(
            &policy(value),
            &[
                "f: exempt[0].query[0].value: rule \"a\" lets through who knows the value of \"key\", and a query ends up in logs; \
               ask for a header",
            ],
        );
    }
    finds(&policy("\"a*\""), &[]);
    finds("always_closed: [{ name: a, query: [{ name: key, value: b }] }]", &[]);
}

#[test]
fn secrets_in_plain() {
    finds(
        "exempt: [{ name: a, headers: [{ name: x-staff-key, value: letmein }], cookies: [{ name: c, value: 0123456789abcdef }] }]",
        &[
            "f: exempt[0].headers[0].value: rule \"a\" shows the secret of header \"x-staff-key\" to all who can read the \
             policy; write { sha256: … } of it",
            "f: exempt[0].cookies[0].value: rule \"a\" shows the secret of cookie \"c\" to all who can read the policy; write { \
             sha256: … } of it",
        ],
    );
    finds(
        "exempt: [{ name: a, headers: [{ name: user-agent, value: probe }], cookies: [{ name: beta, value: \"yes\" }] }]",
        &[],
    );
}
