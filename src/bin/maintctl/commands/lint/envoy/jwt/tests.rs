use super::super::tests::{BOOTSTRAP, MANAGER, finds_after};
use crate::commands::lint::tests::{finds, levels};

const JWT: &str = "          - name: j
            typed_config:
              \"@type\": type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication
              providers: { id: { issuer: i, payload_in_metadata: payload } }
";

#[test]
fn claims_without_jwt_authn_are_reported() {
    let line = format!(
        "{MANAGER}.http_filters[1].typed_config.config: no jwt_authn filter is in front of the plugin, so \"claims\" never \
         match; add one there"
    );
    finds_after("jwt_authn.v3.JwtAuthentication", "lua.v3.Lua", &line);
}

#[test]
fn jwt_authn_behind_the_plugin_is_reported() {
    let line = format!(
        "{MANAGER}.http_filters[1]: jwt_authn is behind the plugin, so \"claims\" never match; move it in front of the plugin"
    );
    finds(&format!("{}{JWT}", BOOTSTRAP.replacen(JWT, "", 1)), &[&line]);
}

#[test]
fn providers_that_store_tokens_under_another_key_are_reported() {
    let line = |found: &str| {
        format!(
            "{MANAGER}.http_filters[0].typed_config.providers.id.payload_in_metadata: {found}, but the policy's jwt.metadata_key \
             is \"payload\", so claims of this provider never match; set it to \"payload\""
        )
    };
    finds_after("payload_in_metadata: payload", "payload_in_metadata: jwt", &line("\"jwt\""));
    finds_after(", payload_in_metadata: payload", "", &line("missing"));
    // A provider without an issuer accepts tokens of any issuer.
    finds_after("issuer: i, payload_in_metadata: payload", "payload_in_metadata: jwt", &line("\"jwt\""));
    let other = "payload_in_metadata: payload }, other: { issuer: o, payload_in_metadata: jwt }";
    finds(&BOOTSTRAP.replacen("payload_in_metadata: payload }", other, 1), &[]);
}

#[test]
fn claims_of_an_unknown_issuer_are_reported() {
    let line = |end: &str| {
        format!(
            "{MANAGER}.http_filters[1].typed_config.config.configuration.value.exempt[2].claims[0].iss: no provider of jwt_authn \
             has the issuer \"i\", so the rule never matches{end}"
        )
    };
    finds_after("issuer: i", "issuer: https://id.example.com", &line("; its issuers are \"https://id.example.com\""));
    finds_after("providers: {", "others: {", &line("; add one there"));
}

#[test]
fn requirements_that_refuse_expired_tokens_are_reported() {
    let with = |requirement: &str| {
        let rules = format!(
            "providers: {{ id: {{ issuer: i, payload_in_metadata: payload }} }}\n              rules: [{{ match: {{ prefix: / }}, requires: {requirement} }}]\n"
        );
        BOOTSTRAP.replacen("providers: { id: { issuer: i, payload_in_metadata: payload } }\n", &rules, 1)
    };
    let line = |place: &str| {
        format!(
            "{MANAGER}.http_filters[0].typed_config.rules[0].requires.{place}: a client whose token has expired gets 401, even \
             while the site is online; write allow_missing_or_failed instead"
        )
    };
    let any = |last: &str| {
        with(&format!("{{ requires_any: {{ requirements: [{{ provider_name: id }}, {{ {last}: {{}} }}] }} }}"))
    };
    finds(&any("allow_missing"), &[&line("requires_any.requirements[1].allow_missing")]);
    finds(&any("allowMissing"), &[&line("requires_any.requirements[1].allowMissing")]);
    finds(&with("{ allow_missing: {} }"), &[&line("allow_missing")]);
    finds(&any("allow_missing_or_failed"), &[]);
    assert_eq!(levels(&any("allow_missing")).len(), 1);
}
