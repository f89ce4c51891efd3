//! Who a client is, as Envoy knows it: tokens that Envoy's own filter has verified, and certificates of real clients.

use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::bootstrap::Form;
use crate::support::client;
use crate::support::envoy::Envoy;
use crate::support::filters;
use crate::support::signer::{Signer, now_ms};
use crate::support::tls::Tls;

const US: &str = "https://id.example.com";
const THEM: &str = "https://other.example.org";

/// An issuer's keys, as Envoy wants them.
fn jwks(issuer: &Signer) -> Value {
    let mut key = issuer.jwk();
    key["kid"] = issuer.kid().into();
    key["alg"] = "EdDSA".into();
    json!({ "keys": [key] })
}

/// A token that is good for an hour.
fn token(issuer: &Signer, name: &str, claims: &Value) -> String {
    let mut all = json!({ "iss": name, "sub": "ada", "exp": now_ms() / 1000 + 3600 });
    for (member, value) in claims.as_object().unwrap() {
        all[member] = value.clone();
    }
    let header = json!({ "alg": "EdDSA", "typ": "JWT", "kid": issuer.kid() });
    issuer.sign_parts(&header, all.to_string().as_bytes())
}

/// Closed to all but those who satisfy one of the rules.
fn closed(exempt: &Value) -> Value {
    json!({
        "sites": [{ "name": "shop" }],
        "exempt": exempt,
        "jwt": { "metadata_key": "payload" },
        "state": { "shop": { "mode": "offline" } },
    })
}

/// Which rule lets a token's bearer in.
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

/// The bytes in which Envoy hands over a list of texts or a struct of texts: no text may pass for them, nor they for one.
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

#[tokio::test]
async fn claims_let_in_whom_the_named_issuer_says_it_of() {
    let app = App::start();
    let (us, them, stranger) = (Signer::generate(), Signer::generate(), Signer::generate());
    let policy = closed(&json!([
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
    ]));
    let issuers = [(US, jwks(&us)), (THEM, jwks(&them))];
    let issuers: Vec<_> = issuers.iter().map(|(name, keys)| (*name, keys)).collect();
    let ours = |claims: Value| token(&us, US, &claims);
    let theirs = |claims: Value| token(&them, THEM, &claims);
    let pairs = as_pairs(&[("0", "admin")]);
    let list = as_pairs(&[("", "admin")]);
    let rows = [
        ("no token", None, Err(503)),
        // Texts.
        ("a text", Some(ours(json!({ "role": "admin" }))), Ok("admin")),
        ("another text", Some(ours(json!({ "role": "user" }))), Err(503)),
        ("another case", Some(ours(json!({ "role": "Admin" }))), Err(503)),
        ("a text that begins so", Some(ours(json!({ "role": "admin2" }))), Err(503)),
        ("a text that lists", Some(ours(json!({ "role": "user,admin" }))), Err(503)),
        ("an empty text", Some(ours(json!({ "role": "" }))), Err(503)),
        ("no such claim", Some(ours(json!({}))), Err(503)),
        // Lists.
        ("a list of one", Some(ours(json!({ "role": ["admin"] }))), Ok("admin")),
        ("the last of a list", Some(ours(json!({ "role": ["a", "b", "admin"] }))), Ok("admin")),
        ("not in the list", Some(ours(json!({ "role": ["a", "administrator"] }))), Err(503)),
        ("an empty list", Some(ours(json!({ "role": [] }))), Err(503)),
        ("behind other kinds in a list", Some(ours(json!({ "role": [1, true, "admin"] }))), Ok("admin")),
        ("a list in a list", Some(ours(json!({ "role": [["admin"]] }))), Err(503)),
        ("a struct in a list", Some(ours(json!({ "role": [{ "role": "admin" }] }))), Err(503)),
        // Nested.
        ("nested list", Some(ours(json!({ "realm_access": { "roles": ["x", "sre"] } }))), Ok("nested")),
        ("nested text", Some(ours(json!({ "realm_access": { "roles": "ops" } }))), Ok("nested")),
        ("nested, another", Some(ours(json!({ "realm_access": { "roles": ["dev"] } }))), Err(503)),
        ("nested, but flat", Some(ours(json!({ "realm_access.roles": ["ops"] }))), Err(503)),
        ("nested, the parent is a text", Some(ours(json!({ "realm_access": "ops" }))), Err(503)),
        ("nested, the parent is a list", Some(ours(json!({ "realm_access": ["ops"] }))), Err(503)),
        ("nested, the parent is null", Some(ours(json!({ "realm_access": null }))), Err(503)),
        // Named by a URL.
        ("a URL's list", Some(ours(json!({ "https://shop.example.com/roles": ["x", "ops"] }))), Ok("namespaced")),
        ("a URL's text", Some(ours(json!({ "https://shop.example.com/roles": "ops" }))), Ok("namespaced")),
        ("a URL's parts", Some(ours(json!({ "https://shop": { "example": { "com/roles": "ops" } } }))), Err(503)),
        // Other kinds.
        ("null", Some(ours(json!({ "role": null }))), Err(503)),
        ("a number", Some(ours(json!({ "role": 1 }))), Err(503)),
        ("a bool", Some(ours(json!({ "role": true }))), Err(503)),
        ("a struct", Some(ours(json!({ "role": { "admin": "admin" } }))), Err(503)),
        // Crafted.
        ("a text made to look like a list", Some(ours(json!({ "role": list }))), Err(503)),
        ("a text made to look like a struct", Some(ours(json!({ "role": pairs }))), Err(503)),
        ("a text made to look like JSON", Some(ours(json!({ "role": "[\"admin\"]" }))), Err(503)),
        ("a text that ends with NUL", Some(ours(json!({ "role": "admin\0" }))), Err(503)),
        ("a text that begins with NUL", Some(ours(json!({ "role": "\0admin" }))), Err(503)),
        ("a claim named as a path", Some(ours(json!({ "role\0": "admin", "role.0": "admin" }))), Err(503)),
        // All that a rule names.
        ("both", Some(ours(json!({ "team": "payments", "level": ["x", "senior-2"] }))), Ok("both")),
        ("one of both", Some(ours(json!({ "team": "payments", "level": "junior" }))), Err(503)),
        // Issuers.
        ("the other issuer, its own rule", Some(theirs(json!({ "role": "auditor" }))), Ok("partner")),
        ("the other issuer, our rule", Some(theirs(json!({ "role": "admin" }))), Err(503)),
        ("our issuer, the other's rule", Some(ours(json!({ "role": "auditor" }))), Err(503)),
        (
            "the other issuer, with our name beside it",
            Some(theirs(json!({ "role": "admin", "issuer": US, "payload": { "iss": US } }))),
            Err(503),
        ),
        // Envoy itself turns these away.
        ("the other issuer in our name", Some(token(&them, US, &json!({ "role": "admin" }))), Err(401)),
        ("a stranger in our name", Some(token(&stranger, US, &json!({ "role": "admin" }))), Err(401)),
        ("over", Some(ours(json!({ "role": "admin", "exp": 1 }))), Err(401)),
    ];
    for form in [Form::Text, Form::Struct] {
        let builder = Envoy::builder(app.address()).policy(&policy).form(form);
        let envoy = builder.before(filters::jwt_authn(&issuers)).start().await;
        for (name, token, wanted) in &rows {
            let seen = let_in_by(&envoy, token.as_deref()).await;
            assert_eq!(seen.as_deref(), wanted.as_deref(), "{form:?}: {name}");
        }
    }
}

