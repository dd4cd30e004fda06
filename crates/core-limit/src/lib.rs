//! Limits that decide in nanoseconds: how often, how many at once, for whom, and on which threads.
//!
//! | what is scarce | take | who is too many |
//! |---|---|---|
//! | calls in a time, by contract | [`Rate`], or [`SlidingWindow`] where the contract counts over a window | is refused, or waits for his turn |
//! | the same for each user, tenant, host | [`Rate`] with [`keyed`](RateBuilder::keyed), in tiers | is refused; others do not notice |
//! | slots, connections, memory: you know how many | [`Bulkhead`] | is refused, or waits in a bounded queue |
//! | what a callee can take: nobody knows how much | [`Adaptive`] | is refused |
//! | the patience of a callee that refuses already | [`Throttle`] | is held back, one as often as another |
//! | threads, for work that blocks or computes | `Executor` (feature `executor`) | is refused, or waits in a bounded queue |
//!
//! ```text
//!           how often                how many at once              on which threads
//! call ──▶ RateLimit ──▶ Bulkhead or Adaptive ──▶ the callee      Executor ──▶ io_worker0 …
//!            │  TAT            │ slots │ queue                     │ queue
//!            │                 │ CriticalPlus  ▓▓▓▓▓▓▓▓▓▓  1.0     │
//!            │                 │ Critical      ▓▓▓▓▓▓▓▓▓░  0.9     │
//!            │                 │ SheddablePlus ▓▓▓▓▓▓░░░░  0.6     │
//!            │                 │ Sheddable     ▓▓▓░░░░░░░  0.3     │
//!            ▼                 ▼                                   ▼
//!        Rejection: who, why, when it is worth coming back
//! ```
//!
//! ```
//! use core_errors::{Error, Reason};
//! use core_limit::{Adaptive, Bulkhead, Criticality, Rate};
//! use core_time::{ms, secs};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), core_limit::ConfigError> {
//! let limit = Rate::per_second(2).name("mail").build()?;        // two at once, then one each half second
//! assert!(limit.check().is_ok() && limit.check().is_ok());
//! let refused = limit.check().unwrap_err();
//! assert_eq!(refused.reason(), Reason::RateLimited);
//! assert!(refused.retry_after().unwrap() <= ms(500));           // when it is worth coming back
//!
//! let patient = Rate::per_second(100).smooth().max_wait(secs(1)).build()?;
//! for _ in 0..3 {
//!     patient.call(|_| async { Ok::<_, Error>("sent") }).await.unwrap();   // one each 10 ms
//! }
//!
//! let bulkhead = Bulkhead::max(64).queue(128).max_wait(ms(10)).name("payments").build()?;
//! assert_eq!(bulkhead.call(|_| async { Ok::<_, Error>("charged") }).await.unwrap(), "charged");
//! let on_a_thread = bulkhead.call_blocking(|_| Ok::<_, Error>("charged"));
//! assert!(on_a_thread.is_ok());
//! bulkhead.resize(32).unwrap();                                 // at once; calls that run go on
//!
//! let search = Adaptive::gradient().share(Criticality::Sheddable, 0.5).build()?;
//! let prefetch = search.with_criticality(Criticality::Sheddable);
//! assert!(prefetch.run(async { Ok::<_, Error>("found") }).await.is_ok());
//! # Ok(()) }
//! ```
//!
//! # The rules
//! * **Rate.** The generic cell rate algorithm: one moment tells when the bucket will be empty again. `burst` calls may come at
//!   once, then one each `period / n`. A refusal changes nothing and says after how long it would be admitted. Calls may be
//!   [reserved](RateLimit::reserve), [settled](RateLimit::settle) when their true cost is known, and
//!   [held off](RateLimit::penalise) when the callee asks for it. A [bursty](RateBuilder::bursty) rate counts by periods
//!   instead, a [`SlidingWindow`] over the time that ends now.
//! * **Keyed.** A bucket for each key in a bounded map; what is forgotten, and when, says [`KeyedMap`](core_policy::KeyedMap).
//! * **Bulkhead.** So many calls run; further ones are refused at once, or wait in a bounded queue for a bounded time: who
//!   is more important first, and then in the order in which they came, or the other way round.
//! * **Adaptive.** The limit follows from how long calls take; see [`Adaptive`] for which algorithm, and for what is learned
//!   from.
//! * **Throttle.** Requests, and those that were accepted, are counted over two minutes; what is more than twice as many is held
//!   back, a share of any few in a row. Ten times in that time the share is worked out again.
//! * **Criticality.** What is less important may fill less of a bulkhead or an adaptive limit, and so is refused first, at
//!   every load. A handle says it for its calls ([`Bulkhead::with_criticality`]); or each call brings it along in its context, also
//!   from another service (`by_context`, feature `context`).
//!
//! # Defaults, and why
//! | | default | because |
//! |---|---|---|
//! | burst of a rate | what its period allows | that is what a contract says; [`smooth`](RateBuilder::smooth) is kinder |
//! | max wait | none | whoever waits holds memory, and his caller waits as well |
//! | queue of a bulkhead that waits | as many as slots | with equal times the last in it waits for one call |
//! | order of the queue | who came first | it is fair; under overload [`lifo`](BulkheadBuilder::lifo) serves more callers in time |
//! | adaptive limit | 20, from 20 to 200; with Vegas from 1 to 1000 | those of its sources, and with fewer a few slow calls close the door |
//! | criticality | critical; all may fill all | nothing is shed unless somebody says what can be |
//! | executors | a thread for each core, ten for waiting, 100 places | computing gains nothing from more threads than cores |
//!
//! # Cancel safety
//! A dropped call gives its slot back, or leaves the queue; a slot that was handed to it at that moment goes to the next. A
//! call that waits for its turn gives the turn back if nobody came after it, and loses it otherwise, so that others keep
//! theirs. What was taken from a rate is not given back: the callee may have seen the call. To an adaptive limit a dropped
//! call says nothing. A job that is dropped before it began is not done.
//!
//! # Cost
//! A rate limit: a coarse clock reading (an exact one for bursts under 100 ms) and one compare-and-swap on the one word that
//! the rule needs. A key: besides, its hash, the lock of its shard, and a count. A bulkhead: one compare-and-swap to enter,
//! one to leave. Waiting in its queue allocates one small node. An adaptive limit: a coarse clock reading and the same two;
//! one call in a millisecond is measured, which takes a lock and two exact readings. A throttle: a coarse clock reading and
//! two counters of the thread's own, of which the first says who is held back. Nothing of this allocates, refusals included.
//! Threads share the word of a rate, and the counts of a bulkhead or adaptive limit, because their rules do.
//!
//! # Sources
//! ITU-T I.371 (GCRA); `redis_rate` and governor for its use as a limiter; failsafe-go for reservations; Cloudflare for the
//! sliding window; M. Nygard, *Release It!*, for bulkheads; B. Beyer et al., *Site Reliability Engineering*, 2016, ch. 21,
//! for throttles and criticality; Netflix's `concurrency-limits` for Vegas, AIMD and Gradient2. Rules RL-1 to RL-8, RL-9,
//! RL-10, RL-11, AL-1 to AL-6, BH-1 and TH-1 of this project.

mod adaptive;
mod bulkhead;
mod criticality;
mod error;
#[cfg(feature = "executor")]
mod executor;
mod importance;
mod keyed;
mod rate;
mod throttle;
mod window;

pub use adaptive::{
    Adaptive, Algorithm, Builder as AdaptiveBuilder, Flight, PartitionSnapshot, Snapshot as AdaptiveSnapshot,
};
pub use bulkhead::{Builder as BulkheadBuilder, Bulkhead, Snapshot as BulkheadSnapshot, WaitState};
pub use core_errors::Criticality;
pub use error::ConfigError;
#[cfg(feature = "executor")]
pub use executor::{
    Builder as ExecutorBuilder, Executor, Job, JobError, Snapshot as ExecutorSnapshot, StillRunning,
};
pub use keyed::{Builder as KeyedRateBuilder, KeyedRate, OfKey, Tier};
pub use rate::{Rate, RateBuilder, RateLimit, RateStats, Reservation, Taken, Turn};
pub use throttle::{Builder as ThrottleBuilder, Snapshot as ThrottleSnapshot, Throttle};
pub use window::{Builder as SlidingWindowBuilder, SlidingWindow};
