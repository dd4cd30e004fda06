use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};

use core_context::Context;
use core_errors::{Cause, PolicyKind, Rejection, Verdict};
use core_policy::{
    Admit, Attempt, ByClass, Call, CallError, Classify, Cx, Judge, Next, Op, Outcome, Policy, Stack,
};
use core_retry::{Hedge, HedgeBuilder, Hedged, Retry};
use core_time::{Clock, Instant};
use core_timeout::Timeout;
use pin_project_lite::pin_project;

use crate::change::{Busy, Change, Step};
use crate::checks;
use crate::describe::{Description, Layer};
use crate::error::{ConfigError, Kind};
use crate::pipeline::{Once, Pipeline};

/// A pipeline that makes a second attempt for calls that take long, while the first goes on. Made by [`Pipeline::hedged`]. Cheap to
/// clone.
///
/// deadline → retry → **hedge** → breaker → rate limit → bulkhead → attempt timeout → call: each of the attempts passes the latter
/// policies by itself. One that lost is inconclusive to the breaker, and its slot is free before the result is returned.
///
/// It shares all state with the pipeline that it was made of, which goes on to be used for calls that must not be hedged.
///
/// ```
/// use core_breaker::Breaker;
/// use core_errors::Error;
/// use core_pipeline::Pipeline;
/// use core_retry::{Budget, Hedge, Retry};
/// use core_time::{ms, secs};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let search = Pipeline::named("search")
///     .deadline(secs(2))
///     .retry(Retry::exponential(ms(50)..secs(1)).attempts(3).budget(&Budget::default()))
///     .breaker(Breaker::rate(0.5).window(secs(10)).min_calls(20))
///     .attempt_timeout(ms(300))
///     .build()?;
/// let search = search.hedged(Hedge::after_p95())?;                 // out of the budget of the retry
///
/// let rows = search.call(|attempt| async move {
///     let _mark_the_request = attempt.is_hedge();
///     Ok::<_, Error>(3)
/// });
/// assert_eq!(rows.await?, 3);
/// # Ok(()) }
/// ```
///
/// # Cost
/// Two calls one within the other: somewhat less than twice what the pipeline costs, and no allocation until a hedge starts. The
/// future is at most 256 bytes larger than what it calls, which is the call of an attempt through four policies, and that is at most 256
/// larger than the attempt: 496 bytes in all, and three times what the closure captures, as each call makes its attempts by itself.
#[derive(Clone)]
pub struct HedgedPipeline {
    pipeline: Pipeline,
    hedge: Arc<Hedge>,
}

pin_project! {
    /// A call around a call, whose error is made flat: that of the inner one, if there is one.
    struct Flat<C> {
        #[pin]
        call: C,
    }
}

/// What is around all attempts: deadline and retry, and the deadline of the current context.
struct Around<'a>(&'a Pipeline);

// === impl Pipeline ===

impl Pipeline {
    /// This pipeline with a hedge between retry and breaker, as in `pipeline.hedged(Hedge::after_p95())`. Name and clock are those of
    /// the pipeline; so is the budget, if its retry has one and the hedge none.
    ///
    /// # Errors
    /// If the hedge cannot be built, or could never be made; see [`ConfigError`], which says what would be right. Also if another thread
    /// is changing the pipeline in this moment and does not come to an end.
    pub fn hedged(&self, hedge: HedgeBuilder) -> Result<HedgedPipeline, ConfigError> {
        let hedge = hedge.name(self.name().as_str()).clock(self.own_clock().clone());
        let hedge = match self.retry() {
            Some(retry) if !retry.is_idempotent() => return Err(ConfigError(Kind::HedgeOfUnrepeatable)),
            Some(retry) => hedge.under(retry),
            None => hedge,
        };
        let hedge = Arc::new(hedge.build()?);
        let _turn = Busy::enter_in_turn(self.busy())?;
        checks::check_hedge(&self.plan(), &hedge.to_builder())?;
        self.add_hedge(&hedge);
        Ok(HedgedPipeline { pipeline: self.clone(), hedge })
    }
}

// === impl HedgedPipeline ===

impl HedgedPipeline {
    /// Runs a call. `op` makes the future of each attempt, also while another is running, and is cloned for each: a closure that
    /// captures references or reference counts is cheap to clone.
    ///
    /// # Errors
    /// The call's own error or a policy's refusal, see [`CallError`].
    ///
    /// # Cancel safety
    /// Dropping the future drops all attempts and gives back what they hold.
    pub fn call<T, E, F, O>(&self, op: O) -> impl Future<Output = Result<T, CallError<E>>>
    where
        E: Classify,
        F: Future<Output = Result<T, E>>,
        O: Fn(Attempt) -> F + Clone,
    {
        Flat { call: Call::new(Around(&self.pipeline), Attempts { hedged: self, op }, Seen) }
    }

    /// Goes by other settings from now on, those of the hedge among them, as in
    /// `search.reconfigure(|c| c.deadline(secs(1)).hedge(|hedge| hedge.after(ms(20)).max(2)))`: see [`Pipeline::reconfigure`].
    ///
    /// # Errors
    /// As there.
    pub fn reconfigure(&self, change: impl FnOnce(Change) -> Change) -> Result<(), ConfigError> {
        self.apply(&change(Change::default()), None)
    }

    pub(crate) fn apply(&self, change: &Change, step: Option<Step>) -> Result<(), ConfigError> {
        self.pipeline.apply(change, Some(&self.hedge), step)
    }

