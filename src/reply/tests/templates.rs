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

#[test]
fn custom_pages_have_local_times_a_countdown_and_a_contact() {
    let html = "<p>{{since_local}}|{{until_local}}|{{eta_local}}</p>{{maintenance_countdown}}<i>{{contact_link}}</i>";
    let reply = reply(json!({ "html": html, "context": { "contact": "ops@example.com" } }));
    let page = body(&ask_at(&reply, &closed(Mode::Offline, None, Some(60), None), BROWSER));
    for part in [
        "<p><time data-local datetime=\"2026-11-21T01:59:00Z\">2026-11-21 01:59 UTC</time>||",
        "|<time data-local datetime=\"2026-11-21T02:01:00Z\">2026-11-21 02:01 UTC</time></p><div id=\"maintenance\"",
        "data-mode=\"offline\" data-eta=\"2026-11-21T02:01:00Z\" data-until=\"\"",
        "Expected back at <time datetime=\"2026-11-21T02:01:00Z\">2026-11-21 02:01 UTC</time>.</p>",
        "<i><a href=\"mailto:ops@example.com\">ops@example.com</a></i>",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
}

#[test]
fn the_built_in_page_has_at_most_5_kib_and_shows_the_site_and_the_contact() {
    let contact = json!({ "context": { "contact": "https://status.example.com/", "contact_label": "Status" } });
    let reason = "We are upgrading the database. Orders that you have placed are safe.";
    for mode in [Mode::Offline, Mode::ReadOnly] {
        let state = closed(mode, Some(7200), Some(3600), Some(reason));
        let page = body(&ask_at(&reply(contact.clone()), &state, &BROWSER.replace("GET", "POST")));
        assert!(page.len() <= 5 * 1024, "{} bytes", page.len());
        assert!(page.contains("<p class=\"soft\">shop</p>"), "{page}");
        assert!(page.contains("Questions? <a href=\"https://status.example.com/\">Status</a>"), "{page}");
    }
    let page = body(&ask_at(&reply(json!({})), &closed(Mode::Offline, None, None, None), BROWSER));
    assert!(!page.contains("Questions?"), "{page}");
    let text = body(&ask_at(&reply(contact), &closed(Mode::Offline, None, None, None), "GET /\naccept: text/plain"));
    assert_eq!(text, "Down for maintenance\nQuestions? Status: https://status.example.com/\n");
    let unnamed = Reply::merge(&overrides(json!({})), &overrides(json!({})), "default", &[HostPattern::Any]).unwrap();
    assert!(!body(&ask_at(&unnamed, &closed(Mode::Offline, None, None, None), BROWSER)).contains("default</p>"));
}
