//! The time of a document, read before its signature is checked.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use super::{MAX_AHEAD, MAX_REVISION};
use crate::time::Time;
use crate::tree::whole;

/// How far the time of a pushed document may be from Envoy's clock, in milliseconds.
const MAX_AGE: i64 = 5 * 60 * 1000;

/// When a document was signed, and its revision. All other members are passed over unread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The time of signing, in seconds since the epoch.
    pub iat: Option<u64>,
    /// The document's revision.
    pub revision: u64,
}

impl Head {
    /// Reads the head of a document's JSON.
    pub fn read(payload: &[u8]) -> Result<Head, serde_json::Error> {
        serde_json::from_slice(payload)
    }

    /// Whether the document is from the minutes around `now`. A document without `iat` is as old as its revision.
    pub fn is_fresh(&self, now: Time) -> bool {
        self.time().0.abs_diff(now.0) <= MAX_AGE.unsigned_abs()
    }

    /// When the document was signed.
    pub fn time(&self) -> Time {
        let milliseconds = self.iat.map_or(self.revision, |iat| iat.saturating_mul(1000));
        Time(i64::try_from(milliseconds).unwrap_or(i64::MAX))
    }

    /// Whether the revision may follow `held`, that of the current document. It may be ahead of the clock by ten minutes,
    /// or by as much as the current document is and ten minutes more: a successor is always possible, also where clocks
    /// were wrong when the current document was made.
    pub fn can_follow(&self, held: Option<u64>, now: Time) -> bool {
        let latest = held.unwrap_or(0).max(u64::try_from(now.0).unwrap_or(0));
        self.revision <= latest.saturating_add(MAX_AHEAD.unsigned_abs()).min(MAX_REVISION)
    }
}

impl<'de> Deserialize<'de> for Head {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Head, D::Error> {
        deserializer.deserialize_map(HeadVisitor)
    }
}

struct HeadVisitor;

impl<'de> Visitor<'de> for HeadVisitor {
    type Value = Head;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Head, A::Error> {
        let (mut iat, mut revision) = (None, None);
        while let Some(name) = access.next_key()? {
            match name {
                MemberName::Iat if iat.is_none() => iat = access.next_value::<Option<Whole>>()?,
                MemberName::Revision if revision.is_none() => revision = Some(access.next_value::<Whole>()?.0),
                MemberName::Other => drop(access.next_value::<IgnoredAny>()?),
                MemberName::Iat | MemberName::Revision => return Err(A::Error::custom("iat or revision stands twice")),
            }
        }
        let revision = revision.ok_or_else(|| A::Error::custom("revision: missing"))?;
        Ok(Head { iat: iat.map(|iat| iat.0), revision })
    }
}

/// The name of a member.
enum MemberName {
    Iat,
    Revision,
    Other,
}

impl<'de> Deserialize<'de> for MemberName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<MemberName, D::Error> {
        deserializer.deserialize_str(MemberNameVisitor)
    }
}

struct MemberNameVisitor;

impl Visitor<'_> for MemberNameVisitor {
    type Value = MemberName;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<MemberName, E> {
        Ok(match name {
            "iat" => MemberName::Iat,
            "revision" => MemberName::Revision,
            _ => MemberName::Other,
        })
    }
}

/// A whole number that is not negative, exact as in every document.
struct Whole(u64);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Whole, D::Error> {
        let number = f64::deserialize(deserializer)?;
        let whole = whole(number).and_then(|number| u64::try_from(number).ok());
        whole.map(Whole).ok_or_else(|| D::Error::custom("not a whole number below 2^53"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Document;

    const NOW: Time = Time(1_795_204_262_751);
    const NOW_MS: u64 = 1_795_204_262_751;
    const NOW_S: u64 = 1_795_204_262;
    const DAY: u64 = 24 * 3600 * 1000;

    #[test]
    fn a_head_is_what_the_document_says() {
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
    fn freshness_is_judged_by_the_time_of_signing_or_else_by_the_revision() {
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
    fn a_revision_follows_the_clock_or_the_document_before_it() {
        const TEN: u64 = 10 * 60 * 1000;
        for (revision, held, can) in [
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
            assert_eq!(Head { iat: None, revision }.can_follow(held, NOW), can, "{revision} {held:?}");
        }
    }
}
