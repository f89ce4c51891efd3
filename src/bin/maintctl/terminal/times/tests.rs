use super::*;

fn at(text: &str) -> Zoned {
    text.parse().unwrap()
}

#[test]
fn a_clock_time_is_the_next_one_in_the_operators_time_zone() {
    for (now, text, expected) in [
        ("2026-11-21T02:00:00+01:00[Europe/Berlin]", "03:30", "2026-11-21T02:30:00Z"),
        ("2026-11-21T02:00:00+01:00[Europe/Berlin]", "02:00", "2026-11-22T01:00:00Z"),
        ("2026-11-21T02:00:00+01:00[Europe/Berlin]", "1:15", "2026-11-22T00:15:00Z"),
        ("2026-11-21T23:59:59+01:00[Europe/Berlin]", "00:00", "2026-11-21T23:00:00Z"),
        // The clock goes from 02:00 to 03:00.
        ("2026-03-29T01:00:00+01:00[Europe/Berlin]", "02:30", "2026-03-29T01:30:00Z"),
        // The clock goes from 03:00 to 02:00, and shows 02:30 twice: the first.
        ("2026-10-25T01:00:00+02:00[Europe/Berlin]", "02:30", "2026-10-25T00:30:00Z"),
        // Between the two of them the second, and then the next day's.
        ("2026-10-25T02:45:00+02:00[Europe/Berlin]", "02:30", "2026-10-25T01:30:00Z"),
        ("2026-10-25T02:45:00+01:00[Europe/Berlin]", "02:30", "2026-10-26T01:30:00Z"),
        // The clock goes from 00:01 to 23:01 of the day before.
        ("2006-10-29T00:00:30-02:30[America/St_Johns]", "23:30", "2006-10-29T03:00:00Z"),
        ("2026-11-21T02:00:00Z[UTC]", "2026-11-21T04:00:00+01:00", "2026-11-21T03:00:00Z"),
        ("2026-11-21T02:00:00+01:00[Europe/Berlin]", "2026-11-22 03:00", "2026-11-22T02:00:00Z"),
        ("2026-11-21T02:00:00+01:00[Europe/Berlin]", "2026-11-22T03:00:30", "2026-11-22T02:00:30Z"),
        ("2026-11-21T02:00:00+01:00[Europe/Berlin]", "2027-07-01 03:00", "2027-07-01T01:00:00Z"),
    ] {
        assert_eq!(future("--until", text, &at(now)).unwrap().to_string(), expected, "{now} {text}");
    }
}

#[test]
fn a_clock_time_may_count_from_another_time() {
    let (now, start) = (at("2026-11-21T02:00:00+01:00[Europe/Berlin]"), "2026-11-25T02:00:00Z");
    let start = Time::parse(start).unwrap();
    for (text, expected) in [
        ("03:30", "2026-11-25T02:30:00Z"),
        ("03:00", "2026-11-26T02:00:00Z"),
        ("02:30", "2026-11-26T01:30:00Z"),
        ("2026-11-24T00:00:00Z", "2026-11-24T00:00:00Z"),
    ] {
        assert_eq!(future_after("--until", text, start, &now).unwrap().to_string(), expected, "{text}");
        assert_eq!(future_or_duration("--eta", text, start, &now).unwrap().to_string(), expected, "{text}");
    }
    assert_eq!(future_or_duration("--eta", "20m", start, &now).unwrap().to_string(), "2026-11-25T02:20:00Z");
}

#[test]
fn text_that_is_neither_a_duration_nor_a_future_time_is_rejected() {
    let now = at("2026-11-21T02:00:00Z[UTC]");
    for (text, message) in [
        ("5", "--eta \"5\": neither a duration nor a time; did you mean 5s or 5m?"),
        (
            "soon",
            "--eta \"soon\": neither a duration nor a time; write 20m, 03:30, \"2026-11-21 03:30\" (local time) or \
             2026-11-21T03:30:00Z",
        ),
        ("0s", "--eta \"0s\": 2026-11-21 02:00 UTC is in the past"),
        ("2026-11-21T01:00:00Z", "--eta \"2026-11-21T01:00:00Z\": 2026-11-21 01:00 UTC is in the past"),
        ("9999999999h", "--eta: too far in the future; the last year is 9999"),
        ("9999-12-31T23:00:00-01:00", "--eta: too far in the future; the last year is 9999"),
    ] {
        let error = future_or_duration("--eta", text, time(&now), &now).unwrap_err();
        assert_eq!(error.to_string(), message);
        assert!(matches!(error.downcast_ref(), Some(ExitError::Usage(_))), "{text}");
    }
    let last = "9999-12-31T23:59:59.999Z";
    assert_eq!(future_or_duration("--eta", last, time(&now), &now).unwrap().to_string(), last);
}

