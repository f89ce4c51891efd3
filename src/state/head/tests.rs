use super::*;
use crate::state::Document;

const NOW: Time = Time(1_795_204_262_751);
const NOW_MS: u64 = 1_795_204_262_751;
const NOW_S: u64 = 1_795_204_262;
const DAY: u64 = 24 * 3600 * 1000;

#[test]
fn a_head_has_the_times_of_its_document() {
    let whole = |members: &str| format!(r#"{{"site":"shop","fleet":"f",{members}"mode":"offline"}}"#);
    for (members, head) in [
        (r#""revision":7,"#, Some((None, 7))),
        (r#""revision":7,"iat":5,"#, Some((Some(5), 7))),
        (r#""iat":5e0,"past":[],"revision":7.0,"#, Some((Some(5), 7))),
        (r#""revi\u0073ion":7,"\u0069at":5,"#, Some((Some(5), 7))),
        (r#""revision":7,"iat":null,"#, Some((None, 7))),
        (r#""revision":7,"by":"\"iat\":5,","#, Some((None, 7))),
        (r#""revision":7,"x":{"iat":5,"revision":8},"#, Some((None, 7))),
        (r#""revision":9007199254740991,"#, Some((None, (1 << 53) - 1))),
        (r#""revision":9007199254740992,"#, None),
        (r#""revision":-1,"#, None),
        (r#""revision":7.5,"#, None),
        (r#""revision":null,"#, None),
        (r#""revision":7,"revision":7,"#, None),
        (r#""revision":7,"iat":5,"iat":5,"#, None),
        (r#""revision":7,"iat":"5","#, None),
        (r#""revision":7,"iat":-5,"#, None),
        (r#""revision":[7],"#, None),
        ("", None),
    ] {
        let payload = whole(members);
        let read = Head::read(payload.as_bytes()).ok().map(|head| (head.iat, head.revision));
        assert_eq!(read, head, "{members}");
        let document = Document::from_payload(payload.as_bytes()).ok();
        assert_eq!(document.map(|document| (document.iat, document.stamp.revision)), head, "{members}");
    }
    for payload in ["", "[]", "{", "7", &"[".repeat(4000), r#"{"revision":7}x"#, "{\"revision\":7,\"a\":\"\n\"}"] {
        assert!(Head::read(payload.as_bytes()).is_err(), "{payload:.20}");
    }
}

#[test]
fn freshness_depends_on_iat_or_else_on_the_revision() {
    for (iat, revision, fresh) in [
        (None, NOW_MS, true),
        (None, NOW_MS - 299_000, true),
        (None, NOW_MS - 301_000, false),
        (None, NOW_MS + 301_000, false),
        (Some(NOW_S), NOW_MS + DAY, true),
        (Some(NOW_S), 1, true),
        (Some(NOW_S - 298), NOW_MS, true),
        (Some(NOW_S - 302), NOW_MS, false),
        (Some(NOW_S + 302), NOW_MS, false),
        (Some(0), NOW_MS, false),
        (Some((1 << 53) - 1), NOW_MS, false),
    ] {
        assert_eq!(Head { iat, revision }.is_fresh(NOW), fresh, "{iat:?} {revision}");
    }
}

#[test]
fn a_revision_is_at_most_ten_minutes_ahead_of_the_clock_or_its_predecessor() {
    const TEN: u64 = 10 * 60 * 1000;
    for (revision, current, can) in [
        (NOW_MS, None, true),
        (NOW_MS + TEN, None, true),
        (NOW_MS + TEN + 1, None, false),
        (NOW_MS + TEN + 1, Some(5), false),
        (NOW_MS + DAY + 1, Some(NOW_MS + DAY), true),
        (NOW_MS + DAY + TEN, Some(NOW_MS + DAY), true),
        (NOW_MS + DAY + TEN + 1, Some(NOW_MS + DAY), false),
        (MAX_REVISION, Some(MAX_REVISION - 1), true),
        (MAX_REVISION + 1, Some(MAX_REVISION), false),
    ] {
        assert_eq!(Head { iat: None, revision }.can_follow(current, NOW), can, "{revision} {current:?}");
    }
}
