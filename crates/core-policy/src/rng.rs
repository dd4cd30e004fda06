use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

/// Random numbers for jitter: seedable, shared without a lock, and not for secrets.
///
/// `SplitMix64` (Steele, Lea, Flood 2014) over an atomic counter: the same seed gives the same sequence on one thread.
#[derive(Debug)]
pub struct Rng(AtomicU64);

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
