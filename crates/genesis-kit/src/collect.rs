//! What stands in the metrics of a service: pulled at each scrape from what the crates count for themselves.
//!
//! This is the one place that knows both sides. No policy knows metrics, and metrics know no policy.

#[cfg(feature = "limit")]
mod adaptive;
#[cfg(feature = "breaker")]
mod breakers;
#[cfg(feature = "retry")]
mod budgets;
#[cfg(feature = "limit")]
mod bulkheads;
#[cfg(feature = "breaker")]
mod circuits;
#[cfg(feature = "executor")]
mod executors;
#[cfg(feature = "health")]
mod health;
#[cfg(feature = "pipeline")]
mod hedges;
#[cfg(any(feature = "breaker", feature = "limit"))]
mod keyed;
#[cfg(feature = "log")]
mod log;
#[cfg(feature = "breaker")]
mod outliers;
#[cfg(feature = "pipeline")]
mod pipelines;
#[cfg(feature = "limit")]
mod rates;
#[cfg(feature = "retry")]
mod retries;
#[cfg(feature = "limit")]
mod throttles;
#[cfg(feature = "timeout")]
mod timeouts;
#[cfg(feature = "track")]
mod tracker;
mod watch;

use core_context::Identity;
use core_metrics::{LabelNames, Registry};

#[cfg(feature = "breaker")]
pub(crate) use breakers::breakers;
#[cfg(feature = "health")]
pub(crate) use health::health;
#[cfg(feature = "pipeline")]
pub(crate) use hedges::{Hedged, hedges};
#[cfg(feature = "log")]
pub(crate) use log::log;
#[cfg(feature = "pipeline")]
pub(crate) use pipelines::{pipelines, slots};
#[cfg(feature = "timeout")]
pub(crate) use timeouts::timeouts;
#[cfg(feature = "track")]
pub(crate) use tracker::tracker;
pub use watch::Watch;
pub(crate) use watch::{Source, check, watched};

/// The same under the names that `OpenTelemetry` gives them, for what joins by these.
const TARGET: LabelNames<4> = LabelNames::new([
    "service_name",
    "service_version",
    "deployment_environment_name",
    "service_instance_id",
]);
const BUILD: LabelNames<4> = LabelNames::new(["service", "version", "environment", "instance"]);

/// Which process this is, what the kernel says of it, and the runtime it runs in.
pub(crate) fn process(registry: &Registry, identity: &'static Identity) {
    registry.collect(move |scrape| {
        let values = [&*identity.service, &*identity.version, &*identity.environment, &*identity.instance];
        scrape.info("build_info", "What was built, and where it runs.", BUILD, values);
        scrape.info("target_info", "Who is scraped.", TARGET, values);
    });
    core_metrics::process::register(registry);
    // Set up outside of a runtime, there is none to tell of.
    core_metrics::runtime::register_current(registry);
}
