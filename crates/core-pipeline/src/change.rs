//! Other settings for a pipeline that runs.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use core_retry::{Hedge, HedgeBuilder};

use crate::builder::Builder;
use crate::checks::check_hedge;
use crate::error::{ConfigError, Kind};
use crate::pipeline::Pipeline;

/// What is to be changed of a pipeline while calls go on: see [`Pipeline::reconfigure`]. What is not named stays as it is.
#[derive(Clone, Default)]
#[must_use = "a change does nothing until it is returned"]
pub struct Change {
    deadline: Option<Duration>,
    retry: Option<Shape<core_retry::Builder>>,
    breaker: Option<Shape<core_breaker::Builder>>,
    limit: Option<core_limit::RateBuilder>,
    bulkhead: Option<u32>,
    attempt_timeout: Option<Duration>,
    hedge: Option<Shape<HedgeBuilder>>,
}

/// How one policy is to be changed. It may be asked for several pipelines, and again.
type Shape<B> = Arc<dyn Fn(B) -> B + Send + Sync>;

/// So often somebody who changes a pipeline is given time to finish.
const TURNS_MAX: u32 = 1_000;

/// One change at a time. A second one is refused, since nobody may wait for code of the user's.
pub(crate) struct Busy<'a>(&'a AtomicBool);

/// Of a pipeline for a key: how many changes of all keys it must have seen to be changed, and has seen then.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    pub(crate) seen: u64,
    pub(crate) then: u64,
}

/// What takes back what was done already, the last first: when it is dropped, as by a panic of a closure, unless all is done.
#[derive(Default)]
struct Undo<'a>(Vec<Box<dyn FnOnce() + 'a>>);

// === impl Change ===

impl Change {
    /// Bounds whole calls so, from the next one on.
    pub fn deadline(mut self, total: Duration) -> Self {
        self.deadline = Some(total);
        self
    }

    /// Changes the retry, as in `|retry| retry.attempts(2)`: see [`core_retry::Retry::reconfigure`].
    pub fn retry(
        mut self,
        change: impl Fn(core_retry::Builder) -> core_retry::Builder + Send + Sync + 'static,
    ) -> Self {
        self.retry = Some(Arc::new(change));
        self
    }

    /// Changes the breaker, as in `|breaker| breaker.open_for(secs(10))`: see [`core_breaker::Breaker::reconfigure`]. State, window
    /// and permits are kept.
    pub fn breaker(
        mut self,
        change: impl Fn(core_breaker::Builder) -> core_breaker::Builder + Send + Sync + 'static,
    ) -> Self {
        self.breaker = Some(Arc::new(change));
        self
    }

    /// Changes rate and burst: see [`core_limit::RateLimit::set_rate`]. What was taken stays taken; how long a call may wait stays
    /// as it was.
    pub fn limit(mut self, rate: core_limit::RateBuilder) -> Self {
        self.limit = Some(rate);
        self
    }

    /// Gives the bulkhead so many slots: see [`core_limit::Bulkhead::resize`]. Nobody who has one loses it.
    pub fn bulkhead(mut self, slots: u32) -> Self {
        self.bulkhead = Some(slots);
        self
    }

    /// Bounds attempts so, from the next one on.
    pub fn attempt_timeout(mut self, limit: Duration) -> Self {
        self.attempt_timeout = Some(limit);
        self
    }

    /// Changes the hedge of a [`HedgedPipeline`](crate::HedgedPipeline), as in `|hedge| hedge.after(ms(20)).max(2)`: see
    /// [`core_retry::Hedge::reconfigure`].
    pub fn hedge(mut self, change: impl Fn(HedgeBuilder) -> HedgeBuilder + Send + Sync + 'static) -> Self {
        self.hedge = Some(Arc::new(change));
        self
    }

