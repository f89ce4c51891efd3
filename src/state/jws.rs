//! Signed tokens: JSON Web Signatures in compact form (RFC 7515 section 7.1) with Ed25519 (RFC 8037 section 3.1, RFC
//! 9864 section 2.2) and nothing else.
//!
//! Reading is in three steps, as what a stranger sends must cost little: [`Token::parse`] looks at sizes and the header,
//! [`Token::payload`] decodes the payload, and only [`Token::verify`] pays for a signature.

use ct_codecs::{Base64UrlSafeNoPadding, Decoder, Encoder};
use ed25519_compact::{PublicKey, Signature};

use super::MAX_DOCUMENT;
use crate::tree::Tree;

/// The `typ` of a state document.
pub const STATE_TYP: &str = "maintenance-state+jwt";
/// The `typ` of a token that lets its holder read a status in full.
pub const READ_TYP: &str = "maintenance-read+jwt";
/// The longest token that is looked at, in bytes: a document of [`MAX_DOCUMENT`] bytes, header and signature.
pub const MAX_TOKEN: usize = MAX_DOCUMENT.div_ceil(3) * 4 + 1024;

/// The longest header, in base64url: its length is not that of the document.
const MAX_HEADER: usize = 512;

/// Why a token is worth nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Longer than [`MAX_TOKEN`].
    #[error("longer than {MAX_TOKEN} bytes")]
    TooLarge,
    /// Not three base64url parts, or no JSON header.
    #[error("not a JWS in compact form")]
    Malformed,
    /// The header's `alg` is neither `EdDSA` nor `Ed25519`, or it has a `crit`.
    #[error("not signed with Ed25519")]
    Algorithm,
    /// The header's `typ` is another one.
    #[error("a token of another type")]
    Type,
    /// The signature is not the key's.
    #[error("the signature is not that of the key")]
    Signature,
}

/// A token whose signature nobody has looked at yet.
#[derive(Clone, Debug)]
pub struct Token<'t> {
    /// The thumbprint of the key that it claims.
    pub kid: String,
    encoded: &'t str,
    signed: &'t str,
    signature: [u8; 64],
}

