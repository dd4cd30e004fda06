//! A second attempt for calls that take longer than others, while the first goes on.
//!
//! Reach for it where a few calls are much slower than most for reasons that are not the request's own (a collection of garbage,
//! a slow disk, a lost packet) and a second replica would have answered by now. It needs calls that may be made twice. Do not hedge what
//! is slow because it is overloaded: the budget bounds that harm, and cannot make it useful.
//!
//! ```
//! use core_errors::Error;
//! use core_retry::{Budget, Hedge};
//! use core_time::{Clock, ms, secs};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), core_retry::ConfigError> {
//! let budget = Budget::default();                      // one for all calls to a service, shared with its retry
//! let hedge = Hedge::after(ms(30)).budget(&budget).name("search").build()?;
//!
//! let rows = hedge.call(|attempt| async move {
//!     // The first replica takes a second; whoever asks the second one has an answer at once.
//!     let takes = if attempt.is_hedge() { ms(5) } else { secs(1) };
//!     Clock::system().sleep(takes).await;
//!     Ok::<_, Error>(attempt.hedge())
//! });
//! assert_eq!(rows.await.unwrap(), 1);
//! assert_eq!((hedge.stats().hedges, hedge.stats().won), (1, 1));
//! # Ok(()) }
//! ```
//!
//! ```text
//! first  ────────────────────────────────▶ dropped
//!         │← delay →│ budget?
//! hedge             └──────────▶ answers: this is the result
//! ```
//!
//! | default | is | because |
//! |---|---|---|
//! | budget | none, and it must be given | a hedge without one doubles the load on a callee that is slow because it is overloaded |
//! | hedges of a call | 1 | a third attempt seldom answers before the second, and costs as much |
//! | which calls | all that may take effect twice | others would be done twice: by then both are on their way |
//! | calls before a quantile is used | 100 | of fewer p95 is the word of five calls |
//! | window of a quantile | 60 s | long enough for a quiet service to be known, short enough to follow a change |
//! | longest pause that is followed | 5 s | whoever waits longer is better served by the retry further out |
//! | when all failed | the last error | it is the freshest word of the callee |
//!
//! * **When a hedge is due.** So long after the attempt before it ([`Hedge::after`]); when the call takes longer than nineteen in twenty
//!   did lately ([`Hedge::after_p95`]), once enough have been seen; or only after a failure ([`Hedge::on_failure`]). A
//!   failure that may pass makes the next due at once in any case, or when the callee asks for it.
//! * **What ends the call.** The first success; a failure that would come again; all attempts having failed. The attempts that
//!   lost are dropped before the result is returned.
//! * **What does not.** A hedge that a policy further in refused, or that the budget did not allow: what runs goes on.
//! * **What a quantile is taken of.** The time of whole calls that succeeded. Attempts that lost are no samples. Two windows of half a
//!   minute take turns.
//! * **What it costs others.** At most one token of the [`Budget`](crate::Budget) for each hedge; the first attempt is always made.
//!   With the default budget that is one call in ten, in the long run.
//!
//! # With other policies
//! A hedge stands between retry and breaker: each of its attempts is admitted, timed and counted by itself.
//!
//! ```
//! use core_errors::Error;
//! use core_policy::Flatten;
//! use core_retry::{Budget, Hedge, Retry};
//! use core_time::{ms, secs};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), core_retry::ConfigError> {
//! let budget = Budget::default();
//! let retry = Retry::exponential(ms(50)..secs(1)).attempts(3).budget(&budget).build()?;
//! let hedge = Hedge::after_p95().budget_of_retry(&budget).build()?;
//!
//! // In place of the innermost closure goes a pipeline with breaker, limits and attempt timeout.
//! let result = retry
//!     .call(|attempt| hedge.call(|_| async { Ok::<_, Error>("row") }).within(attempt))
//!     .await
//!     .flatten_error();
//! assert_eq!(result.unwrap(), "row");
//! # Ok(()) }
//! ```
//!
//! # Other forms
//! Services of tower have `Hedge::layer` (feature `tower`), which hedges requests that can be cloned. For many hosts or shards there is
//! `HedgedPipeline::keyed` in `core-pipeline`.
//!
//! There is no blocking form. A thread cannot be interrupted, so the attempt that lost would go on, and hold its thread, for as long as it
//! likes: exactly where hedges are made, because attempts are slow, the threads would pile up, and a bound on them would refuse the hedge
//! when it is wanted. Call the hedge from a runtime, and what blocks by `spawn_blocking` on a pool that can stand it. Nor is there a permit by
//! hand: what a hedge decides is when a second attempt starts, and of that a permit knows nothing.
//!
//! # Cancel safety
//! Dropping the call drops all its attempts. To a breaker around each of them a dropped attempt is inconclusive.
//!
//! # Cost
//! A call that is ready at once: a counter of the thread's own, and one load for the budget; with a quantile, a coarse clock reading and
//! another counter. No timer, no allocation. One that waits: an exact clock reading and one timer, both what it remembers and the timer in
//! memory that the thread keeps. Each hedge is one allocation. The future is 40 bytes larger than the attempt and what makes it.
//!
//! # Sources
//! J. Dean and L. Barroso, *The Tail at Scale*, 2013; gRPC A6; Finagle's backup requests; rules HG-1, HG-2 and BG-6 of this
//! project.

mod call;
mod config;
mod hedges;
mod latency;
#[cfg(feature = "tower")]
mod layer;
mod parts;
mod policy;
mod schedule;
mod waiting;

pub use call::Hedged;
pub use config::HedgeBuilder;
#[cfg(feature = "tower")]
pub use layer::{HedgeLayer, HedgedService};
pub use policy::{Hedge, HedgeStats};