#[test]
fn a_posix_time_zone_repeats_an_hour_too() {
    let zone = TimeZone::posix("AAA0BBB,J1/0,J325/04:34:00").unwrap();
    let now = "2026-11-21T03:14:00Z".parse::<Timestamp>().unwrap().to_zoned(zone);
    assert_eq!(now.strftime("%H:%M %Z").to_string(), "04:14 BBB");
    assert_eq!(future("--until", "03:54", &now).unwrap().to_string(), "2026-11-21T03:54:00Z");
}

#[test]
fn text_that_is_not_a_future_time_is_rejected() {
    let now = at("2026-11-21T02:00:00+01:00[Europe/Berlin]");
    for (text, message) in [
        (
            "soon",
            "--until \"soon\": not a time; write 03:30, \"2026-11-21 03:30\" (local time) or 2026-11-21T03:30:00Z",
        ),
        (
            "24:00",
            "--until \"24:00\": not a time; write 03:30, \"2026-11-21 03:30\" (local time) or 2026-11-21T03:30:00Z",
        ),
        (
            "+1:30",
            "--until \"+1:30\": not a time; write 03:30, \"2026-11-21 03:30\" (local time) or 2026-11-21T03:30:00Z",
        ),
        ("1h", "--until \"1h\": not a time; for a duration, write --for 1h"),
        (
            "2026-11-21",
            "--until \"2026-11-21\": not a time; a date needs a time of day, in the same quotes, such as \"2026-11-21 03:30\"",
        ),
        (
            "2026-03-29 02:30",
            "--until \"2026-03-29 02:30\": the clock skips this time; write \"2026-03-29 01:30\" or \"2026-03-29 03:30\"",
        ),
        (
            "2026-10-25T02:30",
            "--until \"2026-10-25T02:30\": the clock shows this time twice; write 2026-10-25T02:30:00+02:00 (CEST) or \
             2026-10-25T02:30:00+01:00 (CET)",
        ),
        ("2026-11-20 01:30", "--until \"2026-11-20 01:30\": 2026-11-20 01:30 CET (00:30 UTC) is in the past"),
        ("2026-11-20T00:30:00Z", "--until \"2026-11-20T00:30:00Z\": 2026-11-20 01:30 CET (00:30 UTC) is in the past"),
    ] {
        let error = future("--until", text, &now).unwrap_err();
        assert_eq!(error.to_string(), message);
        assert!(matches!(error.downcast_ref(), Some(ExitError::Usage(_))), "{text}");
    }
}

#[test]
fn a_clock_time_is_printed_with_its_zone_and_in_utc() {
    let now = at("2026-11-21T00:10:00+01:00[Europe/Berlin]");
    for (text, expected) in [
        ("03:30", Some("--until 03:30 is 2026-11-21 03:30 CET (02:30 UTC)")),
        ("00:30", Some("--until 00:30 is 2026-11-21 00:30 CET (2026-11-20 23:30 UTC)")),
        ("2026-11-21T03:30:00Z", None),
    ] {
        let time = future("--until", text, &now).unwrap();
        assert_eq!(echo("--until", text, time, &now).as_deref(), expected);
    }
}

#[test]
fn a_short_time_has_a_date_only_if_needed() {
    let now = at("2026-11-21T22:00:00+01:00[Europe/Berlin]");
    for (time, expected) in [
        ("2026-11-21T22:30:00Z", "23:30"),
        ("2026-11-21T01:30:00Z", "02:30"),
        ("2026-11-22T02:30:00Z", "03:30"),
        ("2026-11-22T02:30:05Z", "03:30:05"),
        ("2026-11-22T12:00:00Z", "2026-11-22 13:00"),
    ] {
        assert_eq!(short(Time::parse(time).unwrap(), &now), expected);
    }
}
