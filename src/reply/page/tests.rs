use ct_codecs::{Base64, Encoder};

use super::*;
use crate::reply::partial::COUNTDOWN;

#[test]
fn the_built_in_templates_compile() {
    let contact = [("contact".to_owned(), "ops@example.com".to_owned())];
    for context in [&[][..], &contact] {
        html(context).unwrap();
        text(context).unwrap();
    }
}

#[test]
fn the_security_policy_has_the_digests_of_the_style_sheet_and_the_script() {
    for (source, element, directive) in [(HTML, "style", "style-src"), (COUNTDOWN, "script", "script-src")] {
        let (_, rest) = source.split_once(&format!("<{element}>")).unwrap();
        let (content, rest) = rest.split_once(&format!("</{element}>")).unwrap();
        assert!(!rest.contains(&format!("<{element}")), "one {element} only");
        assert!(!content.contains("{{"), "a variable would change the digest");
        let digest = Base64::encode_to_string(hmac_sha256::Hash::hash(content.as_bytes())).unwrap();
        let source = format!("{directive} 'sha256-{digest}'");
        assert!(SECURITY_POLICY.contains(&source), "{source}");
    }
}

#[test]
fn the_page_has_no_external_assets() {
    for asset in ["<link", "<img", "@import", "url(", "src=", " style=", " onclick"] {
        assert!(!HTML.contains(asset) && !COUNTDOWN.contains(asset), "{asset}");
    }
}

#[test]
fn the_documentation_has_the_digest_of_the_script() {
    let documentation = include_str!("../../../docs/replies.md");
    let (_, rest) = SECURITY_POLICY.split_once("script-src ").unwrap();
    let (digest, _) = rest.split_once(';').unwrap();
    assert!(documentation.contains(&format!("`script-src {digest}; connect-src 'self'`")), "{digest}");
}
