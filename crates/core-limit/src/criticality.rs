use core_errors::Criticality;

use crate::error::{ConfigError, Kind};

/// What share of a limit each criticality may fill, in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shares([u32; COUNT]);

/// How many criticalities there are.
pub(crate) const COUNT: usize = Criticality::ALL.len();

/// The place of a criticality, the most important first.
pub(crate) const fn index(criticality: Criticality) -> usize {
    criticality as usize
}

// === impl Shares ===

impl Shares {
    const WHOLE: u32 = 1_000_000;

    /// Checks what was asked for. Who is not named has what the next more important one has.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is 0 to a million")]
    pub(crate) fn checked(asked: [Option<f64>; COUNT]) -> Result<Self, ConfigError> {
        let (mut shares, mut last) = ([0; COUNT], 1.0);
        for criticality in Criticality::ALL {
            let share = asked[index(criticality)].unwrap_or(last);
            // A NaN is in no range.
            if !(0.0..=1.0).contains(&share) {
                return Err(ConfigError(Kind::Outside { what: "a share", value: share, min: 0.0, max: 1.0 }));
            }
            if share > last || criticality == Criticality::CriticalPlus && share < 1.0 {
                return Err(ConfigError(Kind::Shares { criticality, share }));
            }
            let rounded = (share * f64::from(Self::WHOLE)).round() as u32;
            shares[index(criticality)] = if share > 0.0 { rounded.max(1) } else { 0 };
            last = share;
        }
        Ok(Self(shares))
    }

    /// Whether calls of it may fill all there is.
    #[inline]
    pub(crate) fn is_whole(self, criticality: Criticality) -> bool {
        self.0[index(criticality)] >= Self::WHOLE
    }

    /// How many of `max` calls of `criticality` may fill: of a share that is not zero one at least, or nobody of it would ever
    /// pass a small limit.
    pub(crate) fn of(self, criticality: Criticality, max: u32) -> u32 {
        let share = self.0[index(criticality)];
        let filled = u64::from(max) * u64::from(share) / u64::from(Self::WHOLE);
        u32::try_from(filled).unwrap_or(max).max(share.min(1)).min(max)
    }
}
