//! Rate limits, bulkheads and throttles that decide in nanoseconds.
//!
//! A [`RateLimit`] bounds how often something is called, a [`Bulkhead`] how many calls run at once. Put a rate limit where
//! a callee or a contract says how much is too much; put a bulkhead around everything slow, so that it cannot take all
//! threads, connections or memory with it when it hangs. A [`Throttle`] holds back what a callee would refuse.
//!
//! ```
//! use core_errors::{Error, Reason};
//! use core_limit::{Bulkhead, Rate};
//! use core_time::ms;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), core_limit::ConfigError> {
//! let limit = Rate::per_second(2).name("mail").build()?;        // two at once, then one each half second
//! assert!(limit.check().is_ok() && limit.check().is_ok());
//! let refused = limit.check().unwrap_err();
//! assert_eq!(refused.reason(), Reason::RateLimited);
//! assert!(refused.retry_after().unwrap() <= ms(500));           // when it is worth coming back
//!
//! let bulkhead = Bulkhead::max(64).queue(128).max_wait(ms(10)).name("payments").build()?;
//! assert_eq!(bulkhead.call(|_| async { Ok::<_, Error>("charged") }).await.unwrap(), "charged");
//! let on_a_thread = bulkhead.call_blocking(|_| Ok::<_, Error>("charged"));
//! assert!(on_a_thread.is_ok());
//! # Ok(()) }
//! ```
//!
//! * **Rate.** The generic cell rate algorithm: one moment tells when the bucket will be empty again. `burst` calls may come at
//!   once, then one each `period / n`. A refusal changes nothing and says after how long it would be admitted.
//! * **Bulkhead.** So many calls run; further ones are refused at once, or wait in a bounded queue in the order in which they
//!   came, for a bounded time.
//!
//! * **Throttle.** Requests, and those that were accepted, are counted over two minutes; what is more than twice as many is held
//!   back, by lot. Ten times in that time the share is worked out again.
//!
//! # Cancel safety
//! A dropped call gives its slot back, or leaves the queue; a slot that was handed to it at that moment goes to the next. What
//! was taken from a rate is not given back: the callee may have seen the call.
//!
//! # Cost
//! A rate limit: a coarse clock reading (an exact one for bursts under 100 ms) and one compare-and-swap on the one word that
//! the rule needs. A bulkhead: one compare-and-swap to enter, one to leave. Waiting allocates one small node. A
//! throttle: a coarse clock reading and two counters of the thread's own; a random number only while something is held back.
//!
//! # Sources
//! ITU-T I.371 (GCRA); `redis_rate` and governor for its use as a limiter; M. Nygard, *Release It!*, for bulkheads; B. Beyer
//! et al., *Site Reliability Engineering*, 2016, ch. 21, for throttles. Rules
//! RL-1, RL-2, RL-6, RL-10, BH-1 and TH-1 of this project.

mod adaptive;
mod bulkhead;
mod criticality;
mod error;
#[cfg(feature = "executor")]
mod executor;
mod keyed;
mod rate;
mod throttle;
mod window;

pub use adaptive::{Adaptive, Algorithm, Builder as AdaptiveBuilder, Flight, Snapshot as AdaptiveSnapshot};
pub use bulkhead::{Builder as BulkheadBuilder, Bulkhead, Snapshot as BulkheadSnapshot, WaitState};
pub use criticality::Criticality;
pub use error::ConfigError;
#[cfg(feature = "executor")]
pub use executor::{
    Builder as ExecutorBuilder, Executor, Job, JobError, Snapshot as ExecutorSnapshot, StillRunning,
};
pub use keyed::{Builder as KeyedRateBuilder, KeyedRate, OfKey, Tier};
pub use rate::{Rate, RateBuilder, RateLimit, RateStats, Reservation, Taken, Turn};
pub use throttle::{Builder as ThrottleBuilder, Snapshot as ThrottleSnapshot, Throttle};
pub use window::{Builder as SlidingWindowBuilder, SlidingWindow};
