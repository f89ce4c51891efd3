//! The status document.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use super::PluginStatus;
use crate::json::Object;
use crate::members::Workers;

/// The status of one Envoy. `S` and `P` are the forms of the lists of sites and plugins: JSON text for the filter,
/// [`SiteStatus`]es and [`PluginStatus`]es for a reader.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(bound(deserialize = "S: Deserialize<'de>, P: Deserialize<'de> + Default"))]
pub struct Status<S, P = Vec<PluginStatus>> {
    /// The name of the Envoy: `<node id>/<8 hex>`.
    pub envoy: String,
    /// The version of the filter.
    #[serde(default)]
    pub version: String,
    /// The time on Envoy's clock.
    #[serde(default)]
    pub time: String,
    /// The time at which this Envoy first configured a plugin with this VM id; empty from an older filter.
    #[serde(default)]
    pub started: String,
    /// The fleet of the policy.
    #[serde(default)]
    pub fleet: String,
    /// Names of plugins that several policies of this Envoy use at the same time.
    #[serde(default)]
    pub plugin_conflicts: Vec<String>,
    /// All sites of the fleet.
    pub sites: S,
    /// All plugins with this VM id, those of other fleets included. Requires a read token; empty without one.
    #[serde(default)]
    pub plugins: P,
}

impl<S: AsRef<str>> Status<S, Option<String>> {
    /// The status as JSON.
    pub fn to_json(&self) -> String {
        let mut object = Object::default();
        object.text("envoy", Some(&self.envoy));
        object.text("version", Some(&self.version));
        object.text("time", Some(&self.time));
        object.text("started", Some(&self.started));
        object.text("fleet", Some(&self.fleet));
        object.texts("plugin_conflicts", &self.plugin_conflicts);
        object.raw("sites", self.sites.as_ref());
        if let Some(plugins) = &self.plugins {
            object.raw("plugins", plugins);
        }
        object.end()
    }
}

impl<J> Status<Vec<SiteStatus<J>>> {
    /// The status of the site with this name.
    pub fn site(&self, name: &str) -> Option<&SiteStatus<J>> {
        self.sites.iter().find(|site| site.site == name)
    }
}

/// Writes the member `workers` of a site's status.
pub fn write_workers(workers: Workers, object: &mut Object) {
    let mut counts = Object::default();
    counts.number("members", workers.members as u64);
    counts.number("adopted", workers.adopted as u64);
    object.raw("workers", &counts.end());
}

/// The status of one site. `J` is the form of embedded JSON: text for the filter, parsed values for a reader.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(bound(deserialize = "J: Deserialize<'de> + Default"))]
pub struct SiteStatus<J> {
    /// The name.
    pub site: String,
    /// The strictest of the active modes.
    pub mode: String,
    /// All active modes, strictest first.
    #[serde(default)]
    pub active: Vec<String>,
    /// The revision of the current document; 0 if it is declared or absent.
    #[serde(default)]
    pub revision: u64,
    /// The digest of the current document.
    pub digest: Option<String>,
    /// The channel of the current document: `policy` or `push`.
    pub channel: Option<String>,
    /// Adoption of the current document.
    #[serde(default)]
    pub workers: Workers,
    /// The part that requires a read token.
    #[serde(flatten)]
    pub details: SiteDetails<J>,
}

/// The part of a site's status that requires a read token. Without one, everything is absent.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default, bound(deserialize = "J: Deserialize<'de> + Default"))]
pub struct SiteDetails<J> {
    /// The start of the active modes.
    pub since: Option<String>,
    /// The time at which the site opens.
    pub until: Option<String>,
    /// The expected end, for visitors.
    pub eta: Option<String>,
    /// The reason, for visitors.
    pub reason: Option<String>,
    /// The author of the document.
    pub by: Option<String>,
    /// The note for operators.
    pub note: Option<String>,
    /// The name of the key that signed the document.
    pub signed_by: Option<String>,
    /// The windows of the document.
    pub windows: J,
    /// The history in the document.
    pub past: J,
    /// The suspended rules of the document.
    pub suspend: J,
    /// Suspended rules that the policy does not have.
    pub suspend_unknown: Vec<String>,
    /// Fields of the document that this filter does not know.
    pub unknown_fields: Vec<String>,
    /// Names of plugins whose policy has the site, but not the key that signed the document.
    pub lacks_key: Vec<String>,
    /// Refused requests.
    pub refused: Option<u64>,
    /// Requests that an exempt rule let through, by rule.
    pub bypassed: Counters,
    /// True if the policy declares the state of the site.
    pub declared: Option<bool>,
    /// The payload of the document.
    pub document: J,
}

impl<J> SiteStatus<J> {
    /// True if the policy declares the state of the site.
    pub fn is_declared(&self) -> bool {
        self.details.declared.unwrap_or(self.channel.as_deref() == Some("policy"))
    }

    /// The order of documents: the revision, then the digest.
    pub fn stamp(&self) -> Option<(u64, &str)> {
        Some((self.revision, self.digest.as_deref()?))
    }

    /// Writes all members but the workers and the details.
    pub fn write(&self, object: &mut Object) {
        object.text("site", Some(&self.site));
        object.text("mode", Some(&self.mode));
        object.texts("active", &self.active);
        object.number("revision", self.revision);
        object.text("digest", self.digest.as_deref());
        object.text("channel", self.channel.as_deref());
    }
}

impl SiteDetails<String> {
    /// Writes all members.
    pub fn write(&self, object: &mut Object) {
        let texts = [
            ("since", &self.since),
            ("until", &self.until),
            ("eta", &self.eta),
            ("reason", &self.reason),
            ("by", &self.by),
            ("note", &self.note),
            ("signed_by", &self.signed_by),
        ];
        for (name, text) in texts {
            object.text(name, text.as_deref());
        }
        for (name, json) in [("windows", &self.windows), ("past", &self.past), ("suspend", &self.suspend)] {
            object.raw(name, json);
        }
        object.texts("suspend_unknown", &self.suspend_unknown);
        object.texts("unknown_fields", &self.unknown_fields);
        object.texts("lacks_key", &self.lacks_key);
        object.number("refused", self.refused.unwrap_or(0));
        let mut bypassed = Object::default();
        for (rule, count) in &self.bypassed.0 {
            bypassed.number(rule, *count);
        }
        object.raw("bypassed", &bypassed.end());
        object.raw("declared", if self.declared == Some(true) { "true" } else { "false" });
        object.raw("document", &self.document);
    }
}

/// Numbers by name: a JSON object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters(pub Vec<(String, u64)>);

impl<'de> Deserialize<'de> for Counters {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Counters, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Counters;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object of numbers")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Counters, A::Error> {
                let mut counters = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    counters.push(entry);
                }
                Ok(Counters(counters))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}
