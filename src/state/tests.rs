use super::*;
use proptest::prelude::*;

/// Reads a document whose quotes are single, so that the tables below can be read.
fn document(text: &str) -> Result<Document, DocumentError> {
    Document::from_payload(text.replace('\'', "\"").as_bytes())
}

const BASE: &str = "'site': 'shop', 'fleet': 'eu', 'revision': 5, 'mode': 'offline'";

fn with(more: &str) -> Result<Document, DocumentError> {
    document(&format!("{{{BASE}, {more}}}"))
}

fn at(text: &str) -> Time {
    Time::parse(&format!("2026-11-21T{text}:00Z")).unwrap()
}

#[test]
fn a_document_that_is_not_whole_is_refused() {
    for (text, message) in [
        ("", "not JSON: EOF while parsing a value at line 1 column 0"),
        ("[]", "[] is a list, not an object"),
        ("{}", "site: missing"),
        ("{'site': 'shop'}", "fleet: missing"),
        ("{'site': 'shop', 'fleet': 'eu'}", "revision: missing"),
        ("{'site': 'shop', 'fleet': 'eu', 'revision': 5}", "mode: missing"),
        ("{'site': 5}", "site: 5 is a number, not a text"),
        ("{'site': 'shop', 'fleet': null}", "fleet: missing"),
        ("{'site': 'a', 'fleet': 'b', 'revision': '5'}", "revision: \"5\" is a text, not a whole number"),
        ("{'site': 'a', 'fleet': 'b', 'revision': -1}", "revision: -1 is negative"),
        ("{'site': 'a', 'fleet': 'b', 'revision': 1.5}", "revision: 1.5 is not a whole number below 2^53"),
        (
            "{'site': 'a', 'fleet': 'b', 'revision': 9007199254740992}",
            "revision: 9007199254740992.0 is not a whole number below 2^53",
        ),
        (
            "{'site': 'a', 'fleet': 'b', 'revision': 18446744073709551616}",
            "revision: 1.8446744073709552e+19 is not a whole number below 2^53",
        ),
        (
            "{'site': 'a', 'fleet': 'b', 'revision': 5, 'mode': 'pending'}",
            "mode: \"pending\" is not a mode; modes are online, read_only and offline",
        ),
    ] {
        assert_eq!(document(text).unwrap_err().to_string(), message, "{text}");
    }
    let greatest = format!("{{'site': 'a', 'fleet': 'b', 'revision': {MAX_REVISION}, 'mode': 'online'}}");
    assert_eq!(document(&greatest).unwrap().stamp.revision, MAX_REVISION);
}

#[test]
fn a_field_that_cannot_be_read_is_refused() {
    let time = "is not an RFC 3339 time such as 2026-11-21T02:00:00Z";
    let window =
        |more: &str| format!("'windows': [{{'id': 'w', 'mode': 'offline', 'from': '2026-11-21T02:00:00Z'{more}}}]");
    for (more, message) in [
        ("'since': 'today'".to_owned(), format!("since: \"today\" {time}")),
        ("'eta': '2026-11-21'".to_owned(), format!("eta: \"2026-11-21\" {time}")),
        ("'until': 5".to_owned(), "until: 5 is a number, not a text".to_owned()),
        ("'reason': {}".to_owned(), "reason: {} is an object, not a text".to_owned()),
        ("'note': 5".to_owned(), "note: 5 is a number, not a text".to_owned()),
        ("'by': []".to_owned(), "by: [] is a list, not a text".to_owned()),
        ("'suspend': 'staff'".to_owned(), "suspend: \"staff\" is a text, not a list".to_owned()),
        ("'suspend': [5]".to_owned(), "suspend[0]: 5 is a number, not a text".to_owned()),
        ("'critical': 'drain'".to_owned(), "critical: \"drain\" is a text, not a list".to_owned()),
        ("'windows': {}".to_owned(), "windows: {} is an object, not a list".to_owned()),
        ("'windows': [5]".to_owned(), "windows[0]: 5 is a number, not an object".to_owned()),
        ("'windows': [{}]".to_owned(), "windows[0].id: missing".to_owned()),
        ("'windows': [{'id': 'w'}]".to_owned(), "windows[0].mode: missing".to_owned()),
        ("'windows': [{'id': 'w', 'mode': 'offline'}]".to_owned(), "windows[0].from: missing".to_owned()),
        (
            "'windows': [{'id': 'w', 'mode': 'online', 'from': '2026-11-21T02:00:00Z'}]".to_owned(),
            "windows[0].mode: a window is offline or read_only".to_owned(),
        ),
        (window(", 'until': '2026-11-21T02:00:00Z'"), "windows[0].until: not after \"from\"".to_owned()),
        (window(", 'until': '2026-11-21T02:00:00+01:00'"), "windows[0].until: not after \"from\"".to_owned()),
        (window(", 'eta': ''"), format!("windows[0].eta: \"\" {time}")),
        (window(", 'suspend': {}"), "windows[0].suspend: {} is an object, not a list".to_owned()),
        (
            "'windows': [{'id': 'w', 'mode': 'offline', 'from': '2026-11-21T02:00:00Z'}, \
             {'id': 'w', 'mode': 'offline', 'from': '2026-11-22T02:00:00Z'}]"
                .to_owned(),
            "windows[1].id: \"w\" stands twice".to_owned(),
        ),
        ("'past': [{'mode': 'offline'}]".to_owned(), "past[0].from: missing".to_owned()),
        (
            "'past': [{'mode': 'offline', 'from': '2026-11-21T02:00:00Z'}]".to_owned(),
            "past[0].until: missing".to_owned(),
        ),
        ("'past': ['a']".to_owned(), "past[0]: \"a\" is a text, not an object".to_owned()),
        ("'mode': 'online'".to_owned(), "not JSON: the key \"mode\" stands twice at line 1 column 83".to_owned()),
    ] {
        assert_eq!(with(&more).unwrap_err().to_string(), message, "{more}");
    }
}

