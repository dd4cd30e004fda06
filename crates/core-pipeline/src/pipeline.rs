use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use core_breaker::Breaker;
use core_context::Context;
use core_errors::{Name, PolicyKind, Rejection};
use core_limit::{Bulkhead, RateLimit};
use core_policy::{
    Admit, ByClass, Classified, Cx, Next, Notify, Outcome, Permit, Policy, Role, Stack, Tried,
};
use core_retry::{Hedge, Retry};
use core_time::{Clock, Instant};
use core_timeout::Timeout;

use crate::builder::Builder;
use crate::describe::{self, Description, Layer};
use crate::summary::{Past, Sums};

/// All policies around one dependency. Cheap to clone; clones are one pipeline.
#[derive(Clone)]
pub struct Pipeline(Arc<Inner>);

struct Inner {
    name: Name,
    clock: Clock,
    chain: Chain,
    /// What it is built of.
    plan: Mutex<Builder>,
    /// Whether it is being changed.
    busy: AtomicBool,
    /// Those of hedged pipelines around this one: they must fit what it is changed to.
    hedges: Mutex<Vec<Weak<Hedge>>>,
    /// Of a pipeline for a key: how many changes of all keys it has seen.
    followed: AtomicU64,
    /// Of a pipeline for a key.
    kin: OnceLock<Kin>,
}

/// What pipelines for the keys of one set have in common, and what one of them has around it.
struct Kin {
    /// Is told what the pipeline has counted when it is gone.
    past: Arc<Past>,
    hedge: Option<Hedge>,
}

/// The canonical order. Every slot is optional, and one that is empty costs a compare.
pub(crate) type Chain = Stack<Option<Timeout>, Stack<Option<Retry>, Once>>;

/// What each attempt passes.
pub(crate) type Once =
    Stack<Option<Breaker>, Stack<Option<RateLimit>, Stack<Option<Bulkhead>, Option<Timeout>>>>;

// === impl Pipeline ===

impl Pipeline {
    /// Starts a pipeline. The name stands in refusals, events, logs and metrics: say what is called.
    pub fn named(name: impl AsRef<str>) -> Builder {
        Builder::new(name.as_ref())
    }

    pub(crate) fn new(name: Name, clock: Clock, chain: Chain, plan: Builder) -> Self {
        let (plan, busy, followed) = (Mutex::new(plan), AtomicBool::new(false), AtomicU64::new(0));
        let (hedges, kin) = (Mutex::default(), OnceLock::new());
        Self(Arc::new(Inner { name, clock, chain, plan, busy, hedges, followed, kin }))
    }

    /// What it is built of now.
    pub(crate) fn plan(&self) -> Builder {
        let mut plan = self.locked_plan().clone();
        // These may have been changed where they are.
        plan.deadline = self.deadline().map(Timeout::limit);
        plan.attempt_timeout = self.attempt_timeout().map(Timeout::limit);
        plan.bulkhead =
            plan.bulkhead.zip(self.bulkhead()).map(|(plan, live)| plan.slots(live.snapshot().max));
        plan
    }

    pub(crate) fn followed(&self) -> &AtomicU64 {
        &self.0.followed
    }

    /// Has what it has counted told when it is gone, and with it what this hedge has, which is around it.
    pub(crate) fn tell(&self, past: &Arc<Past>, hedge: Option<&Hedge>) {
        self.0.kin.get_or_init(|| Kin { past: Arc::clone(past), hedge: hedge.cloned() });
    }

    /// Whether it must not be forgotten although nobody holds it where it is kept: somebody has a clone, or its circuit is held. Locks
    /// nothing, for maps of pipelines.
    pub(crate) fn is_kept(&self) -> bool {
        Arc::strong_count(&self.0) > 1 || self.breaker().is_some_and(Breaker::is_held)
    }

    /// Whether a new one would admit no more: what was used of its rate is there again. For maps of pipelines, as `is_kept`.
    pub(crate) fn rests(&self, now: Instant) -> bool {
        self.limit().is_none_or(|limit| limit.is_full(now))
    }

    /// What it has counted.
    pub(crate) fn sums(&self) -> Sums {
        self.0.sums()
    }