#[tokio::test]
async fn a_claim_closes_too() {
    let app = App::start();
    let us = Signer::generate();
    let keys = jwks(&us);
    let policy = json!({
        "sites": [{ "name": "shop" }],
        "jwt": { "metadata_key": "payload" },
        "always_closed": [{ "name": "guests", "claims": [{ "iss": US, "name": "role", "value": "guest" }] }],
    });
    let envoy = Envoy::builder(app.address()).policy(&policy).before(filters::jwt_authn(&[(US, &keys)])).start().await;
    for (role, wanted) in [("guest", 503), ("user", 200)] {
        let token = token(&us, US, &json!({ "role": [role] }));
        let request = client::h1().get(envoy.url("/")).header("authorization", format!("Bearer {token}"));
        assert_eq!(request.send().await.unwrap().status(), wanted, "{role}");
    }
    assert_eq!(client::h1().get(envoy.url("/")).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn claims_are_found_under_the_key_that_the_policy_names_and_under_no_other() {
    let app = App::start();
    let us = Signer::generate();
    let keys = jwks(&us);
    let rule = json!([{ "name": "admin", "claims": [{ "iss": US, "name": "role", "value": "admin" }] }]);
    let mut verified = filters::jwt_authn(&[(US, &keys)]);
    verified["typed_config"]["providers"]["issuer0"]["payload_in_metadata"] = "token".into();
    let token = token(&us, US, &json!({ "role": "admin" }));
    for (key, wanted) in [("token", Ok("admin")), ("payload", Err(503))] {
        let mut policy = closed(&rule);
        policy["jwt"]["metadata_key"] = key.into();
        let envoy = Envoy::builder(app.address()).policy(&policy).before(verified.clone()).start().await;
        assert_eq!(let_in_by(&envoy, Some(&token)).await.as_deref(), wanted.as_ref().copied(), "{key:?}");
    }
}

#[tokio::test]
async fn a_token_that_nobody_verifies_says_nothing() {
    let app = App::start();
    let us = Signer::generate();
    let policy = closed(&json!([{ "name": "admin", "claims": [{ "iss": US, "name": "role", "value": "*" }] }]));
    let bare = Envoy::builder(app.address()).policy(&policy).start().await;
    let after =
        Envoy::builder(app.address()).policy(&policy).after(filters::jwt_authn(&[(US, &jwks(&us))])).start().await;
    for (name, envoy) in [("no jwt_authn", &bare), ("jwt_authn after the filter", &after)] {
        let token = token(&us, US, &json!({ "role": "admin" }));
        assert_eq!(let_in_by(envoy, Some(&token)).await, Err(503), "{name}");
    }
}

const OPS: &str = "spiffe://cluster.local/ns/ops/sa/ada";

fn ops_only() -> Value {
    closed(&json!([{ "name": "ops", "uri_sans": ["spiffe://cluster.local/ns/ops/*"] }]))
}

/// The status for a client with this certificate; none where the handshake fails.
async fn status_for(envoy: &Envoy, tls: &Tls, identity: Option<&str>) -> Option<u16> {
    let url = format!("https://localhost:{}/", envoy.data().port());
    Some(client::tls(tls, identity).get(url).send().await.ok()?.status().as_u16())
}

#[tokio::test]
async fn certificates_let_in_whom_their_uri_names() {
    let app = App::start();
    let (tls, others) = (Tls::new(), Tls::new());
    let envoy = Envoy::builder(app.address()).policy(&ops_only()).tls(tls.downstream()).start().await;
    for (name, identity, wanted) in [
        ("no certificate", None, Some(503)),
        ("the right URI", Some(tls.client(&[OPS])), Some(200)),
        ("another namespace", Some(tls.client(&["spiffe://cluster.local/ns/dev/sa/ada"])), Some(503)),
        ("another trust domain", Some(tls.client(&["spiffe://evil.example/ns/ops/sa/ada"])), Some(503)),
        ("another scheme", Some(tls.client(&["https://cluster.local/ns/ops/sa/ada"])), Some(503)),
        (
            "the right URI inside another",
            Some(tls.client(&["spiffe://evil.example/?a=spiffe://cluster.local/ns/ops/"])),
            Some(503),
        ),
        ("a URI that goes up", Some(tls.client(&["spiffe://cluster.local/ns/ops"])), Some(503)),
        ("no URI", Some(tls.client(&[])), Some(503)),
        // Envoy shows the first one.
        ("the right URI first", Some(tls.client(&[OPS, "spiffe://cluster.local/ns/dev/sa/ada"])), Some(200)),
        ("the right URI second", Some(tls.client(&["spiffe://cluster.local/ns/dev/sa/ada", OPS])), Some(503)),
        ("self-signed", Some(Tls::self_signed_client(&[OPS])), None),
        ("of another authority", Some(others.client(&[OPS])), None),
    ] {
        assert_eq!(status_for(&envoy, &tls, identity.as_deref()).await, wanted, "{name}");
    }
}

/// Why `maintctl lint` refuses `uri_sans` there.
#[tokio::test]
async fn where_envoy_accepts_any_certificate_anybody_can_be_anyone() {
    let app = App::start();
    let tls = Tls::new();
    let untrusting = tls.downstream_accepting_untrusted();
    let envoy = Envoy::builder(app.address()).policy(&ops_only()).tls(untrusting).start().await;
    for (name, identity, wanted) in [
        ("self-signed, the right URI", Some(Tls::self_signed_client(&[OPS])), Some(200)),
        ("of another authority, the right URI", Some(Tls::new().client(&[OPS])), Some(200)),
        ("self-signed, another URI", Some(Tls::self_signed_client(&["spiffe://cluster.local/ns/dev/a"])), Some(503)),
        ("no certificate", None, Some(503)),
    ] {
        assert_eq!(status_for(&envoy, &tls, identity.as_deref()).await, wanted, "{name}");
    }
}

#[tokio::test]
async fn without_tls_no_header_stands_for_a_certificate() {
    let app = App::start();
    let envoy = Envoy::builder(app.address()).policy(&ops_only()).start().await;
    let forged = format!("By=spiffe://cluster.local/ns/x;Hash=00;URI={OPS}");
    let request = client::h1().get(envoy.url("/")).header("x-forwarded-client-cert", forged);
    assert_eq!(request.send().await.unwrap().status(), 503);
}
