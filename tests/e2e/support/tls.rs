//! Certificates of a test: its own authority, Envoy's certificate, and client certificates.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, SanType,
};
use serde_json::{Value, json};

/// A certificate authority, with a certificate for `localhost` and 127.0.0.1.
pub struct Tls {
    authority: CertifiedIssuer<'static, KeyPair>,
    certificate: String,
    key: String,
}

impl Tls {
    /// A new authority.
    pub fn new() -> Tls {
        let mut params = CertificateParams::default();
        // Its name must differ from the default name of the certificates that it signs, or they would look self-signed.
        params.distinguished_name.push(DnType::CommonName, "test authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &authority).unwrap().pem();
        Tls { authority, certificate, key: key.serialize_pem() }
    }

    /// The certificate of the authority, as PEM.
    pub fn ca(&self) -> String {
        self.authority.pem()
    }

    /// A client certificate of this authority with these URI SANs, and its key, as one PEM.
    pub fn client(&self, uri_sans: &[&str]) -> String {
        let key = KeyPair::generate().unwrap();
        client_params(uri_sans).signed_by(&key, &self.authority).unwrap().pem() + &key.serialize_pem()
    }

    /// A self-signed client certificate with these URI SANs, and its key, as one PEM.
    pub fn self_signed_client(uri_sans: &[&str]) -> String {
        let key = KeyPair::generate().unwrap();
        client_params(uri_sans).self_signed(&key).unwrap().pem() + &key.serialize_pem()
    }

    /// A `DownstreamTlsContext` that asks for a client certificate. A certificate of another authority is rejected.
    pub fn downstream(&self) -> Value {
        json!({ "common_tls_context": {
            "tls_certificates": [{
                "certificate_chain": { "inline_string": self.certificate },
                "private_key": { "inline_string": self.key },
            }],
            "validation_context": { "trusted_ca": { "inline_string": self.ca() } },
            "alpn_protocols": ["h2", "http/1.1"],
        } })
    }

    /// A `DownstreamTlsContext` that accepts any client certificate.
    pub fn downstream_accepting_untrusted(&self) -> Value {
        let mut context = self.downstream();
        context["common_tls_context"]["validation_context"]["trust_chain_verification"] = "ACCEPT_UNTRUSTED".into();
        context
    }
}

fn client_params(uri_sans: &[&str]) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.subject_alt_names = uri_sans.iter().map(|uri| SanType::URI((*uri).try_into().unwrap())).collect();
    params
}
