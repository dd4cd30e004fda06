//! Retries with backoff, jitter, a budget and a deadline; and [hedges](hedge), which do not wait for the failure.
//!
//! Put a retry around a call whose failures are often short: connections that break, timeouts, overload. Do not put one
//! around what is not idempotent, nor retries around retries: an exhausted call is permanent to a retry further out.
//!
//! ```
//! use core_errors::Error;
//! use core_retry::{Budget, Retry};
//! use core_time::{ms, secs};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), core_retry::ConfigError> {
//! let budget = Budget::default();                       // one for all calls to a service
//! let retry = Retry::exponential(ms(1)..secs(1)).full_jitter().attempts(4).budget(&budget).name("payments").build()?;
//!
//! let third = retry.call(|attempt| async move {
//!     if attempt.number().get() < 3 { Err(Error::network("hung up")) } else { Ok("charged") }
//! });
//! assert_eq!(third.await.unwrap(), "charged");
//!
//! // The same on a thread.
//! let wrong = retry.call_blocking(|_| Err::<(), _>(Error::validation("no such order")));
//! assert!(wrong.unwrap_err().inner().is_some());        // tried once: it would fail again
//! # Ok(()) }
//! ```
//!
//! ```text
//! attempt ─ fails ─▶ worth another? ─▶ one left? ─▶ in time? ─▶ budget? ─▶ sleep ─▶ attempt
//!                      │ no: the error   │ no          │ no        │ no: Exhausted, with the error and why
//! ```
//!
//! | default | is | because |
//! |---|---|---|
//! | attempts | 3 | what a third attempt does not mend is seldom mended by a fourth |
//! | jitter | full | callers that failed together come back apart |
//! | budget | none | one must be shared by all calls to a service, which only their owner knows; a policy with a name has its own |
//! | longest pause that is followed | 300 s | more is an error of the callee |
//! | may be made twice | yes | say [`Builder::not_idempotent`] where that does harm |
//! | refusals of policies further in | not retried | they were made to keep load away |
//!
//! * **What is retried.** Verdicts that may succeed next time, and attempts that timed out. Refusals of policies further in are
//!   not, unless [`Builder::retry_refusals`] says so and they tell when to come back.
//! * **When.** After the [`Backoff`]; later if the callee asked for it, by up to 5 s. Never so late that the deadline would
//!   pass. The sleep never ends early.
//! * **What is no attempt.** A request of which the client [knows](core_policy::Delivery) that it never left, until the deadline;
//!   one that the callee refused unprocessed, once. It is made anew whatever the budget says. The first time at once, then after the
//!   delays of the backoff.
//! * **What may be made twice.** A failure after which the call may have taken effect is retried only if that does no harm, which is what
//!   is assumed; [`Builder::not_idempotent`] says otherwise.
//! * **How often.** `attempts` is the total number of calls. With a [`Budget`], retries stop while most calls fail.
//! * **Who hears of it.** [`Builder::on_retry`] and [`Builder::on_give_up`] hear of all calls, whatever their errors are, and so see what kind
//!   of error it was, and not the error. [`Retry::notify`] is for the calls of one type, with the error itself. All are called after
//!   failures only.
//! * **What comes of it.** The last error itself, with the number of attempts, the time, and what ended them. A value that its judge would
//!   rather have tried again comes back as the value it is; [`Builder::on_give_up`] hears how hard it was tried.
//!
//! [`Retry::standard`] and its sisters are policies with names and numbers for those who would rather not choose. For loops of
//! your own, [`Retry::delays`] and [`Backoff::delays`] are iterators.
//!
//! # Cancel safety
//! Dropping the call ends it at once; no attempt follows. What was taken from the budget for a retry that never started is
//! given back.
//!
//! # Cost
//! A call whose first attempt succeeds: a counter of the thread's own, and one load if there is a budget. No clock, no
//! random number. An [`in_flight`](Budget::in_flight) budget adds two writes to a word that all threads share.
//!
//! # Sources
//! M. Brooker, *Exponential Backoff and Jitter*, 2015, and *Fixing retries with token buckets*, 2022; gRPC A6; rules RT-1
//! to RT-12 and BG-1 to BG-8 of this project.

mod backoff;
mod budget;
mod config;
mod delays;
mod error;
mod event;
mod failure;
pub mod hedge;
mod policy;
mod presets;
mod rules;
mod state;
mod stats;
mod testing;
mod transparent;

pub use backoff::{Backoff, Growth, Jitter};
pub use budget::{Budget, BudgetStats, Paid};
pub use config::Builder;
pub use core_policy::{Follows, Tried};
pub use delays::Delays;
pub use error::ConfigError;
pub use event::Event;
pub use hedge::{Hedge, HedgeBuilder, HedgeStats, Hedged};
pub use policy::Retry;
pub use state::CallState;
pub use stats::Stats;
pub use testing::Testing;
