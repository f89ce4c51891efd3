//! The status as JSON.

use envoy_maintenance::time::Time;
use jiff::Zoned;
use serde_json::{Map, Value, json};

use super::show::effective_state;
use crate::config::target::Target;
use crate::diagnosis::remark::Remark;
use crate::envoys::failure;
use crate::view::View;
use crate::view::site::{Lag, SiteView};

/// The status as one JSON value.
pub fn status(target: &Target, view: &View, now: &Zoned) -> Value {
    let envoys = view.roll.envoys.iter().map(|envoy| {
        let status = &envoy.status;
        json!({
            "envoy": status.envoy,
            "address": envoy.endpoint.to_string(),
            "version": status.version,
            "time": status.time,
            "started": status.started,
            "plugin_conflicts": status.plugin_conflicts,
        })
    });
    let status = json!({
        "target": target.name,
        "sites": view.sites.iter().map(|one| site(one, now)).collect::<Value>(),
        "envoys": envoys.collect::<Value>(),
        "missing": failure::json(&view.roll.failures),
        "remarks": view.remarks.iter().map(Remark::json).collect::<Value>(),
    });
    failure::with_unreached(status, &view.unreached)
}

fn site(site: &SiteView, now: &Zoned) -> Value {
    let members = site.document.as_ref().map(|(draft, _)| draft.members());
    let member = |name: &str| members.and_then(|members| members.get(name).cloned()).unwrap_or(Value::Null);
    let list = |name: &str| Some(member(name)).filter(Value::is_array).unwrap_or_else(|| json!([]));
    let state = effective_state(site, now);
    let time = |time: Option<Time>| time.map(|time| time.to_string());
    let envoys = json!({
        "total": site.total,
        "followed": site.adopted,
        "lagging": site.lagging.iter().map(lag).collect::<Value>(),
    });
    let workers = json!({ "members": site.workers.members, "adopted": site.workers.adopted });
    let members = [
        ("site", json!(site.site)),
        ("mode", json!(site.mode)),
        ("declared", json!(site.declared)),
        ("since", json!(time(state.since()))),
        ("until", json!(time(state.until()))),
        ("eta", json!(time(state.eta()))),
        ("reason", json!(state.reason())),
        ("note", member("note")),
        ("by", member("by")),
        ("suspend", list("suspend")),
        ("windows", list("windows")),
        ("past", list("past")),
        ("channel", json!(site.channel)),
        ("revision", json!(site.revision)),
        ("digest", json!(site.digest)),
        ("lacks_key", json!(site.lacks_key)),
        ("remarks", json!(site.remarks)),
        ("refused", json!(site.refused)),
        ("bypassed", json!(site.bypassed)),
        ("envoys", envoys),
        ("workers", workers),
        ("document", json!(members)),
    ];
    Value::Object(members.map(|(name, value)| (name.to_owned(), value)).into_iter().collect::<Map<_, _>>())
}

fn lag(lag: &Lag) -> Value {
    json!({ "envoy": lag.envoy, "why": lag.cause.text() })
}
