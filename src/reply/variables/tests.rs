use super::*;

#[test]
fn utc_times_have_minutes_and_a_zone() {
    assert_eq!(in_utc(Time::parse("2026-11-21T03:00:00.5Z").unwrap()), "2026-11-21 03:00 UTC");
}