impl<'t> Token<'t> {
    /// Takes a token of type `typ` apart.
    pub fn parse(bytes: &'t [u8], typ: &str) -> Result<Token<'t>, TokenError> {
        if bytes.len() > MAX_TOKEN {
            return Err(TokenError::TooLarge);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| TokenError::Malformed)?;
        let (signed, signature) = text.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(TokenError::Malformed)?;
        if header.len() > MAX_HEADER {
            return Err(TokenError::Malformed);
        }
        let header = Tree::from_json(&decode(header)?).map_err(|_| TokenError::Malformed)?;
        let member = |name| match header.get(name) {
            Some(Tree::Text(text)) => Ok(text.as_str()),
            _ => Err(TokenError::Malformed),
        };
        if !matches!(member("alg")?, "EdDSA" | "Ed25519") || header.get("crit").is_some() {
            return Err(TokenError::Algorithm);
        }
        if member("typ")? != typ {
            return Err(TokenError::Type);
        }
        Ok(Token {
            kid: member("kid")?.to_owned(),
            encoded: payload,
            signed,
            signature: decode(signature)?.try_into().map_err(|_| TokenError::Malformed)?,
        })
    }

    /// The payload, not to be believed before [`Token::verify`].
    pub fn payload(&self) -> Result<Vec<u8>, TokenError> {
        decode(self.encoded)
    }

    /// Checks the signature: some 0.2 ms.
    pub fn verify(&self, key: &PublicKey) -> Result<(), TokenError> {
        key.verify(self.signed, &Signature::new(self.signature)).map_err(|_| TokenError::Signature)
    }
}

/// Signs `payload` as a token of type `typ`.
pub fn sign(typ: &str, payload: &[u8], pair: &ed25519_compact::KeyPair) -> String {
    let kid = thumbprint(&encode(pair.pk.as_ref()));
    let header = format!(r#"{{"alg":"EdDSA","typ":"{typ}","kid":"{kid}"}}"#);
    let signed = format!("{}.{}", encode(header.as_bytes()), encode(payload));
    let signature = pair.sk.sign(&signed, None);
    format!("{signed}.{}", encode(signature.as_ref()))
}

/// The thumbprint of an Ed25519 key whose JWK has this `x` (RFC 7638 section 3, RFC 8037 section 2).
pub fn thumbprint(x: &str) -> String {
    encode(&hmac_sha256::Hash::hash(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#).as_bytes()))
}

/// Base64url without padding (RFC 7515 section 2).
pub fn encode(bytes: &[u8]) -> String {
    Base64UrlSafeNoPadding::encode_to_string(bytes).unwrap_or_default()
}

/// Reads base64url without padding.
pub fn decode(text: &str) -> Result<Vec<u8>, TokenError> {
    Base64UrlSafeNoPadding::decode_to_vec(text, None).map_err(|_| TokenError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ed25519_compact::{KeyPair, Seed};

    /// RFC 8037 appendix A.1 to A.4.
    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    const SEED: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";

    fn pair() -> KeyPair {
        KeyPair::from_seed(Seed::from_slice(&decode(SEED).unwrap()).unwrap())
    }

    #[test]
    fn the_thumbprint_is_that_of_the_rfc() {
        assert_eq!(thumbprint(X), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        assert_eq!(encode(pair().pk.as_ref()), X);
    }

    #[test]
    fn the_signature_is_that_of_the_rfc() {
        let signed = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
        let signature = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
        assert_eq!(encode(pair().sk.sign(signed, None).as_ref()), signature);
    }

    #[test]
    fn what_is_signed_verifies_and_nothing_else_does() {
        let token = sign(STATE_TYP, b"{}", &pair());
        let key = pair().pk;
        let parsed = Token::parse(token.as_bytes(), STATE_TYP).unwrap();
        assert_eq!((parsed.payload(), parsed.verify(&key)), (Ok(b"{}".to_vec()), Ok(())));
        for index in 0..token.len() {
            let mut forged = token.clone().into_bytes();
            forged[index] = if forged[index] == b'A' { b'B' } else { b'A' };
            let accepted = Token::parse(&forged, STATE_TYP).is_ok_and(|token| token.verify(&key).is_ok());
            assert!(!accepted, "byte {index}");
        }
        let stranger = KeyPair::from_seed(Seed::new([7; 32]));
        assert_eq!(parsed.verify(&stranger.pk), Err(TokenError::Signature));
    }

    #[test]
    fn other_tokens_are_refused_before_their_signature() {
        let token = |header: &str| format!("{}.{}.{}", encode(header.as_bytes()), encode(b"{}"), encode(&[0; 64]));
        for (text, error) in [
            (token(r#"{"alg":"none","typ":"maintenance-state+jwt","kid":"k"}"#), TokenError::Algorithm),
            (token(r#"{"alg":"HS256","typ":"maintenance-state+jwt","kid":"k"}"#), TokenError::Algorithm),
            (token(r#"{"alg":"EdDSA","typ":"maintenance-state+jwt","kid":"k","crit":["b64"]}"#), TokenError::Algorithm),
            (token(r#"{"alg":"EdDSA","typ":"maintenance-read+jwt","kid":"k"}"#), TokenError::Type),
            (token(r#"{"alg":"EdDSA","typ":"maintenance-state+jwt"}"#), TokenError::Malformed),
            (token(r#"{"alg":"EdDSA","alg":"none"}"#), TokenError::Malformed),
            (token("{"), TokenError::Malformed),
            ("a.b".to_owned(), TokenError::Malformed),
            (String::new(), TokenError::Malformed),
            (
                token(&format!(
                    r#"{{"alg":"EdDSA","typ":"maintenance-state+jwt","kid":"k","x5c":"{}"}}"#,
                    "a".repeat(MAX_HEADER)
                )),
                TokenError::Malformed,
            ),
            ("a".repeat(MAX_TOKEN + 1), TokenError::TooLarge),
        ] {
            assert_eq!(Token::parse(text.as_bytes(), STATE_TYP).unwrap_err(), error, "{text:.80}");
        }
    }
}
