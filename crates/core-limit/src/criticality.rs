use crate::error::{ConfigError, Kind};

/// How important a call is, as Google's *Site Reliability Engineering* (ch. 21) has it. What is less important is refused first.
///
/// A handle of a limit has one: [`Bulkhead::with_criticality`](crate::Bulkhead::with_criticality),
/// [`Adaptive::with_criticality`](crate::Adaptive::with_criticality). Default: [`Critical`](Self::Critical).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Criticality {
    /// Users see it at once when it fails, and it hurts: what must work when little else does.
    CriticalPlus,
    /// Users see it when it fails: what is called on behalf of somebody who waits.
    #[default]
    Critical,
    /// May be late by minutes: batches that try again.
    SheddablePlus,
    /// May fail often: prefetching, what nobody will miss.
    Sheddable,
}

/// What share of a limit each criticality may fill, in thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shares([u16; Criticality::COUNT]);

// === impl Criticality ===

impl Criticality {
    /// All of them, the most important first.
    pub const ALL: [Self; Self::COUNT] =
        [Self::CriticalPlus, Self::Critical, Self::SheddablePlus, Self::Sheddable];

    pub(crate) const COUNT: usize = 4;

    /// The text used in logs and labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CriticalPlus => "critical_plus",
            Self::Critical => "critical",
            Self::SheddablePlus => "sheddable_plus",
            Self::Sheddable => "sheddable",
        }
    }

    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

// === impl Shares ===

impl Shares {
    const WHOLE: u16 = 1_000;

    /// Checks what was asked for. Who is not named has what the next more important one has.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is 0 to 1000")]
    pub(crate) fn checked(asked: [Option<f64>; Criticality::COUNT]) -> Result<Self, ConfigError> {
        let (mut shares, mut last) = ([0; Criticality::COUNT], 1.0);
        for criticality in Criticality::ALL {
            let share = asked[criticality.index()].unwrap_or(last);
            // A NaN is in no range.
            if !(0.0..=1.0).contains(&share) {
                return Err(ConfigError(Kind::Outside { what: "a share", value: share, min: 0.0, max: 1.0 }));
            }
            if share > last || criticality == Criticality::CriticalPlus && share < 1.0 {
                return Err(ConfigError(Kind::Shares { criticality, share }));
            }
            shares[criticality.index()] = (share * f64::from(Self::WHOLE)).round() as u16;
            last = share;
        }
        Ok(Self(shares))
    }

    /// How many of `max` calls of `criticality` may fill.
    /// Whether calls of it may fill all there is.
    #[inline]
    pub(crate) fn is_whole(self, criticality: Criticality) -> bool {
        self.0[criticality.index()] >= Self::WHOLE
    }

    pub(crate) fn of(self, criticality: Criticality, max: u32) -> u32 {
        let filled = u64::from(max) * u64::from(self.0[criticality.index()]) / u64::from(Self::WHOLE);
        u32::try_from(filled).unwrap_or(max)
    }
}
