use super::*;
use ed25519_compact::{KeyPair, Seed};

/// RFC 8037 appendix A.1 to A.4.
const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
const SEED: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";

fn pair() -> KeyPair {
    KeyPair::from_seed(Seed::from_slice(&decode(SEED).unwrap()).unwrap())
}

#[test]
fn thumbprints_match_rfc_8037() {
    assert_eq!(thumbprint(X), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    assert_eq!(encode(pair().pk.as_ref()), X);
}

#[test]
fn signatures_match_rfc_8037() {
    let signed = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    let signature = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    assert_eq!(encode(pair().sk.sign(signed, None).as_ref()), signature);
}

#[test]
fn only_unchanged_tokens_verify() {
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
fn malformed_tokens_are_refused_before_their_signature_is_checked() {
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
