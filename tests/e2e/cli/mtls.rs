//! A control endpoint that requires a client certificate.

use serde_json::json;

use super::{control, policy, status_of};
use crate::support::app::App;
use crate::support::bootstrap::extension;
use crate::support::desk::Desk;
use crate::support::envoy::Envoy;
use crate::support::signer::Signer;
use crate::support::tls::Tls;

/// An Envoy whose control endpoint requires a certificate of this authority, and the URL of the endpoint.
async fn guarded(app: &App, signer: &Signer, authority: &Tls) -> (Envoy, String) {
    let mut context = authority.downstream();
    context["require_client_certificate"] = true.into();
    let message = "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext";
    let socket = extension("envoy.transport_sockets.tls", message, context);
    let envoy = Envoy::builder(app.address())
        .policy(&policy(signer))
        .control(&control(signer))
        .bootstrap(move |bootstrap| {
            let listeners = bootstrap["static_resources"]["listeners"].as_array_mut().unwrap();
            let control = listeners.iter_mut().find(|listener| listener["name"] == "control").unwrap();
            control["filter_chains"][0]["transport_socket"] = socket.clone();
        })
        .start()
        .await;
    let url = format!("https://localhost:{}/.maintenance", envoy.listener("control").port());
    (envoy, url)
}

/// The certificates and the key in a PEM text.
fn split(pem: &str) -> (&str, &str) {
    pem.split_at(pem.find("-----BEGIN PRIVATE KEY").unwrap())
}

#[tokio::test]
async fn a_target_may_have_a_client_certificate_and_an_authority() {
    let (app, signer, authority) = (App::start(), Signer::generate(), Tls::new());
    let (envoy, url) = guarded(&app, &signer, &authority).await;
    let desk = Desk::new(&signer, "");
    let client = authority.client(&["spiffe://example.com/ops"]);
    let (cert, key) = split(&client);
    for (name, content) in [
        ("ca.pem", authority.ca()),
        ("other-ca.pem", Tls::new().ca()),
        ("both.pem", client.clone()),
        ("cert.pem", cert.to_owned()),
        ("key.pem", key.to_owned()),
        ("other.pem", Tls::new().client(&[])),
        ("broken.pem", cert.replace('M', "")),
        ("empty.pem", String::new()),
    ] {
        desk.write(name, &content);
    }
    let envoys = format!("envoys = [{url:?}]\n");
    for (files, code, told) in [
        ("ca = \"ca.pem\"\ncert = \"cert.pem\"\ncert_key = \"key.pem\"", 0, ""),
        ("ca = \"ca.pem\"\ncert = \"both.pem\"", 0, ""),
        ("ca = \"ca.pem\"", 3, "the listener requires a client certificate: set `cert` and `cert_key` of the target"),
        ("ca = \"ca.pem\"\ncert = \"other.pem\"", 3, "may not accept `cert` of the target"),
        ("ca = \"other-ca.pem\"\ncert = \"both.pem\"", 3, "`ca` of the target"),
        ("cert = \"both.pem\"", 3, "`ca` of the target"),
        ("ca = \"gone.pem\"", 1, "target one: ca gone.pem: No such file or directory"),
        ("ca = \"empty.pem\"", 1, "target one: ca empty.pem: no certificate in PEM"),
        ("cert = \"empty.pem\"", 1, "target one: cert empty.pem: no certificate in PEM"),
        ("cert = \"cert.pem\"", 1, "target one: cert cert.pem: no private key in PEM; set `cert_key` to its file"),
        ("cert = \"cert.pem\"\ncert_key = \"gone.pem\"", 1, "target one: cert_key gone.pem: No such file or directory"),
        ("cert = \"cert.pem\"\ncert_key = \"cert.pem\"", 1, "target one: cert_key cert.pem: no private key in PEM"),
        (
            "cert = \"cert.pem\"\ncert_key = \"other.pem\"",
            1,
            "target one: cert_key other.pem: does not belong to cert cert.pem",
        ),
        ("cert = \"broken.pem\"\ncert_key = \"key.pem\"", 1, "target one: cert"),
        ("ca = \"broken.pem\"", 1, "target one: ca broken.pem: "),
        ("cert_key = \"key.pem\"", 1, "target one: `cert_key` needs `cert`, which is missing"),
    ] {
        desk.target(&format!("{envoys}{files}"));
        for words in ["close shop --timeout 5s", "status --timeout 5s", "open shop --timeout 5s"] {
            let output = desk.run(words).await;
            assert_eq!(output.code, code, "{files} {words}: {output:?}");
            // If the request is sent before the failed handshake is reported, the reason may be lost.
            let is_told = output.stderr.contains(told) || code == 3 && output.stderr.contains("closed the connection");
            assert!(is_told, "{files} {words}: {output:?}");
            let closed = code == 0 && !words.starts_with("open");
            assert_eq!(status_of(&envoy).await, if closed { 503 } else { 200 }, "{files} {words}");
        }
    }
    desk.target(&format!("envoys = {}\nca = \"ca.pem\"", json!([url.replace("https:", "http:")])));
    let output = desk.run("status").await;
    assert_eq!(output.code, 1, "{output:?}");
    assert!(output.stderr.contains("need an https URL in the target"), "{output:?}");
}
