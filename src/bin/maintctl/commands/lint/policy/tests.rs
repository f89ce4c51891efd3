use crate::commands::lint::tests::{finds, levels, lines};
use crate::diagnosis::remark::Severity;

#[test]
fn rules_that_use_most_of_the_budget_are_reported() {
    let rules = |count: usize, regex: &str| {
        let rule = |number: usize| format!("{{ name: r{number}, paths: [{{ regex: '{regex}{number}' }}] }}");
        format!("always_closed: [{}]", (0..count).map(rule).collect::<Vec<_>>().join(", "))
    };
    assert!(lines(&rules(10, "/[a-z]+/admin/.*")).is_empty());
    let many = lines(&rules(400, ".*/admin/[0-9]+"));
    assert!(many.iter().any(|line| line.starts_with("f: the rules use ")), "{many:?}");
    let one = lines(&rules(1, "/\\b[a-z]{1,300}"));
    assert_eq!(one.len(), 1, "{one:?}");
    let end = "% of the budget of an ordinary request (path and headers of 300 bytes), most of it rule \"r0\"; when the \
               budget is exhausted, exempt rules do not match and always_closed rules do: use fewer or simpler regexes";
    assert!(one[0].ends_with(end), "{one:?}");
}

#[test]
fn rules_that_anyone_can_satisfy_are_reported_by_list() {
    let advice = "add a condition that only the intended clients satisfy";
    let exempts_all = format!("rule \"a\" exempts every request, so nothing is closed; {advice}");
    let refuses_all = "rule \"a\" refuses every request, even of online sites; to close a site, change its state";
    let answers_all = "rule \"a\" answers every request with \"ok\" while a site is closed; match something that only a \
                       probe sends";
    let sent = "rule \"a\" exempts every request that sends a header or parameter of this name; require a value";
    let omitted = format!("rule \"a\" exempts every request that omits a header, parameter or cookie; {advice}");
    let (anything, sends, omits) = (
        "paths: [\"*\"]",
        "query: [{ name: x-a, value: \"*\" }], paths: [\"/*\"]",
        "headers: [{ name: x-a, value: { absent: true } }]",
    );
    for (list, rule, expected) in [
        ("exempt", anything, Some((exempts_all.as_str(), Severity::Error))),
        ("always_closed", anything, Some((refuses_all, Severity::Warning))),
        ("health_checks", anything, Some((answers_all, Severity::Warning))),
        ("exempt", sends, Some((sent, Severity::Warning))),
        ("always_closed", sends, None),
        ("health_checks", sends, None),
        ("exempt", omits, Some((&omitted, Severity::Warning))),
        ("always_closed", omits, None),
        ("exempt", "paths: [\"/a*\"]", None),
    ] {
        for (policy, path) in [
            (format!("{list}: [{{ name: a, {rule} }}]"), format!("{list}[0]")),
            (format!("sites: [{{ name: s, {list}: [{{ name: a, {rule} }}] }}]"), format!("sites[0].{list}[0]")),
        ] {
            let line = expected.map(|(text, _)| format!("f: {path}: {text}"));
            finds(&policy, &line.iter().map(String::as_str).collect::<Vec<_>>());
            assert_eq!(levels(&policy), expected.map(|(_, level)| level).into_iter().collect::<Vec<_>>(), "{policy}");
        }
    }
}

#[test]
fn rules_with_paths_outside_of_their_site_are_reported() {
    let policy =
        |rule: &str| format!("sites: [{{ name: s, paths: [/a, /b], exempt: [{{ name: r, paths: [{rule}] }}] }}]");
    let text = "rule \"r\" matches no path of site \"s\"; write full paths, which begin with /a or /b";
    finds(&policy("/c, \"/ab*\""), &[&format!("f: sites[0].exempt[0].paths: {text}")]);
    for rule in ["/a", "/b/c", "\"/*\"", "\"/a/*\"", "\"*.css\"", "{ regex: x }"] {
        assert!(!lines(&policy(rule)).iter().any(|line| line.contains("matches no path")), "{rule}");
    }
    finds(
        "sites: [{ name: s, paths: [/a] }]\nalways_closed: [{ name: r, paths: [/x] }]",
        &["f: always_closed[0].paths: rule \"r\" matches no path of any site; write full paths, which begin with /a"],
    );
}

#[test]
fn overlapping_sites_are_a_note_that_names_the_winner() {
    let text = "sites: [{ name: a, hosts: [\"*.x.y\"] }, { name: b, hosts: [c.x.y], paths: [/p] }]";
    finds(text, &["f: sites[1]: site \"b\" is part of site \"a\" (sites[0]); at c.x.y/p/, \"b\" wins"]);
    assert_eq!(levels(text), [Severity::Note]);
    finds("sites: [{ name: a, hosts: [a] }, { name: b, hosts: [\"*.a\"] }, { name: c, hosts: [c], paths: [/p] }]", &[]);
}

#[test]
fn declared_state_that_has_ended_is_reported() {
    finds(
        "sites: [{ name: s }]\nstate: { s: { mode: offline, until: 2026-11-21T02:00:00Z, windows: [\
         { id: w, mode: offline, from: 2026-11-20T01:00:00Z, until: 2026-11-20T02:00:00Z },\
         { id: x, mode: offline, from: 2026-11-20T01:00:00Z, until: 2026-11-22T02:00:00Z }] } }",
        &[
            "f: state.s.until: 2026-11-21T02:00:00Z has passed, so site \"s\" is open again; remove the entry, or change the time",
            "f: state.s.windows[0].until: window \"w\" ended at 2026-11-20T02:00:00Z; remove it",
        ],
    );
    finds("sites: [{ name: s }]\nstate: { s: { mode: offline, until: 2026-11-21T02:00:01Z } }", &[]);
}

