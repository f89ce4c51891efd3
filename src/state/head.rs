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
mod tests;