#[test]
fn a_field_of_a_later_version_is_passed_over_unless_it_is_critical() {
    let window = "'windows': [{'id': 'w', 'mode': 'offline', 'from': '2026-11-21T02:00:00Z', 'drain': {}}]";
    for (more, unknown) in [
        ("'drain': {'then': 'online'}, 'shadow': null", &["drain", "shadow"][..]),
        ("'critical': ['until', 'absent'], 'until': null", &[]),
        (window, &["windows[0].drain"]),
        (
            "'past': [{'mode': 'offline', 'from': '2026-11-21T02:00:00Z', 'until': '2026-11-21T03:00:00Z', 'x': 1}]",
            &["past[0].x"],
        ),
        (
            "'past': [{'mode': 'pending', 'from': '2026-11-21T01:00:00Z', 'until': 'later', 'drain': 1}, \
             {'mode': 'offline', 'from': '2026-11-21T02:00:00Z', 'until': '2026-11-21T03:00:00Z'}], \
             'critical': ['mode', 'past.mode', 'windows.from']",
            &["past[0]"],
        ),
        // A critical name of which an unknown one is only the beginning.
        ("'drain': {}, 'critical': ['drains.x', 'drain-x']", &["drain"]),
    ] {
        assert_eq!(with(more).unwrap().unknown, unknown, "{more}");
    }
    for (more, error) in [
        ("'drain': {}, 'critical': ['until', 'drain']", "critical: the field \"drain\" is unknown to this version"),
        ("'drain': {}, 'critical': ['drain.then']", "critical: the field \"drain.then\" is unknown to this version"),
        ("'drain': {}, 'critical': ['drain.a.b']", "critical: the field \"drain.a.b\" is unknown to this version"),
        ("'shadow': true, 'critical': ['shadow']", "critical: the field \"shadow\" is unknown to this version"),
    ] {
        assert_eq!(with(more).unwrap_err().to_string(), error);
    }
    for name in ["drain", "drain.then", "windows[0].drain.then"] {
        let critical = format!("{window}, 'critical': ['{name}']");
        assert_eq!(with(&critical), Err(DocumentError::Unsupported(name.to_owned())));
    }
}

#[test]
fn a_maintenance_of_the_past_in_a_mode_of_a_later_version_refuses_no_document() {
    let past = "'past': [{'mode': 'pending'}, \
                {'mode': 'read_only', 'from': '2026-11-21T02:00:00Z', 'until': '2026-11-21T03:00:00Z'}]";
    let document = with(past).unwrap();
    assert_eq!(document.past.iter().map(|past| past.mode).collect::<Vec<_>>(), [Mode::ReadOnly]);
    assert_eq!(document.mode, Mode::Offline);
    // What is no mode at all, and what a policy says.
    let error = with("'past': [{'mode': 5}]").unwrap_err().to_string();
    assert_eq!(error, "past[0].mode: 5 is a number, not a text");
    let error = declared(&format!("{{'mode': 'offline', {past}}}")).unwrap_err();
    assert_eq!(error, "state.shop.past[0].mode: \"pending\" is not a mode; modes are online, read_only and offline");
}

