use crate::ConfigError;

/// Which share of executions is kept, decided by a hash of the id.
///
/// The hash has 64 bits and is compared with the rate times 2⁶⁴: every rate is exact, down to one in 2⁵³ and below. It is the same
/// in every process and version of this crate, so that services that share ids keep the same ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampleRate {
    /// Hashes below this are kept; 2⁶⁴ keeps all.
    below: u128,
}

// === impl SampleRate ===

impl SampleRate {
    /// All of them.
    pub const ALL: Self = Self { below: 1 << 64 };

    /// None of them.
    pub const NONE: Self = Self { below: 0 };

    /// A share from 0 to 1.
    ///
    /// # Errors
    /// If it is not from 0 to 1.
    pub fn new(rate: f64) -> Result<Self, ConfigError> {
        if (0.0..=1.0).contains(&rate) {
            Ok(Self { below: scaled(rate) })
        } else {
            Err(ConfigError::rate(rate))
        }
    }

    /// Whether the execution of this id is kept. Any text will do.
    #[must_use]
    pub fn keeps(self, id: &str) -> bool {
        u128::from(hash(id)) < self.below
    }
}

/// The rate times 2⁶⁴, which is exact: only the exponent changes.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "from 0 to 2^64; the fraction is below one hash"
)]
fn scaled(rate: f64) -> u128 {
    (rate * 18_446_744_073_709_551_616.0) as u128
}

/// FNV-1a, whose upper bits know little of short texts, finished as `SplitMix64` does.
fn hash(text: &str) -> u64 {
    let fnv = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut z = fnv.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
