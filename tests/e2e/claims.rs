//! Rules on the client's identity: claims of tokens that Envoy's `jwt_authn` has verified, and client certificates.

use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::bootstrap::Form;
use crate::support::client;
use crate::support::envoy::Envoy;
use crate::support::filters;
use crate::support::signer::{Signer, now_ms};
use crate::support::tls::Tls;

mod typed;

const US: &str = "https://id.example.com";
const THEM: &str = "https://other.example.org";

/// A token that expires in an hour.
fn token(issuer: &Signer, name: &str, claims: &Value) -> String {
    let mut all = json!({ "iss": name, "sub": "ada", "exp": now_ms() / 1000 + 3600 });
    for (member, value) in claims.as_object().unwrap() {
        all[member] = value.clone();
    }
    let header = json!({ "alg": "EdDSA", "typ": "JWT", "kid": issuer.kid() });
    issuer.sign_parts(&header, all.to_string().as_bytes())
}

/// A policy with one offline site and these exempt rules.
fn closed(exempt: &Value) -> Value {
    json!({
        "sites": [{ "name": "shop" }],
        "exempt": exempt,
        "jwt": { "metadata_key": "payload" },
        "state": { "shop": { "mode": "offline" } },
    })
}

/// The exempt rule that lets the bearer of a token in, or else the status of the response.
async fn let_in_by(envoy: &Envoy, token: Option<&str>) -> Result<String, u16> {
    let mut request = client::h1().get(envoy.url("/")).header("x-app", "echo");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    if status != 200 {
        return Err(status);
    }
    let echo: Value = serde_json::from_str(&text).unwrap();
    let seen = echo["headers"]["x-maintenance-status"][0].as_str().unwrap();
    Ok(seen.strip_prefix("offline; via=exempt:").unwrap_or_else(|| panic!("{seen}")).to_owned())
}

/// The bytes in which Envoy passes a list of strings, or an object of strings, to the filter (proxy-wasm pairs).
fn as_pairs(members: &[(&str, &str)]) -> String {
    let mut bytes = u32::try_from(members.len()).unwrap().to_le_bytes().to_vec();
    for (name, value) in members {
        bytes.extend(u32::try_from(name.len()).unwrap().to_le_bytes());
        bytes.extend(u32::try_from(value.len()).unwrap().to_le_bytes());
    }
    for text in members.iter().flat_map(|(name, value)| [name, value]) {
        bytes.extend(text.bytes());
        bytes.push(0);
    }
    String::from_utf8(bytes).unwrap()
}

/// A token with these claims, and the rule that lets its bearer in.
type ClaimRow = (&'static str, Value, Option<&'static str>);

fn claims_of_one_value() -> Vec<ClaimRow> {
    vec![
        ("a string", json!({ "role": "admin" }), Some("admin")),
        ("another string", json!({ "role": "user" }), None),
        ("another case", json!({ "role": "Admin" }), None),
        ("a string with the value as prefix", json!({ "role": "admin2" }), None),
        ("a comma-separated list", json!({ "role": "user,admin" }), None),
        ("an empty string", json!({ "role": "" }), None),
        ("no such claim", json!({}), None),
        ("null", json!({ "role": null }), None),
        ("a number", json!({ "role": 1 }), None),
        ("a bool", json!({ "role": true }), None),
        ("an object", json!({ "role": { "admin": "admin" } }), None),
        ("both claims of a rule", json!({ "team": "payments", "level": ["x", "senior-2"] }), Some("both")),
        ("one of two claims of a rule", json!({ "team": "payments", "level": "junior" }), None),
        ("the role of another issuer", json!({ "role": "auditor" }), None),
    ]
}

fn claims_of_lists_and_objects() -> Vec<ClaimRow> {
    vec![
        ("a list of one", json!({ "role": ["admin"] }), Some("admin")),
        ("the last of a list", json!({ "role": ["a", "b", "admin"] }), Some("admin")),
        ("a list without the value", json!({ "role": ["a", "administrator"] }), None),
        ("an empty list", json!({ "role": [] }), None),
        ("a list with other types first", json!({ "role": [1, true, "admin"] }), Some("admin")),
        ("a list with null first", json!({ "role": [null, "admin"] }), Some("admin")),
        ("a list of null", json!({ "role": [null] }), None),
        ("a list in a list", json!({ "role": [["admin"]] }), None),
        ("an object in a list", json!({ "role": [{ "role": "admin" }] }), None),
        ("a nested list", json!({ "realm_access": { "roles": ["x", "sre"] } }), Some("nested")),
        ("a nested string", json!({ "realm_access": { "roles": "ops" } }), Some("nested")),
        ("another nested value", json!({ "realm_access": { "roles": ["dev"] } }), None),
        ("a name with a dot", json!({ "realm_access.roles": ["ops"] }), None),
        ("a string instead of an object", json!({ "realm_access": "ops" }), None),
        ("a list instead of an object", json!({ "realm_access": ["ops"] }), None),
        ("null instead of an object", json!({ "realm_access": null }), None),
        ("a URL as name, a list", json!({ "https://shop.example.com/roles": ["x", "ops"] }), Some("namespaced")),
        ("a URL as name, a string", json!({ "https://shop.example.com/roles": "ops" }), Some("namespaced")),
        ("a URL as path of objects", json!({ "https://shop": { "example": { "com/roles": "ops" } } }), None),
    ]
}

