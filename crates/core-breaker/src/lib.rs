//! A circuit breaker that cannot wedge: windows, generations and leased probes.
//!
//! Put one around each thing that can fail for a while: it stops calling what does not answer, so that callers fail in
//! nanoseconds instead of waiting, and lets a few probes find out when it is back. It is not for errors of the caller
//! (they are ignored) nor for limiting load (see `core-limit`).
//!
//! On a thread:
//!
//! ```
//! use core_breaker::{Breaker, State};
//! use core_errors::Error;
//! use core_time::secs;
//!
//! # fn main() -> Result<(), core_breaker::ConfigError> {
//! let payments = Breaker::rate(0.5).or_consecutive(8).window(secs(10)).min_calls(20).name("payments").build()?;
//!
//! for _ in 0..8 {
//!     let _ = payments.call_blocking(|_| Err::<(), _>(Error::network("hung up")));
//! }
//! assert_eq!(payments.state(), State::Open);
//! let refused = payments.call_blocking(|_| Ok::<_, Error>("never runs")).unwrap_err();
//! assert!(refused.rejection().unwrap().retry_after().is_some());
//! # Ok(()) }
//! ```
//!
//! With futures, and an answer for the time being:
//!
//! ```
//! use core_breaker::{Breaker, State};
//! use core_errors::Error;
//!
//! async fn charge(works: bool) -> Result<u64, Error> {
//!     if works { Ok(7) } else { Err(Error::network("hung up")) }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let payments = Breaker::consecutive(2).name("payments").build()?;
//! assert_eq!(payments.call(|_attempt| charge(true)).await?, 7);
//! for _ in 0..3 {
//!     let or_zero = payments.call_or(|_attempt| charge(false), async |_error| Ok(0)).await?;
//!     assert_eq!(or_zero, 0);
//! }
//! assert_eq!(payments.state(), State::Open); // the third did not run
//! # Ok(()) }
//! ```
//!
//! Streams and callbacks take a permit: [`Breaker::acquire`]. A breaker for each host or tenant: [`Breaker::keyed`]. All
//! of a service by name: [`Registry`]. Many instances of a service: [`Fleet`]. Several hosts that can stand in for each other, of
//! which one may be bad: [`Outliers`].
//!
//! ```text
//!            too many failures                open time over, a call comes
//!  CLOSED ───────────────────────▶ OPEN ───────────────────────────────▶ HALF OPEN
//!    ▲  ▲                            ▲  probes failed, or gave no answer     │
//!    │  │                            └───────────────────────────────────────┤
//!    │  └─ (ramp-up: a growing share of calls) ◀─────────────────────────────┘ enough probes succeeded
//!    │
//!    │ close                        an operator, from any state:
//!    └──────── FORCED OPEN (refuses) · FORCED CLOSED (admits and counts) · DISABLED (admits, counts nothing)
//!              · SHADOW (admits and counts, tells when it would have opened)
//! ```
//!
//! # What it does
//! * **What trips it.** Any of: a run of failures ([`Breaker::consecutive`]); a share of failed or slow calls at or over a
//!   threshold in a window of time or of calls, once that holds enough ([`Breaker::rate`], [`Builder::slow_over`]); so many
//!   failures in the window ([`Breaker::failures`], [`Breaker::k_of_n`]); a moving average of successes that is too low
//!   ([`Breaker::average`]). All are looked at after every result. With [`Builder::lumping`] a burst counts once.
//! * **For how long.** [`Builder::open_for`], growing with each failed round of probes, drawn from its upper half. A rule may
//!   have a time of its own, and the longest of those that fire counts; a function may say instead
//!   ([`Builder::open_by`]); what the callee asks for makes it longer ([`Builder::hints`]).
//! * **What closes it.** Of `probes` calls in a half-open round, `successes` must succeed. All others are refused. Then all calls
//!   come back, or with [`Builder::ramp_up`] a growing share.
//! * **What is a failure.** Verdicts that are failures, panics, and limits on time that passed. Errors that are the
//!   caller's fault, refusals by policies further in and dropped calls are not, and do not dilute the rate either.
//! * **At start** it is closed and knows nothing, unless it [resumes](Builder::resume) what another process
//!   [saved](Breaker::save).
//! * **Other rules while it runs**: [`Breaker::reconfigure`]. What was counted, permits and open times are kept.
//! * **Held by an operator.** Open: [`Breaker::force_open`], for a time [`Breaker::open_for`], as long as somebody works on it
//!   [`Breaker::isolate`]. Closed, whatever fails: [`Breaker::force_closed`]; without counting, [`Breaker::disable`]; with word of when
//!   it would have opened, [`Breaker::shadow`]. [`Breaker::close`] lets the rules act again, on what comes from then on.
//! * **Why it cannot wedge.** A probe that is dropped returns its slot; one that never ends loses it when its lease runs
//!   out; a result of an earlier generation changes nothing. If the clock goes back, as that of a suspended machine may,
//!   open times, leases and ramps last no longer from then on than they were to last.
//!
//! # Defaults, and why
//! | | default | |
//! |---|---|---|
//! | window | 30 s in 10 steps | longer than most timeouts, so that it holds what happened |
//! | `min_calls` | 20 | at night one failure of one call is no rate |
//! | `open_for` | 5 s, doubling to 60 s | a restart takes seconds, an incident minutes |
//! | `jitter` | on | a fleet that opened together does not probe together |
//! | `probes`, `successes` | 3, 2 | one lucky answer closes nothing, one unlucky one opens nothing |
//! | lease of a probe | 60 s, or as long as its caller waits | nothing that hangs holds the circuit up |
//! | hints of the callee | make it longer, up to 300 s | it knows best when it is back, and may be wrong |
//! | ramp-up | off | few callees fall over when calls come back; for those that do |
//! | panics | are failures | the caller got no answer |
//!
//! # Cancel safety
//! A dropped call is inconclusive: it counts as neither success nor failure, and a probe gives its slot back. After
//! twice as many inconclusive probes as a round has, the circuit opens again for as long as before.
//!
//! # Cost
//! Closed, with consecutive failures only: one load when it begins; one load, one compare and one store to a counter of the
//! thread's own when it succeeds. With a time window: a coarse clock reading and another store. A window of calls needs a
//! shared word, in which every call takes its place with one compare-and-swap; a success that takes the place of another
//! writes nothing else. An average needs a lock, since it, too, is a fact about all threads together. Open: four loads and a
//! coarse clock reading. No allocation; but for averages and lumped failures no lock while closed or open.
//!
//! # What it tells
//! Each change of state once, in order, with what caused it, to [subscribers](Builder::on_change) and, with the feature
//! `tracing`, as an event of the target `core_breaker`. Numbers for metrics are in [`Snapshot`], the same for a page of JSON in [`Stats`],
//! and the last changes in a [`History`].
//!
//! # When somebody means harm
//! * **Whoever can make the callee fail can open the circuit**, for all who share it. Keep it from callers by what counts: their own
//!   mistakes are ignored, so classify what a request can bring about as what it is (an input that is refused is no failure of the callee). One
//!   tenant's failures stay its own with a breaker [for each key](Breaker::keyed), in bounded memory.
//! * **A fallback is used when somebody else chooses.** Check its answer as if it came from outside:
//!   [`CallError::or_valid`](core_policy::CallError::or_valid) returns the error in place of an answer that does not pass. Do not let it grant what the callee would have had
//!   to allow.
//! * **Who may operate it may take the service down, or its protection away.** The methods ask for a reason, which is in the [`Event`]; they
//!   are counted in [`Snapshot::orders`]; and a state that an operator chose is to be seen in [`Snapshot::state`]: alert on `ForcedOpen`,
//!   `ForcedClosed`, `Disabled` and `Shadow` that last, and on orders that nobody gave. Whatever exposes them over a network has to ask who is there.
//! * **Names, reasons and keys are told and logged**: no secrets in them. A key is cut to 128 bytes, a reason refused over 500.
//!
//! # Sources
//! M. Nygard, *Release It!*, 2007. Windows and minimum calls: resilience4j, Polly. k of n: failsafe-go. Averages and the longest of
//! several times: Finagle. Lumping: Semian. Isolation by handles: cockatiel. Rules CB-1 to CB-40 of this project.

