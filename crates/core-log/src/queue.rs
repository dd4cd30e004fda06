use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::error::ConfigError;
use crate::level::Level;

/// Lines that wait for a thread of the log to write them, so that a slow disk or pipe does not hold up who logs.
///
/// What a line costs its writer is then a lock and a copy. The thread takes all that waits at once and writes it as one piece. Lines
/// that are lost are reported in the log itself, by a line that says how many, and in [`LogHandle::lost`](crate::LogHandle::lost).
///
/// A line at [`Level::Critical`] or above may be the last of its process: whoever logs it waits until it is written, 250 ms at most, and
/// as long for room before; not again while the writer stalls. Call
/// [`LogHandle::flush`](crate::LogHandle::flush) before the process ends, or hold a [`FlushGuard`](crate::FlushGuard) in `main`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queue {
    pub(crate) bytes: usize,
    pub(crate) when_full: WhenFull,
}

/// What happens to a line for which there is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhenFull {
    /// Whoever logs waits for room, so long at most; then the line is lost.
    Block(Duration),
    /// The line is lost.
    DropNewest,
    /// A line below this level finds no room once three quarters are taken; the last quarter is for those that matter. None waits.
    DropBelow(Level),
}

/// Twice the longest line: there is always room for one while another is written.
const BYTES_MIN: usize = 128 * 1024;

const BYTES_MAX: usize = 1024 * 1024 * 1024;

/// Longer is a hang.
const BLOCK_MAX: Duration = Duration::from_secs(60);

// === impl Queue ===

impl Queue {
    /// 8 MiB; lines that find no room are lost.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: 8 * 1024 * 1024, when_full: WhenFull::DropNewest }
    }

    /// How many bytes wait at most, counting those that are being written. From 128 KiB to 1 GiB. Default: 8 MiB.
    #[must_use]
    pub const fn bytes(mut self, bytes: usize) -> Self {
        self.bytes = bytes;
        self
    }

    /// What happens to a line for which there is no room. Default: [`WhenFull::DropNewest`].
    #[must_use]
    pub const fn when_full(mut self, when_full: WhenFull) -> Self {
        self.when_full = when_full;
        self
    }

    pub(crate) fn checked(self) -> Result<Self, ConfigError> {
        if !(BYTES_MIN..=BYTES_MAX).contains(&self.bytes) {
            return Err(ConfigError::queue(&format!("{} bytes", self.bytes)));
        }
        match self.when_full {
            WhenFull::Block(wait) if wait.is_zero() || wait > BLOCK_MAX => {
                Err(ConfigError::queue(&format!("a wait of {wait:?}")))
            }
            _ => Ok(self),
        }
    }

    /// How many bytes of it lines of that level may fill.
    pub(crate) fn room(self, level: Level) -> usize {
        match self.when_full {
            WhenFull::DropBelow(least) if level < least => self.bytes / 4 * 3,
            _ => self.bytes,
        }
    }

    /// `8388608`, `512k`, `8m`.
    pub(crate) fn bytes_of(text: &str) -> Result<usize, ConfigError> {
        let lower = text.trim().to_ascii_lowercase();
        let digits = lower.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let unit = match &lower[digits.len()..] {
            "" => 1,
            "k" | "kb" | "kib" => 1024,
            "m" | "mb" | "mib" => 1024 * 1024,
            _ => 0,
        };
        let bytes = digits.trim().parse::<usize>().ok().and_then(|count| count.checked_mul(unit));
        bytes.filter(|bytes| *bytes > 0).ok_or_else(|| ConfigError::queue(text))
    }
}

impl Default for Queue {
    fn default() -> Self {
        Self::new()
    }
}

// === impl WhenFull ===

impl FromStr for WhenFull {
    type Err = ConfigError;

    /// `block` (1 s at most), `drop-newest`, or `drop-below-warn` with any level.
    fn from_str(text: &str) -> Result<Self, ConfigError> {
        match text.trim().to_ascii_lowercase().as_str() {
            "block" => Ok(Self::Block(Duration::from_secs(1))),
            "drop-newest" => Ok(Self::DropNewest),
            other => other
                .strip_prefix("drop-below-")
                .and_then(Level::named)
                .map(Self::DropBelow)
                .ok_or_else(|| ConfigError::queue(text)),
        }
    }
}

impl fmt::Display for WhenFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Block(_) => f.write_str("block"),
            Self::DropNewest => f.write_str("drop-newest"),
            Self::DropBelow(level) => write!(f, "drop-below-{}", level.as_str().to_ascii_lowercase()),
        }
    }
}
