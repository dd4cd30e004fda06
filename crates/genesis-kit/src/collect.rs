//! What stands in the metrics of a service: pulled at each scrape from what the crates count for themselves.
//!
//! This is the one place that knows both sides. No policy knows metrics, and metrics know no policy.

#[cfg(feature = "breaker")]
mod breakers;
#[cfg(feature = "health")]
mod health;
#[cfg(feature = "breaker")]
mod outliers;
#[cfg(feature = "pipeline")]
mod pipelines;
#[cfg(feature = "track")]
mod tracker;

use core_context::Identity;
use core_metrics::{LabelNames, Registry};

#[cfg(feature = "breaker")]
pub(crate) use breakers::breakers;
#[cfg(feature = "health")]
pub(crate) use health::health;
#[cfg(feature = "breaker")]
pub(crate) use outliers::{Watched, outliers};
#[cfg(feature = "pipeline")]
pub(crate) use pipelines::pipelines;
#[cfg(feature = "track")]
pub(crate) use tracker::tracker;

const BUILD: LabelNames<4> = LabelNames::new(["service", "version", "environment", "instance"]);

/// Which process this is, what the kernel says of it, and the runtime it runs in.
pub(crate) fn process(registry: &Registry, identity: &'static Identity) {
    registry.collect(move |scrape| {
        let values = [&*identity.service, &*identity.version, &*identity.environment, &*identity.instance];
        scrape.info("build_info", "What was built, and where it runs.", BUILD, values);
    });
    core_metrics::process::register(registry);
    // Set up outside of a runtime, there is none to tell of.
    core_metrics::runtime::register_current(registry);
}
