use crate::commands::lint::tests::{check_texts, lines, places};

const FOUND: &str = "exempt:\n- name: a\n  query: [{ name: key, value: letmein }]\n";

#[test]
fn a_comment_accepts_the_findings_of_its_code_in_its_line_and_in_the_line_below() {
    assert_eq!(places(&[("f", FOUND)]), ["f:3:24 secret-in-query"]);
    for accepted in [
        FOUND.replace("}]\n", "}] # lint: allow secret-in-query\n"),
        FOUND.replace("}]\n", "}] #lint: allow secret-in-query until the partner sends a header\n"),
        FOUND.replace("  query", "  # lint: allow secret-in-query\n  query"),
        FOUND.replace("  query", "  # lint: allow secret-in-query\n  # The partner sends no header.\n  query"),
    ] {
        assert_eq!(lines(&accepted), [""; 0], "{accepted}");
    }
}

#[test]
fn several_comments_above_a_line_accept_several_findings() {
    let both = "exempt:\n- name: a\n  # lint: allow secret-in-query\n  # lint: allow secret-in-plain-text\n  query: [{ name: key, \
                value: letmein }] \n  headers: [{ name: x-key, value: letmein }] # lint: allow secret-in-plain-text\n";
    assert_eq!(places(&[("f", both)]), ["f:4:3 allow-unused"]);
}

#[test]
fn a_comment_that_accepts_nothing_is_a_note() {
    for (text, expected) in [
        (
            FOUND.replace("exempt:", "exempt: # lint: allow secret-in-query"),
            "line 1 has no finding secret-in-query; remove the comment",
        ),
        (
            FOUND.replace("exempt:", "# lint: allow secret-in-query\n\nexempt:"),
            "line 2 has no finding secret-in-query; remove the comment",
        ),
        (
            FOUND.replace("exempt:", "exempt: # lint: allow secret-in-querry"),
            "unknown code \"secret-in-querry\"; did you mean \"secret-in-query\"?",
        ),
        (
            FOUND.replace("exempt:", "exempt: # lint: allow everything"),
            "unknown code \"everything\"; `maintctl lint --codes` lists the codes",
        ),
    ] {
        let found = lines(&text);
        assert!(found.contains(&format!("f: {expected}")), "{text}: {found:?}");
        assert_eq!(found.len(), 2, "{text}");
    }
    assert_eq!(lines("exempt: [] # lint: allowed\nfleet: f # lint\n"), [""; 0]);
}

#[test]
fn a_text_in_a_bootstrap_has_its_comment_at_its_key() {
    let text = |comment: &str| {
        format!(
            "resources:\n- \"@type\": x/envoy.extensions.filters.http.wasm.v3.Wasm\n  config:\n    failure_policy: FAIL_RELOAD\n    \
             configuration:\n      \"@type\": x/google.protobuf.StringValue\n      value: | {comment}\n        {{\n          \"exempt\": \
             [{{ \"name\": \"a\",\n            \"query\": [{{ \"name\": \"key\", \"value\": \"letmein\" }}] }}]\n        }}\n"
        )
    };
    assert_eq!(places(&[("f", &text(""))]), ["f:10:40 secret-in-query"]);
    assert_eq!(check_texts(&[("f", &text("# lint: allow secret-in-query"))]), []);
}
