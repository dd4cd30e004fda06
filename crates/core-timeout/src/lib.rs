//! Timeouts that arm nothing for a call that is ready.
//!
//! [`Timeout::attempt`] bounds one attempt: put it inside retry and breaker. [`Timeout::total`] bounds a whole call with
//! all its retries and waits: put it outside. Every call to something that can hang should have both.
//!
//! ```
//! use core_errors::{Error, Reason};
//! use core_time::ms;
//! use core_timeout::Timeout;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), core_timeout::ConfigError> {
//! let timeout = Timeout::attempt(ms(20)).name("payments").build()?;
//!
//! let stuck = timeout.run(std::future::pending::<Result<(), Error>>()).await.unwrap_err();
//! assert_eq!(stuck.rejection().unwrap().reason(), Reason::TimedOut);
//!
//! // On a thread nothing can be interrupted: hand the time on to what does the work.
//! let limit = timeout.call_blocking(|attempt| Ok::<_, Error>(attempt.remaining()));
//! assert_eq!(limit.unwrap(), Some(ms(20)));
//! # Ok(()) }
//! ```
//!
//! * **When it fires.** The limit runs from the moment the call first has to wait. The call is polled first and the timer
//!   second, so a result that is ready when the limit comes is the result (rule TO-1).
//! * **What it says.** A `Rejection` of its own with limit and elapsed time, never an error that looks like the callee's.
//! * **What others make of it.** A timed-out attempt is retried and counts against a breaker; a call whose deadline has passed
//!   is not retried.
//!
//! # Cancel safety
//! When the limit passes, the attempt is dropped. Dropping the call drops attempt and timer.
//!
//! # Cost
//! An attempt that is ready at once: nothing but a compare; [`Timeout::total`] reads the coarse clock once. One that waits:
//! an exact clock reading and one timer, and a coarse reading each time it wakes.
//!
//! # Sources
//! Polly, `tokio::time::timeout`; rule TO-1 of this project.

mod config;
mod deadline;
mod env;
mod error;
mod gather;
mod operation;
mod policy;
mod profile;
mod timeouts;

pub use config::Builder;
pub use deadline::{Deadline, DeadlineState};
pub use error::ConfigError;
pub use gather::{Gather, Gathered, Part};
pub use operation::{Operation, Spec, Standard};
pub use policy::{CallState, Timeout};
pub use profile::Profile;
pub use timeouts::Timeouts;