    pub(crate) fn set_plan(&self, plan: Builder) {
        let before = std::mem::replace(&mut *self.locked_plan(), plan);
        // Closures of the user's are in it: they are dropped where no lock is held.
        drop(before);
    }

    fn locked_plan(&self) -> MutexGuard<'_, Builder> {
        // Whatever is done under it is done or not: a clone that panicked has changed nothing.
        self.0.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The hedges around it that are alive.
    pub(crate) fn hedges(&self) -> Vec<Arc<Hedge>> {
        self.locked_hedges().iter().filter_map(Weak::upgrade).collect()
    }

    /// From now on it is not changed to what the hedge does not fit. Forgets those that are gone.
    pub(crate) fn add_hedge(&self, hedge: &Arc<Hedge>) {
        let mut hedges = self.locked_hedges();
        hedges.retain(|hedge| hedge.strong_count() > 0);
        hedges.push(Arc::downgrade(hedge));
    }

    fn locked_hedges(&self) -> MutexGuard<'_, Vec<Weak<Hedge>>> {
        self.0.hedges.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn busy(&self) -> &AtomicBool {
        &self.0.busy
    }

    /// Asks to make one attempt whose outcome is recorded by hand: for streams and callbacks. It passes breaker, rate limit
    /// and bulkhead; nothing waits, nothing is retried, and nothing is timed.
    ///
    /// # Errors
    /// The refusal; also when the deadline of the current context has passed.
    pub fn admit(&self) -> Result<Permit<impl Policy + use<'_>>, Rejection> {
        Permit::acquire_within(self.once(), Context::current_deadline())
    }

    /// The same pipeline for calls whose errors are of the type `E`, and `told` sees each of them that its retry does something about, with what
    /// that is: see [`Retry::notify`]. An attempt that was stopped at its limit is told with that refusal; one that was refused before it ran is
    /// no attempt.
    ///
    /// ```
    /// use core_errors::Error;
    /// use core_pipeline::Pipeline;
    /// use core_policy::Tried;
    /// use core_retry::Retry;
    /// use core_time::ms;
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), core_pipeline::ConfigError> {
    /// # let log = std::cell::RefCell::new(Vec::new());
    /// let stock = Pipeline::named("stock").retry(Retry::fixed(ms(20)).attempts(2)).attempt_timeout(ms(50)).build()?;
    /// let logged = stock.notify(|tried: &Tried<'_, _, Error>| match (tried.error(), tried.rejection()) {
    ///     (Some(error), _) => log.borrow_mut().push(error.to_string()),
    ///     (_, Some(stopped)) => log.borrow_mut().push(stopped.reason().to_string()),
    ///     _ => {}
    /// });
    /// let stuck = logged.call(|attempt| async move {
    ///     if attempt.is_retry() { std::future::pending().await } else { Err::<(), _>(Error::network("hung up")) }
    /// });
    /// assert!(stuck.await.is_err());
    /// assert_eq!(*log.borrow(), ["hung up", "timed out"]);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn notify<T, E, F: Fn(&Tried<'_, T, E>) + Clone>(
        &self,
        told: F,
    ) -> Classified<&Self, Notify<ByClass, F>> {
        self.classify(ByClass).notify(told)
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> Name {
        self.0.name
    }

    pub(crate) fn own_clock(&self) -> &Clock {
        &self.0.clock
    }

    /// What is around all attempts.
    pub(crate) fn around(&self) -> Stack<&Option<Timeout>, &Option<Retry>> {
        Stack::new(self.0.chain.outer(), self.0.chain.inner().outer())
    }

    /// The limit on the whole call.
    #[must_use]
    pub fn deadline(&self) -> Option<&Timeout> {
        self.0.chain.outer().as_ref()
    }

    /// The retry.
    #[must_use]
    pub fn retry(&self) -> Option<&Retry> {
        self.0.chain.inner().outer().as_ref()
    }

    /// The breaker.
    #[must_use]
    pub fn breaker(&self) -> Option<&Breaker> {
        self.once().outer().as_ref()
    }

    /// The rate limit.
    #[must_use]
    pub fn limit(&self) -> Option<&RateLimit> {
        self.once().inner().outer().as_ref()
    }

    /// The bulkhead.
    #[must_use]
    pub fn bulkhead(&self) -> Option<&Bulkhead> {
        self.once().inner().inner().outer().as_ref()
    }

    /// The limit on one attempt.
    #[must_use]
    pub fn attempt_timeout(&self) -> Option<&Timeout> {
        self.once().inner().inner().inner().as_ref()
    }

    /// What it consists of, outermost first (rule PL-4).
    #[must_use]
    pub fn describe(&self) -> Description {
        let layer = |kind, text| Layer { kind, text };
        let layers = [
            self.deadline().map(|total| layer(PolicyKind::Deadline, format!("{:?}", total.limit()))),
            self.retry().map(|retry| layer(PolicyKind::Retry, describe::retry(retry))),
            self.breaker().map(|breaker| layer(PolicyKind::Breaker, breaker.snapshot().rules.to_string())),
            self.limit().map(|limit| layer(PolicyKind::RateLimit, describe::limit(limit))),
            self.bulkhead().map(|bulkhead| layer(PolicyKind::Bulkhead, describe::bulkhead(bulkhead))),
            self.attempt_timeout()
                .map(|attempt| layer(PolicyKind::Timeout, format!("{:?}", attempt.limit()))),
        ];
        Description { name: self.0.name, layers: layers.into_iter().flatten().collect() }
    }

    /// What each attempt passes.
    pub(crate) fn once(&self) -> &Once {
        self.0.chain.inner().inner()
    }
}

