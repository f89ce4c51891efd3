use super::*;
use serde_json::json;

#[test]
fn a_status_with_invalid_names_is_rejected() {
    let status = |envoy: &str, site: &str| json!({ "envoy": envoy, "sites": [{ "site": site, "mode": "online" }] });
    let long = "n".repeat(MAX_TEXT + 1);
    for (response, expected) in [
        (status("n/1", "shop"), None),
        (status("", "default"), None),
        (status(&long, "shop"), Some("its status cannot be read: the Envoy's name is too long")),
        (status("n", "a/../b"), Some("its status cannot be read: \"a/../b\" is not a site name")),
        (status("n", ""), Some("its status cannot be read: \"\" is not a site name")),
        (json!({ "envoy": "n" }), Some("its status cannot be read: missing field `sites`")),
    ] {
        let read = read(response.clone()).map_err(|error| error.to_string());
        assert_eq!(read.err().as_deref(), expected, "{response}");
    }
    let Err(error) = read(status("n", &"S".repeat(1 << 20))) else { panic!("it is read") };
    assert_eq!(error.to_string().chars().count(), MAX_TEXT);
}

#[test]
fn plugins_that_lack_the_key_are_named_with_advice() {
    for (plugins, expected) in [
        (vec![], None),
        (
            vec!["a"],
            Some(
                "plugin \"a\" cannot verify the document; add the JWK that `maintctl init` prints to `keys` of its policy",
            ),
        ),
        (
            vec!["a", "b"],
            Some(
                "plugins \"a\", \"b\" cannot verify the document; add the JWK that `maintctl init` prints to `keys` of their \
                 policies",
            ),
        ),
    ] {
        let mut site = EnvoySite::default();
        site.details.lacks_key = plugins.iter().map(ToString::to_string).collect();
        assert_eq!(missing_key(&site).as_deref(), expected);
    }
}
