//! What operators may do to hosts.

use std::borrow::Borrow;
use std::hash::Hash;
use std::sync::Arc;

use core_time::Instant;

use super::engine::{Engine, Ledger};
use super::health::Health;
use super::set::Outliers;
use crate::error::{ConfigError, Kind};
use crate::operator::checked_reason;

// === impl Outliers ===

impl<K: Hash + Eq + Send + Sync + 'static> Outliers<K> {
    /// Ejects a host until [`force_return`](Self::force_return), whatever the rules say, however many are ejected, and also where
    /// ejections are ignored.
    ///
    /// # Errors
    /// If no such host is known, and none is made then; if the reason is empty or longer than 500 bytes.
    pub fn force_eject<Q: Hash + Eq + ?Sized>(&self, key: &Q, reason: &str) -> Result<(), ConfigError>
    where
        K: Borrow<Q>,
    {
        self.order(key, reason, Engine::force_out)
    }

    /// Returns a host now, whatever ejected it. It begins anew, as does one that is in service: how often it was ejected, its failures in
    /// a row, and what it answered in the interval are forgotten.
    ///
    /// # Errors
    /// If no such host is known; if the reason is empty or longer than 500 bytes.
    pub fn force_return<Q: Hash + Eq + ?Sized>(&self, key: &Q, reason: &str) -> Result<(), ConfigError>
    where
        K: Borrow<Q>,
    {
        self.order(key, reason, Engine::force_in)
    }

    /// The upstream has this host no longer: forgets it, even if it is in use or ejected. Whether it was known. Calls to a host that is
    /// held still pass, and are nobody's.
    pub fn forget<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        // Drops the key, which may run code of the user's, so under no lock.
        let Some(health) = self.map.remove(key) else { return false };
        let _ledger = self.inner.engine.ledger();
        health.books().is_gone = true;
        self.inner.engine.release(&health);
        true
    }

    fn order<Q: Hash + Eq + ?Sized>(
        &self,
        key: &Q,
        reason: &str,
        order: impl FnOnce(&Engine, &mut Ledger, &Health, Arc<str>, Instant),
    ) -> Result<(), ConfigError>
    where
        K: Borrow<Q>,
    {
        let reason = checked_reason(reason)?;
        let health = self.map.peek(key).ok_or(ConfigError(Kind::UnknownHost))?;
        let (engine, now) = (&self.inner.engine, self.inner.clock.now());
        {
            let mut ledger = engine.ledger();
            if health.books().is_gone {
                return Err(ConfigError(Kind::UnknownHost));
            }
            order(engine, &mut ledger, &health, reason, now);
        }
        self.inner.deliver();
        Ok(())
    }
}
