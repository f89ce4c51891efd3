use super::*;

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
