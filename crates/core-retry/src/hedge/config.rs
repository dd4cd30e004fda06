use std::sync::Arc;
use std::time::Duration;

use core_errors::{Name, NameError};
use core_policy::Attempt;
use core_time::Clock;

use super::policy::{Hedge, Settings};
use crate::budget::Budget;
use crate::error::{ConfigError, Kind};
use crate::policy::Retry;

/// Says when a call is hedged, how often, and out of which budget. Made by [`Hedge::after`] and its sisters.
#[must_use = "a builder does nothing until it is built"]
#[derive(Clone)]
pub struct HedgeBuilder {
    name: Result<Name, NameError>,
    when_due: WhenDue,
    pub(super) max: u8,
    budget: Option<Budget>,
    pub(super) feeds_budget: bool,
    pub(super) when: Option<When>,
    pub(super) keeps_first: bool,
    pub(super) samples_min: u32,
    pub(super) window: Duration,
    pub(super) hint_max: Duration,
    pub(super) min_attempt_time: Duration,
    clock: Clock,
    /// What was set that a running hedge cannot change.
    pub(super) fixed: Option<&'static str>,
}

/// Which calls may be hedged.
pub(super) type When = Arc<dyn Fn(&Attempt) -> bool + Send + Sync>;

#[derive(Clone, Copy, Debug)]
pub(super) enum WhenDue {
    After(Duration),
    OnFailure,
    Quantile(f64),
}

// === impl HedgeBuilder ===

impl HedgeBuilder {
    /// As many hedges as one call may have at most.
    pub const HEDGES_MAX: u8 = 8;

    pub(super) fn new(when_due: WhenDue) -> Self {
        Self {
            name: Ok(Name::UNNAMED),
            when_due,
            max: 1,
            budget: None,
            feeds_budget: true,
            when: None,
            keeps_first: false,
            samples_min: 100,
            window: Duration::from_secs(60),
            hint_max: Duration::from_secs(5),
            min_attempt_time: Duration::ZERO,
            clock: Clock::system(),
            fixed: None,
        }
    }

    /// Has a hedge due so long after the attempt before it, as [`Hedge::after`].
    pub fn after(mut self, delay: Duration) -> Self {
        self.when_due = WhenDue::After(delay);
        self
    }

    /// Has a hedge due when a call takes longer than this share of the calls did lately, as [`Hedge::after_quantile`].
    pub fn after_quantile(mut self, quantile: f64) -> Self {
        self.when_due = WhenDue::Quantile(quantile);
        self
    }

    /// Makes a hedge only after a failure, as [`Hedge::on_failure`].
    pub fn on_failure(mut self) -> Self {
        self.when_due = WhenDue::OnFailure;
        self
    }

    /// Names the hedge. Default: `unnamed`. A text that cannot be a name is refused by [`build`](Self::build).
    pub fn name(mut self, name: impl AsRef<str>) -> Self {
        self.name = Name::new(name.as_ref());
        self.fixed = Some("name");
        self
    }

    /// Makes at most so many hedges beside the first attempt, 1 to 8. Default: 1.
    pub fn max(mut self, hedges: u8) -> Self {
        self.max = hedges;
        self
    }

    /// Takes each hedge out of this budget, and tells it what comes of calls: a hedge without one would double the load on a callee
    /// that is slow because it is overloaded, so there is no default. It may be that of other calls to the same service.
    pub fn budget(mut self, budget: &Budget) -> Self {
        self.budget = Some(budget.clone());
        self.feeds_budget = true;
        self.fixed = Some("budget");
        self
    }

    /// Takes each hedge out of this budget, which a retry around the hedge tells what comes of calls: otherwise it would hear of
    /// each twice.
    pub fn budget_of_retry(mut self, budget: &Budget) -> Self {
        self.budget = Some(budget.clone());
        self.feeds_budget = false;
        self.fixed = Some("budget");
        self
    }

    /// Draws from the budget of the retry around it, if that has one and none was given, or the same: as
    /// [`budget_of_retry`](Self::budget_of_retry).
    pub fn under(self, retry: &Retry) -> Self {
        match retry.budget() {
            Some(budget) if self.budget.as_ref().is_none_or(|own| own.is_same(budget)) => {
                self.budget_of_retry(budget)
            }
            _ => self,
        }
    }

