use super::*;
use crate::envoys::adoption::ExpectedDocument;

const AT: fn(u64) -> Moment = |milliseconds| Moment { elapsed: Duration::from_millis(milliseconds), time: Time(0) };

fn peer() -> EnvoyPeer {
    let address = "127.0.0.1:1".parse().unwrap();
    EnvoyPeer::new(Endpoint { url: "http://e".to_owned(), address, one_of_several: false })
}

fn status(envoy: &str, workers: usize) -> EnvoyStatus {
    let workers = serde_json::json!({ "members": 2, "adopted": workers });
    let site =
        serde_json::json!({ "site": "shop", "mode": "online", "revision": 5, "digest": "b", "workers": workers });
    serde_json::from_value(serde_json::json!({ "envoy": envoy, "sites": [site] })).unwrap()
}

fn goal() -> Vec<ExpectedDocument> {
    let text = br#"{"site": "shop", "fleet": "f", "revision": 5, "mode": "online"}"#;
    let document = envoy_maintenance::state::Document::from_payload(text).unwrap();
    vec![ExpectedDocument {
        site: "shop".to_owned(),
        revision: 5,
        digest: "b".to_owned(),
        document,
        is_declared: false,
    }]
}

/// The kinds of the status requests that are due.
fn due(peer: &mut EnvoyPeer, has_goal: bool, at: u64) -> Vec<(u32, StatusKind)> {
    let requests = peer.requests(0, has_goal, 17, AT(at)).into_iter();
    let kinds = requests.filter_map(|request| match request {
        EnvoyRequest::Status { round, kind, .. } => Some((round, kind)),
        _ => None,
    });
    kinds.collect()
}

#[test]
fn an_envoy_has_adopted_when_its_status_and_sixteen_new_connections_say_so() {
    let (mut peer, goal) = (peer(), goal());
    assert_eq!(due(&mut peer, true, 0).len(), 1 + EARLY_PROBES);
    assert!(peer.take_status((0, StatusKind::Full), Ok(status("a", 2)), Some(&goal), AT(1)));
    let probes = due(&mut peer, true, 1);
    assert_eq!(probes, [(0, StatusKind::Probe); PROBES - EARLY_PROBES]);
    for _ in 1..PROBES {
        peer.take_status(probes[0], Ok(status("a", 2)), Some(&goal), AT(2));
        assert!(peer.is_open());
    }
    peer.take_status(probes[0], Ok(status("a", 2)), Some(&goal), AT(2));
    assert_eq!(peer.end, Some(PeerEnd::Adopted));
}

#[test]
fn a_connection_that_shows_another_state_starts_the_proof_again() {
    let (mut peer, goal) = (peer(), goal());
    due(&mut peer, true, 0);
    peer.take_status((0, StatusKind::Full), Ok(status("a", 2)), Some(&goal), AT(1));
    let probes = due(&mut peer, true, 1);
    peer.take_status(probes[0], Ok(status("a", 1)), Some(&goal), AT(2));
    for probe in &probes[1..] {
        peer.take_status(*probe, Ok(status("a", 2)), Some(&goal), AT(2));
    }
    assert!(peer.is_open(), "responses of the first round do not count");
    assert_eq!(peer.reason(), EnvoyError::Unexpected("shop: 1/2 workers have adopted it".to_owned()));
    assert_eq!(due(&mut peer, true, 3), [], "it pauses");
    assert_eq!(due(&mut peer, true, 40), [(1, StatusKind::Public)]);
}

#[test]
fn another_name_at_the_address_is_final() {
    for kind in [StatusKind::Full, StatusKind::Probe] {
        let mut peer = peer();
        due(&mut peer, false, 0);
        peer.take_status((0, StatusKind::Probe), Ok(status("a", 2)), None, AT(1));
        peer.take_status((0, kind), Ok(status("b", 2)), None, AT(1));
        assert!(
            matches!(&peer.end, Some(PeerEnd::Failed(EnvoyError::SharedAddress(text))) if text.contains("a and b"))
        );
    }
}

#[test]
fn only_errors_that_may_end_are_tried_again() {
    let unreachable = || EnvoyError::Unreachable("connection refused".to_owned());
    let unexpected = || EnvoyError::Unexpected("responds 503; see its log".to_owned());
    let rejected = || EnvoyError::Rejected { code: "unknown_key".to_owned(), detail: String::new() };
    for (is_known, error, is_open) in [
        (false, unreachable(), true),
        (false, EnvoyError::timeout(), true),
        (false, unexpected(), false),
        (false, rejected(), false),
        (true, unreachable(), true),
        (true, unexpected(), true),
        (true, rejected(), false),
    ] {
        let mut peer = peer();
        due(&mut peer, false, 0);
        if is_known {
            peer.take_status((0, StatusKind::Full), Ok(status("a", 2)), None, AT(1));
        }
        peer.take_status((0, StatusKind::Full), Err(error.clone()), None, AT(2));
        assert_eq!(peer.is_open(), is_open, "{is_known} {error}");
        assert_eq!(due(&mut peer, false, 100).is_empty(), !is_open, "{is_known} {error}");
    }
}

#[test]
fn a_few_new_connections_precede_a_change() {
    let mut peer = peer();
    assert_eq!(due(&mut peer, false, 0), [(0, StatusKind::Full), (0, StatusKind::Probe), (0, StatusKind::Probe)]);
    peer.take_status((0, StatusKind::Full), Ok(status("a", 2)), None, AT(1));
    assert!(!peer.is_known());
    for _ in 0..EARLY_PROBES {
        peer.take_status((0, StatusKind::Probe), Ok(status("a", 2)), None, AT(1));
    }
    assert!(peer.is_known());
    assert_eq!(due(&mut peer, false, 2), []);
}
