//! What a retry goes by, and how that changes while calls go on.

use std::num::NonZeroU32;
use std::sync::PoisonError;
use std::time::Duration;

use core_errors::{CategorySet, Cause};

use crate::backoff::Backoff;
use crate::config::Builder;
use crate::error::{ConfigError, Kind};
use crate::policy::Retry;

/// The checked form of a [`Builder`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) attempts: NonZeroU32,
    pub(crate) backoff: Backoff,
    pub(crate) min_attempt_time: Duration,
    pub(crate) retry_after_max: Duration,
    pub(crate) retry_refusals: bool,
    pub(crate) is_idempotent: bool,
    pub(crate) only_on: Option<CategorySet>,
    pub(crate) never_on: CategorySet,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Versioned {
    pub(crate) rules: Rules,
    pub(crate) version: u64,
}

// === impl Retry ===

impl Retry {
    /// Goes by other rules from now on: `change` gets what it goes by and returns what shall be. All or nothing. Calls that are under way
    /// go by the new rules from their next failure on; budget, counts and delays that run stay as they are.
    ///
    /// `change` may be called again if another thread changes the rules at the same moment; so it must not change them itself.
    ///
    /// # Errors
    /// As [`Builder::build`], with the budget that it has; and if something is set that a running retry cannot change: name, budget, idempotency, subscribers,
    /// clock and seed. Nothing has changed then.
    pub fn reconfigure(&self, change: impl Fn(Builder) -> Builder) -> Result<(), ConfigError> {
        loop {
            let Versioned { rules, version } = self.versioned();
            let builder = change(Builder::of(rules));
            if let Some(what) = builder.fixed {
                return Err(ConfigError(Kind::Fixed { what }));
            }
            let rules = builder.rules()?;
            if let Some(budget) = &self.0.budget {
                rules.check_budget(budget)?;
            }
            // Nothing can panic under the lock.
            let mut held = self.0.rules.write().unwrap_or_else(PoisonError::into_inner);
            if held.version == version {
                *held = Versioned { rules, version: version + 1 };
                return Ok(());
            }
        }
    }

    fn versioned(&self) -> Versioned {
        *self.0.rules.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn rules(&self) -> Rules {
        self.versioned().rules
    }
}

// === impl Rules ===

impl Rules {
    /// Whether a failure that may pass may be tried again.
    pub(crate) fn may_repeat(&self, cause: Option<Cause>) -> bool {
        let Some(cause) = cause else { return self.is_idempotent && self.only_on.is_none() };
        let is_asked_for = self.only_on.is_none_or(|only| only.contains(cause.category));
        let is_harmless = self.is_idempotent || !cause.idempotent_only;
        is_asked_for && is_harmless && !self.never_on.contains(cause.category)
    }
}
