use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use core_errors::Name;
use core_policy::{Attempt, ByClass, Counters};
use core_time::{Clock, Instant};

use super::call::Hedged;
use super::config::{HedgeBuilder, When, WhenDue};
use super::latency::Latency;
use crate::budget::Budget;

/// A second attempt for calls that take longer than others, while the first goes on. Cheap to clone; clones share budget, counts and
/// what is known of latencies. See the [module](crate::hedge).
#[derive(Clone)]
pub struct Hedge(pub(super) Arc<Inner>);

pub(super) struct Inner {
    name: Name,
    pub(super) rules: Rules,
    pub(super) delay: Delay,
    pub(super) budget: Budget,
    pub(super) when: Option<When>,
    pub(super) clock: Clock,
    pub(super) counts: Counters<COUNTS>,
}

/// The checked form of a [`HedgeBuilder`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    pub(super) max: u8,
    pub(super) feeds_budget: bool,
    pub(super) keeps_first: bool,
    pub(super) hint_max: Duration,
    pub(super) min_attempt_time: Duration,
}

/// How long after the attempt before it a hedge is due.
#[derive(Debug)]
pub(super) enum Delay {
    Fixed(Duration),
    OnFailure,
    Quantile(Box<Latency>),
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
    Hedges,
    OutOfBudget,
    OutOfTime,
    HintsDiscarded,
}

const COUNTS: usize = 7;

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

    pub(super) fn new(
        name: Name,
        rules: Rules,
        delay: Delay,
        budget: Budget,
        when: Option<When>,
        clock: Clock,
    ) -> Self {
        Self(Arc::new(Inner { name, rules, delay, budget, when, clock, counts: Counters::new() }))
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
    pub fn call<F, O>(&self, op: O) -> Hedged<'_, O, F, ByClass>
    where
        F: Future,
        O: FnMut(Attempt) -> F,
    {
        self.call_op(op)
    }

    /// The same for an [`Op`](core_policy::Op) that is no closure.
    #[inline]
    pub fn call_op<F: Future, O>(&self, op: O) -> Hedged<'_, O, F, ByClass> {
        Hedged::new(&self.0, op, ByClass)
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> Name {
        self.0.name
    }

    /// How many hedges one call may have.
    #[must_use]
    pub fn max(&self) -> u8 {
        self.0.rules.max
    }

    /// Its budget.
    #[must_use]
    pub fn budget(&self) -> &Budget {
        &self.0.budget
    }

    /// After how long a hedge is due, if that is always the same.
    #[must_use]
    pub fn fixed_delay(&self) -> Option<Duration> {
        if let Delay::Fixed(delay) = self.0.delay { Some(delay) } else { None }
    }

    /// After how long a hedge is due at `now`. `None` if only a failure leads to one, or too few calls have been seen.
    #[must_use]
    pub fn delay(&self, now: Instant) -> Option<Duration> {
        self.0.delay(now)
    }

    /// What it has counted.
    #[must_use]
    pub fn stats(&self) -> HedgeStats {
        let get = |count| self.0.counts.get(count as usize);
        HedgeStats {
            succeeded: get(Count::Succeeded),
            won: get(Count::Won),
            failed: get(Count::Failed),
            hedges: get(Count::Hedges),
            out_of_budget: get(Count::OutOfBudget),
            out_of_time: get(Count::OutOfTime),
            hints_discarded: get(Count::HintsDiscarded),
        }
    }
}

// === impl Inner ===

impl Inner {
    pub(super) fn delay(&self, now: Instant) -> Option<Duration> {
        match &self.delay {
            Delay::Fixed(delay) => Some(*delay),
            Delay::OnFailure => None,
            Delay::Quantile(latency) => latency.delay(now),
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
        write!(f, "{} more ", self.max())?;
        match &self.0.delay {
            Delay::Fixed(delay) => write!(f, "after {delay:?}"),
            Delay::OnFailure => f.write_str("on failure"),
            Delay::Quantile(latency) => write!(f, "after p{}", latency.quantile() * 100.0),
        }
    }
}

impl fmt::Debug for Hedge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { name, rules, budget, .. } = &*self.0;
        f.debug_struct("Hedge")
            .field("name", name)
            .field("rules", rules)
            .field("budget", budget)
            .finish_non_exhaustive()
    }
}
