use super::*;
use serde_json::json;

#[test]
fn a_status_with_names_that_no_envoy_gives_is_not_read() {
    let status = |envoy: &str, site: &str| json!({ "envoy": envoy, "sites": [{ "site": site, "mode": "online" }] });
    let long = "n".repeat(WORDS + 1);
    for (answer, expected) in [
        (status("n/1", "shop"), None),
        (status("", "default"), None),
        (status(&long, "shop"), Some("its status cannot be read: the Envoy's name is too long")),
        (status("n", "a/../b"), Some("its status cannot be read: no site can be named \"a/../b\"")),
        (status("n", ""), Some("its status cannot be read: no site can be named \"\"")),
        (json!({ "envoy": "n" }), Some("its status cannot be read: missing field `sites`")),
    ] {
        let read = read(answer.clone()).map_err(|trouble| trouble.to_string());
        assert_eq!(read.err().as_deref(), expected, "{answer}");
    }
    let Err(trouble) = read(status("n", &"S".repeat(1 << 20))) else { panic!("it is read") };
    assert_eq!(trouble.to_string().chars().count(), WORDS);
}
