//! Health checks that run in the background, and probes that only read.
//!
//! Register what the service needs, start the monitor, mount the router. Probes never run a check: they answer from a snapshot that
//! the monitor keeps, so a dependency that hangs cannot hang a probe.
//!
//! ```
//! use core_health::{CheckOutcome, Health, Probe, check_fn, local_check_fn};
//! use core_time::{ms, secs};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let health = Health::builder()
//!     .liveness(local_check_fn("worker", || async { CheckOutcome::healthy() }))     // restart me when this fails
//!     .dependency(check_fn("postgres", || async { CheckOutcome::healthy() }).timeout(ms(500)))
//!     .interval(secs(10))
//!     .build()?;
//! assert_eq!(health.answer(Probe::Ready).status, 503, "the first results are not there yet");
//!
//! let monitor = health.start();                  // checks run while this lives
//! # tokio::time::sleep(ms(50)).await;
//! assert_eq!(health.answer(Probe::Ready).status, 200);
//! // with the feature `axum`: app.merge(health.router())
//! # drop(monitor);
//! # Ok(()) }
//! ```
//!
//! **Roles.** What a check is registered as says what hangs on it:
//!
//! | registered with | when it fails | before its first result |
//! |---|---|---|
//! | [`liveness`](Builder::liveness) | everything is 503: restart this instance | not ready, not started |
//! | [`local`](Builder::local) | not ready: something of this instance only, such as its disk | not ready, not started |
//! | [`dependency`](Builder::dependency) | the report is degraded, probes stay 200; start-up waits for it | not ready, not started |
//! | [`gate_readiness`](Builder::gate_readiness) | not ready: takes *every* instance out when the shared thing fails | not ready, not started |
//! | [`optional`](Builder::optional) | the report is degraded | nothing |
//!
//! A dependency check cannot be registered for liveness; it does not compile. Restarting a service because its database is down
//! makes two outages of one:
//!
//! ```compile_fail
//! # use core_health::{CheckOutcome, Health, check_fn};
//! Health::builder().liveness(check_fn("postgres", || async { CheckOutcome::healthy() }));
//! ```
//!
//! **Time.** Each check has a deadline (2 s), and an answer that comes later is a failure, whatever it says. A check that does
//! not even stop when told to is `stuck`, and is not started again before it ends, nor by another monitor. A result that is
//! older than three intervals and a timeout is stale and counts as unknown: if nothing runs, nothing stays green.
//!
//! **Damping.** A check turns unhealthy after 3 failures in a row and back after 1 success; its first result counts at once. Damp here, and keep
//! the failure threshold of the orchestrator at 1: in both places it multiplies the time until a failure is seen. That time is at most
//! interval × fall + timeout + the probe's period × its threshold.
//!
//! **Start-up and shut-down.** The start-up probe is a latch: once 200, always 200. After [`Health::drain`] readiness
//! and `/health` are 503 and say `"status":"unhealthy","phase":"draining"`, whatever the checks say; liveness stays 200.
//!
//! **Secrets.** Bodies name checks, statuses and codes. The text of an outcome goes to the log only.
//!
//! # Cost
//! A probe is one pointer load, a coarse clock reading and a count of the thread's own; bodies are rendered when something changes. Memory is bounded: at most
//! [`CHECKS_MAX`] checks, one result each.

mod check;
mod config;
mod error;
mod health;
mod monitor;
mod outcome;
mod report;
#[cfg(feature = "axum")]
mod routes;
mod run;
mod schedule;
mod state;
mod stats;
mod verdict;

pub use check::{CheckContext, CheckFn, HealthCheck, LocalCheck, LocalCheckFn, check_fn, local_check_fn};
pub use config::{Builder, SharedDependencyAcknowledged};
pub use error::ConfigError;
pub use health::{Answer, Health, Probe};
pub use monitor::Monitor;
pub use outcome::{CheckOutcome, Code, Status};
pub use report::{CheckReport, Phase, Snapshot};
pub use schedule::Schedule;
pub use state::Role;
pub use stats::{CheckStats, DURATION_ENDS, Ended, ProbeStats, Stats};

/// The most checks that one [`Health`] takes.
pub const CHECKS_MAX: usize = 64;
