use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::stripes::Stripes;

/// Random numbers for jitter: seedable, shared without a lock, and not for secrets.
///
/// `SplitMix64` (Steele, Lea, Flood 2014) over an atomic counter: the same seed gives the same sequence on one thread.
#[derive(Debug)]
pub struct Rng(AtomicU64);

/// The same for calls that are many: each thread has a sequence of its own, and no two write the same word.
///
/// Seeded, one thread draws the same numbers in every run, and threads that draw at the same time draw the same as each other;
/// otherwise each its own.
#[derive(Debug)]
pub struct RngOfThreads(Stripes<AtomicU64>);

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

// === impl Rng ===

impl Rng {
    /// A sequence that is the same in every run.
    #[must_use]
    pub const fn from_seed(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// A sequence that nobody can guess across processes: seeded by the operating system.
    #[must_use]
    pub fn from_entropy() -> Self {
        Self::from_seed(RandomState::new().hash_one(GOLDEN))
    }

    /// The next 64 bits.
    pub fn next_u64(&self) -> u64 {
        mix(self.0.fetch_add(GOLDEN, Ordering::Relaxed).wrapping_add(GOLDEN))
    }

    /// A number in `[0, 1)`, uniform in steps of 2⁻⁵³.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are what an f64 holds")]
    pub fn next_unit(&self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

// === impl RngOfThreads ===

impl RngOfThreads {
    /// Sequences that are the same in every run, for threads that are there at the same time.
    #[must_use]
    pub fn from_seed(seed: u64) -> Self {
        Self(Stripes::with(|| AtomicU64::new(seed)))
    }

    /// Sequences that nobody can guess across processes: seeded by the operating system.
    #[must_use]
    pub fn from_entropy() -> Self {
        let seeds = Rng::from_entropy();
        Self(Stripes::with(|| AtomicU64::new(seeds.next_u64())))
    }

    /// The next 64 bits of this thread.
    #[inline]
    pub fn next_u64(&self) -> u64 {
        let mine = self.0.mine();
        mix(mine.advance(mine.value, GOLDEN))
    }
}

/// The finalizer of `SplitMix64`.
#[inline]
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl Default for Rng {
    fn default() -> Self {
        Self::from_entropy()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_draws_what_one_sequence_gives() {
        let (one, threads) = (Rng::from_seed(7), RngOfThreads::from_seed(7));
        assert!((0..100).all(|_| one.next_u64() == threads.next_u64()));
    }

    #[test]
    fn threads_draw_different_numbers_unless_they_were_seeded() {
        let (seeded, free) = (RngOfThreads::from_seed(7), RngOfThreads::from_entropy());
        // The place of a thread that has ended goes to the next: both are there at once.
        let here = (seeded.next_u64(), free.next_u64());
        let elsewhere = std::thread::scope(|scope| {
            let drawn = scope.spawn(|| (seeded.next_u64(), free.next_u64()));
            drawn.join().expect("it does not panic")
        });
        assert_eq!(elsewhere.0, here.0);
        assert_ne!(elsewhere.1, here.1);
    }
}
