//! The state of a breaker in plain values, for a process that starts where another ended.

use std::time::Duration;

use core_errors::{Category, Name};

use crate::State;
use crate::error::{ConfigError, Kind};
use crate::window::{BUCKETS_MAX, SIZE_MAX, Tally};

/// What a breaker knew, from [`Breaker::save`](crate::Breaker::save) to [`Builder::resume`](crate::Builder::resume).
///
/// Plain values to be written down in whatever form; times are durations before or after the moment it was saved, so that
/// no clock needs to go on across a restart. State and category have texts: `as_str`, and [`State::from_str`] and
/// [`Category::all`] for the way back.
///
/// With the feature `serde` it is written and read as it stands: durations as `{"secs":…,"nanos":…}`, state and category as these texts.
///
/// [`State::from_str`]: std::str::FromStr
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Saved {
    /// The form of this: [`Saved::VERSION`].
    pub version: u32,
    /// The name of the breaker.
    pub name: String,
    /// The state. One that was half open comes back open, and due to probe: its probes are gone.
    pub state: State,
    /// While open: how long still.
    pub open_left: Option<Duration>,
    /// While calls come back bit by bit: how long still.
    pub ramp_left: Option<Duration>,
    /// The open time that those of reopenings grow from.
    pub open_base: Duration,
    /// How many half-open rounds in a row failed.
    pub reopened: u32,
    /// Failures in a row.
    pub consecutive_failures: u32,
    /// What a window of time held, the oldest first. At most 32.
    pub buckets: Vec<SavedBucket>,
    /// What a window of calls held, the oldest first. At most 200 000.
    pub results: Vec<SavedResult>,
    /// The moving average.
    pub average: Option<SavedAverage>,
    /// The kind of the last failure.
    pub last_failure: Option<Category>,
}

/// A bucket of a window of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SavedBucket {
    /// How long before it was saved the bucket began.
    pub age: Duration,
    /// What it held.
    pub tally: Tally,
}

/// A result in a window of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SavedResult {
    /// Whether it failed.
    pub failed: bool,
    /// Whether it was slow.
    pub slow: bool,
}

/// A moving average.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SavedAverage {
    /// The share of successes.
    pub success_rate: f64,
    /// How many calls are in it.
    pub calls: u64,
    /// How long before it was saved the last of them ended.
    pub age: Duration,
}

// === impl Saved ===

impl Saved {
    /// The form that is written and read: 1.
    pub const VERSION: u32 = 1;

    /// Whether a breaker of that name can begin with it.
    pub(crate) fn check(&self, name: Name) -> Result<(), ConfigError> {
        if self.version != Self::VERSION {
            return nonsense(format!("its version is {}", self.version), "version 1 is understood");
        }
        if self.name != name.as_str() {
            let text: String = self.name.chars().take(128).collect();
            return nonsense(
                format!("it is of {text:?}, not of `{name}`"),
                "give it to the breaker it is of",
            );
        }
        if (self.state == State::Open) != self.open_left.is_some() {
            return nonsense(
                format!("the state is {} and open_left is {:?}", self.state, self.open_left),
                "an open circuit, and no other, has some",
            );
        }
        if self.ramp_left.is_some() && self.state != State::Closed {
            return nonsense(
                format!("the state is {} with a ramp", self.state),
                "only a closed circuit has one",
            );
        }
        if self.open_base.is_zero() {
            return nonsense("open_base is zero".to_owned(), "it is an open time");
        }
        self.check_windows()?;
        self.check_average()
    }

    fn check_windows(&self) -> Result<(), ConfigError> {
        if self.buckets.len() > BUCKETS_MAX as usize {
            return nonsense(format!("it has {} buckets", self.buckets.len()), "a window has at most 32");
        }
        if self.results.len() > SIZE_MAX as usize {
            return nonsense(format!("it has {} results", self.results.len()), "a window has at most 200000");
        }
        match self.buckets.iter().map(|bucket| bucket.tally).find(|tally| !is_possible(tally)) {
            Some(Tally { calls, failures, slow }) => nonsense(
                format!("a bucket has {calls} calls, {failures} failures and {slow} slow calls"),
                "failures and slow calls are calls, of which a bucket has at most 2^28",
            ),
            None => Ok(()),
        }
    }

    fn check_average(&self) -> Result<(), ConfigError> {
        match self.average {
            Some(SavedAverage { success_rate, calls, .. })
                if calls == 0 || !(0.0..=1.0).contains(&success_rate) =>
            {
                nonsense(
                    format!("the average of {calls} calls is {success_rate}"),
                    "it is of 0 to 1, and of 1 call at least",
                )
            }
            _ => Ok(()),
        }
    }
}

fn is_possible(tally: &Tally) -> bool {
    tally.failures <= tally.calls && tally.slow <= tally.calls && tally.calls < 1 << 28
}

fn nonsense(what: String, right: &'static str) -> Result<(), ConfigError> {
    Err(ConfigError(Kind::Saved { what, right }))
}
