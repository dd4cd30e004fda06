use std::fmt;

/// Where a circuit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
}

// === impl State ===

impl State {
    /// The text used in logs, labels and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
            Self::ForcedOpen => "forced_open",
            Self::Disabled => "disabled",
        }
    }

    /// The value of the state gauge: 0 closed, 1 open, 2 half open, 3 forced open, 4 disabled.
    #[must_use]
    pub const fn as_gauge(self) -> u8 {
        self as u8
    }

    pub(crate) const fn from_bits(bits: u64) -> Self {
        match bits {
            0 => Self::Closed,
            1 => Self::Open,
            2 => Self::HalfOpen,
            3 => Self::ForcedOpen,
            _ => Self::Disabled,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
