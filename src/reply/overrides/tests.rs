use serde_json::{Value, json};

use super::*;
use crate::config::PluginConfig;

fn compile(config: Value) -> Result<ReplyOverrides, PathError> {
    let tree = Tree::from_json(json!({ "reply": config }).to_string().as_bytes())?;
    ReplyOverrides::compile(&PluginConfig::read(&tree)?.reply, &KeyPath::Root.key("reply"))
}

fn assert_refused(rows: &[(Value, &str)]) {
    for (config, message) in rows {
        assert_eq!(compile(config.clone()).unwrap_err().to_string(), *message, "{config}");
    }
}

#[test]
fn malformed_fields_are_refused() {
    assert_refused(&[
        (json!({ "status": 200 }), "reply.status: 200 is not a status from 400 to 599"),
        (json!({ "status": -503 }), "reply.status: -503 is not a status from 400 to 599"),
        (json!({ "status": 503.5 }), "reply.status: 503.5 is not a whole number below 2^53"),
        (json!({ "format": "htlm" }), "reply.format: \"htlm\" is not a format; did you mean \"html\"?"),
        (
            json!({ "format": "xylophone" }),
            "reply.format: \"xylophone\" is not a format; formats are auto, html, json and text",
        ),
        (json!({ "retry_after": "90" }), "reply.retry_after: \"90\" is not a duration such as 90s or 5m"),
        (json!({ "retry_after": 90 }), "reply.retry_after: 90 is a number, not a text"),
        (json!({ "retry_jitter": "soon" }), "reply.retry_jitter: \"soon\" is not a duration such as 90s or 5m"),
        (
            json!({ "redirect": "sorry" }),
            "reply.redirect: \"sorry\" is neither an http or https URL nor an absolute path",
        ),
        (json!({ "clear_cookies": ["a", "b;c"] }), "reply.clear_cookies[1]: \"b;c\" is not a cookie name"),
        (
            json!({ "clear_cookies": [{ "name": "a b", "methods": ["GET"] }] }),
            "reply.clear_cookies[0]: \"a b\" is not a cookie name",
        ),
        (
            json!({ "clear_cookies": [{ "name": "a", "methods": ["get"] }] }),
            "reply.clear_cookies[0].methods[0]: \"get\" is not a method in upper case",
        ),
        (
            json!({ "clear_cookies": [{ "name": "a", "method": "GET" }] }),
            "reply.clear_cookies[0].method: unknown field; did you mean \"methods\"?",
        ),
        (
            json!({ "clear_cookies": [1] }),
            "reply.clear_cookies[0]: 1 is a number, not a name or an object with a name and conditions",
        ),
        (json!({ "clear_cookies": [""] }), "reply.clear_cookies[0]: \"\" is not a cookie name"),
        (json!({ "context": { "eta": "soon" } }), "reply.context.eta: the filter sets this variable itself"),
        (
            json!({ "context": { "a b": "" } }),
            "reply.context.a b: not a name; names consist of letters, digits, \"_\", \"-\" and \".\"",
        ),
        (json!({ "cors": { "origins": [] } }), "reply.cors.origins: an empty list matches nothing"),
        (
            json!({ "cors": { "origins": ["*", "https://shop.example.com/"] } }),
            "reply.cors.origins[1]: \"https://shop.example.com/\" is not an origin as browsers send it, such as \
             https://shop.example.com",
        ),
        (
            json!({ "cors": { "origins": ["https://shop.example.com:443"] } }),
            "reply.cors.origins[0]: \"https://shop.example.com:443\" is not an origin as browsers send it, such as \
             https://shop.example.com",
        ),
        (
            json!({ "cors": { "origins": [{ "absent": true }] } }),
            "reply.cors.origins[0]: a request without an origin needs no CORS headers",
        ),
        (
            json!({ "formats": [{ "paths": ["api"], "format": "json" }] }),
            "reply.formats[0].paths[0]: \"api\" starts with neither '/' nor '*'",
        ),
        (
            json!({ "formats": [{ "paths": ["/api/*"], "format": "xml" }] }),
            "reply.formats[0].format: \"xml\" is not a format; did you mean \"html\"?",
        ),
        (json!({ "sttaus": 503 }), "reply.sttaus: unknown field; did you mean \"status\"?"),
    ]);
}

#[test]
fn malformed_templates_are_refused() {
    assert_refused(&[
        (json!({ "html": "<p>{{reason" }), "reply.html: \"{{reason\" has no closing \"}}\""),
        (json!({ "html": "{{#eta}}" }), "reply.html: \"{{#eta}}\" has no closing \"{{/eta}}\""),
        (json!({ "html": "{{/eta}}" }), "reply.html: \"{{/eta}}\" closes no section"),
        (
            json!({ "text": "{{#eta}}{{#until}}{{/eta}}{{/until}}" }),
            "reply.text: expected \"{{/until}}\", found \"{{/eta}}\"",
        ),
        (
            json!({ "html": "<p {{#eta}}title=\"{{/eta}}\">" }),
            "reply.html: the section \"{{#eta}}\" begins and ends in different HTML contexts; put whole elements into it",
        ),
        (
            json!({ "html": "<style>{{mode}}</style>" }),
            "reply.html: \"{{mode}}\" is not allowed in a style sheet; put it into element text or into a quoted attribute such \
                 as data-value=\"…\"",
        ),
        (
            json!({ "html": "<p>{{mode}}</p><script>" }),
            "reply.html: ends inside a tag, a comment, a script or a style sheet",
        ),
    ]);
}

#[test]
fn reserved_and_malformed_headers_and_members_are_refused() {
    assert_refused(&[
        (json!({ "json": { "status": 1 } }), "reply.json.status: the filter sets this member itself"),
        (json!({ "headers": { "x y": "1" } }), "reply.headers.x y: not a header name"),
        (json!({ "headers": { ":status": "200" } }), "reply.headers.:status: not a header name"),
        (json!({ "headers": { "": "1" } }), "reply.headers.: not a header name"),
        (
            json!({ "headers": { "Cache-Control": "public" } }),
            "reply.headers.Cache-Control: the filter or Envoy sets this header itself",
        ),
        (
            json!({ "headers": { "content-encoding": "gzip" } }),
            "reply.headers.content-encoding: the filter or Envoy sets this header itself",
        ),
        (
            json!({ "headers": { "cdn-cache-control": "public" } }),
            "reply.headers.cdn-cache-control: the filter or Envoy sets this header itself",
        ),
        (
            json!({ "headers": { "x-a": "b\r\nx-c: d" } }),
            "reply.headers.x-a: the value contains control characters, or begins or ends with a space",
        ),
        (json!({ "headers": { "x-a": "1", "X-A": "2" } }), "reply.headers.x-a: duplicate header; names ignore case"),
    ]);
}