    /// Hedges only calls for which `when` says so; asked once for each call, when that first has to wait or fails. Default: all
    /// that may take effect twice. Those that may not are never hedged, whatever it says.
    pub fn when(mut self, when: impl Fn(&Attempt) -> bool + Send + Sync + 'static) -> Self {
        self.when = Some(Arc::new(when));
        self
    }

    /// When all attempts failed, returns what the first failed with. Default: the last.
    pub fn first_error(mut self) -> Self {
        self.keeps_first = true;
        self
    }

    /// Hedges by a quantile only once so many calls have succeeded within the [window](Self::window). Default: 100. It must
    /// be so many that one of them is expected to be slower than the quantile: 20 for p95, 100 for p99.
    pub fn min_samples(mut self, samples: u32) -> Self {
        self.samples_min = samples;
        self
    }

    /// Takes the quantile over the calls of this time, 1 s to 1 h: half of it at least, all of it at most. Default: 60 s.
    pub fn window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// Makes no hedge for a callee that asks for a longer pause than this. Default: 5 s.
    pub fn hint_max(mut self, pause: Duration) -> Self {
        self.hint_max = pause;
        self
    }

    /// Starts no hedge that has less time than this before the deadline. Default: zero.
    pub fn min_attempt_time(mut self, time: Duration) -> Self {
        self.min_attempt_time = time;
        self
    }

    /// Reads time from `clock`. Default: the system's.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self.fixed = Some("clock");
        self
    }

    /// How many hedges one call may have, unchecked.
    #[must_use]
    pub fn hedges(&self) -> u8 {
        self.max
    }

    /// After how long a hedge is due, if that is always the same; unchecked.
    #[must_use]
    pub fn fixed_delay(&self) -> Option<Duration> {
        if let WhenDue::After(delay) = self.when_due { Some(delay) } else { None }
    }

    /// How much time there must be left for a hedge to start, unchecked.
    #[must_use]
    pub fn least_attempt_time(&self) -> Duration {
        self.min_attempt_time
    }

    /// Whether a hedge is only made once the attempts before it have failed; unchecked.
    #[must_use]
    pub fn is_on_failure(&self) -> bool {
        matches!(self.when_due, WhenDue::OnFailure)
    }

    /// Checks everything and makes the hedge.
    ///
    /// # Errors
    /// If there is no budget, a number is out of range, or the name cannot be a name.
    pub fn build(self) -> Result<Hedge, ConfigError> {
        let name = self.name.clone()?;
        let clock = self.clock.clone();
        let budget = self.budget.clone().ok_or(ConfigError(Kind::NoBudget))?;
        if self.feeds_budget && matches!(self.when_due, WhenDue::OnFailure) && !budget.can_retry() {
            return Err(ConfigError(Kind::NeverRetries));
        }
        Ok(Hedge::new(name, clock, budget, self.settings()?))
    }

    /// The checked form of what can be changed while calls go on.
    pub(super) fn settings(self) -> Result<Settings, ConfigError> {
        if !(1..=Self::HEDGES_MAX).contains(&self.max) {
            return Err(ConfigError(Kind::Hedges { hedges: self.max, max: Self::HEDGES_MAX }));
        }
        if let WhenDue::Quantile(quantile) = self.when_due {
            check(quantile, self.samples_min, self.window)?;
        }
        Ok(Settings { when_due: self.when_due, plan: Self { fixed: None, ..self } })
    }
}

fn check(quantile: f64, samples: u32, window: Duration) -> Result<(), ConfigError> {
    if !(quantile > 0.0 && quantile < 1.0) {
        return Err(ConfigError(Kind::Quantile(quantile)));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, as it should")]
    let needed = (1.0 / (1.0 - quantile) - 1e-6).ceil() as u32;
    if !(needed..=1_000_000).contains(&samples) {
        return Err(ConfigError(Kind::Samples { samples, needed }));
    }
    if !(Duration::from_secs(1)..=Duration::from_secs(3_600)).contains(&window) {
        return Err(ConfigError(Kind::Window(window)));
    }
    Ok(())
}

impl std::fmt::Debug for HedgeBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HedgeBuilder")
            .field("when_due", &self.when_due)
            .field("max", &self.max)
            .field("budget", &self.budget)
            .finish_non_exhaustive()
    }
}
