//! The metrics in Envoy's stats, below `wasmcustom.maintenance`.

use std::cell::{Cell, RefCell};

use super::host::{HostError, Metric, MetricKind};
use super::log_limit;

thread_local! {
    static METRICS: RefCell<hashbrown::HashMap<String, Option<Metric>>> = RefCell::default();
    /// The value to which this worker last set each gauge.
    static GAUGES: RefCell<hashbrown::HashMap<String, u64>> = RefCell::default();
}

/// The metric with this name. Each thread defines it once, because each definition returns a new id.
fn metric(kind: MetricKind, name: &str) -> Option<Metric> {
    METRICS.with_borrow_mut(|metrics| {
        if let Some(metric) = metrics.get(name) {
            return *metric;
        }
        let metric = logged(Metric::define(kind, &format!("maintenance.{name}")));
        metrics.insert(name.to_owned(), metric);
        metric
    })
}

/// The result of a hostcall. A failed one is logged: stats decide nothing.
fn logged<T>(result: Result<T, HostError>) -> Option<T> {
    result.inspect_err(log_limit::failure).ok()
}

/// Adds one to the counter `maintenance.<name>`.
pub fn count(name: &str) {
    if let Some(metric) = metric(MetricKind::Counter, name) {
        logged(metric.increment());
    }
}

/// The value of the counter `maintenance.<name>` in this Envoy, over all workers.
pub fn value(name: &str) -> u64 {
    metric(MetricKind::Counter, name).and_then(|metric| logged(metric.value())).unwrap_or(0)
}

/// The counters of one site. The counter of refusals is cached.
pub struct SiteStats {
    site: String,
    refused: Cell<Option<Metric>>,
}

impl SiteStats {
    pub fn new(site: &str) -> SiteStats {
        SiteStats { site: site.to_owned(), refused: Cell::new(None) }
    }

    pub fn refused(&self) {
        let metric = self.refused.get().or_else(|| metric(MetricKind::Counter, &refused_name(&self.site)));
        self.refused.set(metric);
        if let Some(metric) = metric {
            logged(metric.increment());
        }
    }

    pub fn bypassed(&self, rule: &str) {
        count(&bypassed_name(&self.site, rule));
    }
}

/// The name of a site's counter of refusals.
pub fn refused_name(site: &str) -> String {
    format!("site.{site}.rq_refused")
}

/// The name of a site's counter of requests that a rule let through.
pub fn bypassed_name(site: &str, rule: &str) -> String {
    format!("site.{site}.rq_bypassed.{rule}")
}

/// Sets a gauge of a site.
pub fn set_gauge(site: &str, name: &str, value: u64) {
    let name = format!("site.{site}.{name}");
    let metric = metric(MetricKind::Gauge, &name);
    // Most gauges have not changed, and a hostcall for each would add up.
    let is_changed = GAUGES.with_borrow_mut(|gauges| gauges.insert(name, value) != Some(value));
    if let Some(metric) = metric.filter(|_| is_changed) {
        logged(metric.record(value));
    }
}
