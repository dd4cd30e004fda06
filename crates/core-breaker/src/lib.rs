//! A circuit breaker that cannot wedge: windows, generations and leased probes.
//!
//! Put one around each thing that can fail for a while: it stops calling what does not answer, so that callers fail in
//! nanoseconds instead of waiting, and lets a few probes find out when it is back. It is not for errors of the caller
//! (they are ignored) nor for limiting load (see `core-limit`).
//!
//! ```
//! use core_breaker::{Breaker, State};
//! use core_errors::Error;
//! use core_time::secs;
//!
//! # fn main() -> Result<(), core_breaker::ConfigError> {
//! let payments = Breaker::rate(0.5).or_consecutive(8).window(secs(10)).min_calls(20).name("payments").build()?;
//!
//! // On a thread; `payments.call(|attempt| async { … })` is the same for futures.
//! for _ in 0..8 {
//!     let _ = payments.call_blocking(|_| Err::<(), _>(Error::network("hung up")));
//! }
//! assert_eq!(payments.state(), State::Open);
//! let refused = payments.call_blocking(|_| Ok::<_, Error>("never runs")).unwrap_err();
//! assert!(refused.rejection().unwrap().retry_after().is_some());
//! # Ok(()) }
//! ```
//!
//! ```text
//!            too many failures                open time over, a call comes
//!  CLOSED ───────────────────────▶ OPEN ───────────────────────────────▶ HALF OPEN
//!    ▲                               ▲  probes failed, or gave no answer     │
//!    │                               └───────────────────────────────────────┤
//!    └───────────────────────────────────────────────────────────────────────┘ enough probes succeeded
//! ```
//!
//! * **What trips it.** A run of failures ([`Builder::or_consecutive`]), or a share of failed or slow calls at or over a
//!   threshold in a window of time or of calls, once the window holds enough. Both are looked at after every result.
//! * **What closes it.** Of `probes` calls in a half-open round, `successes` must succeed. All others are refused.
//! * **What is a failure.** Verdicts that are failures, panics, and limits on time that passed. Errors that are the
//!   caller's fault, refusals by policies further in and dropped calls are not, and do not dilute the rate either.
//! * **At start** it is closed and knows nothing.
//! * **Why it cannot wedge.** A probe that is dropped returns its slot; one that never ends loses it when its lease runs
//!   out; a result of an earlier generation changes nothing.
//!
//! # Cancel safety
//! A dropped call is inconclusive: it counts as neither success nor failure, and a probe gives its slot back. After
//! twice as many inconclusive probes as a round has, the circuit opens again for as long as before.
//!
//! # Cost
//! Closed, with consecutive failures only: one load and one store to a counter of the thread's own. With a time window:
//! a coarse clock reading and another store. A window of calls needs a shared word, which every call writes. Open: three
//! loads and a coarse clock reading. No allocation, and no lock while closed or open.
//!
//! # Sources
//! M. Nygard, *Release It!*, 2007. Windows and minimum calls: resilience4j, Polly. Rules CB-1 to CB-39 of this project.

mod average;
mod breaker;
mod config;
mod engine;
mod error;
mod event;
mod fallback;
mod fleet;
mod keyed;
mod near;
mod opening;
mod operator;
mod outcome;
mod plan;
mod registry;
mod round;
mod rules;
mod saved;
mod share;
mod snapshot;
mod state;
mod sync;
#[cfg(feature = "tracing")]
mod trace;
mod window;
mod word;

pub use average::{Average, Decay};
pub use breaker::{Breaker, CallState};
pub use config::Builder;
pub use error::ConfigError;
pub use event::{Event, Trigger};
pub use fleet::{Fleet, FleetBuilder, FleetStatus};
pub use keyed::KeyedBreaker;
pub use opening::{Hints, OpenTimes, Opening, Progression, RampUp};
pub use operator::Isolation;
pub use registry::Registry;
pub use rules::{Rule, Rules};
pub use saved::{Saved, SavedAverage, SavedBucket, SavedResult};
pub use share::{Lease, Leased, Peer, Report, Share, ShareError};
pub use snapshot::{Snapshot, Totals};
pub use state::{State, UnknownState};
pub use window::{Span, Tally};
