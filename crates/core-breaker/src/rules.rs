//! What trips a breaker, how long it stays open, and what closes it.

use std::fmt;
use std::time::Duration;

use crate::average::Average;
use crate::event::Trigger;
use crate::opening::{Hints, OpenTimes, Progression, RampUp};
use crate::window::{Span, Tally};
use crate::word::Phase;

/// What trips a breaker, how long it stays open, and what closes it: the checked form of a
/// [`Builder`](crate::Builder).
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Rules {
    /// Trip after this many failures in a row.
    pub consecutive: Option<u32>,
    /// Trip when the window holds this many failures, whatever else it holds.
    pub failures: Option<u32>,
    /// Trip when this share of the calls in the window failed.
    pub failure_rate: Option<f64>,
    /// Trip when this share of the calls in the window was slow.
    pub slow_rate: Option<f64>,
    /// Trip when a moving average of successes is too low.
    pub average: Option<Average>,
    /// A call is slow when it takes longer than this.
    pub slow_over: Option<Duration>,
    /// Over what the rates are taken.
    pub span: Span,
    /// With fewer calls there is no rate and no average.
    pub min_calls: u32,
    /// Failures that come sooner after the last one that counted are one with it.
    pub lumping: Option<Duration>,
    /// The first open time, unless the rule that trips has one of its own.
    pub open_for: Duration,
    /// Open times of rules that have their own. When several fire at once, the longest counts.
    pub open_times: OpenTimes,
    /// How the open time grows with each failed half-open round.
    pub progression: Progression,
    /// The open time grows up to this.
    pub open_max: Duration,
    /// Each open time is drawn from its upper half, so that a fleet does not probe in step.
    pub jitter: bool,
    /// What a time that the callee asks for does to the open time.
    pub hints: Hints,
    /// A time that the callee asks for counts up to this.
    pub hint_max: Duration,
    /// Probes in a half-open round, outstanding and used.
    pub probes: u32,
    /// Of these, how many must succeed.
    pub successes: u32,
    /// A probe without an answer for this long returns its slot.
    pub lease: Duration,
    /// Whether the lease of a probe lasts as long as its caller waits, where that is longer.
    pub lease_by_caller: bool,
    /// How long a probe should wait for its answer.
    pub probe_timeout: Option<Duration>,
    /// After this many inconclusive probes in a round it opens again.
    pub inconclusive_max: u32,
    /// Whether, and how, calls come back bit by bit after the probes closed it.
    pub ramp_up: Option<RampUp>,
    /// Whether a panic of the call is a failure.
    pub count_panics: bool,
}

/// One of the rules that trip a breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rule {
    /// Failures in a row.
    Consecutive,
    /// Failures in the window.
    Failures,
    /// The share of failures in the window.
    FailureRate,
    /// The share of slow calls in the window.
    SlowRate,
    /// The moving average of successes.
    Average,
}

/// What the rules are held against.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Evidence {
    /// Failures in a row.
    pub(crate) run: u32,
    /// What the window holds, if that could make a difference.
    pub(crate) tally: Option<Tally>,
    /// The moving average of successes, and how many calls are in it.
    pub(crate) average: Option<(f64, u64)>,
}

/// A rule that trips.
#[derive(Clone, Debug)]
pub(crate) struct Fired {
    pub(crate) trigger: Trigger,
    /// Which it is; none where others say that it opens.
    pub(crate) rule: Option<Rule>,
    /// The open time that goes with it.
    pub(crate) open_for: Duration,
}

// === impl Rules ===

impl Rules {
    /// Whether anything is decided by a window.
    pub(crate) fn needs_window(&self) -> bool {
        self.failures.is_some() || self.has_rates()
    }

    /// What a closed circuit is by these rules: in many, a success need only be counted.
    pub(crate) fn closed_phase(&self) -> Phase {
        let is_plain = !self.needs_window() && self.average.is_none() && self.slow_over.is_none();
        if is_plain { Phase::Plain } else { Phase::Closed }
    }

    fn has_rates(&self) -> bool {
        self.failure_rate.is_some() || self.slow_rate.is_some()
    }

    /// The minimum of calls that can be reached: a window of N calls never holds more (rule CB-5).
    pub(crate) fn effective_min(&self) -> u64 {
        let min = match self.span {
            Span::Calls { size } => self.min_calls.min(size),
            Span::Time { .. } => self.min_calls,
        };
        u64::from(min)
    }

