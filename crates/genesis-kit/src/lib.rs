//! Keeps a service standing when what it depends on does not: the whole kit in one crate.
//!
//! This crate holds no algorithm. It re-exports the crates of Genesis Kit, each behind a feature of its name, and
//! [`Kit`] sets up what a process has one of: its identity, its log, its header names, and its registries.
//!
//! ```
//! use genesis_kit::prelude::*;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let payments = Pipeline::named("payments")
//!     .deadline(secs(2))
//!     .retry(Retry::exponential(ms(50)..secs(1)).full_jitter().attempts(4).budget(&Budget::default()))
//!     .breaker(Breaker::rate(0.5).or_consecutive(8).window(secs(10)).min_calls(20))
//!     .bulkhead(64)
//!     .attempt_timeout(ms(300))
//!     .build()?;
//!
//! let receipt = payments.call(|_| async { Ok::<_, Error>("charged") }).await?;
//! assert_eq!(receipt, "charged");
//! # Ok(()) }
//! ```
//!
//! | feature | gives | default |
//! |---|---|---|
//! | (always) | [`errors`], [`time`], [`context`], [`policy`], [`Kit`] | |
//! | `pipeline` | [`pipeline`], and with it `retry`, `breaker`, `limit`, `timeout` | yes |
//! | `retry`, `breaker`, `limit`, `timeout` | the policy alone | by `pipeline` |
//! | `log` | [`log`]; breakers then tell of their changes | |
//! | `metrics` | [`metrics`], with those of all that is on, of the process and of its runtime; [`watch`](Builder::watch) adds what stands by itself or has keys | |
//! | `facade` | what other crates count through the facade `metrics` is shown too, after `metrics::facade::install(kit.metrics())` | |
//! | `prometheus` | what other crates have in a registry of `prometheus` is shown too, after `metrics::prometheus::show(kit.metrics(), &theirs)`; not in `full` | |
//! | `gzip` | `/metrics` as gzip, for scrapers that take it | |
//! | `track` | [`track`] | |
//! | `health` | [`health`] | |
//! | `http` | [`http`] | |
//! | `derive` | `#[derive(Classify)]` for error enums of your own, with `#[classify(crate = genesis_kit::errors)]`; with `metrics`, `#[derive(Labels)]` and `#[derive(LabelValue)]` with `#[label(crate = genesis_kit::metrics)]` | |
//! | `axum` | probe routes, `/metrics`, `ApiError`, extractors, the levels of the log as a route, for what is on | |
//! | `tower` | a `Layer` for each policy that is on | |
//! | `executor` | `limit::Executor`: threads of their own for work that blocks | |
//! | `full` | all of the above | |
//! | `log-hash` | redaction by keyed hash | |
//! | `log-secrecy` | marks of secrets that the crate `secrecy` holds | |
//! | `anyhow`, `eyre`, `h2`, `hyper`, `hyper-util`, `redis`, `reqwest`, `sqlx`, `tokio-postgres`, `tonic` | errors of these crates are classified; with `http`, clients of reqwest and hyper carry the context | |

#[cfg(feature = "metrics")]
mod collect;
mod environment;
mod error;
#[cfg(all(feature = "track", feature = "axum"))]
mod executions;
mod kit;
#[cfg(all(feature = "axum", feature = "log"))]
mod log_route;
#[cfg(all(feature = "metrics", feature = "axum"))]
mod routes;

pub use core_context as context;
pub use core_errors as errors;
pub use core_policy as policy;
pub use core_time as time;

#[cfg(feature = "breaker")]
pub use core_breaker as breaker;
#[cfg(feature = "health")]
pub use core_health as health;
#[cfg(feature = "http")]
pub use core_http as http;
#[cfg(feature = "limit")]
pub use core_limit as limit;
#[cfg(feature = "log")]
pub use core_log as log;
#[cfg(feature = "metrics")]
pub use core_metrics as metrics;
#[cfg(feature = "pipeline")]
pub use core_pipeline as pipeline;
#[cfg(feature = "retry")]
pub use core_retry as retry;
#[cfg(feature = "timeout")]
pub use core_timeout as timeout;
#[cfg(feature = "track")]
pub use core_track as track;

#[cfg(feature = "metrics")]
pub use collect::Watch;
pub use error::KitError;
pub use kit::{Builder, Kit};

/// What most files of a service need.
pub mod prelude {
    pub use core_context::Context;
    pub use core_errors::{Category, Classify, Code, Error, Recovery};
    pub use core_policy::{Attempt, CallError, Verdict};
    pub use core_time::{Clock, ms, secs};

    #[cfg(feature = "breaker")]
    pub use core_breaker::{Breaker, Outliers};
    #[cfg(feature = "limit")]
    pub use core_limit::{Bulkhead, Rate, RateLimit};
    #[cfg(feature = "pipeline")]
    pub use core_pipeline::Pipeline;
    #[cfg(feature = "retry")]
    pub use core_retry::{Budget, Hedge, Retry};
    #[cfg(feature = "timeout")]
    pub use core_timeout::{Deadline, Timeout, Timeouts};

    pub use crate::Kit;
}

/// The code in the README runs as tests.
#[cfg(all(doctest, feature = "full"))]
#[doc = include_str!("../../../README.md")]
struct Readme;
