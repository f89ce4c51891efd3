use super::*;

#[test]
fn malformed_hosts_are_refused() {
    for text in ["", "*x.example.com", "a.*.example.com", "**", "*.", "shop.example.com/a", "https://a"] {
        let message = format!("\"{text}\" is not a host, \"*.suffix\" or \"*\"");
        assert_eq!(HostPattern::parse(text), Err(message));
    }
}