#[test]
fn a_document_has_at_most_8_kib() {
    let sized = |size: usize| {
        let rest = format!("{{{BASE}, 'note': ''}}").len();
        with(&format!("'note': '{}'", "a".repeat(size - rest)))
    };
    assert_eq!(sized(MAX_DOCUMENT).unwrap().payload.len(), MAX_DOCUMENT);
    let error = sized(MAX_DOCUMENT + 1).unwrap_err();
    assert_eq!(error, DocumentError::TooLarge(MAX_DOCUMENT + 1));
    assert_eq!(error.to_string(), "8193 bytes long; a document has at most 8192");
}

fn declared(text: &str) -> Result<Document, String> {
    let tree = Tree::from_json(text.replace('\'', "\"").as_bytes()).unwrap();
    Document::declared("shop", &tree, &KeyPath::Root.key("state").key("shop")).map_err(|error| error.to_string())
}

#[test]
fn a_declared_document_needs_a_mode_and_knows_all_its_fields() {
    for (text, message) in [
        ("[]", "state.shop: [] is a list, not an object"),
        ("{}", "state.shop.mode: missing"),
        ("{'mode': 'shut'}", "state.shop.mode: \"shut\" is not a mode; modes are online, read_only and offline"),
        (
            "{'site': 'shops', 'mode': 'offline'}",
            "state.shop.site: \"shops\" is not \"shop\", under which the entry stands",
        ),
        ("{'mode': 'offline', 'revision': -5}", "state.shop.revision: -5 is negative"),
        ("{'mode': 'offline', 'utnil': null}", "state.shop.utnil: unknown field; did you mean \"until\"?"),
        (
            "{'mode': 'offline', 'windows': [{'id': 'w', 'mode': 'offline', 'from': '2026-11-21T02:00:00Z', 'To': 1}]}",
            "state.shop.windows[0].To: unknown field",
        ),
        (
            "{'mode': 'offline', 'past': [{'mode': 'offline', 'from': '2026-11-21T02:00:00Z', \
             'until': '2026-11-21T03:00:00Z', 'on': 1}]}",
            "state.shop.past[0].on: unknown field",
        ),
        (
            "{'mode': 'offline', 'drain': {}, 'critical': ['until', 'drain']}",
            "state.shop.critical[1]: \"drain\" is a field that this version does not know",
        ),
        (
            "{'mode': 'offline', 'drain': {}, 'critical': ['drain.then']}",
            "state.shop.critical[0]: \"drain.then\" is a field that this version does not know",
        ),
        (
            "{'mode': 'offline', 'until': '02:00'}",
            "state.shop.until: \"02:00\" is not an RFC 3339 time such as 2026-11-21T02:00:00Z",
        ),
    ] {
        assert_eq!(declared(text).map(|_| ()), Err(message.to_owned()), "{text}");
    }
    let long = format!("{{'mode': 'offline', 'note': '{}'}}", "a".repeat(MAX_DOCUMENT));
    let message = "state.shop: 8220 bytes long as JSON; a document has at most 8192";
    assert_eq!(declared(&long).map(|_| ()), Err(message.to_owned()));
    let least = declared("{'mode': 'offline'}").unwrap();
    assert_eq!((least.site.as_str(), least.fleet, least.stamp.revision), ("shop", None, 0));
    let whole = declared("{'site': 'shop', 'fleet': 'eu', 'revision': 7, 'mode': 'online'}").unwrap();
    assert_eq!((whole.fleet.as_deref(), whole.stamp.revision), (Some("eu"), 7));
}

#[test]
fn the_order_in_which_a_declared_document_is_written_does_not_matter() {
    let one =
        declared("{'mode': 'offline', 'windows': [{'id': 'w', 'mode': 'offline', 'from': '2026-11-21T02:00:00Z'}]}");
    let other =
        declared("{'windows': [{'from': '2026-11-21T02:00:00Z', 'mode': 'offline', 'id': 'w'}], 'mode': 'offline'}");
    assert_eq!(one.unwrap().stamp, other.unwrap().stamp);
}

