//! All policies around one dependency, in the canonical order, checked when built.
//!
//! Make one pipeline for each thing you call, keep it for the life of the service, and share it by clone: its clones are
//! one. Reach for the policy crates themselves where one policy is all you need, and for [`Stack`] where you need another
//! order.
//!
//! ```
//! use core_breaker::Breaker;
//! use core_errors::Error;
//! use core_limit::Rate;
//! use core_pipeline::Pipeline;
//! use core_retry::{Budget, Retry};
//! use core_time::{ms, secs};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let payments = Pipeline::named("payments")
//!     .deadline(secs(2))                                   // the whole call; shortened by the caller's own deadline
//!     .retry(Retry::exponential(ms(50)..secs(1)).full_jitter().attempts(4).budget(&Budget::default()))
//!     .breaker(Breaker::rate(0.5).or_consecutive(8).window(secs(10)).min_calls(20))
//!     .limit(Rate::per_second(500).burst(50))
//!     .bulkhead(64)
//!     .attempt_timeout(ms(300))
//!     .build()?;
//!
//! let receipt = payments.call(|attempt| async move {
//!     let _ask_the_callee_to_hurry = attempt.remaining();
//!     Ok::<_, Error>("charged")
//! });
//! assert_eq!(receipt.await?, "charged");
//!
//! let rows = payments.call_blocking(|_| Ok::<_, Error>(3))?;       // the same state, without a runtime
//! assert_eq!(rows, 3);
//!
//! let permit = payments.admit()?;                                  // for streams and callbacks
//! permit.success();
//! # Ok(()) }
//! ```
//!
//! **Order.** deadline → retry → breaker → rate limit → bulkhead → attempt timeout → call. The deadline bounds everything;
//! each attempt asks breaker, limit and bulkhead anew; the timeout is of one attempt. A refusal by one policy is no
//! failure of the callee to another, and is not retried; an attempt that timed out is both.
//!
//! **Checks.** [`Builder::build`] refuses what could never work, such as an attempt that may take longer than the whole
//! call, and says why (rule PL-1).
//!
//! **Hedges.** [`Pipeline::hedged`] makes a second attempt for calls that take long, between retry and breaker. It asks for
//! closures that can be called while an earlier attempt is running, which is why it is a type of its own.
//!
//! **Other settings while calls go on.** [`Pipeline::reconfigure`] changes all of them or none, and keeps windows, circuits, slots and
//! calls that are under way (rule PL-2).
//!
//! **A pipeline for each key.** [`Pipeline::keyed`], for hosts, shards and tenants; bounded.
//!
//! **The caller's deadline.** A call never outlives the deadline of the current `core_context::Context`: it refuses
//! before any work when that has passed, and stops when it comes.
//!
//! # Cancel safety
//! Dropping a call gives back every slot and permit it holds, and the retry it had paid for; the attempt counts neither
//! as success nor as failure.
//!
//! # Cost
//! A policy that is not set costs a compare. Five policies around a call that is ready cost two coarse clock readings
//! and the words that rate limit and bulkhead must share; no allocation, no lock.

mod builder;
mod change;
mod checks;
mod describe;
mod error;
mod hedged;
mod keyed;
mod pipeline;
mod presets;

pub use builder::Builder;
pub use change::Change;
pub use core_policy::Stack;
pub use describe::{Description, Layer};
pub use error::ConfigError;
pub use hedged::HedgedPipeline;
pub use keyed::KeyedPipeline;
pub use pipeline::Pipeline;
