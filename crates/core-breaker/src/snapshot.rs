use std::time::Duration;

use core_errors::{Cause, Name};
use core_time::Instant;

use crate::State;
use crate::breaker::Breaker;
use crate::engine::{Count, Engine};
use crate::rules::Rules;
use crate::window::Tally;
use crate::word::Phase;

/// A breaker at a moment. Values are read one after another while calls go on.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Snapshot {
    /// The name.
    pub name: Name,
    /// The state.
    pub state: State,
    /// Raised by each change of state; after 2^28 of them it begins again with 0.
    pub generation: u32,
    /// Failures in a row, while calls pass and are counted.
    pub consecutive_failures: u32,
    /// What the window holds.
    pub window: Tally,
    /// Failures over calls in the window; undefined below the minimum of calls (rule CB-2).
    pub failure_rate: Option<f64>,
    /// Slow calls over calls in the window; undefined below the minimum of calls.
    pub slow_rate: Option<f64>,
    /// The moving average of successes, where a rule goes by one; undefined below the minimum of calls.
    pub success_average: Option<f64>,
    /// While calls come back bit by bit: the share that is admitted now.
    pub ramp_up: Option<f64>,
    /// How many handles hold it open.
    pub isolations: u32,
    /// How often an operator forced, isolated or closed it since it was made, over whatever surface.
    pub orders: u64,
    /// While open: how long still. Zero when the next call may probe.
    pub open_left: Option<Duration>,
    /// How often it opened.
    pub opened: u64,
    /// The failure that opened it last.
    pub last_cause: Option<Cause>,
    /// How long ago a call failed last: `SystemTime::now() - age` is when, by the wall clock. A result that came too late does not count.
    pub last_failure_age: Option<Duration>,
    /// Since it was made.
    pub totals: Totals,
    /// What it goes by.
    pub rules: Rules,
}

/// Calls since a breaker was made, but for those while it was disabled. A call is in one of these, and may be in `slow` and `fallbacks` besides. A probe whose lease ran out is
/// `inconclusive`, and `late` as well if it ends after all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Totals {
    /// Succeeded.
    pub successes: u64,
    /// Failed.
    pub failures: u64,
    /// Ended and said nothing about the callee.
    pub ignored: u64,
    /// Did not end: dropped, or refused by a policy further in.
    pub inconclusive: u64,
    /// Refused here.
    pub rejected: u64,
    /// Ended after the state had changed, and changed nothing (rule CB-27).
    pub late: u64,
    /// Took longer than `slow_over`.
    pub slow: u64,
    /// Were answered by a fallback: that of [`Breaker::call_or`](crate::Breaker::call_or) and
    /// [`call_or_blocking`](crate::Breaker::call_or_blocking), and of a pipeline that the breaker is in.
    pub fallbacks: u64,
}

/// How many [`Totals`] are.
pub(crate) const COUNTS: usize = 8;

// === impl Snapshot ===

impl Snapshot {
    pub(crate) fn of(engine: &Engine, orders: u64, now: Instant) -> Self {
        let word = engine.load();
        let window = engine.tally(now);
        let rules = engine.plan().rules;
        let is_enough = rules.is_enough(&window);
        let average = engine.average().filter(|(_, calls)| *calls >= u64::from(rules.min_calls));
        let ramp_left = engine.left(Phase::RampUp, now).filter(|left| !left.is_zero());
        let (opened, last_cause, isolations) = engine
            .ledger_if_any()
            .map(|ledger| (ledger.opened(), ledger.last_cause(), ledger.isolations()))
            .unwrap_or_default();
        Self {
            name: engine.name(),
            state: word.state(),
            generation: word.generation(),
            consecutive_failures: if word.phase().counts() { word.payload() } else { 0 },
            window,
            failure_rate: window.failure_rate().filter(|_| is_enough),
            slow_rate: window.slow_rate().filter(|_| is_enough),
            success_average: average.map(|(success_rate, _)| success_rate),
            ramp_up: rules.ramp_up.zip(ramp_left).map(|(ramp_up, left)| ramp_up.share(left)),
            isolations,
            orders,
            open_left: engine.left(Phase::Open, now),
            opened,
            last_cause,
            last_failure_age: engine.failed_at().map(|at| now - at),
            totals: Totals::of(engine),
            rules,
        }
    }
}

// === impl Breaker ===

impl Breaker {
    /// What it has counted since it was made: of its [`snapshot`](Self::snapshot), without all that takes a lock.
    #[must_use]
    pub fn totals(&self) -> Totals {
        Totals::of(self.engine())
    }
}

// === impl Totals ===

impl Totals {
    pub(crate) fn of(engine: &Engine) -> Self {
        Self {
            successes: engine.total(Count::Successes),
            failures: engine.total(Count::Failures),
            ignored: engine.total(Count::Ignored),
            inconclusive: engine.total(Count::Inconclusive),
            rejected: engine.total(Count::Rejected),
            late: engine.total(Count::Late),
            slow: engine.total(Count::Slow),
            fallbacks: engine.total(Count::Fallbacks),
        }
    }

    /// To be summed up.
    pub(crate) fn to_counts(self) -> [u64; COUNTS] {
        let Self { successes, failures, ignored, inconclusive, rejected, late, slow, fallbacks } = self;
        [successes, failures, ignored, inconclusive, rejected, late, slow, fallbacks]
    }

    pub(crate) fn of_counts(counts: [u64; COUNTS]) -> Self {
        let [successes, failures, ignored, inconclusive, rejected, late, slow, fallbacks] = counts;
        Self { successes, failures, ignored, inconclusive, rejected, late, slow, fallbacks }
    }

    /// Calls that ran and said something: successes and failures.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.successes + self.failures
    }

    /// Successes over calls that ran; `None` before the first. Refusals are not in it.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "2^53 calls take years")]
    pub fn success_rate(&self) -> Option<f64> {
        (self.calls() > 0).then(|| self.successes as f64 / self.calls() as f64)
    }
}
