//! Counters, gauges and histograms that cost nanoseconds, and the text that Prometheus scrapes.
//!
//! ```
//! use core_metrics::{Counter, Desc, Family, Histogram, Registry};
//! use core_time::{Clock, ms};
//!
//! core_metrics::labels! {
//!     /// Where a request went, and what it got.
//!     pub struct Route { route: &'static str, status: u16 }
//! }
//! const REQUESTS: Desc<Counter> = Desc::counter("http_requests_total", "Requests that were answered.");
//! const DURATION: Desc<Histogram> = Desc::histogram("http_request_seconds", "How long it took to answer.");
//!
//! let registry = Registry::new();
//! let requests: Family<Counter, Route> = registry.family(&REQUESTS)?;
//! let duration = registry.register(&DURATION)?;
//!
//! requests.with(&Route { route: "/orders", status: 200 }).inc();
//! duration.observe_duration(ms(40));
//!
//! let response = registry.respond(Some("application/openmetrics-text"));     // what the header Accept says
//! assert!(response.body.ends_with("# EOF\n"));
//! # Ok::<(), core_metrics::MetricsError>(())
//! ```
//!
//! Reach for it to count what a service does. Do not reach for it to count users, orders or URLs: every set of labels is a series
//! for the life of the process, and families are bounded.
//!
//! * **Names are checked by the compiler**, as [`Desc`] in a constant and as fields of [`labels!`]; one that is made at run time is
//!   checked when it is made. With the feature `derive`, `#[derive(Labels)]` does the same for structs of your own, and
//!   `#[derive(LabelValue)]` for enums; series whose labels are all enums are found without hashing. What two metrics would both write
//!   is refused when the second is registered. [`metrics!`] declares metrics of the whole process, where no registry is at hand.
//! * **Pulled, not pushed.** What is counted elsewhere is read at each scrape by a [collector](Registry::collect).
//!   Policies of this house keep their own counters, which `genesis-kit` collects.
//! * **Two texts**: Prometheus 0.0.4 and `OpenMetrics` 1.0, as the scraper asks ([`Format::negotiate`]). `_created` is left out: it
//!   doubles the series, and nothing needs it.
//! * **Nothing is poisoned.** A value that is not finite, or negative where that cannot be, is refused and counted.
//! * **Of others**: features `process` (from `/proc`), `tokio` (a runtime), `facade` (what crates count through `metrics`), and
//!   `prometheus` (what crates have in a registry of `prometheus`). With `gzip`, texts can be sent small.
//!
//! # Dropping
//! Handles are values; dropping one changes nothing, the metric stays with its registry. [`Timer`], [`InProgress`] and [`Running`]
//! end what they measure when they are dropped.
//!
//! # Cost
//! A counter or histogram is written with loads and stores of the thread's own, a few nanoseconds on any number of threads, and
//! nothing allocates. Looking a series up by its labels hashes them, unless all of them are enums. A scrape costs about as much as the
//! text is long.
//!
//! The texts follow the Prometheus exposition format and the `OpenMetrics` specification; the limit of a family that of
//! `OpenTelemetry`.

mod accept;
mod counter;
mod desc;
mod error;
mod exemplar;
#[cfg(feature = "facade")]
pub mod facade;
mod family;
#[cfg(any(feature = "facade", feature = "prometheus"))]
mod foreign;
mod gauge;
#[cfg(feature = "gzip")]
mod gzip;
mod hash;
mod histogram;
mod index;
mod instrument;
mod labels;
mod name;
pub mod names;
mod operation;
#[cfg(feature = "process")]
pub mod process;
#[cfg(feature = "prometheus")]
pub mod prometheus;
mod range;
mod registry;
#[cfg(feature = "tokio")]
pub mod runtime;
mod scrape;
mod statics;
mod table;
mod text;
mod value;

pub use accept::{Format, Response};
#[cfg(feature = "derive")]
pub use core_metrics_derive::{LabelValue, Labels};
pub use counter::{Counter, FloatCounter};
pub use desc::{BUCKETS_MAX, DEFAULT_BUCKETS, Desc, SERIES_MAX};
pub use error::MetricsError;
pub use family::Family;
pub use gauge::{Gauge, InProgress};
pub use histogram::{Histogram, HistogramSnapshot, Timer};
pub use instrument::Instrument;
pub use labels::{LabelNames, Labels, Values};
pub use operation::{MonitoredOperation, Running};
pub use range::RangeGauge;
pub use registry::Registry;
pub use scrape::{Samples, Scrape};
pub use statics::Declared;
pub use value::LabelValue;
