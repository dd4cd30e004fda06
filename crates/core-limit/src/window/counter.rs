use std::sync::atomic::Ordering;
use std::time::Duration;

use core_policy::sync::AtomicU64;
use core_time::Instant;

use crate::rate::{Refused, Taken};

/// A sliding-window counter over one word. Pure: the time goes in.
///
/// Calls are counted in windows that follow one another. Of the last one as much still counts as of it lies in the window
/// that ends now, as though its calls had come evenly: `floor((1 − passed) · last) + this + n ≤ limit` (rule RL-9).
///
/// The word is `window << 40 | last << 20 | this`. The number of the window wraps around; who finds his own number after so
/// long a pause, or one that seems to be of the next second, waits for that long.
#[derive(Debug)]
pub(crate) struct Counter {
    word: AtomicU64,
    limit: AtomicU64,
    epoch: Instant,
    /// In units of `1 << shift` nanoseconds, so that sums fit into a word.
    window: u64,
    /// By so many windows another thread's reading may be later.
    soon: u64,
    shift: u32,
}

/// A word, taken apart and brought up to the present window.
#[derive(Clone, Copy)]
struct State {
    window: u64,
    last: u64,
    this: u64,
    /// How much of the window has passed, in units.
    passed: u64,
    /// How long it is until the window begins, in units: another thread has read the clock later.
    early: u64,
}

/// As many fit into the word.
pub(crate) const LIMIT_MAX: u64 = COUNT_MASK;

const COUNT_BITS: u32 = 20;
const COUNT_MASK: u64 = (1 << COUNT_BITS) - 1;
const WINDOW_BITS: u32 = 24;
const WINDOW_MASK: u64 = (1 << WINDOW_BITS) - 1;

/// Windows have fewer units than this: times a count it fits into a word.
const UNITS_MAX: u64 = 1 << 43;

/// Readings of two threads differ by a kernel tick, and by as long as one of them was kept from going on with it; a clock that goes back
/// does so by more than this second.
const JUMP: u64 = 1_000_000_000;

// === impl Counter ===

impl Counter {
    pub(crate) fn new(limit: u64, window: Duration, epoch: Instant) -> Self {
        let (mut window, mut shift) = (u64::try_from(window.as_nanos()).unwrap_or(u64::MAX), 0);
        while window >= UNITS_MAX {
            window >>= 1;
            shift += 1;
        }
        let soon = (1 + (JUMP >> shift) / window).min(WINDOW_MASK / 2);
        Self { word: AtomicU64::new(0), limit: AtomicU64::new(limit), epoch, window, soon, shift }
    }

    pub(crate) fn limit(&self) -> u64 {
        self.limit.load(Ordering::Relaxed)
    }

    pub(crate) fn set_limit(&self, limit: u64) {
        self.limit.store(limit, Ordering::Relaxed);
    }

    /// Takes `n`, or changes nothing.
    #[inline]
    pub(crate) fn take(&self, n: u64, now: Instant) -> Result<Taken, Refused> {
        let limit = self.limit();
        if n > limit {
            return Err(Refused::Impossible);
        }
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            let state = self.state(word, now);
            if n > 0 && self.weight(state) + state.this + n > limit {
                return Err(Refused::after(self.wait(state, limit - n)));
            }
            let after = State { this: state.this + n, ..state };
            match self.exchange(word, after) {
                Ok(()) => return Ok(self.taken(after, limit)),
                Err(changed) => word = changed,
            }
        }
    }

    /// Takes as many as there are, up to `n`. How many.
    pub(crate) fn take_at_most(&self, n: u64, now: Instant) -> u64 {
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            let state = self.state(word, now);
            let granted = self.limit().saturating_sub(self.weight(state) + state.this).min(n);
            if granted == 0 {
                return 0;
            }
            match self.exchange(word, State { this: state.this + granted, ..state }) {
                Ok(()) => return granted,
                Err(changed) => word = changed,
            }
        }
    }

    pub(crate) fn peek(&self, now: Instant) -> Taken {
        self.taken(self.state(self.word.load(Ordering::Relaxed), now), self.limit())
    }

    /// How much of the last window still counts.
    #[inline]
    fn weight(&self, state: State) -> u64 {
        state.last * (self.window - state.passed) / self.window
    }

    /// How long until no more than `room` counts.
    fn wait(&self, state: State, room: u64) -> Duration {
        let rest = self.window - state.passed;
        let units = if state.this <= room {
            self.moment(state.last, room - state.this) - state.passed
        } else {
            rest + self.moment(state.this, room)
        };
        Duration::from_nanos((state.early + units) << self.shift)
    }

    /// How far a window must have passed, that no more than `room` of the `last` one still counts.
    fn moment(&self, last: u64, room: u64) -> u64 {
        if last <= room { 0 } else { self.window - ((room + 1) * self.window - 1) / last }
    }

    fn taken(&self, state: State, limit: u64) -> Taken {
        let remaining = limit.saturating_sub(self.weight(state) + state.this);
        let reset = match (self.weight(state), state.this) {
            (0, 0) => Duration::ZERO,
            (_, 0) => self.wait(state, 0),
            _ => {
                let end = state.early + self.window - state.passed;
                self.wait(state, 0).max(Duration::from_nanos(end << self.shift))
            }
        };
        Taken { remaining, reset }
    }

    fn exchange(&self, word: u64, state: State) -> Result<(), u64> {
        let after = (state.window & WINDOW_MASK) << (2 * COUNT_BITS)
            | state.last << COUNT_BITS
            | state.this.min(COUNT_MASK);
        self.word.compare_exchange(word, after, Ordering::Relaxed, Ordering::Relaxed).map(drop)
    }

    #[inline]
    fn state(&self, word: u64, now: Instant) -> State {
        let units = now.as_nanos().saturating_sub(self.epoch.as_nanos()) >> self.shift;
        let (window, passed) = (units / self.window, units % self.window);
        let (then, last, this) =
            (word >> (2 * COUNT_BITS), word >> COUNT_BITS & COUNT_MASK, word & COUNT_MASK);
        let ahead = then.wrapping_sub(window) & WINDOW_MASK;
        let state = State { window, last: 0, this: 0, passed, early: 0 };
        match window.wrapping_sub(then) & WINDOW_MASK {
            0 => State { last, this, ..state },
            1 => State { last: this, ..state },
            // Another thread's reading is a little later, or the clock has gone back by as little: the count goes on.
            _ if ahead <= self.soon => {
                let early = ahead * self.window - passed;
                State { window: window + ahead, last, this, passed: 0, early }
            }
            _ => state,
        }
    }
}
