#[cfg(not(genesis_mutant))]
use std::sync::PoisonError;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use core_policy::stripes::Stripes;
use core_policy::sync::{AtomicU64, Mutex};
use core_time::Instant;

use crate::error::{ConfigError, Kind};

/// Shares of a token that calls leave behind, for as long as they last: what Finagle calls a retry budget.
///
/// The window is a ring of buckets, each the sum of what was left and taken in a tenth of the time to live. A bucket is one word with
/// the number of its time, so that who finds an old one begins it anew in the same step. Each thread has a ring of its own, since every
/// call writes one; who takes adds them all up, under a lock, so that looking and taking are one step.
///
/// What a thread left is there for all of them as soon as its store is seen, as with a single word. Between two that take nothing is
/// taken twice: the second sees what the first took, since the lock is handed on. A call that is just leaving its share may be seen
/// or not, and counts for the next who takes.
#[derive(Debug)]
pub(super) struct Deposit {
    rings: Stripes<Ring>,
    /// The length of a bucket in nanoseconds.
    width: u64,
    /// What a call adds.
    share: AtomicI64,
    /// What is there besides.
    reserve: AtomicI64,
    taking: Mutex<()>,
}

/// What the calls of one thread left behind and took.
#[derive(Debug)]
struct Ring([AtomicU64; BUCKETS]);

const BUCKETS: usize = 10;

/// A whole token: of a share, four decimals count.
const TOKEN: i32 = 10_000;

/// The sum of a bucket has the low bits, the number of its time the rest.
const SUM_BITS: u32 = 40;

/// What one bucket of a thread holds at most, either way: 55 million tokens.
const SUM_MAX: i64 = (1 << (SUM_BITS - 1)) - 1;

// === impl Deposit ===

impl Deposit {
    pub(super) fn new(share: f64, min_per_second: u32, ttl: Duration) -> Result<Self, ConfigError> {
        // A NaN is in no range.
        if !(0.0..=1_000.0).contains(&share) {
            return Err(ConfigError(Kind::Share(share)));
        }
        if !(Duration::from_secs(1)..=Duration::from_secs(60)).contains(&ttl) {
            return Err(ConfigError(Kind::Ttl(ttl)));
        }
        if min_per_second > 1_000_000 {
            return Err(ConfigError(Kind::MinPerSecond(min_per_second)));
        }
        #[expect(clippy::cast_possible_truncation, reason = "0 to 10 000 000, rounded")]
        let share = (share * f64::from(TOKEN)).round() as i64;
        if share == 0 && min_per_second == 0 {
            return Err(ConfigError(Kind::EmptyBudget));
        }
        let seconds = ttl.as_millis();
        let reserve =
            i128::from(min_per_second) * i128::from(TOKEN) * i128::try_from(seconds).unwrap_or(0) / 1_000;
        Ok(Self {
            rings: Stripes::new(),
            width: u64::try_from(ttl.as_nanos()).unwrap_or(u64::MAX) / BUCKETS as u64,
            share: AtomicI64::new(share),
            reserve: AtomicI64::new(i64::try_from(reserve).unwrap_or(i64::MAX)),
            taking: Mutex::new(()),
        })
    }

    /// Has the numbers of `to`, if its tokens live as long; what is there stays.
    pub(super) fn reconfigure(&self, to: &Self) -> Result<(), ConfigError> {
        if self.width != to.width {
            return Err(ConfigError(Kind::Fixed { what: "how long tokens live" }));
        }
        self.share.store(to.share.load(Ordering::Relaxed), Ordering::Relaxed);
        self.reserve.store(to.reserve.load(Ordering::Relaxed), Ordering::Relaxed);
        Ok(())
    }

    /// A call was made. Whether it leaves something.
    #[inline]
    pub(super) fn call(&self, now: Instant) -> bool {
        let share = self.share.load(Ordering::Relaxed);
        if share > 0 {
            self.add(now, share);
        }
        share > 0
    }

    /// Takes a token, if one is there. From which bucket it was, for [`refund`](Self::refund).
    pub(super) fn take(&self, now: Instant) -> Option<u16> {
        // Left out where models are to show that they notice.
        #[cfg(not(genesis_mutant))]
        let _taking = self.taking.lock().unwrap_or_else(PoisonError::into_inner);
        if self.sum(now) < i64::from(TOKEN) {
            return None;
        }
        self.add(now, -i64::from(TOKEN));
        Some(mark(self.number(now)))
    }