/// Strings with the bytes in which Envoy passes values of other types to the filter.
fn crafted_claims() -> Vec<ClaimRow> {
    vec![
        ("the bytes of a list", json!({ "role": as_pairs(&[("", "admin")]) }), None),
        ("the bytes of an object", json!({ "role": as_pairs(&[("0", "admin")]) }), None),
        ("JSON", json!({ "role": "[\"admin\"]" }), None),
        ("a trailing NUL", json!({ "role": "admin\0" }), None),
        ("a leading NUL", json!({ "role": "\0admin" }), None),
        ("names that look like paths", json!({ "role\0": "admin", "role.0": "admin" }), None),
    ]
}

fn policy_with_claims() -> Value {
    closed(&json!([
        { "name": "admin", "claims": [{ "iss": US, "name": "role", "value": "admin" }] },
        { "name": "nested", "claims": [{ "iss": US, "name": "realm_access.roles", "value": ["ops", "sre"] }] },
        {
            "name": "both",
            "claims": [
                { "iss": US, "name": "team", "value": "payments" },
                { "iss": US, "name": "level", "value": "senior*" },
            ],
        },
        { "name": "namespaced", "claims": [{ "iss": US, "name": "https://shop.example.com/roles", "value": "ops" }] },
        { "name": "partner", "claims": [{ "iss": THEM, "name": "role", "value": "auditor" }] },
    ]))
}

#[tokio::test]
async fn a_rule_matches_claims_of_the_issuer_that_it_names() {
    let app = App::start();
    let (us, them, stranger) = (Signer::generate(), Signer::generate(), Signer::generate());
    let (our_keys, their_keys) = (us.jwks(), them.jwks());
    let mut rows = vec![("no token", None, Err(503))];
    for (name, claims, rule) in [claims_of_one_value(), claims_of_lists_and_objects(), crafted_claims()].concat() {
        rows.push((name, Some(token(&us, US, &claims)), rule.ok_or(503)));
    }
    let disguised = json!({ "role": "admin", "issuer": US, "payload": { "iss": US } });
    for (name, claims, expected) in [
        ("the other issuer, its own rule", json!({ "role": "auditor" }), Ok("partner")),
        ("the other issuer, our rule", json!({ "role": "admin" }), Err(503)),
        ("the other issuer, with our name in other claims", disguised, Err(503)),
    ] {
        rows.push((name, Some(token(&them, THEM, &claims)), expected));
    }
    // Envoy rejects these tokens itself.
    let admin = json!({ "role": "admin" });
    for (name, token) in [
        ("the other issuer's key under our name", token(&them, US, &admin)),
        ("an unknown key under our name", token(&stranger, US, &admin)),
        ("an expired token", token(&us, US, &json!({ "role": "admin", "exp": 1 }))),
    ] {
        rows.push((name, Some(token), Err(401)));
    }
    for form in [Form::Text, Form::Struct] {
        let builder = Envoy::builder(app.address()).policy(&policy_with_claims()).form(form);
        let envoy = builder.before(filters::jwt_authn(&[(US, &our_keys), (THEM, &their_keys)])).start().await;
        for (name, token, expected) in &rows {
            let rule = let_in_by(&envoy, token.as_deref()).await;
            assert_eq!(rule.as_deref(), expected.as_deref(), "{form:?}: {name}");
        }
    }
}

