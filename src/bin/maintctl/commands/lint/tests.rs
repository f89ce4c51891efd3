use envoy_maintenance::time::Time;

use super::*;

/// 2026-11-21T02:00:00Z
const NOW: Time = Time(1_795_226_400_000);

/// The findings of files, given as names and texts.
pub(super) fn check_texts(files: &[(&str, &str)]) -> Vec<Finding> {
    check(files.iter().map(|(name, text)| LintedFile::parse(name, text, NOW)).collect())
}

/// The file, key path and text of each finding.
pub(super) fn lines(text: &str) -> Vec<String> {
    check_texts(&[("f", text)]).iter().map(|finding| format!("{}: {}", finding.file, finding.message())).collect()
}

pub(super) fn levels(text: &str) -> Vec<Severity> {
    check_texts(&[("f", text)]).iter().map(|finding| finding.code.level).collect()
}

/// The line, column and code of each finding.
pub(super) fn places(files: &[(&str, &str)]) -> Vec<String> {
    let place = |finding: &Finding| {
        let (line, column) = finding.line_and_column().unwrap();
        format!("{}:{line}:{column} {}", finding.file, finding.code.name)
    };
    check_texts(files).iter().map(place).collect()
}

/// Asserts that a text has these findings, in any order.
#[track_caller]
pub(super) fn finds(text: &str, expected: &[&str]) {
    let (mut found, mut expected) = (lines(text), expected.to_vec());
    found.sort();
    expected.sort_unstable();
    assert_eq!(found, expected, "{text}");
}

#[test]
fn a_policy_that_the_filter_rejects_is_reported_with_the_filters_error() {
    finds(
        "sites: [{ name: a, exempt: [{ name: b, remote_ips: [10.0.0/8] }] }]",
        &["f: sites[0].exempt[0].remote_ips[0]: \"10.0.0/8\" is not an IP address or CIDR range"],
    );
    finds(
        "kind: WasmPlugin\nspec: { sha256: a, failStrategy: FAIL_RELOAD, pluginConfig: { sits: [] } }",
        &["f: spec.pluginConfig.sits: unknown field; did you mean \"sites\"?"],
    );
    assert_eq!(levels("sits: []"), [Severity::Error]);
    finds("kind: Service", &["f: no policy found; name a file that contains one"]);
}

#[test]
fn findings_are_sorted_by_file_line_and_column() {
    let policy = "exempt:\n- name: b\n  cookies: [{ name: c, value: 0123456789abcdef }]\n  query: [{ name: key, value: letmein }]\n\
                  fleet: A\n";
    let valid = policy.replace("fleet: A", "fleet: a");
    let files = [("z.yaml", valid.as_str()), ("a.yaml", policy), ("no.yaml", "a: [\n")];
    assert_eq!(
        places(&files),
        [
            "z.yaml:3:24 secret-in-plain-text",
            "z.yaml:4:24 secret-in-query",
            "a.yaml:5:1 policy-rejected",
            "no.yaml:1:4 not-yaml"
        ]
    );
}

#[test]
fn every_document_of_a_file_has_its_lines() {
    let manifest = "kind: WasmPlugin\nspec:\n  url: file:///a\n  sha256: abc\n  failStrategy: FAIL_RELOAD\n  pluginConfig: { fleet: f }\n";
    assert_eq!(
        places(&[("f", &format!("# a\n---\n{manifest}---\n{manifest}"))]),
        ["f:6:3 istio-file-sha256", "f:13:3 istio-file-sha256"]
    );
}