/// The chain, and the deadline of the current context.
impl Policy for Pipeline {
    type State = <Chain as Policy>::State;

    #[inline]
    fn clock(&self) -> &Clock {
        &self.0.clock
    }

    #[inline]
    fn ambient_deadline(&self) -> Option<Instant> {
        Context::current_deadline()
    }

    #[inline]
    fn begin(&self) -> Self::State {
        self.0.chain.begin()
    }

    #[inline]
    fn admit(&self, state: &mut Self::State, cx: &mut Cx<'_>) -> Admit {
        self.0.chain.admit(state, cx)
    }

    #[inline]
    fn settle(&self, state: &mut Self::State, outcome: &Outcome<'_>, cx: &mut Cx<'_>) -> Next {
        self.0.chain.settle(state, outcome, cx)
    }

    fn abandon(&self, state: &mut Self::State) {
        self.0.chain.abandon(state);
    }

    fn cutoff(&self, state: &mut Self::State, cx: &mut Cx<'_>) -> Option<Instant> {
        self.0.chain.cutoff(state, cx)
    }

    fn expire(&self, state: &mut Self::State, cx: &mut Cx<'_>) -> Option<Rejection> {
        self.0.chain.expire(state, cx)
    }

    fn falls_back(&self) {
        self.0.chain.falls_back();
    }

    fn roles(&self) -> Vec<Role> {
        self.0.chain.roles()
    }
}

impl Inner {
    fn sums(&self) -> Sums {
        Sums::of(&self.chain, self.kin.get().and_then(|kin| kin.hedge.as_ref()))
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(kin) = self.kin.get() {
            kin.past.forget(self.sums().0);
        }
    }
}

core_policy::policy_methods!(Pipeline);
core_policy::policy_layer!(Pipeline, repeats);

impl fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pipeline({})", self.describe())
    }
}

#[cfg(test)]
mod tests {
    use core_retry::Budget;
    use core_time::ms;

    use super::*;

    #[test]
    fn a_hedge_that_is_gone_is_forgotten_when_the_next_comes() {
        let pipeline = Pipeline::named("search").build().unwrap();
        let hedge = || Arc::new(Hedge::after(ms(30)).budget(&Budget::default()).build().unwrap());
        let [gone, kept, new] = [hedge(), hedge(), hedge()];
        pipeline.add_hedge(&gone);
        pipeline.add_hedge(&kept);
        assert_eq!(pipeline.hedges().len(), 2);
        drop(gone);
        pipeline.add_hedge(&new);
        assert_eq!(pipeline.locked_hedges().len(), 2);
        assert!(matches!(&pipeline.hedges()[..], [a, b] if a.is_same(&kept) && b.is_same(&new)));
    }
}
