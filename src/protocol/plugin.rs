//! The part of the status document that describes the plugins of an Envoy.

use crate::json::{self, Object};

/// One plugin of an Envoy. Of a plugin in another fleet, only `name` and `fleet` are known.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(default)]
pub struct PluginStatus {
    /// The name: `<plugin name>/<root id>`, or the plugin name if the root id is empty.
    pub name: String,
    /// The fleet of its policy; none if the policy has no fleet, or if Envoy has accepted no policy yet.
    pub fleet: Option<String>,
    /// The names of its sites.
    pub sites: Vec<String>,
    /// The keys of its policy.
    pub keys: Vec<KeyStatus>,
    /// True if its listener serves the control endpoint.
    pub control: bool,
    /// The reason why the filter refused the newest policy. Envoy keeps the policy before, or has none.
    pub refused: Option<String>,
    /// The time of that refusal. Envoy offers no policy again that it runs already, so the reason remains if the policy
    /// before is restored.
    pub refused_at: Option<String>,
}

/// A key of a policy, and its permissions.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(default)]
pub struct KeyStatus {
    /// The name.
    pub name: String,
    /// The thumbprint (RFC 7638).
    pub kid: String,
    /// The names of its sites; `*` for all.
    pub sites: Vec<String>,
    /// The kinds of tokens: `state`, `task`, `pass`.
    pub may: Vec<String>,
}

impl PluginStatus {
    /// Writes all members but those of the refusal.
    pub fn write(&self, object: &mut Object) {
        object.text("name", Some(&self.name));
        object.text("fleet", self.fleet.as_deref());
        object.texts("sites", &self.sites);
        object.raw("keys", &json::list(&self.keys.iter().map(KeyStatus::to_json).collect::<Vec<_>>()));
        object.raw("control", if self.control { "true" } else { "false" });
    }

    /// Writes the members of the refusal: its reason and its time.
    pub fn write_refusal(refused: Option<&str>, at: Option<&str>, object: &mut Object) {
        object.text("refused", refused);
        object.text("refused_at", at);
    }
}

impl KeyStatus {
    fn to_json(&self) -> String {
        let mut object = Object::default();
        object.text("name", Some(&self.name));
        object.text("kid", Some(&self.kid));
        object.texts("sites", &self.sites);
        object.texts("may", &self.may);
        object.end()
    }
}