/// Offline until 04:00; read-only from 02:00 to 05:00; offline from 03:00 on a second time, and from 06:00 without an end.
fn several_spells() -> Document {
    with("'since': '2026-11-21T01:00:00Z', 'until': '2026-11-21T04:00:00Z', 'reason': 'own', 'suspend': ['staff'], \
          'eta': '2026-11-21T03:30:00Z', 'windows': [\
          {'id': 'a', 'mode': 'read_only', 'from': '2026-11-21T02:00:00Z', 'until': '2026-11-21T05:00:00Z', \
           'reason': 'a', 'suspend': ['bots'], 'eta': '2026-11-21T04:45:00Z'},\
          {'id': 'b', 'mode': 'offline', 'from': '2026-11-21T03:00:00Z', 'until': '2026-11-21T03:10:00Z', 'reason': 'b'},\
          {'id': 'c', 'mode': 'offline', 'from': '2026-11-21T06:00:00Z', 'reason': 'c'}]")
    .unwrap()
}

#[test]
fn what_holds_follows_from_all_that_is_active() {
    let document = several_spells();
    for (now, modes, reason, since, until, eta, suspended) in [
        ("01:00", &[Mode::Offline][..], Some("own"), Some("01:00"), Some("04:00"), Some("03:30"), &["staff"][..]),
        ("01:59", &[Mode::Offline], Some("own"), Some("01:00"), Some("04:00"), Some("03:30"), &["staff"]),
        (
            "02:00",
            &[Mode::Offline, Mode::ReadOnly],
            Some("own"),
            Some("01:00"),
            Some("05:00"),
            Some("04:45"),
            &["staff", "bots"],
        ),
        (
            "03:00",
            &[Mode::Offline, Mode::ReadOnly],
            Some("own"),
            Some("01:00"),
            Some("05:00"),
            Some("04:45"),
            &["staff", "bots"],
        ),
        ("04:00", &[Mode::ReadOnly], Some("a"), Some("02:00"), Some("05:00"), Some("04:45"), &["bots"]),
        ("05:00", &[], None, None, None, None, &[]),
        ("06:00", &[Mode::Offline], Some("c"), Some("06:00"), None, None, &[]),
        ("23:00", &[Mode::Offline], Some("c"), Some("06:00"), None, None, &[]),
    ] {
        let situation = document.at(at(now));
        assert_eq!(situation.modes().strictest_first().collect::<Vec<_>>(), modes, "{now}");
        assert_eq!(situation.mode(), modes.first().copied().unwrap_or(Mode::Online), "{now}");
        assert_eq!(situation.reason(), reason, "{now}");
        assert_eq!(situation.since(), since.map(at), "{now}");
        assert_eq!(situation.until(), until.map(at), "{now}");
        assert_eq!(situation.eta(), eta.map(at), "{now}");
        for rule in ["staff", "bots", "other"] {
            assert_eq!(situation.suspends(rule), suspended.contains(&rule), "{now} {rule}");
        }
    }
}

#[test]
fn windows_and_until_fire_to_the_millisecond() {
    let document = with(
        "'until': '2026-11-21T01:00:00Z', 'windows': [{'id': 'w', 'mode': 'read_only', \
                         'from': '2026-11-21T02:00:00Z', 'until': '2026-11-21T03:00:00Z'}]",
    )
    .unwrap();
    for (moment, before, after) in [
        ("01:00", Mode::Offline, Mode::Online),
        ("02:00", Mode::Online, Mode::ReadOnly),
        ("03:00", Mode::ReadOnly, Mode::Online),
    ] {
        let moment = at(moment);
        assert_eq!((document.at(Time(moment.0 - 1)).mode(), document.at(moment).mode()), (before, after));
        assert_eq!(document.next_change(Time(moment.0 - 1)), Some(moment));
    }
    assert_eq!(document.next_change(at("03:00")), None);
}

#[test]
fn the_until_of_a_site_that_is_open_changes_nothing() {
    let document = document(
        "{'site': 'a', 'fleet': 'b', 'revision': 5, 'mode': 'online', 'until': '2026-11-21T02:00:00Z', 'reason': 'r', \
         'suspend': ['staff'], 'eta': '2026-11-21T02:00:00Z'}",
    )
    .unwrap();
    assert_eq!(document.at(at("01:00")), EffectiveState::default());
    assert_eq!(document.next_change(at("01:00")), None);
}

