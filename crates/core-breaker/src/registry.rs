use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use core_policy::near;

use crate::breaker::Breaker;
use crate::error::{ConfigError, Kind};
use crate::snapshot::Snapshot;

/// The breakers of a service, by name: for the operator's surface and for metrics. Cheap to clone; clones share it.
///
/// A name that is not there is an error, and never makes a breaker.
#[derive(Clone, Debug, Default)]
pub struct Registry(Arc<RwLock<BTreeMap<&'static str, Breaker>>>);

// === impl Registry ===

impl Registry {
    /// How many breakers it holds at most: 10 000.
    pub const MAX: usize = 10_000;

    /// An empty registry.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a breaker under its name.
    ///
    /// # Errors
    /// If another has that name, or the registry is full.
    pub fn add(&self, breaker: &Breaker) -> Result<(), ConfigError> {
        let name = breaker.name().as_str();
        let mut breakers = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if breakers.contains_key(name) {
            return Err(ConfigError(Kind::Duplicate { name: name.to_owned() }));
        }
        if breakers.len() >= Self::MAX {
            return Err(ConfigError(Kind::Full { max: Self::MAX }));
        }
        breakers.insert(name, breaker.clone());
        Ok(())
    }

    /// The breaker of that name.
    ///
    /// # Errors
    /// If there is none.
    pub fn get(&self, name: &str) -> Result<Breaker, ConfigError> {
        let breakers = self.0.read().unwrap_or_else(PoisonError::into_inner);
        breakers.get(name).cloned().ok_or_else(|| unknown(name, &breakers))
    }

    /// Closes the breaker of that name and has it count anew.
    ///
    /// # Errors
    /// If there is none, or as [`Breaker::close`].
    pub fn reset(&self, name: &str, reason: &str) -> Result<(), ConfigError> {
        self.get(name)?.close(reason)
    }

    /// Closes all of them, and has them count anew.
    ///
    /// # Errors
    /// As [`Breaker::close`]. None has been closed then.
    pub fn reset_all(&self, reason: &str) -> Result<(), ConfigError> {
        self.all().iter().try_for_each(|breaker| breaker.close(reason))
    }

    /// Holds the breaker of that name open until an operator says otherwise.
    ///
    /// # Errors
    /// If there is none, or as [`Breaker::force_open`].
    pub fn force_open(&self, name: &str, reason: &str) -> Result<(), ConfigError> {
        self.get(name)?.force_open(reason)
    }

    /// Holds the breaker of that name closed until an operator says otherwise.
    ///
    /// # Errors
    /// If there is none, or as [`Breaker::force_closed`].
    pub fn force_closed(&self, name: &str, reason: &str) -> Result<(), ConfigError> {
        self.get(name)?.force_closed(reason)
    }

    /// Takes a breaker out. It goes on working for whoever holds it.
    ///
    /// # Errors
    /// If there is none of that name.
    pub fn remove(&self, name: &str) -> Result<Breaker, ConfigError> {
        // Looked for and taken out under one lock: another may have the name a moment later.
        let mut breakers = self.0.write().unwrap_or_else(PoisonError::into_inner);
        breakers.remove(name).ok_or_else(|| unknown(name, &breakers))
    }

    /// A snapshot of each, in the order of their names.
    #[must_use]
    pub fn snapshot(&self) -> Vec<Snapshot> {
        self.all().iter().map(Breaker::snapshot).collect()
    }

    /// All of them, in the order of their names.
    #[must_use]
    pub fn all(&self) -> Vec<Breaker> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

fn unknown(name: &str, breakers: &BTreeMap<&'static str, Breaker>) -> ConfigError {
    let near = near(name, breakers.keys().copied());
    ConfigError(Kind::Unknown { name: name.chars().take(128).collect(), near })
}
