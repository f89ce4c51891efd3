//! Claims that are booleans and numbers. Envoy passes all values to the filter as bytes without a type.

use serde_json::{Value, json};

use super::{US, closed, let_in_by, token};
use crate::support::app::App;
use crate::support::bootstrap::Form;
use crate::support::envoy::Envoy;
use crate::support::signer::Signer;
use crate::support::{client, filters, maintctl};

fn rules() -> Value {
    let rule = |name: &str, claim: &str, value: Value| json!({ "name": name, "claims": [{ "iss": US, "name": claim, "value": value }] });
    json!([
        rule("true", "t", json!(true)),
        rule("false", "f", json!(false)),
        { "name": "any", "claims": [{ "iss": US, "name": "any" }] },
        rule("star", "star", json!("*")),
        rule("zero", "zero", json!(0)),
        rule("two", "two", json!([2, -3, 2.5])),
        rule("large", "large", json!(1e300)),
        rule("mixed", "mixed", json!(["admin", true, 7])),
        rule("nested", "user.is_staff", json!(true)),
        rule("quoted", "https://a.example/\"x\\'", json!(true)),
        rule("absent", "absent", json!([{ "absent": true }, true])),
    ])
}

/// Claims, and the rule that they satisfy. Tokens always have the claim `absent`, unless they test it.
fn rows() -> Vec<(Value, Option<&'static str>)> {
    vec![
        (json!({ "t": true }), Some("true")),
        (json!({ "t": false }), None),
        (json!({ "t": 1 }), None),
        (json!({ "t": "true" }), None),
        (json!({ "t": null }), None),
        (json!({ "t": {} }), None),
        (json!({ "t": [] }), None),
        (json!({ "t": { "true": true } }), None),
        (json!({ "t": [false, true] }), Some("true")),
        (json!({ "t": ["x", 1, true] }), Some("true")),
        (json!({ "t": [null, true] }), Some("true")),
        (json!({ "t": [[true]] }), None),
        (json!({ "t": [{ "t": true }] }), None),
        (json!({ "f": false }), Some("false")),
        (json!({ "f": true }), None),
        (json!({ "f": 0 }), None),
        (json!({ "f": "false" }), None),
        (json!({ "f": "" }), None),
        (json!({}), None),
        (json!({ "any": true }), Some("any")),
        (json!({ "any": "x" }), Some("any")),
        (json!({ "any": 0 }), Some("any")),
        (json!({ "any": [false, "x"] }), Some("any")),
        (json!({ "any": false }), None),
        (json!({ "any": [false] }), None),
        (json!({ "any": [] }), None),
        (json!({ "any": {} }), None),
        (json!({ "star": "x" }), Some("star")),
        (json!({ "star": true }), Some("star")),
        (json!({ "star": false }), None),
        (json!({ "zero": 0 }), Some("zero")),
        (json!({ "zero": false }), None),
        (json!({ "zero": "0" }), None),
        (json!({ "two": 2 }), Some("two")),
        (json!({ "two": 2.0 }), Some("two")),
        (json!({ "two": -3 }), Some("two")),
        (json!({ "two": 2.5 }), Some("two")),
        (json!({ "two": [1, 2] }), Some("two")),
        (json!({ "two": 3 }), None),
        (json!({ "two": "2" }), None),
        (json!({ "large": 1e300 }), Some("large")),
        (json!({ "mixed": "admin" }), Some("mixed")),
        (json!({ "mixed": true }), Some("mixed")),
        (json!({ "mixed": 7 }), Some("mixed")),
        (json!({ "mixed": "true" }), None),
        (json!({ "mixed": "7" }), None),
        (json!({ "user": { "is_staff": true } }), Some("nested")),
        (json!({ "user": { "is_staff": false } }), None),
        (json!({ "user": true }), None),
        (json!({ "https://a.example/\"x\\'": true }), Some("quoted")),
        (json!({ "absent": true }), Some("absent")),
        // The claim is present.
        (json!({ "absent": false }), None),
    ]
}

