use super::*;
use ed25519_compact::{KeyPair, Seed};
use envoy_maintenance::config::PluginConfig;
use envoy_maintenance::state::{Mode, jws};
use envoy_maintenance::tree::Tree;

const NOW: Time = Time(1_000_000);

fn policy() -> Policy {
    let text = br#"{"fleet": "f", "sites": [{"name": "shop"}, {"name": "api", "hosts": ["a"]}], "state": {"api": {"mode": "online"}}}"#;
    Policy::compile(&PluginConfig::read(&Tree::from_json(text).unwrap()).unwrap()).unwrap()
}

fn document(site: &str, revision: u64, mode: &str) -> String {
    format!(r#"{{"site":"{site}","fleet":"f","revision":{revision},"mode":"{mode}"}}"#)
}

fn states(texts: &[String]) -> Result<(Mode, Vec<String>), String> {
    let (policy, mut states) = (policy(), States { documents: Vec::new(), notes: Vec::new() });
    for text in texts {
        states.add(Path::new("f"), text.as_bytes(), &policy, NOW).map_err(|error| format!("{error:#}"))?;
    }
    let mode = states.effective_states(&policy, NOW)[0].mode();
    Ok((mode, states.notes))
}

#[test]
fn the_newest_document_is_used() {
    let (old, new) = (document("shop", 1, "offline"), document("shop", 2, "read_only"));
    for texts in [[old.clone(), new.clone()], [new, old]] {
        assert_eq!(states(&texts).unwrap().0, Mode::ReadOnly, "{texts:?}");
    }
    assert_eq!(states(&[]).unwrap().0, Mode::Online);
}

#[test]
fn a_declared_state_overrides_documents() {
    let (_, notes) = states(&[document("api", 1, "offline")]).unwrap();
    assert_eq!(notes, ["f: ignored, because the policy declares the state of api"]);
}

#[test]
fn the_output_of_status_has_the_documents_of_all_sites() {
    let entry = |site: &str, mode: &str| format!(r#"{{"site":"{site}","document":{}}}"#, document(site, 1, mode));
    let online = r#"{"site":"blog","document":null}"#;
    let status = format!(
        r#"{{"target":"edge","sites":[{},{},{},{online}]}}"#,
        entry("shop", "read_only"),
        entry("api", "online"),
        entry("shp", "offline")
    );
    let (mode, notes) = states(&[status]).unwrap();
    assert_eq!((mode, notes), (Mode::ReadOnly, vec!["f: the policy has no site \"shp\"".to_owned()]));
}

#[test]
fn a_signed_document_is_read_without_verification() {
    let payload = document("shop", 1, "offline");
    let token = jws::sign(STATE_TYP, payload.as_bytes(), &KeyPair::from_seed(Seed::new([7; 32])));
    let (mode, notes) = states(&[token]).unwrap();
    assert_eq!(mode, Mode::Offline);
    assert_eq!(notes, [format!("f: the signature was not verified; the payload is {payload}")]);
}

#[test]
fn a_document_that_the_filter_rejects_is_an_error() {
    for (text, message) in [
        (document("shp", 1, "offline"), "site: the policy has no site \"shp\""),
        (document("shop", 1, "offline").replace("\"f\"", "\"g\""), "fleet: \"g\" differs from the policy's \"f\""),
        (document("shop", 1_600_001, "offline"), "revision: 1600001 is more than 10 minutes in the future"),
        ("{}".to_owned(), "site: missing"),
        ("garbage".to_owned(), "neither JSON nor a signed document: not a JWS in compact serialization"),
    ] {
        assert_eq!(states(&[text]).unwrap_err(), message);
    }
}
