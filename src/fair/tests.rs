use super::*;

fn address(text: &str) -> Option<IpAddr> {
    Some(text.parse().unwrap())
}

fn numbered(number: usize) -> Option<IpAddr> {
    address(&format!("10.0.{}.{}", number / 256, number % 256))
}

/// The units that `address` gets of those for which it asks.
fn served(budget: &mut FairBudget, address: Option<IpAddr>, asked: usize, now: i64) -> usize {
    (0..asked).filter(|_| budget.take(address, Time(now))).count()
}

#[test]
fn one_address_gets_its_limit_and_others_the_rest_of_the_pool() {
    let mut budget = FairBudget::default();
    assert_eq!(served(&mut budget, numbered(1), 4000, 0), 50);
    assert_eq!(served(&mut budget, numbered(2), 4000, 500), 50);
    assert_eq!(served(&mut budget, numbered(3), 4000, 999), 2);
    assert_eq!(served(&mut budget, numbered(1), 1, 999), 0);
    assert_eq!(served(&mut budget, numbered(1), 4000, 1000), 50);
}

#[test]
fn an_exhausted_pool_leaves_new_addresses_their_share() {
    let mut budget = FairBudget::default();
    let flood: usize = (0..60).map(|number| served(&mut budget, numbered(number), 4000, 0)).sum();
    assert_eq!(flood, 96 + 60 * 2);
    assert_eq!(served(&mut budget, address("192.0.2.1"), 10, 900), 2);
}

#[test]
fn all_addresses_together_are_bounded() {
    let mut budget = FairBudget::default();
    let flood: usize = (0..5000).map(|number| served(&mut budget, numbered(number), 60, 0)).sum();
    assert_eq!(flood, 96 + 80 * 2);
    assert!(!budget.is_left(address("192.0.2.1"), Time(999)));
    assert!(budget.is_left(address("192.0.2.1"), Time(1000)));
}

#[test]
fn a_clock_that_jumps_back_starts_a_new_second() {
    let mut budget = FairBudget::default();
    assert_eq!(served(&mut budget, numbered(1), 60, 5000), 50);
    assert_eq!(served(&mut budget, numbered(1), 60, 1000), 50);
}

#[test]
fn equivalent_addresses_share_one_budget() {
    for (one, other, same) in [
        ("192.0.2.1", "::ffff:192.0.2.1", true),
        ("192.0.2.1", "192.0.2.2", false),
        ("2001:db8::1", "2001:db8::ffff:1", true),
        ("2001:db8::1", "2001:db8:0:1::1", false),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", false),
    ] {
        assert_eq!(source(address(one)) == source(address(other)), same, "{one} {other}");
    }
}
