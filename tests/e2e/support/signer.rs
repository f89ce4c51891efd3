//! Keys of operators and the tokens that they sign.

use ct_codecs::{Base64UrlSafeNoPadding, Encoder};
use ed25519_compact::{KeyPair, Noise, Seed};
use serde_json::{Value, json};

/// An Ed25519 key pair.
pub struct Signer {
    pair: KeyPair,
}

impl Signer {
    /// A new key.
    pub fn generate() -> Signer {
        Signer { pair: KeyPair::from_seed(Seed::generate()) }
    }

    /// The public key as a JSON Web Key.
    pub fn jwk(&self) -> Value {
        json!({ "kty": "OKP", "crv": "Ed25519", "x": base64(&self.pair.pk[..]) })
    }

    /// The JSON Web Key Set of an issuer with this key, as jwt_authn reads it.
    pub fn jwks(&self) -> Value {
        let mut key = self.jwk();
        key["kid"] = self.kid().into();
        key["alg"] = "EdDSA".into();
        json!({ "keys": [key] })
    }

    /// An entry of a policy's `keys` that permits state documents for every site.
    pub fn entry(&self, name: &str) -> Value {
        json!({ "name": name, "jwk": self.jwk(), "sites": ["*"], "may": ["state"] })
    }

    /// The RFC 7638 thumbprint of the public key.
    pub fn kid(&self) -> String {
        let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, base64(&self.pair.pk[..]));
        base64(&hmac_sha256::Hash::hash(canonical.as_bytes()))
    }

    /// The private key as PKCS#8 PEM.
    pub fn pem(&self) -> String {
        self.pair.sk.to_pem()
    }

    /// A signed state document.
    pub fn sign(&self, document: &Value) -> String {
        self.sign_as("maintenance-state+jwt", document)
    }

    /// A state document with the key id of `owner` and a signature by this key.
    pub fn forge(&self, owner: &Signer, document: &Value) -> String {
        let header = json!({ "alg": "EdDSA", "typ": "maintenance-state+jwt", "kid": owner.kid() });
        self.sign_parts(&header, document.to_string().as_bytes())
    }

    /// A signed token with this `typ`.
    pub fn sign_as(&self, typ: &str, claims: &Value) -> String {
        self.sign_parts(&json!({ "alg": "EdDSA", "typ": typ, "kid": self.kid() }), claims.to_string().as_bytes())
    }

    /// A signed token with any header and payload, for invalid tokens.
    pub fn sign_parts(&self, header: &Value, payload: &[u8]) -> String {
        let signed = format!("{}.{}", base64(header.to_string().as_bytes()), base64(payload));
        let signature = self.pair.sk.sign(signed.as_bytes(), None::<Noise>);
        format!("{signed}.{}", base64(signature.as_ref()))
    }
}

/// Base64url without padding.
pub fn base64(bytes: &[u8]) -> String {
    Base64UrlSafeNoPadding::encode_to_string(bytes).unwrap()
}

/// Milliseconds since the epoch: the revision of a new document.
pub fn now_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    u64::try_from(since.as_millis()).unwrap()
}

/// A minimal new document of the fleet `test`.
pub fn document(site: &str, mode: &str) -> Value {
    json!({ "site": site, "fleet": "test", "revision": now_ms(), "mode": mode })
}
