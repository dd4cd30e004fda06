//! The contract of everything that wraps a call: one verdict, one refusal, one driver, one tower adapter.
//!
//! A [`Policy`] never runs a call. It is asked before an attempt ([`admit`](Policy::admit)), told what came of it
//! ([`settle`](Policy::settle)), and told when the call was dropped ([`abandon`](Policy::abandon)); time and outcomes go
//! in, decisions come out. Around that stand three thin shells, the same for every policy:
//!
//! * [`Call`]: a future, without boxing or allocation. Policies offer it as `policy.call(|attempt| …)`.
//! * [`call_blocking`]: the same decisions for code without a runtime.
//! * [`Permit`]: one admission, for streams and callbacks. Dropped without an outcome it gives everything back.
//!
//! With the feature `tower` there is one `Layer` for every policy. [`Stack`] puts a policy around another; it
//! is a policy too, and so is an `Option` of one; [`Stack::advice`] tells what is known against an order. All shells return the flat [`CallError`].
//!
//! [`KeyedMap`] has one policy for each host, user or tenant, in bounded memory.
//!
//! Reach for this crate to write a policy of your own; to use one, take its crate, or `core-pipeline` for all of them.
//!
//! ```text
//!                                      ┌────── again ──────┐
//! call ─▶ begin ─▶ admit ─ run ─▶ attempt ─▶ judge ─▶ settle ─ finish ─▶ the result
//!                  │   ▲  │                                  └ give up ─▶ Exhausted, with the last error and why
//!            sleep └───┘  └ refuse ─▶ Rejected: who, why, when to come back
//!            or park
//! ```
//!
//! A policy of one's own says yes or no, and hears what came of it; all shells follow from that:
//!
//! ```
//! use std::sync::atomic::{AtomicBool, Ordering};
//!
//! use core_errors::Error;
//! use core_policy::{
//!     Admit, AtMostOnce, Attempt, ByClass, Call, Cx, Name, Next, Outcome, Policy, PolicyKind, Reason, Rejection,
//!     call_blocking,
//! };
//! use core_time::Clock;
//!
//! /// A switch by the door.
//! struct Switch {
//!     is_on: AtomicBool,
//!     clock: Clock,
//! }
//!
//! impl Policy for Switch {
//!     type State = ();
//!
//!     fn clock(&self) -> &Clock { &self.clock }
//!     fn begin(&self) {}
//!     fn admit(&self, (): &mut (), _: &mut Cx<'_>) -> Admit {
//!         if self.is_on.load(Ordering::Relaxed) { return Admit::Run }
//!         Admit::Refuse(Rejection::new(PolicyKind::Bulkhead, Name::UNNAMED, Reason::ShutDown))
//!     }
//!     fn settle(&self, (): &mut (), _: &Outcome<'_>, _: &mut Cx<'_>) -> Next { Next::Finish }
//!     fn abandon(&self, (): &mut ()) {}
//! }
//!
//! impl AtMostOnce for Switch {}
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let switch = Switch { is_on: AtomicBool::new(true), clock: Clock::system() };
//! let answer = Call::new(&switch, |attempt: Attempt| async move { Ok::<_, Error>(attempt.number().get()) }, ByClass);
//! assert_eq!(answer.await.unwrap(), 1);
//!
//! switch.is_on.store(false, Ordering::Relaxed);
//! let refused = call_blocking(&switch, |_| Ok::<_, Error>(1), &ByClass, None).unwrap_err();
//! assert_eq!(refused.rejection().unwrap().reason(), Reason::ShutDown);
//! # }
//! ```
//!
//! | default | is | because |
//! |---|---|---|
//! | judge | [`ByClass`]: every `Ok` is a success, errors classify themselves | one verdict for all policies around a call |
//! | a refusal further in | is told to those further out as what it is | it says nothing of the callee, so no breaker counts it |
//! | an exhausted call | is permanent to a retry further out | attempts of nested retries would multiply |
//! | a panic | is a failure, and goes on | hiding it would hide a bug |
//! | a call that is given up | is inconclusive | who went away says nothing of the callee |
//!
//! # Cancel safety
//! Dropping a [`Call`] at any point gives back every slot and permit it holds. The attempt counts neither as success nor
//! as failure. A panic of the call counts as a failure and goes on.
//!
//! # Cost
//! A call that is ready at once costs what its policies cost: the driver reads no clock, arms no timer and allocates
//! nothing. A call that has to wait costs one exact clock reading and, if a limit on time applies, one timer, whose memory threads keep for
//! the next: it allocates only where the thread keeps none.

mod advice;
mod attempt;
mod blocking;
mod call;
mod call_error;
mod counters;
mod cx;
mod driver;
mod fallback;
mod judge;
mod key_text;
mod keyed;
#[doc(hidden)]
pub mod methods;
mod near;
mod notify;
mod past;
mod permit;
mod phase;
mod place;
mod policy;
mod quietly;
mod rng;
mod stack;
pub mod stripes;
#[doc(hidden)]
pub mod sync;
#[cfg(feature = "tower")]
pub mod tower;

pub use advice::{Advice, Role};
pub use attempt::Attempt;
pub use blocking::call_blocking;
pub use call::{Call, Given, Op};
pub use call_error::{CallError, Flatten, Why};
pub use core_errors::{Cause, Classify, Delivery, Name, PolicyKind, Reason, Recovery, Rejection, Verdict};
pub use counters::Counters;
pub use cx::Cx;
pub use fallback::or_else;
pub use judge::{ByClass, Classified, Judge};
pub use key_text::key_text;
pub use keyed::{Keyed, KeyedError, KeyedMap, KeyedStats, KeysFull};
#[doc(hidden)]
pub use near::near;
pub use notify::{Follows, Notify, Tried};
pub use past::Past;
pub use permit::Permit;
#[doc(hidden)]
pub use place::place;
pub use policy::{Admit, AtMostOnce, Next, Outcome, Policy};
#[doc(hidden)]
pub use quietly::quietly;
pub use rng::Rng;
pub use stack::{Stack, StackState};