    /// The pipeline that it comes to.
    ///
    /// # Errors
    /// If a policy is to be changed that is not there.
    pub(crate) fn of(&self, mut plan: Builder) -> Result<Builder, ConfigError> {
        let Self { deadline, retry, breaker, limit, bulkhead, attempt_timeout, hedge: _ } = self;
        set(&mut plan.deadline, deadline.as_ref(), "deadline", |_, total| *total)?;
        set(&mut plan.retry, retry.as_ref(), "retry", |retry, change| change(retry))?;
        set(&mut plan.breaker, breaker.as_ref(), "breaker", |breaker, change| change(breaker))?;
        set(&mut plan.limit, limit.as_ref(), "limit", |old, rate| rate.clone().max_wait(old.wait()))?;
        set(&mut plan.bulkhead, bulkhead.as_ref(), "bulkhead", |bulkhead, slots| bulkhead.slots(*slots))?;
        set(&mut plan.attempt_timeout, attempt_timeout.as_ref(), "attempt_timeout", |_, limit| *limit)?;
        Ok(plan)
    }
}

/// Changes a setting, if that is asked for.
fn set<T, C>(
    setting: &mut Option<T>,
    change: Option<&C>,
    what: &'static str,
    to: impl FnOnce(T, &C) -> T,
) -> Result<(), ConfigError> {
    let Some(change) = change else { return Ok(()) };
    let old = setting.take().ok_or(ConfigError(Kind::NotThere { what }))?;
    *setting = Some(to(old, change));
    Ok(())
}

// === impl Pipeline ===

impl Pipeline {
    /// Goes by other settings from now on, as in `pipeline.reconfigure(|c| c.attempt_timeout(ms(200)).bulkhead(32))`. All of them or
    /// none: they are checked together, as [`Builder::build`] does, before anything changes. Windows, circuits, slots, budgets and
    /// calls that are under way are kept (rule PL-2), and no call waits for it.
    ///
    /// Change a pipeline here rather than at its policies: what is changed at [`breaker`](Self::breaker) or [`retry`](Self::retry)
    /// themselves is not checked against the others, and keys that are made later do not have it. The hedges of
    /// [hedged pipelines](Self::hedged) around it must fit what it comes to; they are changed there.
    ///
    /// Policies come one after the other: a call that begins in this moment may see new settings of one and old ones of another.
    ///
    /// # Errors
    /// If the settings contradict each other or cannot be changed while calls go on, if a policy is named that the pipeline does not
    /// have, or if another thread is changing it in this moment. Nothing has changed then.
    pub fn reconfigure(&self, change: impl FnOnce(Change) -> Change) -> Result<(), ConfigError> {
        self.apply(&change(Change::default()), None, None)
    }

    /// `own` is the hedge that the change may speak of. With a step it is made only if that is the next.
    pub(crate) fn apply(
        &self,
        change: &Change,
        own: Option<&Hedge>,
        step: Option<Step>,
    ) -> Result<(), ConfigError> {
        let _busy = Busy::enter(self.busy())?;
        if let Some(Step { seen, then }) = step
            && self.followed().compare_exchange(seen, then, Ordering::AcqRel, Ordering::Relaxed).is_err()
        {
            return Ok(());
        }
        let before = self.plan();
        let after = change.of(before.clone())?;
        // Whatever is wrong with it shows here.
        after.clone().build()?;
        let own = own.zip(change.hedge.as_deref());
        if change.hedge.is_some() && own.is_none() {
            return Err(ConfigError(Kind::NotThere { what: "hedge" }));
        }
        for hedge in self.hedges() {
            let changed = own.filter(|(own, _)| own.is_same(&hedge)).map(|(_, change)| change);
            let mut plan = hedge.to_builder();
            if let Some(change) = changed {
                plan = change(plan);
                plan.clone().build()?;
            }
            check_hedge(&after, &plan)?;
        }
        let mut undo = Undo::default();
        apply_to_hedge(own, &mut undo)?;
        self.apply_each(change, &before, &mut undo)?;
        undo.0.clear();
        self.set_plan(after);
        Ok(())
    }

