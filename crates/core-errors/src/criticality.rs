use std::fmt;
use std::str::FromStr;

/// How important a call is, as Google's *Site Reliability Engineering* (ch. 21) has it. What is less important is refused first.
///
/// A context carries it along with the call, and limits go by it. Default: [`Critical`](Self::Critical).
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

/// A text that is no criticality.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CriticalityError(());

// === impl Criticality ===

impl Criticality {
    /// All of them, the most important first.
    pub const ALL: [Self; 4] = [Self::CriticalPlus, Self::Critical, Self::SheddablePlus, Self::Sheddable];

    /// The text used in logs, labels and headers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CriticalPlus => "critical_plus",
            Self::Critical => "critical",
            Self::SheddablePlus => "sheddable_plus",
            Self::Sheddable => "sheddable",
        }
    }
}

impl fmt::Display for Criticality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Criticality {
    type Err = CriticalityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|known| known.as_str() == text).ok_or(CriticalityError(()))
    }
}

impl fmt::Display for CriticalityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it is no criticality: there are critical_plus, critical, sheddable_plus and sheddable")
    }
}

impl std::error::Error for CriticalityError {}
