//! A moving average of successes.

use std::fmt;
use std::sync::PoisonError;
use std::time::Duration;

use core_time::Instant;

use crate::sync::{Mutex, MutexGuard};

/// Trip when an exponentially decaying average of successes falls below what is required.
///
/// Old calls fade instead of leaving a window at once, so one number stands for all of them. It depends on the order of the
/// calls, so all of them write one place under a short lock; windows of time have no such place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Average {
    /// It trips strictly below this share of successes.
    pub success_rate: f64,
    /// What makes old calls fade.
    pub decay: Decay,
}

/// What makes a call fade in an average: to a share of 1/e of its weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decay {
    /// So many later calls.
    Calls(u32),
    /// So much time. Between two calls the older ones fade by the time that went by, so a call weighs the more the longer it
    /// was awaited.
    Time(Duration),
}

/// The average as it stands.
#[derive(Debug)]
pub(crate) struct Smoothed(Mutex<State>);

#[derive(Clone, Copy, Debug)]
struct State {
    generation: u32,
    value: f64,
    calls: u64,
    at: Instant,
}

// === impl Smoothed ===

impl Smoothed {
    pub(crate) fn new(generation: u32) -> Self {
        Self(Mutex::new(State::empty(generation)))
    }

    /// Counts a result of `generation`. The average and the number of calls, unless the result came too late to count.
    pub(crate) fn record(
        &self,
        decay: Decay,
        generation: u32,
        failed: bool,
        now: Instant,
    ) -> Option<(f64, u64)> {
        let mut state = self.lock();
        if state.generation != generation {
            return None;
        }
        let value = if failed { 0.0 } else { 1.0 };
        state.value = if state.calls == 0 {
            value
        } else {
            let kept = decay.kept(now - state.at);
            state.value * kept + value * (1.0 - kept)
        };
        // As many as there can be, if a saved state says so.
        state.calls = state.calls.saturating_add(1);
        // Also where the clock went back: until it were as late as before, no call would weigh anything (rule W-5).
        state.at = now;
        Some((state.value, state.calls))
    }

    /// A new generation starts with nothing.
    pub(crate) fn restart(&self, generation: u32) {
        *self.lock() = State::empty(generation);
    }

    /// The average and how many calls are in it.
    pub(crate) fn get(&self) -> Option<(f64, u64)> {
        let state = *self.lock();
        (state.calls > 0).then_some((state.value, state.calls))
    }

    /// Since when nothing was counted.
    pub(crate) fn last(&self) -> Instant {
        self.lock().at
    }

    pub(crate) fn set(&self, value: f64, calls: u64, at: Instant) {
        let mut state = self.lock();
        *state = State { generation: state.generation, value, calls, at };
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing under the lock can panic half-way.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl State ===

impl State {
    const fn empty(generation: u32) -> Self {
        Self { generation, value: 1.0, calls: 0, at: Instant::ORIGIN }
    }
}

// === impl Decay ===

impl Decay {
    /// What share of the average stays when another call comes.
    fn kept(self, gap: Duration) -> f64 {
        match self {
            Self::Calls(calls) => (-1.0 / f64::from(calls)).exp(),
            Self::Time(time) => (-gap.as_secs_f64() / time.as_secs_f64()).exp(),
        }
    }
}

impl fmt::Display for Average {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "under {:.0} % successes on the average of ", self.success_rate * 100.0)?;
        match self.decay {
            Decay::Calls(calls) => write!(f, "{calls} calls"),
            Decay::Time(time) => write!(f, "{time:?}"),
        }
    }
}