    fn apply_each<'a>(
        &'a self,
        change: &Change,
        before: &Builder,
        undo: &mut Undo<'a>,
    ) -> Result<(), ConfigError> {
        if let (Some(breaker), Some(change)) = (self.breaker(), &change.breaker) {
            let old = RefCell::new(None);
            breaker.reconfigure(|builder| change(remember(&old, builder)))?;
            undo.0.extend(old.take().map(|old| -> Box<dyn FnOnce()> {
                // It went by these, so they are right.
                Box::new(move || drop(breaker.reconfigure(|_| old.clone())))
            }));
        }
        if let (Some(retry), Some(change)) = (self.retry(), &change.retry) {
            let old = RefCell::new(None);
            retry.reconfigure(|builder| change(remember(&old, builder)))?;
            undo.0.extend(old.take().map(|old| -> Box<dyn FnOnce()> {
                Box::new(move || drop(retry.reconfigure(|_| old.clone())))
            }));
        }
        if let (Some(limit), Some(rate)) = (self.limit(), &change.limit) {
            limit.set_rate(rate.clone())?;
            undo.0.extend(
                before
                    .limit
                    .clone()
                    .map(|old| -> Box<dyn FnOnce()> { Box::new(move || drop(limit.set_rate(old))) }),
            );
        }
        // What follows was checked, and has nothing else that could be wrong.
        if let (Some(bulkhead), Some(slots)) = (self.bulkhead(), change.bulkhead) {
            bulkhead.resize(slots)?;
        }
        if let (Some(deadline), Some(total)) = (self.deadline(), change.deadline) {
            deadline.set_limit(total)?;
        }
        if let (Some(attempt), Some(limit)) = (self.attempt_timeout(), change.attempt_timeout) {
            attempt.set_limit(limit)?;
        }
        Ok(())
    }
}

fn apply_to_hedge<'a>(
    own: Option<(&'a Hedge, &(dyn Fn(HedgeBuilder) -> HedgeBuilder + Send + Sync))>,
    undo: &mut Undo<'a>,
) -> Result<(), ConfigError> {
    let Some((hedge, change)) = own else { return Ok(()) };
    let old = hedge.to_builder();
    hedge.reconfigure(change)?;
    undo.0.push(Box::new(move || drop(hedge.reconfigure(|_| old.clone()))));
    Ok(())
}

fn remember<B: Clone>(old: &RefCell<Option<B>>, builder: B) -> B {
    old.replace(Some(builder.clone()));
    builder
}

/// Tries until it is not busy, within bounds.
pub(crate) fn in_turn<T>(mut attempt: impl FnMut() -> Result<T, ConfigError>) -> Result<T, ConfigError> {
    for _ in 0..TURNS_MAX {
        match attempt() {
            Err(ConfigError(Kind::Busy)) => std::thread::yield_now(),
            done => return done,
        }
    }
    Err(ConfigError(Kind::Busy))
}

// === impl Busy ===

impl<'a> Busy<'a> {
    pub(crate) fn enter(busy: &'a AtomicBool) -> Result<Self, ConfigError> {
        if busy.swap(true, Ordering::Acquire) { Err(ConfigError(Kind::Busy)) } else { Ok(Self(busy)) }
    }

    /// As soon as nobody else changes it, within bounds.
    pub(crate) fn enter_in_turn(busy: &'a AtomicBool) -> Result<Self, ConfigError> {
        in_turn(|| Self::enter(busy))
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

// === impl Undo ===

impl Drop for Undo<'_> {
    fn drop(&mut self) {
        while let Some(undo) = self.0.pop() {
            undo();
        }
    }
}

impl std::fmt::Debug for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Change")
            .field("deadline", &self.deadline)
            .field("limit", &self.limit)
            .field("bulkhead", &self.bulkhead)
            .field("attempt_timeout", &self.attempt_timeout)
            .finish_non_exhaustive()
    }
}