#[tokio::test]
async fn always_closed_rules_match_claims() {
    let app = App::start();
    let us = Signer::generate();
    let keys = us.jwks();
    let policy = json!({
        "sites": [{ "name": "shop" }],
        "jwt": { "metadata_key": "payload" },
        "always_closed": [{ "name": "guests", "claims": [{ "iss": US, "name": "role", "value": "guest" }] }],
    });
    let envoy = Envoy::builder(app.address()).policy(&policy).before(filters::jwt_authn(&[(US, &keys)])).start().await;
    for (role, expected) in [
        (json!(["guest"]), 503),
        (json!(["user"]), 200),
        (json!([null, "guest"]), 503),
        (json!([null, "user"]), 200),
        (json!(null), 200),
    ] {
        let token = token(&us, US, &json!({ "role": role }));
        let request = client::h1().get(envoy.url("/")).header("authorization", format!("Bearer {token}"));
        assert_eq!(request.send().await.unwrap().status(), expected, "{role}");
    }
    assert_eq!(client::h1().get(envoy.url("/")).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn claims_are_read_from_the_metadata_key_of_the_policy_only() {
    let app = App::start();
    let us = Signer::generate();
    let keys = us.jwks();
    let rule = json!([{ "name": "admin", "claims": [{ "iss": US, "name": "role", "value": "admin" }] }]);
    let mut verified = filters::jwt_authn(&[(US, &keys)]);
    verified["typed_config"]["providers"]["issuer0"]["payload_in_metadata"] = "token".into();
    let token = token(&us, US, &json!({ "role": "admin" }));
    for (key, expected) in [("token", Ok("admin")), ("payload", Err(503))] {
        let mut policy = closed(&rule);
        policy["jwt"]["metadata_key"] = key.into();
        let envoy = Envoy::builder(app.address()).policy(&policy).before(verified.clone()).start().await;
        assert_eq!(let_in_by(&envoy, Some(&token)).await.as_deref(), expected.as_ref().copied(), "{key:?}");
    }
}

#[tokio::test]
async fn claims_of_unverified_tokens_are_ignored() {
    let app = App::start();
    let us = Signer::generate();
    let policy = closed(&json!([{ "name": "admin", "claims": [{ "iss": US, "name": "role", "value": "*" }] }]));
    let bare = Envoy::builder(app.address()).policy(&policy).start().await;
    let after =
        Envoy::builder(app.address()).policy(&policy).after(filters::jwt_authn(&[(US, &us.jwks())])).start().await;
    for (name, envoy) in [("no jwt_authn", &bare), ("jwt_authn after the filter", &after)] {
        let token = token(&us, US, &json!({ "role": "admin" }));
        assert_eq!(let_in_by(envoy, Some(&token)).await, Err(503), "{name}");
    }
}

const OPS: &str = "spiffe://cluster.local/ns/ops/sa/ada";

fn ops_only() -> Value {
    closed(&json!([{ "name": "ops", "uri_sans": ["spiffe://cluster.local/ns/ops/*"] }]))
}

/// The status for a client with this certificate; `None` if the handshake fails.
async fn status_for(envoy: &Envoy, tls: &Tls, identity: Option<&str>) -> Option<u16> {
    let url = format!("https://localhost:{}/", envoy.data().port());
    Some(client::tls(tls, identity).get(url).send().await.ok()?.status().as_u16())
}

#[tokio::test]
async fn uri_sans_match_the_first_uri_of_the_client_certificate() {
    let app = App::start();
    let (tls, others) = (Tls::new(), Tls::new());
    let envoy = Envoy::builder(app.address()).policy(&ops_only()).tls(tls.downstream()).start().await;
    for (name, identity, expected) in [
        ("no certificate", None, Some(503)),
        ("the right URI", Some(tls.client(&[OPS])), Some(200)),
        ("another namespace", Some(tls.client(&["spiffe://cluster.local/ns/dev/sa/ada"])), Some(503)),
        ("another trust domain", Some(tls.client(&["spiffe://evil.example/ns/ops/sa/ada"])), Some(503)),
        ("another scheme", Some(tls.client(&["https://cluster.local/ns/ops/sa/ada"])), Some(503)),
        (
            "the right URI within another one",
            Some(tls.client(&["spiffe://evil.example/?a=spiffe://cluster.local/ns/ops/"])),
            Some(503),
        ),
        ("a shorter URI", Some(tls.client(&["spiffe://cluster.local/ns/ops"])), Some(503)),
        ("no URI", Some(tls.client(&[])), Some(503)),
        // Envoy passes only the first URI to filters.
        ("the right URI first", Some(tls.client(&[OPS, "spiffe://cluster.local/ns/dev/sa/ada"])), Some(200)),
        ("the right URI second", Some(tls.client(&["spiffe://cluster.local/ns/dev/sa/ada", OPS])), Some(503)),
        ("self-signed", Some(Tls::self_signed_client(&[OPS])), None),
        ("a certificate of another authority", Some(others.client(&[OPS])), None),
    ] {
        assert_eq!(status_for(&envoy, &tls, identity.as_deref()).await, expected, "{name}");
    }
}

/// `maintctl lint` rejects `uri_sans` on such a listener.
#[tokio::test]
async fn with_accept_untrusted_a_self_signed_certificate_satisfies_uri_sans() {
    let app = App::start();
    let tls = Tls::new();
    let untrusting = tls.downstream_accepting_untrusted();
    let envoy = Envoy::builder(app.address()).policy(&ops_only()).tls(untrusting).start().await;
    for (name, identity, expected) in [
        ("self-signed, the right URI", Some(Tls::self_signed_client(&[OPS])), Some(200)),
        ("another authority, the right URI", Some(Tls::new().client(&[OPS])), Some(200)),
        ("self-signed, another URI", Some(Tls::self_signed_client(&["spiffe://cluster.local/ns/dev/a"])), Some(503)),
        ("no certificate", None, Some(503)),
    ] {
        assert_eq!(status_for(&envoy, &tls, identity.as_deref()).await, expected, "{name}");
    }
}

#[tokio::test]
async fn x_forwarded_client_cert_does_not_satisfy_uri_sans() {
    let app = App::start();
    let envoy = Envoy::builder(app.address()).policy(&ops_only()).start().await;
    let forged = format!("By=spiffe://cluster.local/ns/x;Hash=00;URI={OPS}");
    let request = client::h1().get(envoy.url("/")).header("x-forwarded-client-cert", forged);
    assert_eq!(request.send().await.unwrap().status(), 503);
}
