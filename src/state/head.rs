//! The head of a document: the fields that are checked before its signature.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use super::{MAX_AHEAD, MAX_REVISION};
use crate::time::Time;
use crate::tree::whole;

/// The greatest difference between the time of a pushed document and Envoy's clock, in milliseconds.
const MAX_AGE: i64 = 5 * 60 * 1000;

/// The times of a document. All other fields are skipped, so that reading a head is cheap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The time of signing, in seconds since the epoch.
    pub iat: Option<u64>,
    /// The document's revision.
    pub revision: u64,
}

impl Head {
    /// Reads the head of a document in JSON.
    pub fn read(payload: &[u8]) -> Result<Head, serde_json::Error> {
        serde_json::from_slice(payload)
    }

    /// True if the document was signed within five minutes of `now`.
    pub fn is_fresh(&self, now: Time) -> bool {
        self.time().0.abs_diff(now.0) <= MAX_AGE.unsigned_abs()
    }

    /// The time of signing: `iat`, or the revision if there is none.
    pub fn time(&self) -> Time {
        let milliseconds = self.iat.map_or(self.revision, |iat| iat.saturating_mul(1000));
        Time(i64::try_from(milliseconds).unwrap_or(i64::MAX))
    }

    /// True if the revision is acceptable after `current`, that of the current document: at most ten minutes ahead of the
    /// clock or of `current`. A successor is therefore always possible, even if clocks were wrong before.
    pub fn can_follow(&self, current: Option<u64>, now: Time) -> bool {
        let latest = current.unwrap_or(0).max(u64::try_from(now.0).unwrap_or(0));
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
                MemberName::Iat | MemberName::Revision => return Err(A::Error::custom("duplicate iat or revision")),
            }
        }
        let revision = revision.ok_or_else(|| A::Error::custom("revision: missing"))?;
        Ok(Head { iat: iat.map(|iat| iat.0), revision })
    }
}

/// The name of a field.
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
        formatter.write_str("a field name")
    }

    fn visit_str<E>(self, name: &str) -> Result<MemberName, E> {
        Ok(match name {
            "iat" => MemberName::Iat,
            "revision" => MemberName::Revision,
            _ => MemberName::Other,
        })
    }
}

/// A whole number from 0 to 2^53 − 1.
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
