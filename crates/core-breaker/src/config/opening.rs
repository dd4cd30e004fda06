//! For how long it opens.

use std::sync::Arc;
use std::time::Duration;

use super::Builder;
use crate::opening::{Hints, Opening, Progression};
use crate::rules::Rule;

// === impl Builder ===

impl Builder {
    /// Stays open for this long, the first time. Default: 5 s.
    ///
    /// Each time in a row that the probes fail it grows, as [`progression`](Self::progression) says, up to
    /// [`open_max`](Self::open_max).
    pub fn open_for(mut self, duration: Duration) -> Self {
        self.settings.rules.open_for = duration;
        self
    }

    /// Stays open for this long where that rule trips it. When several rules trip it at once, the longest of their times
    /// counts (rule CB-9). Default: [`open_for`](Self::open_for).
    pub fn open_for_rule(mut self, rule: Rule, duration: Duration) -> Self {
        self.settings.rules.open_times.set(rule, duration);
        self
    }

    /// How the open time grows with each round of probes in a row that failed. Default: it doubles.
    pub fn progression(mut self, progression: Progression) -> Self {
        self.settings.rules.progression = progression;
        self
    }

    /// Grows to no more than this. Default: 60 s, or [`open_for`](Self::open_for) if that is longer.
    pub fn open_max(mut self, duration: Duration) -> Self {
        self.settings.open_max = Some(duration);
        self
    }

    /// Draws each open time from its upper half, so that a fleet does not probe in step (rule CB-30). Default: on.
    pub fn jitter(mut self, on: bool) -> Self {
        self.settings.rules.jitter = on;
        self
    }

    /// Asks `open_by` for how long to open, in place of the progression, its maximum and the jitter (rule CB-31). Default: off.
    ///
    /// [`Duration::MAX`] is for ever: until an operator closes it. It is called when the circuit opens, on the thread of the
    /// call that opens it and under no lock; now and then once in vain. If it panics, the time by the other rules is taken.
    /// As long as it is asked nobody else asks it about the same opening: of calls that it makes itself a failure opens nothing, and where
    /// probes have failed they are refused.
    pub fn open_by(mut self, open_by: impl Fn(&Opening) -> Duration + Send + Sync + 'static) -> Self {
        self.settings.open_by = Some(Arc::new(open_by));
        self
    }

    /// What a time that the callee asks for does to the open time, as `Retry-After` or the hint of a
    /// [`Verdict`](core_errors::Verdict). Default: it makes it longer, never shorter.
    ///
    /// Its newest word counts, also that of a failure before the one that tripped, until the circuit closes.
    pub fn hints(mut self, hints: Hints) -> Self {
        self.settings.rules.hints = hints;
        self
    }

    /// Does what the callee asks for up to this. Default: 300 s, or [`open_max`](Self::open_max) if that is longer.
    pub fn hint_max(mut self, duration: Duration) -> Self {
        self.settings.hint_max = Some(duration);
        self
    }
}
