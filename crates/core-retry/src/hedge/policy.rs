use std::fmt;
use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};
use core_errors::Name;
use core_policy::{Attempt, ByClass, Counters};
use core_time::{Clock, Instant};

use super::call::Hedged;
use super::config::{HedgeBuilder, WhenDue};
use super::latency::Latency;
use crate::budget::Budget;
use crate::error::{ConfigError, Kind};

/// A second attempt for calls that take longer than others, while the first goes on. Cheap to clone; clones share budget, counts and
/// what is known of latencies. See the [module](crate::hedge).
#[derive(Clone)]
pub struct Hedge(pub(super) Arc<Inner>);

pub(super) struct Inner {
    name: Name,
    /// Looked at by calls that have to wait, or have failed.
    settings: ArcSwap<Settings>,
    pub(super) budget: Budget,
    pub(super) feeds_budget: bool,
    /// There once a quantile was asked for.
    pub(super) latency: OnceLock<Latency>,
    pub(super) clock: Clock,
    counts: Counters<COUNTS>,
}

/// The checked form of a [`HedgeBuilder`]: what may change while calls go on. A call keeps to those that there are when it first has to
/// wait.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) plan: HedgeBuilder,
    pub(super) when_due: WhenDue,
}

/// What a hedge has counted since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HedgeStats {
    /// Calls that an attempt of theirs answered.
    pub succeeded: u64,
    /// Of these, calls that a hedge answered.
    pub won: u64,
    /// Calls whose attempts all failed, or one of them for good.
    pub failed: u64,
    /// Calls that came to nothing without a failure of the callee: policies further in refused every attempt, or the caller was wrong.
    pub ignored: u64,
    /// Hedges that were started.
    pub hedges: u64,
    /// Calls that would have had a hedge, or another, but for the budget.
    pub out_of_budget: u64,
    /// Calls that would have had a hedge, or another, but for the deadline.
    pub out_of_time: u64,
    /// Requests for a pause that were so long that no hedge followed.
    pub hints_discarded: u64,
}

#[derive(Clone, Copy)]
pub(super) enum Count {
    Succeeded,
    Won,
    Failed,
    Ignored,
    Hedges,
    OutOfBudget,
    OutOfTime,
    HintsDiscarded,
}

const COUNTS: usize = 8;

// === impl Hedge ===

impl Hedge {
    /// A hedge is due so long after the attempt before it; with zero, all start at once.
    pub fn after(delay: Duration) -> HedgeBuilder {
        HedgeBuilder::new(WhenDue::After(delay))
    }

    /// A hedge is due when a call takes longer than 19 of 20 did lately.
    pub fn after_p95() -> HedgeBuilder {
        Self::after_quantile(0.95)
    }

    /// A hedge is due when a call takes longer than this share of the calls did lately (over 0, under 1).
    pub fn after_quantile(quantile: f64) -> HedgeBuilder {
        HedgeBuilder::new(WhenDue::Quantile(quantile))
    }

    /// A hedge is made only when the attempt before it failed, and then at once.
    pub fn on_failure() -> HedgeBuilder {
        HedgeBuilder::new(WhenDue::OnFailure)
    }

    pub(super) fn new(name: Name, clock: Clock, budget: Budget, settings: Settings) -> Self {
        let feeds_budget = settings.plan.feeds_budget;
        let (latency, counts) = (OnceLock::new(), Counters::new());
        let settings_swap = ArcSwap::from_pointee(settings);
        let inner = Inner { name, settings: settings_swap, budget, feeds_budget, latency, clock, counts };
        inner.measure();
        Self(Arc::new(inner))
    }

    /// Goes by other settings from now on: `change` gets those that there are and returns what shall be, as in
    /// `|hedge| hedge.after(ms(50)).max(2)`. All or nothing. Calls that wait already keep theirs; counts are kept, and so is what is known
    /// of latencies if the window stays as it was. For the budget see [`Budget::reconfigure`]: it is that of others, too.
    ///
    /// `change` may be called again if another thread changes them at the same moment, so it must not change them itself. A hedge of a
    /// pipeline is better changed there, where it is checked against the others.
    ///
    /// # Errors
    /// As [`HedgeBuilder::build`]; and if name, budget or clock are set, which cannot be changed. Nothing has changed then.
    pub fn reconfigure(&self, change: impl Fn(HedgeBuilder) -> HedgeBuilder) -> Result<(), ConfigError> {
        let mut current = self.0.settings.load_full();
        loop {
            let builder = change(current.plan.clone());
            if let Some(what) = builder.fixed {
                return Err(ConfigError(Kind::Fixed { what }));
            }
            let settings = Arc::new(builder.settings()?);
            let found = Guard::into_inner(self.0.settings.compare_and_swap(&current, settings));
            if Arc::ptr_eq(&found, &current) {
                self.0.measure();
                return Ok(());
            }
            current = found;
        }
    }

