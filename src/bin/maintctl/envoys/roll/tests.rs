use super::*;

#[test]
fn an_address_that_nobody_listens_on_is_named_once_for_localhost() {
    let mut roll = Roll::default();
    for (url, address, loopback) in [
        ("http://localhost:1", "[::1]:1", true),
        ("http://localhost:1", "127.0.0.1:1", true),
        ("http://fleet:1", "10.0.0.1:1", false),
        ("http://fleet:1", "10.0.0.2:1", false),
    ] {
        let error = EnvoyError::Unreachable("connection refused".to_owned());
        let loopback_of = loopback.then(|| url.to_owned());
        roll.missing.push(EnvoyFailure { name: format!("{url} at {address}"), loopback_of, error });
    }
    roll.forgive_loopback();
    assert_eq!(roll.missing.len(), 3);
}