    /// Gives a token back where it was taken from, as if that had never been: in a bucket of its own it would outlive what it was taken
    /// from. From one that is old by now nothing is given back, since the token would be old as well.
    pub(super) fn refund(&self, from: u16, now: Instant) {
        let at = self.number(now);
        let age = (u64::from(mark(at)) + MARKS - u64::from(from)) % MARKS;
        let then = match age {
            _ if age < BUCKETS as u64 => before(at, age),
            // The one who took it had read a more exact clock.
            _ if age >= MARKS - AHEAD => before(at, age + NUMBER_MAX - MARKS),
            _ => return,
        };
        self.add_at(then, TOKEN.into());
    }

    pub(super) fn left(&self, now: Instant) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "for people to read; millions of tokens are exact")]
        let sum = self.sum(now) as f64;
        sum / f64::from(TOKEN)
    }

    /// What is there: what lives, and the reserve. Not below zero: what was taken may outlive what it was taken from.
    fn sum(&self, now: Instant) -> i64 {
        let at = self.number(now);
        let lives = |word: &u64| number_of(*word).abs_diff(at) < BUCKETS as u64;
        let buckets = self.rings.iter().flat_map(|ring| &ring.0);
        let words = buckets.map(|bucket| bucket.load(Ordering::Acquire));
        let sum = words.filter(lives).map(sum_of).fold(0, i64::saturating_add);
        sum.saturating_add(self.reserve.load(Ordering::Relaxed)).max(0)
    }

    #[inline]
    fn add(&self, now: Instant, change: i64) {
        self.add_at(self.number(now), change);
    }

    #[inline]
    fn add_at(&self, at: u64, change: i64) {
        let mine = self.rings.mine();
        #[expect(clippy::cast_possible_truncation, reason = "a remainder of ten")]
        let bucket = &mine.value.0[(at % BUCKETS as u64) as usize];
        let held = bucket.load(Ordering::Relaxed);
        if mine.is_own {
            // Nobody else writes it. Release, so that who adds up finds what was there when this was left.
            bucket.store(more(held, at, change), Ordering::Release);
        } else {
            add_shared(bucket, held, at, change);
        }
    }

    /// The number of the time: never zero, which is that of a bucket that was never used.
    #[inline]
    fn number(&self, now: Instant) -> u64 {
        now.as_nanos() / self.width % NUMBER_MAX + 1
    }
}

// === impl Ring ===

impl Default for Ring {
    fn default() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}

/// Numbers start over after 19 days at the shortest time to live.
const NUMBER_MAX: u64 = (1 << (64 - SUM_BITS)) - 1;

/// Buckets are told apart by their number modulo this, which fits into what a retry remembers of what it paid: more of them than live at
/// once, and a divisor of [`NUMBER_MAX`]. What is given back after one and a half times the time to live may be taken for younger.
const MARKS: u64 = 15;

const _: () = assert!(NUMBER_MAX.is_multiple_of(MARKS), "marks go on where numbers start over");

/// So many buckets the clock of who took may have been ahead of that of who gives back.
const AHEAD: u64 = 2;

/// Of a bucket, 1 to 15: never zero, which is that of nothing.
fn mark(number: u64) -> u16 {
    u16::try_from(number % MARKS).map_or(1, |rest| rest + 1)
}

/// The number of the bucket so many before.
fn before(number: u64, age: u64) -> u64 {
    (number - 1 + NUMBER_MAX - age) % NUMBER_MAX + 1
}

#[cold]
fn add_shared(bucket: &AtomicU64, mut held: u64, at: u64, change: i64) {
    while let Err(changed) =
        bucket.compare_exchange_weak(held, more(held, at, change), Ordering::AcqRel, Ordering::Relaxed)
    {
        held = changed;
    }
}

/// An old bucket is begun anew. So is a newer one, if the clock went back: little is lost, and nothing for ever.
#[inline]
fn more(held: u64, at: u64, change: i64) -> u64 {
    let before = if number_of(held) == at { sum_of(held) } else { 0 };
    pack(at, (before + change).clamp(-SUM_MAX, SUM_MAX))
}

fn pack(number: u64, sum: i64) -> u64 {
    number << SUM_BITS | (sum.cast_unsigned() & ((1 << SUM_BITS) - 1))
}

fn number_of(word: u64) -> u64 {
    word >> SUM_BITS
}

fn sum_of(word: u64) -> i64 {
    let unused = 64 - SUM_BITS;
    (word << unused).cast_signed() >> unused
}