    /// The pipeline without the hedge.
    #[must_use]
    pub fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    /// The hedge.
    #[must_use]
    pub fn hedge(&self) -> &Hedge {
        &self.hedge
    }

    /// What it consists of, outermost first (rule PL-4).
    #[must_use]
    pub fn describe(&self) -> Description {
        let mut description = self.pipeline.describe();
        let around = |layer: &Layer| matches!(layer.kind, PolicyKind::Deadline | PolicyKind::Retry);
        let at = description.layers.iter().take_while(|layer| around(layer)).count();
        description.layers.insert(at, Layer { kind: PolicyKind::Hedge, text: self.hedge.to_string() });
        description
    }
}

// === impl Judge ===

/// Knows refusals of the policies around each attempt from failures of the callee, so that the retry treats them as it does without a hedge.
struct Seen;

impl<T, E: Classify> Judge<T, CallError<E>> for Seen {
    fn judge(&self, result: &Result<T, CallError<E>>) -> Verdict {
        ByClass.judge(result)
    }

    fn cause(&self, result: &Result<T, CallError<E>>) -> Option<Cause> {
        ByClass.cause(result)
    }

    fn refusal<'r>(&self, result: &'r Result<T, CallError<E>>) -> Option<&'r Rejection> {
        result.as_ref().err().and_then(CallError::rejection)
    }
}

// === impl Op ===
// Types with names, each with its own clone of the closure: of what an async block borrows the compiler cannot show that it is `Send`.

/// What the retry calls: a hedged attempt.
struct Attempts<'a, O> {
    hedged: &'a HedgedPipeline,
    op: O,
}

/// What the hedge calls: an attempt that passes the policies further in.
struct Passing<'a, O> {
    pipeline: &'a Pipeline,
    op: O,
}

/// What those policies call: the closure, with what is left of all limits.
struct Merging<'a, O> {
    op: O,
    clock: &'a Clock,
    attempt: Attempt,
    ends: Option<Instant>,
}

/// An attempt that passes the policies further in.
type Passed<'a, O, F> = Call<&'a Once, Merging<'a, O>, F, ByClass>;

impl<'a, T, E, F, O> Op<T, CallError<E>> for Attempts<'a, O>
where
    E: Classify,
    F: Future<Output = Result<T, E>>,
    O: Fn(Attempt) -> F + Clone,
{
    type Future = Flat<Hedged<&'a Hedge, Passing<'a, O>, Passed<'a, O, F>, ByClass>>;

    fn attempt(&mut self, attempt: Attempt) -> Self::Future {
        let passing = Passing { pipeline: &self.hedged.pipeline, op: self.op.clone() };
        Flat { call: self.hedged.hedge.call_op(passing).within(attempt) }
    }
}

impl<'a, T, E, F, O> Op<T, CallError<E>> for Passing<'a, O>
where
    E: Classify,
    F: Future<Output = Result<T, E>>,
    O: Fn(Attempt) -> F + Clone,
{
    type Future = Passed<'a, O, F>;

    fn attempt(&mut self, attempt: Attempt) -> Self::Future {
        let clock = self.pipeline.own_clock();
        let ends = attempt.remaining().map(|left| clock.now_coarse() + left);
        Call::new(self.pipeline.once(), Merging { op: self.op.clone(), clock, attempt, ends }, ByClass)
    }
}

impl<T, E, F, O> Op<T, E> for Merging<'_, O>
where
    F: Future<Output = Result<T, E>>,
    O: Fn(Attempt) -> F + Clone,
{
    type Future = F;

    fn attempt(&mut self, within: Attempt) -> F {
        // It may have waited for a slot meanwhile.
        let left = self.ends.map(|ends| ends - self.clock.now_coarse());
        let remaining = match (left, within.remaining()) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        (self.op)(self.attempt.hedged(self.attempt.hedge(), remaining))
    }
}

impl<T, E, C> Future for Flat<C>
where
    C: Future<Output = Result<T, CallError<CallError<E>>>>,
{
    type Output = Result<T, CallError<E>>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        self.project().call.poll(cx).map_err(CallError::flatten)
    }
}

impl Policy for Around<'_> {
    type State = <Stack<Option<Timeout>, Option<Retry>> as Policy>::State;

    fn clock(&self) -> &Clock {
        self.0.own_clock()
    }

    fn ambient_deadline(&self) -> Option<Instant> {
        Context::current_deadline()
    }

    fn begin(&self) -> Self::State {
        self.0.around().begin()
    }

    fn admit(&self, state: &mut Self::State, cx: &mut Cx<'_>) -> Admit {
        self.0.around().admit(state, cx)
    }

    fn settle(&self, state: &mut Self::State, outcome: &Outcome<'_>, cx: &mut Cx<'_>) -> Next {
        self.0.around().settle(state, outcome, cx)
    }

    fn abandon(&self, state: &mut Self::State) {
        self.0.around().abandon(state);
    }

    fn cutoff(&self, state: &mut Self::State, cx: &mut Cx<'_>) -> Option<Instant> {
        self.0.around().cutoff(state, cx)
    }

    fn expire(&self, state: &mut Self::State, cx: &mut Cx<'_>) -> Option<Rejection> {
        self.0.around().expire(state, cx)
    }
}

impl fmt::Debug for HedgedPipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HedgedPipeline({})", self.describe())
    }
}