    /// The rule that trips, if one does; of several the one that opens for longest, and of equals the one that comes first
    /// in [`Rule`] (rule CB-9).
    pub(crate) fn fired(&self, evidence: &Evidence) -> Option<Fired> {
        let by_run = self.fired_by_run(evidence.run).map(|trigger| (Rule::Consecutive, trigger));
        let by_window = evidence.tally.map(|tally| self.fired_by_window(&tally)).unwrap_or_default();
        let by_average = evidence.average.and_then(|(success_rate, calls)| {
            self.fired_by_average(success_rate, calls).map(|trigger| (Rule::Average, trigger))
        });
        let all = by_run.into_iter().chain(by_window.into_iter().flatten()).chain(by_average);
        let timed = all.map(|(rule, trigger)| Fired {
            trigger,
            rule: Some(rule),
            open_for: self.base_time(Some(rule)),
        });
        timed.reduce(|longest, other| if other.open_for > longest.open_for { other } else { longest })
    }

    /// For how long `rule` opens at first.
    pub(crate) fn base_time(&self, rule: Option<Rule>) -> Duration {
        rule.map_or(self.open_for, |rule| self.open_times.of(rule, self.open_for))
    }

    /// Whether this many failures in a row trip it (rule CB-6).
    fn fired_by_run(&self, failures: u32) -> Option<Trigger> {
        (failures >= self.consecutive?).then_some(Trigger::Consecutive { failures })
    }

    /// Which rules a window trips: enough failures, or enough calls and a rate at or over its threshold (rules CB-1 to
    /// CB-4, CB-7).
    fn fired_by_window(&self, tally: &Tally) -> [Option<(Rule, Trigger)>; 3] {
        let is_enough = self.is_enough(tally);
        let over = |rate: Option<f64>, threshold: Option<f64>| {
            is_enough && rate.zip(threshold).is_some_and(|(rate, threshold)| rate >= threshold)
        };
        let tally = *tally;
        [
            self.failures
                .is_some_and(|failures| tally.failures >= u64::from(failures))
                .then_some((Rule::Failures, Trigger::Failures { tally })),
            over(tally.failure_rate(), self.failure_rate)
                .then_some((Rule::FailureRate, Trigger::FailureRate { tally })),
            over(tally.slow_rate(), self.slow_rate).then_some((Rule::SlowRate, Trigger::SlowRate { tally })),
        ]
    }

    /// Whether an average of successes trips it: strictly below what is required (rule CB-8).
    fn fired_by_average(&self, success_rate: f64, calls: u64) -> Option<Trigger> {
        let is_low = calls >= u64::from(self.min_calls) && success_rate < self.average?.success_rate;
        is_low.then_some(Trigger::Average { success_rate, calls })
    }

    pub(crate) fn is_enough(&self, tally: &Tally) -> bool {
        tally.calls > 0 && tally.calls >= self.effective_min()
    }

    /// Whether more successes cannot trip what did not trip with this tally.
    pub(crate) fn is_settled(&self, tally: &Tally) -> bool {
        !self.has_rates() || self.is_enough(tally)
    }
}

/// What trips it, for people.
impl fmt::Display for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut or = "";
        if let Some(rate) = self.failure_rate {
            write!(f, "{:.0} % failures", rate * 100.0)?;
            or = " or ";
        }
        if let (Some(rate), Some(over)) = (self.slow_rate, self.slow_over) {
            write!(f, "{or}{:.0} % over {over:?}", rate * 100.0)?;
            or = " or ";
        }
        if let Some(failures) = self.failures {
            write!(f, "{or}{failures} failures")?;
            or = " or ";
        }
        if let Some(average) = self.average {
            write!(f, "{or}{average}")?;
            or = " or ";
        }
        if let Some(run) = self.consecutive {
            write!(f, "{or}{run} failures in a row")?;
        }
        match self.span {
            _ if !self.needs_window() => Ok(()),
            Span::Calls { size } => write!(f, " of the last {size} calls"),
            Span::Time { len, .. } if self.has_rates() => {
                write!(f, " of at least {} calls in {len:?}", self.min_calls)
            }
            Span::Time { len, .. } => write!(f, " in {len:?}"),
        }
    }
}
