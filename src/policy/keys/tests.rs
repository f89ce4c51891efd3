use super::*;

const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

fn config(name: &str, x: &str, sites: &[&str], may: &[&str]) -> KeyConfig {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let jwk = JwkConfig { kty: "OKP".to_owned(), crv: "Ed25519".to_owned(), x: x.to_owned() };
    KeyConfig { name: name.to_owned(), jwk, sites: texts(sites), may: texts(may) }
}

fn compile(configs: &[KeyConfig]) -> Result<Vec<Key>, String> {
    super::compile(configs, &KeyPath::Root.key("keys")).map_err(|error| error.to_string())
}

#[test]
fn malformed_keys_are_refused() {
    let plain = config("a", X, &["*"], &["state"]);
    let jwk = |kty: &str, crv: &str| JwkConfig { kty: kty.to_owned(), crv: crv.to_owned(), x: X.to_owned() };
    let malformed = "keys[0].jwk.x: not an Ed25519 public key of 32 bytes in base64url";
    let other = jws::encode(&[9; 32]);
    for (configs, message) in [
        (vec![KeyConfig { jwk: jwk("EC", "P-256"), ..plain.clone() }], "keys[0].jwk.kty: \"EC\" is not \"OKP\""),
        (
            vec![KeyConfig { jwk: jwk("OKP", "X25519"), ..plain.clone() }],
            "keys[0].jwk.crv: \"X25519\" is not \"Ed25519\"",
        ),
        (vec![config("a", "", &["*"], &["state"])], malformed),
        (vec![config("a", &X[1..], &["*"], &["state"])], malformed),
        (vec![config("a", &format!("{X}="), &["*"], &["state"])], malformed),
        // The same bytes in another encoding would have another thumbprint.
        (vec![config("a", &X.replace("URo", "URp"), &["*"], &["state"])], malformed),
        (vec![config("a", X, &[], &["state"])], "keys[0].sites: empty; \"*\" means all sites"),
        (
            vec![config("a", X, &["shop", "*.shop"], &["state"])],
            "keys[0].sites[1]: \"*.shop\" is not a name of at most 63 characters of a-z, 0-9 and -",
        ),
        (vec![config("a", X, &["*"], &[])], "keys[0].may: empty; a key may sign state, task or pass"),
        (
            vec![config("a", X, &["*"], &["state", "read"])],
            "keys[0].may[1]: \"read\" is not a permission; permissions are state, task and pass",
        ),
        (
            vec![config("On call", X, &["*"], &["state"])],
            "keys[0].name: \"On call\" is not a name of at most 63 characters of a-z, 0-9 and -",
        ),
        (vec![plain.clone(), config("a", &other, &["*"], &["state"])], "keys[1].name: duplicate key name \"a\""),
        (vec![plain.clone(), config("b", X, &["shop"], &["task"])], "keys[1].jwk: the same key as that of \"a\""),
    ] {
        assert_eq!(compile(&configs).map(|_| ()), Err(message.to_owned()));
    }
}

#[test]
fn a_key_is_accepted_for_its_sites_and_permissions_only() {
    let [all, some] = &compile(&[
        config("all", X, &["*"], &["state", "pass"]),
        config("some", &jws::encode(&[9; 32]), &["shop"], &["state"]),
    ])
    .unwrap()[..] else {
        panic!("two keys");
    };
    for (key, kind, site, permitted) in [
        (all, Permission::State, "anything", true),
        (all, Permission::Pass, "anything", true),
        (all, Permission::Task, "anything", false),
        (some, Permission::State, "shop", true),
        (some, Permission::State, "shops", false),
        (some, Permission::Pass, "shop", false),
    ] {
        assert_eq!(key.is_permitted(kind, site), permitted, "{} {kind:?} {site}", key.name);
    }
    assert_eq!(all.kid, jws::thumbprint(X));
}
