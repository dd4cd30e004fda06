//! The statistics of a breaker as others have them, in plain values.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::State;
use crate::snapshot::Snapshot;

/// The statistics of a breaker in plain values, for a page or an answer in JSON. Made by [`Snapshot::stats`].
///
/// With the feature `serde` it is written as it stands, the state as [`State::as_str`]. Metrics are better made of a [`Snapshot`].
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Stats {
    /// The name.
    pub name: &'static str,
    /// The state.
    pub state: State,
    /// Calls that failed.
    pub failure_count: u64,
    /// Calls that succeeded.
    pub success_count: u64,
    /// Both together. Refusals are no calls.
    pub total_calls: u64,
    /// Successes over calls, 0 to 1; none before the first.
    pub success_rate: Option<f64>,
    /// When a call failed last: `2026-11-21T07:10:28.123Z`. None if none did.
    pub last_failure_time: Option<String>,
    /// Calls that were refused.
    pub rejected_calls: u64,
    /// Calls that a fallback answered.
    pub fallbacks: u64,
}

// === impl Snapshot ===

impl Snapshot {
    /// The statistics in plain values. `now` is what the wall clock says, which decides nothing here: it makes a date of
    /// [`last_failure_age`](Self::last_failure_age).
    #[must_use]
    pub fn stats(&self, now: SystemTime) -> Stats {
        let at = |age: Duration| now.duration_since(UNIX_EPOCH).unwrap_or_default().saturating_sub(age);
        Stats {
            name: self.name.as_str(),
            state: self.state,
            failure_count: self.totals.failures,
            success_count: self.totals.successes,
            total_calls: self.totals.calls(),
            success_rate: self.totals.success_rate(),
            last_failure_time: self.last_failure_age.map(|age| iso_8601(at(age))),
            rejected_calls: self.totals.rejected,
            fallbacks: self.totals.fallbacks,
        }
    }
}

/// A moment since 1970 in UTC, to the millisecond.
fn iso_8601(at: Duration) -> String {
    let (days, second) = (at.as_secs() / 86_400, at.as_secs() % 86_400);
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", at.subsec_millis())
}

/// Year, month and day of so many days after the first of January 1970. Years begin in March, so that the day that not all of them have
/// is the last (H. Hinnant, *chrono-Compatible Low-Level Date Algorithms*).
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f_87_moments_are_dates() {
        let text = |second: u64| iso_8601(Duration::from_secs(second));
        assert_eq!(text(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(text(951_782_399), "2000-02-28T23:59:59.000Z");
        assert_eq!(text(951_782_400), "2000-02-29T00:00:00.000Z");
        assert_eq!(text(951_868_800), "2000-03-01T00:00:00.000Z");
        assert_eq!(text(4_107_542_400), "2100-03-01T00:00:00.000Z", "a year that is none of 366 days");
        assert_eq!(iso_8601(Duration::from_millis(1_795_245_028_123)), "2026-11-21T07:10:28.123Z");
        assert_eq!(text(1_798_761_599), "2026-12-31T23:59:59.000Z");
        let _ = iso_8601(Duration::MAX);
    }
}
