use super::*;
use crate::envoys::request::StatusKind;
use crate::envoys::status::EnvoyStatus;

fn at(milliseconds: u64) -> Moment {
    Moment { elapsed: Duration::from_millis(milliseconds), time: envoy_maintenance::time::Time(0) }
}

/// A query of URLs with these addresses.
fn fleet(limit: WaitLimit, addresses: &[(&str, &[&str])]) -> Fleet {
    let urls: Vec<String> = addresses.iter().map(|(url, _)| (*url).to_owned()).collect();
    let mut fleet = Fleet::new(&urls, Some(Vec::new()), limit, Duration::from_secs(10));
    fleet.requests(at(0));
    for (url, (_, addresses)) in addresses.iter().enumerate() {
        let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
        fleet.take(EnvoyResponse::Addresses { url, result: Ok(addresses) }, at(0));
    }
    fleet.requests(at(0));
    fleet
}

fn status(envoy: &str) -> EnvoyStatus {
    serde_json::from_value(serde_json::json!({ "envoy": envoy, "sites": [] })).unwrap()
}

fn answer(fleet: &mut Fleet, peer: PeerId, result: Result<EnvoyStatus, EnvoyError>, now: Moment) {
    fleet.take(EnvoyResponse::Status { peer, round: 0, kind: StatusKind::Full, result }, now);
    fleet.requests(now);
}

fn refused() -> Result<EnvoyStatus, EnvoyError> {
    Err(EnvoyError::Unreachable("connection refused".to_owned()))
}

#[test]
fn an_unreachable_localhost_is_one_failure() {
    let both: &[&str] = &["[::1]:1", "127.0.0.1:1"];
    let mut query =
        fleet(WaitLimit::Deadline, &[("http://localhost:1", both), ("http://fleet:1", &["10.0.0.1:1", "10.0.0.2:1"])]);
    (0..4).for_each(|peer| answer(&mut query, peer, refused(), at(1)));
    assert_eq!(query.known().failures.len(), 3);
}

#[test]
fn an_unused_address_of_localhost_is_no_failure_and_not_waited_for() {
    for used in [0, 1] {
        let mut query = fleet(WaitLimit::Deadline, &[("http://localhost:1", &["127.0.0.1:1", "[::1]:1"])]);
        answer(&mut query, used, Ok(status("a")), at(1));
        answer(&mut query, 1 - used, refused(), at(1));
        assert!(query.known().failures.is_empty());
        for _ in 0..17 {
            let response = |result| EnvoyResponse::Status { peer: used, round: 0, kind: StatusKind::Probe, result };
            query.take(response(Ok(status("a"))), at(2));
        }
        query.requests(at(3));
        assert!(query.is_over(at(3)));
    }
}

#[test]
fn one_envoy_at_two_urls_counts_once() {
    let mut query = fleet(WaitLimit::Deadline, &[("http://a", &["10.0.0.1:1"]), ("http://b", &["10.0.0.2:1"])]);
    answer(&mut query, 0, Ok(status("one")), at(1));
    answer(&mut query, 1, Ok(status("one")), at(1));
    assert_eq!((query.known().envoys.len(), query.known().total()), (1, 1));
    assert_eq!(query.notes, ["http://a and http://b are the same Envoy, which counts once"]);
}

#[test]
fn a_query_waits_one_second_for_silent_envoys_and_a_proof_until_the_deadline() {
    for (limit, until) in [(WaitLimit::LastResponse, 1010), (WaitLimit::Deadline, 10_000)] {
        let mut query = fleet(limit, &[("http://a", &["10.0.0.1:1"]), ("http://b", &["10.0.0.2:1"])]);
        answer(&mut query, 0, Ok(status("one")), at(10));
        assert!(!query.is_over(at(until - 1)), "{limit:?}");
        assert!(query.is_over(at(until)), "{limit:?}");
        assert_eq!(query.outstanding(), "no response from http://b");
    }
}

#[test]
fn failed_connections_are_tried_again_for_half_a_second_only() {
    let mut query = fleet(WaitLimit::Deadline, &[("http://a", &["10.0.0.1:1"])]);
    answer(&mut query, 0, refused(), at(10));
    assert!(!query.is_over(at(400)));
    assert_eq!(query.outstanding(), "no connection to http://a");
    assert!(query.is_over(at(510)));
}
