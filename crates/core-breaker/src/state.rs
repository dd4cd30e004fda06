use std::fmt;
use std::str::FromStr;

/// Where a circuit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum State {
    /// Calls pass and are counted.
    Closed,
    /// Calls are refused until the open time is over.
    Open,
    /// A few probes pass; the others are refused.
    HalfOpen,
    /// An operator holds it open: calls are refused, nothing is counted.
    ForcedOpen,
    /// An operator took it out: calls pass, nothing is counted.
    Disabled,
    /// Calls pass and are counted, and instead of opening it tells that it would have: to try rules out.
    Shadow,
    /// An operator holds it closed: calls pass and are counted, and no rule opens it.
    ForcedClosed,
}

/// A text that is no state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownState;

// === impl State ===

impl State {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Closed,
        Self::Open,
        Self::HalfOpen,
        Self::ForcedOpen,
        Self::Disabled,
        Self::Shadow,
        Self::ForcedClosed,
    ];

    /// The text used in logs, labels and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
            Self::ForcedOpen => "forced_open",
            Self::Disabled => "disabled",
            Self::Shadow => "shadow",
            Self::ForcedClosed => "forced_closed",
        }
    }

    /// The value of the state gauge: 0 closed, 1 open, 2 half open, 3 forced open, 4 disabled, 5 shadow, 6 forced closed.
    #[must_use]
    pub const fn as_gauge(self) -> u8 {
        self as u8
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text of [`State::as_str`] only.
impl FromStr for State {
    type Err = UnknownState;

    fn from_str(text: &str) -> Result<Self, UnknownState> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or(UnknownState)
    }
}

impl fmt::Display for UnknownState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no state of a breaker: it is one of")?;
        State::ALL.iter().try_for_each(|state| write!(f, " {state}"))
    }
}

impl std::error::Error for UnknownState {}