/// Texts with the bytes in which Envoy passes values of other types to the filter.
fn crafted() -> Vec<(Value, Option<&'static str>)> {
    let two = String::from_utf8(2f64.to_le_bytes().to_vec()).unwrap();
    vec![
        (json!({ "t": "\u{1}" }), None),
        (json!({ "t": ["\u{1}"] }), None),
        (json!({ "t": ["\u{1}", false] }), None),
        (json!({ "f": "\0" }), None),
        (json!({ "zero": "\0".repeat(8) }), None),
        (json!({ "two": two }), None),
        (json!({ "two": [two] }), None),
        (json!({ "mixed": "\u{1}" }), None),
        (json!({ "user": { "is_staff": "\u{1}" } }), None),
        // As `false`: in doubt, the rule does not match.
        (json!({ "any": "\0" }), None),
    ]
}

#[tokio::test]
async fn booleans_and_numbers_match_claims_of_their_type_and_value_only() {
    let (app, us) = (App::start(), Signer::generate());
    for form in [Form::Text, Form::Struct] {
        let builder = Envoy::builder(app.address()).policy(&closed(&rules())).form(form);
        let envoy = builder.before(filters::jwt_authn(&[(US, &us.jwks())])).start().await;
        for (claims, rule) in rows().into_iter().chain(crafted()) {
            let mut all = claims.clone();
            if all.get("absent").is_none() {
                all["absent"] = json!("present");
            }
            let found = let_in_by(&envoy, Some(&token(&us, US, &all))).await;
            assert_eq!(found.as_deref(), rule.ok_or(503).as_ref().copied(), "{form:?} {claims}");
        }
    }
}

/// The flags of `maintctl explain` for a claim; `None` if they cannot describe its value.
fn flags(name: &str, value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Array(items) => {
            items.iter().map(|item| flags(name, item)).collect::<Option<Vec<_>>>().map(|all| all.concat())
        }
        Value::Object(members) => {
            let member = |(member, value): (&String, &Value)| flags(&format!("{name}.{member}"), value);
            members.iter().map(member).collect::<Option<Vec<_>>>().map(|all| all.concat())
        }
        Value::Null => Some(Vec::new()),
        value => Some(vec!["--claim".to_owned(), format!("{name}={value}")]),
    }
}

#[tokio::test]
async fn explain_predicts_the_rule_for_the_claims_of_its_flags() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("policy.json");
    std::fs::write(&file, closed(&rules()).to_string()).unwrap();
    for (claims, rule) in rows().into_iter().chain(crafted()) {
        let mut all = claims.clone();
        all["iss"] = US.into();
        if all.get("absent").is_none() {
            all["absent"] = json!("present");
        }
        let is_nested_list =
            claims["t"].as_array().is_some_and(|items| items.iter().any(|item| item.is_array() || item.is_object()));
        if is_nested_list {
            continue;
        }
        let flags: Vec<String> =
            all.as_object().unwrap().iter().filter_map(|(name, value)| flags(name, value)).flatten().collect();
        let mut words = vec!["explain", "--json", "--policy", file.to_str().unwrap()];
        words.extend(flags.iter().map(String::as_str));
        words.push("http://shop.example.com/");
        let output = client::run(maintctl(), &words).await;
        assert_eq!(output.code, 0, "{words:?}: {output:?}");
        let explanation: Value = serde_json::from_str(&output.stdout).unwrap();
        let expected = rule.map_or_else(|| "offline".to_owned(), |rule| format!("exempt:{rule}"));
        assert_eq!(explanation["verdict"], expected, "{words:?}");
    }
}