#[test]
fn suspended_names_without_a_rule_are_reported() {
    finds(
        "sites: [{ name: s, exempt: [{ name: staff, methods: [PUT] }] }]\nstate: { s: { mode: online, suspend: [staf, staff, \
         acme-challenge], windows: [{ id: w, mode: offline, from: 2026-11-30T01:00:00Z, suspend: [zzzzzzz] }] } }",
        &[
            "f: state.s.suspend[0]: site \"s\" has no exempt rule \"staf\"; did you mean \"staff\"?",
            "f: state.s.windows[0].suspend[0]: site \"s\" has no exempt rule \"zzzzzzz\"; remove it",
        ],
    );
}

#[test]
fn assets_that_are_refused_together_with_their_page_are_reported() {
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
            "f: reply.html: the page loads {asset}, which site \"s\" refuses while it is closed; exempt that path, or embed \
             the asset as a data: URL"
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
            "f: sites[0].reply.html: the page loads /a, which site \"s\" refuses while it is closed; exempt that path, or \
             embed the asset as a data: URL",
        ],
    );
}

#[test]
fn secrets_in_the_query_are_reported() {
    let policy = |value: &str| format!("exempt: [{{ name: a, query: [{{ name: key, value: {value} }}] }}]");
    for value in ["letmein", "[x*, letmein]"] {
        finds(
            &policy(value),
            &[
                "f: exempt[0].query[0].value: rule \"a\" exempts by a secret in parameter \"key\", and queries appear in logs; \
                 use a header instead",
            ],
        );
    }
    finds(&policy("\"a*\""), &[]);
    finds("always_closed: [{ name: a, query: [{ name: key, value: b }] }]", &[]);
}

#[test]
fn secrets_in_plain_text_are_reported() {
    finds(
        "exempt: [{ name: a, headers: [{ name: x-staff-key, value: letmein }], cookies: [{ name: c, value: 0123456789abcdef }] }]",
        &[
            "f: exempt[0].headers[0].value: rule \"a\" contains the secret value of header \"x-staff-key\" in plain text; \
             write { sha256: … } instead",
            "f: exempt[0].cookies[0].value: rule \"a\" contains the secret value of cookie \"c\" in plain text; write { \
             sha256: … } instead",
        ],
    );
    finds(
        "exempt: [{ name: a, headers: [{ name: user-agent, value: probe }], cookies: [{ name: beta, value: \"yes\" }] }]",
        &[],
    );
}

#[test]
fn copied_django_templates_are_reported() {
    for (template, tag) in
        [("{% load static %}<h1>Closed</h1>", "{% load static %}"), ("<p>{% if eta %}", "{% if eta %}")]
    {
        for field in ["html", "text"] {
            let line = format!(
                "f: reply.{field}: \"{tag}\" is a tag of another template language; write {{{{reason}}}} for a value, and \
                 {{{{#reason}}}}…{{{{/reason}}}} for text that appears only if there is one"
            );
            finds(&format!("reply:\n  {field}: '{template}'"), &[&line]);
        }
    }
}

#[test]
fn regexes_with_an_open_end_are_reported_wherever_a_text_may_be() {
    let text = "\"^/admin\" begins with ^ and has no explicit end, but a regex must match the whole value; end it with .* to match \
                longer values too, or with $ to keep its meaning";
    for (policy, path) in [
        ("exempt: [{ name: a, paths: [{ regex: ^/admin }] }]", "exempt[0].paths[0].regex"),
        (
            "always_closed: [{ name: a, headers: [{ name: b, value: { regex: ^/admin } }] }]",
            "always_closed[0].headers[0].value.regex",
        ),
        ("reply: { formats: [{ paths: [{ regex: ^/admin }], format: json }] }", "reply.formats[0].paths[0].regex"),
    ] {
        finds(policy, &[&format!("f: {path}: {text}")]);
        finds(&policy.replace("^/admin", "^/admin.*"), &[]);
    }
    finds("reply: { json: { regex: ^/admin } }", &[]);
}

#[test]
fn rules_that_only_test_the_presence_of_a_cookie_are_reported() {
    let text = "rule \"a\" exempts every client that sends a cookie \"sessionid\", and any client can send one; require a value, or a \
                claim of a verified token";
    let line = format!("f: exempt[0]: {text}");
    let policy = |value: &str, more: &str| {
        format!("jwt: {{ metadata_key: p }}\nexempt: [{{ name: a, cookies: [{{ name: sessionid{value} }}]{more} }}]")
    };
    for value in ["", ", value: '*'", ", value: { regex: '.*' }"] {
        for more in
            ["", ", paths: [\"/admin*\"]", ", methods: [GET]", ", remote_ips: [0.0.0.0/0]", ", headers: [{ name: a }]"]
        {
            finds(&policy(value, more), &[&line]);
        }
        for more in [
            ", remote_ips: [10.0.0.0/8]",
            ", claims: [{ iss: i, name: role }]",
            ", uri_sans: [\"spiffe://a\"]",
            ", headers: [{ name: a, value: b }]",
        ] {
            finds(&policy(value, more), &[]);
        }
    }
    finds(&policy(", value: { regex: '[a-z]{32}' }", ""), &[]);
    finds("always_closed: [{ name: a, cookies: [{ name: sessionid }] }]", &[]);
}

#[test]
fn policies_without_effect_are_reported() {
    let empty = "f: empty, so nothing can close a site; write the policy here, indented below this key";
    finds("", &[empty]);
    finds("{}", &[empty]);
    let nothing = "f: neither sites nor a control endpoint, so the filter does nothing; add `sites` or `control`";
    finds("sites: []", &[nothing]);
    finds("{ sites: [], control: { path_prefix: /.m } }", &[]);
}
