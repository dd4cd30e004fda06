//! Where the time of an execution went: nested stages, sampling, percentiles, and what runs now.
//!
//! ```
//! use core_track::Tracker;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let tracker = Tracker::builder().sample_rate(0.1).build()?;
//!
//! let receipt = tracker
//!     .call("checkout", "order-17", async {
//!         let load = core_track::stage("LOAD");                // belongs to the execution around it
//!         let cache = load.stage("CACHE_LOOKUP");              // 1.1_CACHE_LOOKUP, inside 1_LOAD
//!         drop(cache);
//!         drop(load);
//!         core_track::stage("CHARGE").call(pay()).await        // ends as the result says
//!     })
//!     .await?;
//!
//! let stats = tracker.stats();
//! assert_eq!(stats[0].operation, "checkout");
//! assert_eq!(stats[0].stages.len(), 3);
//! # let _ = receipt; Ok(()) }
//! # async fn pay() -> Result<u32, core_errors::Error> { Ok(1) }
//! ```
//!
//! Reach for it to know which part of a request is slow, and what a request that hangs is doing. Do not reach for it to follow a request
//! through other services: that is what a trace is for, whose ids stand in every summary.
//!
//! * **A stage belongs to its execution**, by handle or by the [`Context`](core_context::Context) it runs in, however many
//!   run at once. Nothing is kept on a thread.
//! * **Sampling is decided by a hash of the id**, so that it is the same everywhere and exact at any rate. Default: 10 %. Whatever
//!   the rate, executions that failed or were slow are kept with all of their stages, and those whose context says [`Keep`]
//!   ([`Kept`]).
//! * **Success, failure and cancellation are three things** ([`Outcome`]). A failure has the category and the code of its
//!   [`Classify`](core_errors::Classify) error, in the summary, in the line and in what runs now. What is not an error that says what it
//!   is goes through [`Error::convert`](core_errors::Error::convert) or [`ResultExt::or_convert`](core_errors::ResultExt::or_convert), a
//!   boxed one is known by its chain, and mere words have [`fail_text`](Stage::fail_text).
//! * **Figures are of all executions**, sampled or not: counts, failures, cancellations, and percentiles of what was not cancelled
//!   that are off by at most 1/32, since the start, of the last minute or two, and of the last ten or twenty ([`Tracker::stats`]).
//! * **What runs now** is listed with its current stage and the first that failed ([`Tracker::live`]), and warned of when it runs for too
//!   long ([`Tracker::warn_stuck`]; with the feature `tokio`, `Tracker::watch` does so in a task).
//! * **One line for each execution**, as a `tracing` event in its context ([`CanonicalLine`]), whether it is kept or not; a [`Sink`] gets the
//!   summaries of those that are.
//!
//! Everything has a bound: stages of an execution (256, 32 deep) and notes (64), executions that are listed (10 000) and kept (256),
//! operations (128) and stages with figures of their own (64 of an operation or as many as [are set](Builder::stage_names_max), 1024 of all).
//! What is beyond is counted as `omitted`, or under `(other)`, which is told once as a warning.
//!
//! # What came of a stage
//! What was [said](Stage::fail) of it, or what the result was that it [judged](Stage::judge), [ran](Stage::run) or [called](Stage::call).
//! Where nobody said anything, how it is dropped tells:
//!
//! | it is dropped | it |
//! |---|---|
//! | by a panic | failed |
//! | with a future that had not ended and was in a scope, as one whose task was aborted | was cancelled |
//! | with an attempt that a policy stopped: at a limit on time, or because a hedge was faster | was cancelled |
//! | before its [`call`](Stage::call) or its [`in_stage`] had ended | was cancelled |
//! | in any other way | succeeded |
//! | never, as one that is leaked | still runs, and is no sample |
//!
//! Whoever stops a future says so by [`cut_off`](core_errors::cut_off): scopes and tasks of `core-context`, and all policies. Of one that is
//! in no scope of its own and that others drop, by `select!` or `tokio::time::timeout`, nobody knows: [`in_stage`] is for these.
//!
//! # Dropping
//! A [`Stage`] ends when it is dropped, as above. An [`Execution`] that is dropped before [`finish`](Execution::finish) or
//! [`fail`](Execution::fail) was cancelled, or failed if that is by a panic. A [`Tracker`] may be dropped while executions of it run: what
//! they share with it goes with the last of them.
//!
//! # Cost
//! A stage: two readings of the counter of the processor, where it has a steady one, and one word that other threads may write too. It takes no
//! lock, and allocates nothing until there are more than sixteen. But the first of a name makes its figures (256 bytes for each
//! thread that may count for itself, and 1 KiB more for each that does, by size, up to 42), and the first after each window keeps
//! what was counted until then. [`stage`] costs a look into the context and a reference more than [`Execution::stage`]. An execution: one
//! allocation for itself and one for its id; a summary is made only of one that is kept. Its line costs the check whether anybody listens, and
//! where somebody does about what four or five lines of `core-log` do (`cargo xtask icount track`, beside `log/line`).

mod aggregate;
mod arena;
mod config;
mod current;
mod error;
mod execution;
mod failure;
mod latency;
mod line;
mod live;
mod notes;
mod outcome;
mod sample;
mod sink;
mod stage;
mod stats;
mod stuck;
mod summary;
mod text;
mod tracker;
mod window;

pub use config::Builder;
pub use current::{Keep, in_stage, stage};
pub use error::ConfigError;
pub use execution::Execution;
pub use line::CanonicalLine;
pub use live::Live;
pub use outcome::Outcome;
pub use sample::SampleRate;
pub use sink::Sink;
pub use stage::Stage;
pub use stats::{Durations, OperationStats, Percentiles, Recent, StageStats};
pub use summary::{FailedStage, Kept, StageSummary, Summary};
pub use tracker::Tracker;