#[tokio::test]
async fn always_closed_rules_match_booleans_and_texts_with_their_bytes() {
    let (app, us) = (App::start(), Signer::generate());
    let banned = json!([{ "name": "banned", "claims": [{ "iss": US, "name": "banned", "value": true }] }]);
    let policy =
        json!({ "sites": [{ "name": "shop" }], "jwt": { "metadata_key": "payload" }, "always_closed": banned });
    let builder = Envoy::builder(app.address()).policy(&policy);
    let envoy = builder.before(filters::jwt_authn(&[(US, &us.jwks())])).start().await;
    for (claim, expected) in [
        (json!(true), 503),
        (json!([false, true]), 503),
        (json!("\u{1}"), 503),
        (json!(false), 200),
        (json!("true"), 200),
        (json!(1), 200),
        (json!(null), 200),
    ] {
        let token = token(&us, US, &json!({ "banned": claim }));
        let request = client::h1().get(envoy.url("/")).header("authorization", format!("Bearer {token}"));
        assert_eq!(request.send().await.unwrap().status(), expected, "{claim}");
    }
}

#[tokio::test]
async fn with_allow_missing_or_failed_an_expired_token_counts_as_none_and_with_allow_missing_envoy_refuses_it() {
    let (app, us) = (App::start(), Signer::generate());
    let valid = token(&us, US, &json!({ "staff": true }));
    let expired = token(&us, US, &json!({ "staff": true, "exp": 1 }));
    let rule = json!([{ "name": "staff", "claims": [{ "iss": US, "name": "staff", "value": true }] }]);
    for (requirement, mode, of_valid, of_expired) in [
        ("allow_missing_or_failed", "online", 200, 200),
        ("allow_missing_or_failed", "offline", 200, 503),
        ("allow_missing", "online", 200, 401),
        ("allow_missing", "offline", 200, 401),
    ] {
        let mut policy = closed(&rule);
        policy["state"]["shop"]["mode"] = mode.into();
        let mut verify = filters::jwt_authn(&[(US, &us.jwks())]);
        let requirements = &mut verify["typed_config"]["rules"][0]["requires"]["requires_any"]["requirements"];
        requirements[1] = json!({ requirement: {} });
        let envoy = Envoy::builder(app.address()).policy(&policy).before(verify).start().await;
        for (token, expected) in [(&valid, of_valid), (&expired, of_expired)] {
            let request = client::h1().get(envoy.url("/")).header("authorization", format!("Bearer {token}"));
            assert_eq!(request.send().await.unwrap().status(), expected, "{requirement}, {mode}");
        }
    }
}

#[tokio::test]
async fn a_refusal_logs_out_staff_only() {
    let (app, us) = (App::start(), Signer::generate());
    let staff = json!([{ "iss": US, "name": "is_staff", "value": true }]);
    let mut policy = closed(&json!([]));
    policy["reply"] =
        json!({ "clear_cookies": ["cart", { "name": "sessionid", "claims": staff }], "retry_after": "0s" });
    policy["always_closed"] = json!([{ "name": "beta", "paths": ["/beta"] }]);
    let builder = Envoy::builder(app.address()).policy(&policy);
    let envoy = builder.before(filters::jwt_authn(&[(US, &us.jwks())])).start().await;
    for (path, claim, expected) in [
        ("/", json!(true), vec!["cart", "sessionid"]),
        ("/", json!([true]), vec!["cart", "sessionid"]),
        ("/", json!(false), vec!["cart"]),
        ("/", json!("\u{1}"), vec!["cart"]),
        ("/beta", json!(true), vec![]),
    ] {
        let token = token(&us, US, &json!({ "is_staff": claim }));
        let request = client::h1().get(envoy.url(path)).header("authorization", format!("Bearer {token}"));
        let answer = request.send().await.unwrap();
        let cookies = answer.headers().get_all("set-cookie").iter();
        let cookies: Vec<&str> = cookies.map(|value| value.to_str().unwrap().split('=').next().unwrap()).collect();
        assert_eq!((answer.status().as_u16(), cookies), (503, expected), "{path} {claim}");
        assert!(!answer.headers().contains_key("retry-after"));
    }
}
