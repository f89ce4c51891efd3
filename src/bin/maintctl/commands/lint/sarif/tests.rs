use serde_json::Value;

use super::*;
use crate::commands::lint::tests::check_texts;

/// The findings of a file as a SARIF log.
fn logged(name: &str, text: &str) -> Value {
    log(&check_texts(&[(name, text)]))
}

#[test]
fn the_log_has_the_members_that_sarif_requires() {
    let log = logged("policies/shop.yaml", "fleet: f\nexempt:\n- name: a\n  query: [{ name: key, value: letmein }]\n");
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    assert_eq!(run["tool"]["driver"]["name"], "maintctl");
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    assert_eq!(rules.len(), code::ALL.len());
    for rule in rules {
        assert!(rule["id"].is_string() && rule["shortDescription"]["text"].is_string(), "{rule}");
        let level = rule["defaultConfiguration"]["level"].as_str().unwrap();
        assert!(["error", "warning", "note"].contains(&level), "{rule}");
    }
    let expected = json!([{
        "ruleId": "secret-in-query",
        "level": "warning",
        "message": { "text": "exempt[0].query[0].value: rule \"a\" exempts by a secret in parameter \"key\", and queries appear \
            in logs; use a header instead" },
        "locations": [{
            "physicalLocation": {
                "artifactLocation": { "uri": "policies/shop.yaml" },
                "region": { "startLine": 4, "startColumn": 24 },
            },
            "logicalLocations": [{ "fullyQualifiedName": "exempt[0].query[0].value" }],
        }],
    }]);
    assert_eq!(run["results"], expected);
}

#[test]
fn files_are_uris() {
    for (file, expected) in [
        ("a/b-c_d.yaml", "a/b-c_d.yaml"),
        ("/etc/envoy.yaml", "file:///etc/envoy.yaml"),
        ("my policy#1%.yaml", "my%20policy%231%25.yaml"),
        ("ä.yaml", "%C3%A4.yaml"),
        ("c:d.yaml", "c%3Ad.yaml"),
    ] {
        let log = logged(file, "sits: []");
        assert_eq!(
            log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
            expected
        );
    }
}

#[test]
fn a_log_without_findings_has_an_empty_list_of_results() {
    assert_eq!(logged("f", "fleet: f")["runs"][0]["results"], json!([]));
}
