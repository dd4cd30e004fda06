//! For how long it opens, and how calls come back.

use std::time::Duration;

use crate::rules::{Rule, Rules};

/// How the open time grows with each half-open round in a row that failed (rule CB-29). Closing starts anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progression {
    /// It does not.
    Constant,
    /// By as much again: 30 s, 60 s, 90 s.
    Linear,
    /// It doubles: 5 s, 10 s, 20 s. The default.
    #[default]
    Doubling,
}

/// What a time after which the callee asks to be tried again does to the open time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hints {
    /// Nothing.
    Ignore,
    /// It makes it longer where it is the longer one, and never shorter. The default.
    #[default]
    Extend,
    /// It takes its place, also where it is shorter: for callees whose word is good.
    Obey,
}

/// Open times of rules that have one of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpenTimes([Option<Duration>; 5]);

/// Calls come back bit by bit: a growing share of them is admitted (rule CB-38).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RampUp {
    /// The share at the start.
    pub from: f64,
    /// How long until all are admitted.
    pub over: Duration,
}

/// What a function that says how long it opens may go by.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Opening {
    /// The share of failures: in the window, or of the probes of the round that failed. `None` where there is no window, or
    /// no probe came back.
    pub failure_rate: Option<f64>,
    /// How many failures: in the window or in a row, whichever is more, or of the round.
    pub failures: u64,
    /// How many half-open rounds in a row failed before.
    pub half_open_attempts: u32,
    /// The time by the other rules, without jitter.
    pub open_for: Duration,
}

// === impl OpenTimes ===

impl OpenTimes {
    /// The open time of `rule`, if it has one of its own.
    #[must_use]
    pub fn get(&self, rule: Rule) -> Option<Duration> {
        self.0[rule as usize]
    }

    pub(crate) fn set(&mut self, rule: Rule, time: Duration) {
        self.0[rule as usize] = Some(time);
    }

    pub(crate) fn of(&self, rule: Rule, other: Duration) -> Duration {
        self.get(rule).unwrap_or(other)
    }

    /// The longest and the shortest.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Duration> {
        self.0.into_iter().flatten()
    }
}

// === impl RampUp ===

impl RampUp {
    /// The share that is admitted when so much is left of the ramp.
    #[must_use]
    pub(crate) fn share(&self, left: Duration) -> f64 {
        let done = 1.0 - (left.as_secs_f64() / self.over.as_secs_f64()).clamp(0.0, 1.0);
        self.from + (1.0 - self.from) * done
    }

    /// How much of the ramp is left when the share that is admitted comes to `share`.
    #[must_use]
    pub(crate) fn left_at(&self, share: f64) -> Duration {
        let left = ((1.0 - share) / (1.0 - self.from)).clamp(0.0, 1.0);
        // What no duration holds is all of it, as is what is left where all are admitted from the start.
        Duration::try_from_secs_f64(self.over.as_secs_f64() * left)
            .map_or(self.over, |left| left.min(self.over))
    }
}

// === impl Rules ===

impl Rules {
    /// The open time of the `reopened`th reopening in a row that began with `base`, before jitter (rule CB-29).
    pub(crate) fn open_time(&self, base: Duration, reopened: u32) -> Duration {
        let times = match self.progression {
            Progression::Constant => 1,
            Progression::Linear => reopened.saturating_add(1),
            Progression::Doubling => 1_u32.checked_shl(reopened).unwrap_or(u32::MAX),
        };
        base.saturating_mul(times).min(self.open_max.max(base))
    }

    /// Jitter: a time drawn from the upper half, with a draw from `[0, 1)` (rule CB-30).
    pub(crate) fn jittered(&self, time: Duration, draw: f64) -> Duration {
        if self.jitter { time / 2 + (time / 2).mul_f64(draw.clamp(0.0, 1.0)) } else { time }
    }

    /// The open time where the callee asked for `asked` from now on, which is capped already.
    ///
    /// What it asks for is a floor, and a fleet that was told the same does not come back in step: jitter adds up to half of
    /// the time by the rules.
    pub(crate) fn with_hint(&self, own: Duration, asked: Option<Duration>, draw: f64) -> Duration {
        let Some(asked) = asked.filter(|_| self.hints != Hints::Ignore) else { return own };
        let spread = if self.jitter { (own / 2).mul_f64(draw.clamp(0.0, 1.0)) } else { Duration::ZERO };
        let asked = asked.saturating_add(spread);
        match self.hints {
            Hints::Obey => asked,
            _ => own.max(asked),
        }
    }
}
