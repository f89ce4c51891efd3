//! Envoy's own HTTP filters, for tests that place them before or after ours.

use serde_json::{Value, json};

use super::bootstrap::extension;

/// Translates gRPC-Web to gRPC and back.
pub fn grpc_web() -> Value {
    extension("envoy.filters.http.grpc_web", "envoy.extensions.filters.http.grpc_web.v3.GrpcWeb", json!({}))
}

/// CORS. The CORS policy belongs into a route's `typed_per_filter_config`.
pub fn cors() -> Value {
    extension("envoy.filters.http.cors", "envoy.extensions.filters.http.cors.v3.Cors", json!({}))
}

/// A Lua script.
pub fn lua(script: &str) -> Value {
    let config = json!({ "default_source_code": { "inline_string": script } });
    extension("envoy.filters.http.lua", "envoy.extensions.filters.http.lua.v3.Lua", config)
}

/// Verifies tokens of these issuers, each with its JSON Web Key Set, and stores the payload under `payload`, the
/// default of a policy's `jwt.metadata_key`. A request without a token passes.
pub fn jwt_authn(issuers: &[(&str, &Value)]) -> Value {
    let providers: serde_json::Map<_, _> = issuers
        .iter()
        .enumerate()
        .map(|(index, (issuer, keys))| {
            let provider = json!({
                "issuer": issuer,
                "local_jwks": { "inline_string": keys.to_string() },
                "payload_in_metadata": "payload",
                "forward": true,
            });
            (format!("issuer{index}"), provider)
        })
        .collect();
    let mut any: Vec<_> = providers.keys().map(|name| json!({ "provider_name": name })).collect();
    any.push(json!({ "allow_missing": {} }));
    let config = json!({
        "providers": providers,
        "rules": [{ "match": { "prefix": "/" }, "requires": { "requires_any": { "requirements": any } } }],
    });
    extension("envoy.filters.http.jwt_authn", "envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication", config)
}

/// Stores all URI SANs of the client certificate, separated by commas, in the filter state `key`.
pub fn peer_uri_sans(key: &str) -> Value {
    let config = json!({ "on_request_headers": [{
        "object_key": key,
        "factory_key": "envoy.string",
        "format_string": { "text_format_source": { "inline_string": "%DOWNSTREAM_PEER_URI_SAN%" } },
    }] });
    extension("envoy.filters.http.set_filter_state", "envoy.extensions.filters.http.set_filter_state.v3.Config", config)
}