#[test]
fn digests_are_64_hexadecimal_digits() {
    let digest = Digest::of(b"");
    let text = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(digest.to_string(), text);
    assert_eq!(Digest::parse(text), Some(digest));
    assert_eq!(Digest::parse(&text.to_uppercase()), Some(digest));
    for other in ["", &text[1..], &format!("{text}0"), &text.replace("e3", "+3"), &text.replace("e3", "x3")] {
        assert_eq!(Digest::parse(other), None, "{other}");
    }
}

#[test]
fn the_greater_revision_is_newer_and_then_the_greater_digest() {
    let make = |revision: u64, note: &str| {
        document(&format!("{{'site': 'a', 'fleet': 'b', 'revision': {revision}, 'mode': 'online', 'note': '{note}'}}"))
            .unwrap()
    };
    let (old, new) = (make(1, "x"), make(2, "x"));
    assert!(new.is_newer_than(Some(&old)) && !old.is_newer_than(Some(&new)));
    assert!(old.is_newer_than(None) && !old.is_newer_than(Some(&old)));
    let (one, other) = (make(1, "x"), make(1, "y"));
    let is_one = Digest::of(&one.payload) > Digest::of(&other.payload);
    assert_eq!((one.is_newer_than(Some(&other)), other.is_newer_than(Some(&one))), (is_one, !is_one));
}

fn documents() -> impl Strategy<Value = Vec<Document>> {
    // Few revisions, so that ties are common.
    let mode = prop::sample::select(&Mode::ALL[..]);
    let one = (0..4u64, mode, 0..6u8).prop_map(|(revision, mode, note)| {
        let text = format!("{{'site': 'a', 'fleet': 'b', 'revision': {revision}, 'mode': '{mode}', 'note': '{note}'}}");
        document(&text).unwrap()
    });
    prop::collection::vec(one, 1..12)
}

fn take(documents: &[Document]) -> Option<Document> {
    documents.iter().fold(
        None,
        |current, document| {
            if document.is_newer_than(current.as_ref()) { Some(document.clone()) } else { current }
        },
    )
}

proptest! {
    #[test]
    fn the_order_and_number_of_times_in_which_documents_come_do_not_matter(
        (documents, again) in documents().prop_flat_map(|documents| {
            let more = prop::collection::vec(prop::sample::select(documents.clone()), 0..12);
            let again = (Just(documents.clone()), more).prop_map(|(all, more)| [all, more].concat());
            (Just(documents), again.prop_shuffle())
        })
    ) {
        prop_assert_eq!(take(&documents), take(&again));
    }

    #[test]
    fn nothing_changes_between_two_changes(
        minutes in prop::collection::vec((0..300i64, prop::option::of(1..300i64), any::<bool>()), 0..5),
        until in prop::option::of(0..300i64),
        now in 0..300i64,
    ) {
        let time = |minute: i64| Time(minute * 60_000).to_string();
        let windows: Vec<String> = minutes.iter().enumerate().map(|(id, (from, length, read_only))| {
            let mode = if *read_only { "read_only" } else { "offline" };
            let until = length.map(|length| format!(", 'until': '{}'", time(from + length))).unwrap_or_default();
            format!("{{'id': '{id}', 'mode': '{mode}', 'from': '{}'{until}}}", time(*from))
        }).collect();
        let until = until.map(|until| format!(", 'until': '{}'", time(until))).unwrap_or_default();
        let document = with(&format!("'windows': [{}]{until}", windows.join(","))).unwrap();
        let next = document.next_change(Time(now * 60_000)).map_or(700, |next| next.0 / 60_000);
        prop_assert!(next > now);
        let before = document.at(Time(now * 60_000));
        for minute in now..next {
            prop_assert_eq!(&document.at(Time(minute * 60_000)), &before);
        }
        if next < 700 {
            prop_assert_ne!(&document.at(Time(next * 60_000)), &before);
        }
    }
}

#[test]
fn what_is_wrong_with_a_document_is_told_once() {
    let error = anyhow::Error::from(document("{}").unwrap_err());
    assert_eq!(format!("{error:#}"), "site: missing");
}