mod average;
mod breaker;
mod call;
mod circuits;
mod config;
mod engine;
mod error;
mod event;
mod fleet;
mod history;
mod keyed;
mod opening;
mod operator;
mod outcome;
mod outlier;
mod plan;
mod presets;
mod reconfigure;
mod registry;
mod round;
mod rules;
mod saved;
mod share;
mod snapshot;
mod state;
mod stats;
#[cfg(feature = "tracing")]
mod trace;
mod window;
mod word;

use core_policy::sync;

pub use average::{Average, Decay};
pub use breaker::Breaker;
pub use call::CallState;
pub use circuits::{Circuits, KeyedSummary};
pub use config::Builder;
pub use error::ConfigError;
pub use event::{Event, Trigger};
pub use fleet::{Fleet, FleetBuilder, FleetStatus};
pub use history::History;
pub use keyed::KeyedBreaker;
pub use opening::{Hints, OpenTimes, Opening, Progression, RampUp};
pub use operator::Isolation;
pub use outlier::{
    ConsecutiveFailures, FailurePercentage, Finding, Host, HostChange, HostSnapshot, HostState, OutlierEvent,
    OutlierRules, OutlierSnapshot, OutlierTotals, Outliers, OutliersBuilder, Spared, SuccessRate,
};
pub use registry::Registry;
pub use rules::{Rule, Rules};
pub use saved::{Saved, SavedAverage, SavedBucket, SavedResult};
pub use share::{Lease, Leased, Peer, Report, Share, ShareError};
pub use snapshot::{Snapshot, Totals};
pub use state::{State, UnknownState};
pub use stats::Stats;
pub use window::{Span, Tally};
