use super::*;

#[test]
fn only_rfc_3339_times_are_parsed() {
    for (text, expected) in [
        ("1970-01-01T00:00:00Z", Some(0)),
        ("2026-11-21T02:00:00Z", Some(1_795_226_400_000)),
        ("2026-11-21T03:00:00+01:00", Some(1_795_226_400_000)),
        ("2026-11-21t02:00:00.250z", Some(1_795_226_400_250)),
        ("2026-11-21", None),
        ("2026-11-21 02:00:00Z", None),
        ("2026-11-21T02:00:00", None),
        ("2026-11-21T02:00:00+01", None),
        ("2026-11-21T02:00:00+01:00[Europe/Paris]", None),
        ("2026-11-21T02:00:00.5Z", Some(1_795_226_400_500)),
        ("2026-11-21T02:00:00.123456789Z", Some(1_795_226_400_123)),
        ("2026-11-20T21:30:00-04:30", Some(1_795_226_400_000)),
        ("2028-02-29T00:00:00Z", Some(1_835_395_200_000)),
        ("2016-12-31T23:59:60Z", Some(1_483_228_799_000)),
        ("1969-12-31T23:59:59Z", Some(-1000)),
        ("2026-02-29T00:00:00Z", None),
        ("2100-02-29T00:00:00Z", None),
        ("2026-11-31T00:00:00Z", None),
        ("2026-00-21T02:00:00Z", None),
        ("2026-11-21T24:00:00Z", None),
        ("2026-11-21T02:60:00Z", None),
        ("2026-11-21T02:00:61Z", None),
        ("2026-11-21T02:00:00.Z", None),
        ("2026-11-21T02:00:00+24:00", None),
        ("2026-11-21T02:00:00Zulu", None),
        ("+026-11-21T02:00:00Z", None),
        ("2026-13-21T02:00:00Z", None),
        ("tomorrow", None),
        ("", None),
    ] {
        assert_eq!(Time::parse(text), expected.map(Time), "{text}");
    }
}

#[test]
fn times_are_formatted_as_they_are_parsed() {
    for text in ["2026-11-21T02:00:00Z", "2026-11-21T02:00:00.25Z"] {
        assert_eq!(Time::parse(text).unwrap().to_string(), text);
    }
}

proptest::proptest! {
    #[test]
    fn times_agree_with_jiff(milliseconds in -62_135_596_800_000i64..253_402_300_799_000) {
        let time = jiff::Timestamp::from_millisecond(milliseconds).unwrap();
        proptest::prop_assert_eq!(Time(milliseconds).to_string(), time.to_string());
        proptest::prop_assert_eq!(Time::parse(&time.to_string()), Some(Time(milliseconds)));
    }
}

#[test]
fn durations_have_units() {
    for (text, expected) in [
        ("900s", Some(900_000)),
        ("15m", Some(900_000)),
        ("2h30m", Some(9_000_000)),
        ("1d", Some(86_400_000)),
        ("250ms", Some(250)),
        ("0s", Some(0)),
        ("900", None),
        ("", None),
        ("m", None),
        ("-5m", None),
        ("5m5m", None),
        ("5s2h", None),
        ("5 m", None),
        ("5w", None),
        ("99999999999999999999s", None),
    ] {
        assert_eq!(parse_duration(text), expected, "{text}");
    }
}

#[test]
fn durations_are_formatted_as_they_are_parsed() {
    for (seconds, text) in [(0, "0s"), (45, "45s"), (900, "15m"), (9000, "2h30m"), (259_200, "3d")] {
        assert_eq!(format_duration(seconds), text);
    }
}
