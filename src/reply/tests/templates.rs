use super::*;

#[test]
fn a_changed_reason_time_or_path_changes_the_body() {
    let reply = reply(json!({ "text": "{{reason}} {{retry_after}} {{path}}{{#eta}} {{eta}}{{/eta}}" }));
    let text = |seconds, reason, path: &str| {
        let state = closed(Mode::Offline, None, seconds, Some(reason));
        body(&ask_at(&reply, &state, &format!("GET {path}\naccept: text/plain")))
    };
    for _ in 0..2 {
        assert_eq!(text(Some(60), "one", "/a"), "one 60 /a 2026-11-21T02:01:00Z");
        assert_eq!(text(Some(60), "one", "/b?c"), "one 60 /b 2026-11-21T02:01:00Z");
        assert_eq!(text(Some(60), "two", "/a"), "two 60 /a 2026-11-21T02:01:00Z");
        assert_eq!(text(None, "two", "/a"), "two 300 /a");
    }
}

#[test]
fn an_unknown_variable_is_an_error_at_its_template() {
    for (wide, own, message) in [
        (
            json!({ "html": "<p>{{reasn}}" }),
            json!({}),
            "reply.html: unknown variable \"{{reasn}}\"; did you mean \"reason\"?",
        ),
        (
            json!({ "text": "{{#phone}}x{{/phone}}", "context": { "phone": "1" } }),
            json!({ "context": { "fone": "1" } }),
            "reply.text: unknown variable \"{{phone}}\"; did you mean \"fone\"?",
        ),
        (json!({}), json!({ "text": "{{back}}" }), "reply.text: unknown variable \"{{back}}\""),
    ] {
        let error = Reply::merge(&overrides(wide), &overrides(own), "shop", &[HostPattern::Any]).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn hostile_values_are_escaped() {
    let reply = reply(json!({
        "context": { "team": HOSTILE },
        "html": "<title>{{reason}}</title><p title=\"{{reason}}\">{{team}}</p><main data-path='{{path}}'>{{path}}</main>",
    }));
    let state = closed(Mode::Offline, None, None, Some(HOSTILE));
    let page = body(&ask_at(&reply, &state, &format!("GET /{HOSTILE}\naccept: text/html")));
    for (tag, count) in [("<script", 0), ("</script", 0), ("<p ", 1), ("<main ", 1), ("<title", 1), ("'", 2), ("\"", 2)]
    {
        assert_eq!(page.matches(tag).count(), count, "{tag} in {page}");
    }
    let built_in = body(&ask_at(&super::reply(json!({})), &state, BROWSER));
    assert_eq!(built_in.matches("&lt;/script&gt;&lt;script&gt;").count(), 1, "the reason appears once");
    assert!(!built_in.contains("<script>alert"));
}
