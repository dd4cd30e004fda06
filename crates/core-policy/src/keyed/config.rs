use std::fmt;
use std::hash::Hash;
use std::time::Duration;

use core_time::Clock;

use super::map::KeyedMap;

/// How many keys a [`KeyedMap`] may have, and for how long it keeps one that nobody asks for.
///
/// ```
/// use core_policy::{Keyed, KeyedMap};
/// use core_time::secs;
///
/// let hosts: KeyedMap<String, u32> = Keyed::max(10_000).idle(secs(300)).build()?;
/// let first = hosts.get_or_insert_with("db-1", || 7)?;
/// assert_eq!(*first, 7);
/// assert_eq!(hosts.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "settings do nothing until a map is built from them"]
#[derive(Clone, Debug)]
pub struct Keyed {
    pub(super) max: usize,
    pub(super) idle: Duration,
    pub(super) clock: Clock,
}

/// Why a map was not built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyedError {
    /// There is room for no key at all.
    NoKeys,
    /// There is room for more keys than a map can count.
    TooManyKeys(usize),
    /// Every key would be idle at once.
    NoIdleTime,
}

/// More keys than this are a database.
const KEYS_MAX: usize = 1 << 24;

/// Longer than callees and users usually pause.
const IDLE: Duration = Duration::from_secs(600);

// === impl Keyed ===

impl Keyed {
    /// Room for so many keys, up to 16 777 216. There are never more.
    pub fn max(keys: usize) -> Self {
        Self { max: keys, idle: IDLE, clock: Clock::system() }
    }

    /// Forgets a key that nobody has asked for in this time. Default: 10 minutes.
    pub fn idle(mut self, idle: Duration) -> Self {
        self.idle = idle;
        self
    }

    /// Reads time from `clock`. Default: the system's.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// How many keys there may be, unchecked.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.max
    }

    /// For how long a key is kept that nobody asks for, unchecked.
    #[must_use]
    pub fn idle_time(&self) -> Duration {
        self.idle
    }

    /// Checks the settings, for builders that have them among others.
    ///
    /// # Errors
    /// If there is room for no key, or for more than 16 777 216, or the idle time is zero.
    pub fn check(&self) -> Result<(), KeyedError> {
        match self.max {
            0 => Err(KeyedError::NoKeys),
            KEYS_MAX.. if self.max > KEYS_MAX => Err(KeyedError::TooManyKeys(self.max)),
            _ if self.idle.is_zero() => Err(KeyedError::NoIdleTime),
            _ => Ok(()),
        }
    }

    /// Checks the settings and makes an empty map.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn build<K: Hash + Eq, V>(self) -> Result<KeyedMap<K, V>, KeyedError> {
        self.check()?;
        Ok(KeyedMap::new(self))
    }
}

impl fmt::Display for KeyedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoKeys => f.write_str("there is room for no key: it must be for at least 1"),
            Self::TooManyKeys(max) => {
                write!(f, "there is room for {max} keys: it must be for at most {KEYS_MAX}")
            }
            Self::NoIdleTime => f.write_str(
                "the idle time is zero: every key would be forgotten at once; take a minute or more",
            ),
        }
    }
}

impl std::error::Error for KeyedError {}
