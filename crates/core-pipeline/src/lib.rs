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
//! ```text
//! deadline ─▶ retry ─▶ [hedge] ─▶ breaker ─▶ rate limit ─▶ bulkhead ─▶ attempt timeout ─▶ call
//!    │          │         │          │            │            │              │
//!    │          │         │          └────────────┴────────────┴── once for each attempt
//!    │          │         └── more attempts beside the first, each through all that follows
//!    │          └── more attempts after the first
//!    └── bounds all of it, with the caller's own deadline
//! ```
//!
//! | default | is | because |
//! |---|---|---|
//! | policies | none: each slot is empty until it is set | what is right depends on the callee, and a slot that is empty costs a compare |
//! | name and clock | those of the pipeline, for all its policies | refusals and metrics say what was called |
//! | the caller's deadline | always kept | an answer that nobody waits for is work for nothing |
//! | a refusal | is not retried, and is no failure of the callee | it was made to keep load away; `retry_refusals` follows those that say when |
//! | settings | are held against each other when built and changed | what could never work is an error of the configuration (rule PL-1) |
//!
//! **Order.** deadline → retry → breaker → rate limit → bulkhead → attempt timeout → call. The deadline bounds everything;
//! each attempt asks breaker, limit and bulkhead anew; the timeout is of one attempt. A refusal by one policy is no
//! failure of the callee to another, and is not retried; an attempt that timed out is both.
//!
//! **Another order** is what [`Stack`] is for. It is taken as it is said, so know what each costs:
//!
//! | outside | inside | what that means |
//! |---|---|---|
//! | breaker | retry | it counts calls and not attempts, and a probe may be several; an open circuit is not asked again |
//! | bulkhead | retry | a call keeps its slot while it sleeps between attempts |
//! | rate limit | retry | attempts after the first are not counted: a callee in trouble gets more than the rate |
//! | attempt timeout | bulkhead that waits | waiting for a slot of ours is time of the attempt, which may be over before it began |
//! | attempt timeout | retry | it is a limit on the whole call |
//! | rate limit | breaker | calls that an open circuit refuses use up the rate |
//!
//! [`Stack::advice`] finds these pairs in a stack, in the words of the table: whoever wants none of them says so in a test, or when the
//! service starts.
//!
//! ```
//! use core_breaker::Breaker;
//! use core_pipeline::Stack;
//! use core_retry::Retry;
//! use core_time::ms;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (retry, breaker) = (Retry::fixed(ms(50)).build()?, Breaker::consecutive(5).build()?);
//! assert!(Stack::new(&retry, &breaker).advice().is_empty());
//!
//! let advice = Stack::new(&breaker, &retry).advice();
//! assert!(advice[0].to_string().starts_with("breaker outside retry: it counts calls and not attempts"));
//! # Ok(()) }
//! ```
//!
//! **Checks.** [`Builder::build`] refuses what could never work, such as an attempt that may take longer than the whole
//! call, a breaker that could never open, or hedges for which there is no slot, and says why (rule PL-1).
//!
//! **What it is made of.** [`Pipeline::describe`] says it, outermost first, for tests and for people (rule PL-4);
//! [`KeyedPipeline::summary`] adds up what the pipelines of all keys have counted.
//!
//! **Hedges.** [`Pipeline::hedged`] makes a second attempt for calls that take long, between retry and breaker. It asks for
//! closures that can be called while an earlier attempt is running, which is why it is a type of its own.
//!
//! ```
//! use core_errors::Error;
//! use core_pipeline::Pipeline;
//! use core_retry::{Budget, Hedge};
//! use core_time::{Clock, ms, secs};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let search = Pipeline::named("search").deadline(secs(1)).attempt_timeout(ms(300)).build()?;
//! let search = search.hedged(Hedge::after(ms(30)).budget(&Budget::default()))?;
//! let rows = search.call(|attempt| async move {
//!     Clock::system().sleep(if attempt.is_hedge() { ms(5) } else { ms(200) }).await;
//!     Ok::<_, Error>(attempt.hedge())
//! });
//! assert_eq!(rows.await?, 1);                                      // the second attempt overtook the first
//!
//! search.reconfigure(|c| c.hedge(|hedge| hedge.after(ms(50))))?;
//! assert!(search.reconfigure(|c| c.attempt_timeout(ms(40))).is_err()); // the hedge would never be made
//! # Ok(()) }
//! ```
//!
//! **Services of tower** (feature `tower`). `layer` for requests that can be cloned, `layer_once` (all but the retry) for those that
//! cannot, as axum, tonic and reqwest have them, and `layer` of a [`HedgedPipeline`].
//!
//! **Other settings while calls go on.** [`Pipeline::reconfigure`] changes all of them or none, and keeps windows, circuits, slots and
//! calls that are under way (rule PL-2).
//!
//! **A pipeline for each key.** [`Pipeline::keyed`], for hosts, shards and tenants; bounded.
//!
//! **The caller's deadline.** A call never outlives the deadline of the current `core_context::Context`: it refuses
//! before any work when that has passed, and stops when it comes.
//!
//! **An answer for the time being.** [`Pipeline::call_or`] has a fallback where the callee failed or a policy refused or stopped the call; for calls
//! with hedges there is [`or_else`](core_policy::or_else).
//!
//! ```
//! use core_errors::Error;
//! use core_pipeline::Pipeline;
//! use core_time::ms;
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let rates = Pipeline::named("rates").attempt_timeout(ms(100)).build()?;
//! let (hangs, last_known) = (|_| std::future::pending::<Result<f64, Error>>(), Some(1.08));
//! let rate = rates.call_or(hangs, async |error| error.or_valid(last_known, |rate| *rate > 0.0)).await?;
//! assert!(rate > 1.0);
//! # Ok(()) }
//! ```
//!
//! # When somebody means harm
//! * **What a caller can choose is a key**: [`keyed`](Pipeline::keyed) pipelines are bounded, and what one tenant breaks stays his, but for the budget
//!   of retries, also that of a policy with a name, which all keys share: it bounds what they all add, and one may use it up. A key is told in
//!   events, at most 128 bytes of it, and should be no secret.
//! * **Retries and hedges multiply what a caller sends**: give them a budget, which bounds that for all of them together, and put the rate limit
//!   where it is, inside.
//! * **A fallback is used when whoever can make the callee fail chooses.** Check its answer as if it came from outside, with
//!   [`CallError::or_valid`](core_policy::CallError::or_valid), and let it grant nothing.
//! * **What a callee asks for is bounded**: pauses to 300 s in a retry and to `hint_max` in a breaker. What it says of its failures makes no retry less safe unless it
//!   is trusted (`core-http`).
//! * **Whoever may call [`reconfigure`](Pipeline::reconfigure) or operate the breaker may take the service down.** See `core-breaker` for what
//!   to watch: states that were chosen, and the count of orders.
//!
//! # Cancel safety
//! Dropping a call gives back every slot and permit it holds, and the retry it had paid for; the attempt counts neither
//! as success nor as failure.
//!
//! # Cost
//! A policy that is not set costs a compare. Five policies around a call that is ready cost two coarse clock readings
//! and the words that rate limit and bulkhead must share; no allocation, no lock. A call that waits sets one timer, in memory that
//! the thread keeps (see [`Alarm`](core_time::Alarm)). With six policies its future is 256 bytes larger than its attempt, of which 152 are
//! what they remember of the call; hedged it is 256 bytes larger than the call that its first attempt is, and so 496 larger than that one's.
//!
//! # Sources
//! Polly's resilience pipelines and resilience4j's decorators; rules PL-1 to PL-4 of this project.

mod builder;
mod change;
mod checks;
mod describe;
mod error;
mod hedged;
#[cfg(feature = "tower")]
mod hedged_layer;
mod keyed;
#[cfg(feature = "tower")]
mod once_layer;
mod pipeline;
mod presets;
mod summary;

pub use builder::Builder;
pub use change::Change;
pub use core_policy::{Advice, Stack};
pub use describe::{Description, Layer};
pub use error::ConfigError;
pub use hedged::HedgedPipeline;
#[cfg(feature = "tower")]
pub use hedged_layer::{HedgedLayer, HedgedService};
pub use keyed::KeyedPipeline;
#[cfg(feature = "tower")]
pub use once_layer::SingleAttempt;
pub use pipeline::Pipeline;
pub use summary::{KeyedSummary, SlotTotals};
