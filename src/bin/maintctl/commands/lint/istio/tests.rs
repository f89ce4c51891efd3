use crate::commands::lint::tests::{finds, levels};
use crate::diagnosis::remark::Severity;

/// A WasmPlugin with these members.
fn manifest(more: &str) -> String {
    format!("kind: WasmPlugin\nspec: {{ failStrategy: FAIL_RELOAD, pluginConfig: {{ fleet: f }}, {more} }}")
}

#[test]
fn images_and_modules_without_a_digest_are_reported() {
    let missing = |kind: &str| {
        format!("f: spec.sha256: missing, so Istio accepts any {kind} at the URL; set the SHA-256 of the {kind}")
    };
    finds(&manifest("url: \"oci://a:b\""), &[&missing("image")]);
    finds(&manifest("url: \"a.example.com/b:c\""), &[&missing("image")]);
    finds(&manifest("url: \"https://a/b.wasm\""), &[&missing("module")]);
    finds(&manifest("url: \"oci://a\", sha256: abc1"), &[]);
    finds(&manifest("url: \"oci://a@sha256:abc\""), &[]);
}

#[test]
fn placeholders_of_digests_are_a_note() {
    for (members, line) in [
        (
            "url: \"oci://a@sha256:000000\"",
            "f: spec.url: a placeholder of zeros; replace it with the digest of the image",
        ),
        (
            "url: \"oci://a\", sha256: \"000000\"",
            "f: spec.sha256: a placeholder of zeros; replace it with the digest of the image",
        ),
        (
            "url: \"http://a\", sha256: \"0000\"",
            "f: spec.sha256: a placeholder of zeros; replace it with the digest of the module",
        ),
    ] {
        finds(&manifest(members), &[line]);
        assert_eq!(levels(&manifest(members)), [Severity::Note]);
    }
}

#[test]
fn digests_of_files_are_reported() {
    let line =
        "f: spec.sha256: Istio ignores it for file:// modules; remove it, and check the file where you install it";
    finds(&manifest("url: file:///a.wasm, sha256: abc"), &[line]);
    finds(&manifest("url: file:///a.wasm, sha256: \"0000\""), &[line]);
    finds(&manifest("url: file:///a.wasm"), &[]);
}

#[test]
fn plugins_that_do_not_restart_after_a_trap_are_reported() {
    finds(
        "kind: TrafficExtension\nspec: { wasm: { url: file:///a, pluginConfig: { fleet: f } } }",
        &[
            "f: spec.wasm.failStrategy: not FAIL_RELOAD, so the filter does not restart after a trap; set it to FAIL_RELOAD \
             (Istio 1.27 or later)",
        ],
    );
}

#[test]
fn remote_ips_at_sidecars_are_reported() {
    let text = "not known to select a gateway, and at a sidecar any client can satisfy the remote_ips of \"office\" with an \
                X-Forwarded-For header; select a gateway by its label `istio` or by targetRefs";
    let policy = "pluginConfig: { exempt: [{ name: office, remote_ips: [10.0.0.0/8] }] }";
    for (selection, is_gateway) in [
        ("", false),
        (", selector: { matchLabels: { app: shop } }", false),
        (", targetRefs: [{ kind: Gateway, name: a }, { kind: Service, name: b }]", false),
        (", selector: { matchLabels: { istio: ingressgateway } }", true),
        (", selector: { matchLabels: { istio: ingress } }", true),
        (", selector: { matchLabels: { gateway.networking.k8s.io/gateway-name: a } }", true),
        (", targetRefs: [{ group: gateway.networking.k8s.io, kind: Gateway, name: a }]", true),
    ] {
        for (kind, start, end) in [("WasmPlugin", "", ""), ("TrafficExtension", "wasm: { ", " }")] {
            let manifest = format!(
                "kind: {kind}\nspec: {{ {start}failStrategy: FAIL_RELOAD, url: file:///a, {policy}{end}{selection} }}"
            );
            let line = format!("f: spec.selector: {text}");
            let lines: &[&str] = &[&line];
            finds(&manifest, if is_gateway { &[] } else { lines });
        }
    }
}

#[test]
fn an_empty_policy_is_reported() {
    let line =
        "f: spec.pluginConfig: empty, so nothing can close a site; write the policy here, indented below this key";
    finds("kind: WasmPlugin\nspec: { failStrategy: FAIL_RELOAD, url: file:///a }", &[line]);
}
