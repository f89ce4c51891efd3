//! The metrics in Envoy's stats, below `wasmcustom.maintenance`.

use std::cell::{Cell, RefCell};

use super::host::{HostError, Metric, MetricKind};
use super::log_limit;
use crate::byte_index::ByteMap;

/// A metric that this VM has defined.
#[derive(Clone, Copy)]
struct KnownMetric {
    /// `None` if Envoy has refused it.
    metric: Option<Metric>,
    /// The value to which this worker last set the gauge.
    last: Option<u64>,
}

thread_local! {
    static METRICS: RefCell<ByteMap<KnownMetric>> = RefCell::default();
}

/// The metric with this name. Each thread defines it once, because each definition returns a new id.
fn metric(kind: MetricKind, name: &str) -> Option<Metric> {
    known(kind, name, |known| known.metric)
}

fn known<T>(kind: MetricKind, name: &str, action: impl FnOnce(&mut KnownMetric) -> T) -> T {
    METRICS.with_borrow_mut(|metrics| match metrics.get_mut(name.as_bytes()) {
        Some(known) => action(known),
        None => {
            let metric = logged(Metric::define(kind, &format!("maintenance.{name}")));
            let mut known = KnownMetric { metric, last: None };
            let result = action(&mut known);
            metrics.insert(name.as_bytes(), known);
            result
        }
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
    // Most gauges have not changed, and a hostcall for each would add up.
    let metric = known(MetricKind::Gauge, &name, |known| {
        let is_changed = known.last.replace(value) != Some(value);
        known.metric.filter(|_| is_changed)
    });
    if let Some(metric) = metric {
        logged(metric.record(value));
    }
}