    /// How it is set, to be changed: what [`reconfigure`](Self::reconfigure) hands out.
    pub fn to_builder(&self) -> HedgeBuilder {
        self.0.settings.load().plan.clone()
    }

    /// Runs a call. `op` makes the future of each attempt; the first that succeeds is the answer, and the others are dropped before
    /// it is returned.
    ///
    /// # Errors
    /// The call's own error, see [`Hedged`].
    ///
    /// # Cancel safety
    /// Dropping the future drops all attempts.
    #[inline]
    pub fn call<F, O>(&self, op: O) -> Hedged<&Self, O, F, ByClass>
    where
        F: Future,
        O: FnMut(Attempt) -> F,
    {
        self.call_op(op)
    }

    /// The same for an [`Op`](core_policy::Op) that is no closure.
    #[inline]
    pub fn call_op<F: Future, O>(&self, op: O) -> Hedged<&Self, O, F, ByClass> {
        Hedged::new(self, op, ByClass)
    }

    /// The same in a future that borrows nothing, judged by `judge`: for services of tower and what else outlives the hedge at hand.
    #[inline]
    pub fn into_call<F: Future, O, J>(self, op: O, judge: J) -> Hedged<Self, O, F, J> {
        Hedged::new(self, op, judge)
    }

    /// Whether the two are clones of one another.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> Name {
        self.0.name
    }

    /// How many hedges one call may have.
    #[must_use]
    pub fn max(&self) -> u8 {
        self.0.settings.load().plan.max
    }

    /// Its budget.
    #[must_use]
    pub fn budget(&self) -> &Budget {
        &self.0.budget
    }

    /// After how long a hedge is due, if that is always the same.
    #[must_use]
    pub fn fixed_delay(&self) -> Option<Duration> {
        self.0.settings.load().plan.fixed_delay()
    }

    /// After how long a hedge is due at `now`. `None` if only a failure leads to one, or too few calls have been seen.
    #[must_use]
    pub fn delay(&self, now: Instant) -> Option<Duration> {
        self.0.due_after(&self.0.settings.load(), now)
    }

    /// What it has counted.
    #[must_use]
    pub fn stats(&self) -> HedgeStats {
        let get = |count| self.0.counts.get(count as usize);
        HedgeStats {
            succeeded: get(Count::Succeeded),
            won: get(Count::Won),
            failed: get(Count::Failed),
            ignored: get(Count::Ignored),
            hedges: get(Count::Hedges),
            out_of_budget: get(Count::OutOfBudget),
            out_of_time: get(Count::OutOfTime),
            hints_discarded: get(Count::HintsDiscarded),
        }
    }
}

// === impl Inner ===

impl Inner {
    /// What a call that has to wait goes by.
    pub(super) fn settings(&self) -> Arc<Settings> {
        self.settings.load_full()
    }

    /// After how long a hedge is due at `now`.
    pub(super) fn due_after(&self, settings: &Settings, now: Instant) -> Option<Duration> {
        match settings.when_due {
            WhenDue::After(delay) => Some(delay),
            WhenDue::OnFailure => None,
            WhenDue::Quantile(quantile) => {
                self.latency.get()?.delay(quantile, settings.plan.samples_min.into(), now)
            }
        }
    }

    /// Latencies are measured from now on as the settings ask for. Whoever does this last sees that it was by the last settings.
    fn measure(&self) {
        loop {
            let settings = self.settings();
            if let WhenDue::Quantile(_) = settings.when_due {
                self.latency.get_or_init(Latency::new).begin(settings.plan.window);
            }
            if Arc::ptr_eq(&settings, &self.settings.load()) {
                return;
            }
        }
    }

    #[inline]
    pub(super) fn count(&self, count: Count) {
        self.counts.bump(count as usize);
    }
}

/// When a hedge is due and how many there may be, for people.
impl fmt::Display for Hedge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settings = self.0.settings.load();
        write!(f, "{} more ", settings.plan.max)?;
        match settings.when_due {
            WhenDue::After(delay) => write!(f, "after {delay:?}"),
            WhenDue::OnFailure => f.write_str("on failure"),
            // As it was written: 0.57 times 100 is not quite 57.
            WhenDue::Quantile(quantile) => write!(f, "after p{}", (quantile * 1e5).round() / 1e3),
        }
    }
}

impl fmt::Debug for Hedge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hedge")
            .field("name", &self.0.name)
            .field("settings", &self.0.settings.load().plan)
            .finish_non_exhaustive()
    }
}
