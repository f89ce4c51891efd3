//! Documents and times for the tests of edits.

use envoy_maintenance::time::Time;
use serde_json::Value;

use super::draft::Draft;

pub fn time(text: &str) -> Time {
    Time::parse(text).unwrap()
}

/// A document of the site `shop` with these members.
pub fn draft(members: Value) -> Draft {
    let Value::Object(given) = members else { panic!("{members}") };
    let mut members = Draft::new("shop", Some("demo")).members().clone();
    members.extend(given);
    Draft::from_members("shop", members)
}
