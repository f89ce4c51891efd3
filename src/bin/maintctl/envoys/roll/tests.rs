use super::*;

#[test]
fn an_unreachable_localhost_is_one_failure() {
    let mut roll = Roll::default();
    for (url, address, loopback) in [
        ("http://localhost:1", "[::1]:1", true),
        ("http://localhost:1", "127.0.0.1:1", true),
        ("http://fleet:1", "10.0.0.1:1", false),
        ("http://fleet:1", "10.0.0.2:1", false),
    ] {
        let error = EnvoyError::Unreachable("connection refused".to_owned());
        let loopback_of = loopback.then(|| url.to_owned());
        roll.failures.push(EnvoyFailure { name: format!("{url} at {address}"), loopback_of, error });
    }
    roll.ignore_unused_loopback();
    assert_eq!(roll.failures.len(), 3);
}
