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
//! is a policy too, and so is an `Option` of one. All shells return the flat [`CallError`].
//!
//! [`KeyedMap`] has one policy for each host, user or tenant, in bounded memory.
//!
//! Reach for this crate to write a policy of your own; to use one, take its crate, or `core-pipeline` for all of them.
//!
//! # Cancel safety
//! Dropping a [`Call`] at any point gives back every slot and permit it holds. The attempt counts neither as success nor
//! as failure. A panic of the call counts as a failure and goes on.
//!
//! # Cost
//! A call that is ready at once costs what its policies cost: the driver reads no clock, arms no timer and allocates
//! nothing. A call that has to wait costs one exact clock reading and, if a limit on time applies, one timer.

mod attempt;
mod blocking;
mod call;
mod call_error;
mod counters;
mod cx;
mod driver;
mod judge;
mod keyed;
#[doc(hidden)]
pub mod methods;
mod permit;
mod policy;
mod rng;
mod stack;
pub mod stripes;
#[doc(hidden)]
pub mod sync;
#[cfg(feature = "tower")]
pub mod tower;

pub use attempt::Attempt;
pub use blocking::call_blocking;
pub use call::{Call, Op, Ready};
pub use call_error::{CallError, Flatten, Why};
pub use core_errors::{Cause, Classify, Delivery, Name, PolicyKind, Reason, Recovery, Rejection, Verdict};
pub use counters::Counters;
pub use cx::Cx;
pub use judge::{ByClass, Classified, Judge};
pub use keyed::{Keyed, KeyedError, KeyedMap, KeyedStats, KeysFull};
pub use permit::Permit;
pub use policy::{Admit, AtMostOnce, Next, Outcome, Policy};
pub use rng::Rng;
pub use stack::{Stack, StackState};
