//! Timeouts that arm nothing for a call that is ready.
//!
//! | for | there is |
//! |---|---|
//! | a rule that lasts as long as the service | [`Timeout`] |
//! | one request and its parts, which never outlive it | [`Deadline`] |
//! | all limits of a service in one place, by operation, changed while it runs | [`Timeouts`], and [`process`] for those of the process |
//! | many futures, of which those count that are done in time | [`Deadline::gather`] |
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
//! ```text
//! request   |─────────────── total 60 s ───────────────|
//! model         |──────── 30 s ────────|
//! database                        |─ 10 s, but 4 s are left of the model's ─|
//! ```
//!
//! ```
//! use core_errors::Error;
//! use core_time::{Clock, ms, secs};
//! use core_timeout::Deadline;
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! let request = Deadline::after(secs(60), &Clock::system());
//! let legs = [ms(5), secs(90), ms(20)].map(|takes| async move {
//!     Clock::system().sleep(takes).await;
//!     takes
//! });
//! let parts = request.child(secs(10)).gather(legs).await;        // after 10 s: two of three
//! assert_eq!(parts.missing().collect::<Vec<_>>(), [1]);
//! # }
//! ```
//!
//! | default | is | because |
//! |---|---|---|
//! | limit of a [`Timeout`] | none, and it must be given | nobody else knows how long a call may take |
//! | longest limit | a day | more is a unit that was mixed up, or no limit at all |
//! | the caller's deadline | is not looked at | a look costs, and pipelines keep to it anyway |
//! | profile | `default` | production asks for its own: it is longer, and hides what is slow |
//! | futures of a gathering at once | 64 | each wake-up asks all that run |
//!
//! * **Limits of operations.** [`Standard`] operations have those of the
//!   profiles `default`, `production` and `test`, those of a service that is [`Serving`] requests the numbers of its guide. Each is read from
//!   the environment by [`Profile::from_env`], which refuses a variable that nobody reads.
//! * **When it fires.** The limit runs from the moment the call first has to wait. The call is polled first and the timer
//!   second, so a result that is ready when the limit comes is the result (rule TO-1).
//! * **What it says.** A `Rejection` of its own with limit and elapsed time, never an error that looks like the callee's.
//! * **What others make of it.** A timed-out attempt is retried and counts against a breaker; a call whose deadline has passed
//!   is not retried.
//!
//! * **The caller's deadline.** A [`Timeout`] takes no notice of that of the current `core_context::Context`, unless it is built with
//!   `within_context` (feature `context`); pipelines always keep to it. For one of [`Timeouts`], hand it in:
//!   `timeouts.within(&Deadline::at(instant, &clock), operation)`. [`Timeouts::run`] counts from the first poll, by the limit that was in
//!   force when it was made.
//!
//! # Cancel safety
//! When the limit passes, the attempt is dropped. Dropping the call drops attempt and timer; dropping a [`Gather`] drops all its
//! futures.
//!
//! # Cost
//! An attempt that is ready at once: nothing but a compare; [`Timeout::total`] reads the coarse clock once. One that waits:
//! an exact clock reading and one timer, in memory that the thread keeps, and a coarse reading each time it wakes and has to wait on. Making a [`Deadline`] reads the exact clock; a limit is
//! read out of [`Timeouts`] without a lock. [`Deadline::gather`] allocates once for each future.
//!
//! What is counted is counted when a limit is exceeded, and not before: [`Timeout::stats`] and [`exceeded`].
//!
//! # Sources
//! Polly, `tokio::time::timeout`, Go's contexts; rule TO-1 of this project.

mod config;
mod deadline;
mod env;
mod error;
mod exceeded;
mod gather;
mod limit;
mod operation;
mod policy;
mod process;
mod profile;
mod serving;
mod standard;
mod timeouts;

pub use config::Builder;
pub use deadline::Deadline;
pub use error::ConfigError;
pub use exceeded::exceeded;
pub use gather::{Gather, Gathered, Part};
pub use limit::{Limit, Span};
pub use operation::{Operation, Spec};
pub use policy::{CallState, Stats, Timeout};
pub use process::process;
pub use profile::Profile;
pub use serving::Serving;
pub use standard::Standard;
pub use timeouts::Timeouts;
