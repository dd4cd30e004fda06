use std::time::Duration;

use core_time::Instant;

/// Calls of a while, taken together: where calls differ, one alone says more of itself than of the load.
///
/// After the windowed limits of `concurrency-limits` of Netflix.
#[derive(Clone, Debug)]
pub(super) struct Window {
    len: Duration,
    /// When the first call of it ended.
    began: Option<Instant>,
    count: u32,
    sum: Duration,
    flown: Flown,
}

/// How many calls were in flight when one began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Flown {
    pub(super) in_flight: u32,
    /// The same, as a part of what such calls may fill: more, where they may not fill all of the limit.
    pub(super) pressure: u32,
}

/// Fewer calls are not taken together: the window goes on until there are as many.
const CALLS_MIN: u32 = 10;

// === impl Window ===

impl Window {
    /// A window of zero hands each call on by itself.
    pub(super) fn new(len: Duration) -> Self {
        Self { len, began: None, count: 0, sum: Duration::ZERO, flown: Flown::default() }
    }

    /// A call ended. When the window is over: how long its calls took on average, and the most that were in flight.
    pub(super) fn add(&mut self, rtt: Duration, flown: Flown, now: Instant) -> Option<(Duration, Flown)> {
        if self.len.is_zero() {
            return Some((rtt, flown));
        }
        // A clock that has gone back does not make it longer (rule W-5).
        let began = self.began.map_or(now, |began| began.min(now));
        self.began = Some(began);
        self.count = self.count.saturating_add(1);
        self.sum = self.sum.saturating_add(rtt);
        self.flown.in_flight = self.flown.in_flight.max(flown.in_flight);
        self.flown.pressure = self.flown.pressure.max(flown.pressure);
        if now - began < self.len || self.count < CALLS_MIN {
            return None;
        }
        let over = std::mem::replace(self, Self::new(self.len));
        Some((over.sum / over.count, over.flown))
    }
}

#[cfg(test)]
mod tests {
    use core_time::ms;

    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::ORIGIN + ms(1_000 + millis)
    }

    fn of(in_flight: u32) -> Flown {
        Flown { in_flight, pressure: in_flight }
    }

    #[test]
    fn calls_of_a_while_are_one_sample_and_the_next_begins_anew() {
        let mut window = Window::new(ms(100));
        for call in 0..10 {
            assert_eq!(window.add(ms(10 + call), of(5), at(call * 10)), None);
        }
        assert_eq!(window.add(ms(20), of(9), at(100)), Some((ms(15), of(9))));
        assert_eq!(window.add(ms(70), of(2), at(101)), None);
        for _ in 0..8 {
            assert_eq!(window.add(ms(70), of(2), at(300)), None, "too few");
        }
        assert_eq!(window.add(ms(70), of(2), at(300)), Some((ms(70), of(2))));
    }

    #[test]
    fn without_a_window_each_call_counts() {
        assert_eq!(Window::new(Duration::ZERO).add(ms(7), of(3), at(0)), Some((ms(7), of(3))));
    }
}
