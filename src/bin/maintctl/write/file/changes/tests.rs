use serde_json::{Value, json};

use super::*;
use crate::write::file::policies::{read_edited, read_watched};

/// An ECDS file with this policy.
fn whole(policy: &Value, root_id: &str) -> String {
    json!({ "resources": [{ "name": "maintenance", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
        "config": { "root_id": root_id, "configuration": {
            "@type": "type.googleapis.com/google.protobuf.StringValue", "value": policy.to_string(),
        } },
    } }] })
    .to_string()
}

fn texts(watched: &WatchedFile, edited: &EditedPolicy) -> Vec<String> {
    between(watched, edited).iter().map(ToString::to_string).collect()
}

#[test]
fn sites_pins_and_fields_that_differ_are_named_and_documents_are_not() {
    let shop = || json!({ "name": "shop", "hosts": ["shop"] });
    let api = || json!({ "name": "api", "hosts": ["api"] });
    let document = json!({ "site": "shop", "mode": "offline", "revision": 7 });
    let pin = |mode: &str| json!({ "mode": mode });
    let stamped = |mode: &str| json!({ "mode": mode, "revision": 7 });
    for (old, new, expected) in [
        (json!({ "sites": [shop()], "state": { "shop": document } }), json!({ "sites": [shop()] }), vec![]),
        (
            json!({ "sites": [shop()], "state": { "shop": stamped("offline") } }),
            json!({ "sites": [shop()], "state": { "shop": { "site": "shop", "mode": "offline" } } }),
            vec![],
        ),
        (
            json!({ "sites": [shop()] }),
            json!({ "sites": [shop(), api()], "state": { "shop": pin("offline"), "api": pin("read_only") } }),
            vec!["site api added", "api is declared READ_ONLY (was ONLINE)", "shop is declared OFFLINE (was ONLINE)"],
        ),
        (
            json!({ "sites": [shop(), api()], "state": { "shop": document } }),
            json!({ "sites": [api()] }),
            vec!["site shop removed (was OFFLINE)"],
        ),
        (
            json!({ "sites": [shop()], "state": { "shop": document } }),
            json!({ "sites": [shop()], "state": { "shop": pin("online") } }),
            vec!["shop is declared ONLINE (was OFFLINE)"],
        ),
        (
            json!({ "sites": [shop()], "state": { "shop": stamped("offline") } }),
            json!({ "sites": [shop()] }),
            vec!["shop is no longer declared, and is ONLINE (was OFFLINE)"],
        ),
        (
            json!({ "sites": [shop()], "reply": { "status": 503 } }),
            json!({ "sites": [{ "name": "shop" }], "jwt": { "metadata_key": "payload" } }),
            vec!["changed fields: jwt, reply, sites.shop"],
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (file, policy) = (folder.path().join("file.yaml"), folder.path().join("policy.yaml"));
        std::fs::write(&file, whole(&old, "a")).unwrap();
        std::fs::write(&policy, whole(&new, "a")).unwrap();
        let watched = read_watched(&file).unwrap().unwrap();
        assert_eq!(texts(&watched, &read_edited(&policy, None).unwrap()), expected, "{old} {new}");
        std::fs::write(&policy, whole(&new, "b")).unwrap();
        let text = texts(&watched, &read_edited(&policy, None).unwrap()).pop().unwrap();
        assert!(text.starts_with("changed fields: ") && text.contains("plugin.root_id"), "{text}");
        // The text of a policy alone gets the plugin of the watched file.
        std::fs::write(&policy, new.to_string()).unwrap();
        assert_eq!(texts(&watched, &read_edited(&policy, Some(&watched.file)).unwrap()), expected, "{new}");
    }
}
