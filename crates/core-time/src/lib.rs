//! One clock: cheap monotonic reads, deadlines and sleeps, driven by hand in tests.
//!
//! Every policy of Genesis Kit holds a [`Clock`] and nothing else reads time. Reach for it wherever code waits,
//! measures or expires something and a test should be able to say what time it is. It is not for dates: nothing here
//! knows the wall clock.
//!
//! ```
//! use core_time::{ManualClock, ms};
//!
//! let time = ManualClock::new();
//! let clock = time.clock();                    // give this to the code under test
//! let start = clock.now();
//! time.advance(ms(700));
//! assert_eq!(clock.now() - start, ms(700));
//! ```
//!
//! * **Three sources, one type.** [`Clock::system`] in services, [`ManualClock`] in tests of logic, and with the
//!   feature `test-util` the system clock follows the paused clock of `#[tokio::test(start_paused = true)]`.
//! * **Three readings.** [`Clock::now`] is exact. [`Clock::now_coarse`] lags by up to [`Clock::tick`] and
//!   costs about a fifth. [`Clock::now_counted`] says how long something took, and costs half. [`Clock::reached`] is exact and costs
//!   a coarse reading unless the moment is a tick away.
//! * **Never backwards.** Arithmetic on [`Instant`] saturates: a clock that jumps back reads as "no time has passed",
//!   a sum that overflows reads as [`Instant::NEVER`] (rule W-5).
//! * **Cost.** One `clock_gettime` through the vDSO, no allocation, no lock; with the feature `counter` a counted reading asks the
//!   processor. A manual clock is one atomic load. A timer is set without a reading; an `Alarm` keeps it out of the future that waits.

#[cfg(feature = "tokio")]
mod alarm;
mod clock;
mod instant;
mod manual;
#[cfg(feature = "tokio")]
mod sleep;
mod spare;
mod system;
#[cfg(feature = "tokio")]
mod timers;

#[cfg(feature = "tokio")]
pub use alarm::Alarm;
pub use clock::Clock;
pub use instant::{Instant, ms, secs};
pub use manual::ManualClock;
#[cfg(feature = "tokio")]
pub use sleep::Sleep;
pub use spare::{Place, Spare};
