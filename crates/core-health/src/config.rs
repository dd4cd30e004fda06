use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use core_time::Clock;

use crate::CHECKS_MAX;
use crate::check::{HealthCheck, LocalCheck, Run};
use crate::error::ConfigError;
use crate::health::Health;
use crate::schedule::{Schedule, Timing};
use crate::state::{CheckState, Role};

/// Says what a service needs. Made by [`Health::builder`].
#[must_use = "a builder does nothing until it is built"]
#[derive(Clone)]
pub struct Builder {
    clock: Clock,
    timing: Timing,
    checks: Vec<Entry>,
}

#[derive(Clone)]
struct Entry {
    name: Arc<str>,
    role: Role,
    schedule: Schedule,
    check: Arc<dyn Run>,
}

/// Said aloud: when the shared dependency fails, *all* instances leave the rotation at once, and the service is gone
/// where it might have answered something.
#[derive(Clone, Copy, Debug)]
pub struct SharedDependencyAcknowledged;

// === impl Builder ===

impl Builder {
    pub(crate) fn new() -> Self {
        Self { clock: Clock::system(), timing: Timing::DEFAULT, checks: Vec::new() }
    }

    /// Restart this process when the check fails. Only what is local to it can decide that.
    pub fn liveness(self, check: impl LocalCheck) -> Self {
        self.add(Role::Liveness, check)
    }

    /// Takes this instance out of rotation while the check fails. For what is local to the instance.
    pub fn local(self, check: impl LocalCheck) -> Self {
        self.add(Role::Local, check)
    }

    /// Something shared that the service needs: start-up waits for it; later it degrades the report and no probe.
    pub fn dependency(self, check: impl HealthCheck) -> Self {
        self.add(Role::Dependency, check)
    }

    /// Something shared without which an instance is of no use at all.
    pub fn gate_readiness(self, check: impl HealthCheck, _: SharedDependencyAcknowledged) -> Self {
        self.add(Role::Gating, check)
    }

    /// Something that is good to have.
    pub fn optional(self, check: impl HealthCheck) -> Self {
        self.add(Role::Optional, check)
    }

    /// From the end of a run to the next, varied by ±10 %; a day at most. Default: 10 s.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.timing.interval = interval;
        self
    }

    /// How long a run may take; an hour at most. Default: 2 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timing.timeout = timeout;
        self
    }

    /// Successes in a row that make an unhealthy check healthy. Default: 1.
    pub fn rise(mut self, successes: u32) -> Self {
        self.timing.rise = successes;
        self
    }

    /// Failures in a row that make a healthy check unhealthy. Default: 3.
    pub fn fall(mut self, failures: u32) -> Self {
        self.timing.fall = failures;
        self
    }

    /// Reads time from `clock`. Default: the system's.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Checks names and schedules. Nothing runs yet.
    ///
    /// # Errors
    /// If a name is not well formed or there twice, a schedule makes no sense, or there are more than [`CHECKS_MAX`] checks.
    pub fn build(self) -> Result<Health, ConfigError> {
        if self.checks.len() > CHECKS_MAX {
            return Err(ConfigError::too_many(self.checks.len()));
        }
        let now = self.clock.now();
        let mut seen = HashSet::new();
        let mut states = Vec::with_capacity(self.checks.len());
        for Entry { name, role, schedule, .. } in &self.checks {
            if !is_name(name) {
                return Err(ConfigError::name(name));
            }
            if !seen.insert(name) {
                return Err(ConfigError::twice(name));
            }
            let timing = self.timing.with(*schedule);
            timing.check(name)?;
            states.push(CheckState::new(*role, timing, now));
        }
        let names = self.checks.iter().map(|entry| Arc::clone(&entry.name)).collect();
        let checks = self.checks.into_iter().map(|entry| entry.check).collect();
        Ok(Health::new(self.clock, checks, names, states))
    }

    fn add(mut self, role: Role, check: impl HealthCheck) -> Self {
        let (name, schedule) = (check.name().into(), check.schedule());
        self.checks.push(Entry { name, role, schedule, check: Arc::new(check) });
        self
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.checks.iter().map(|entry| &*entry.name).collect();
        f.debug_struct("Builder").field("checks", &names).finish_non_exhaustive()
    }
}

fn is_name(name: &str) -> bool {
    let word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    name.len() <= 63
        && name.bytes().next().is_some_and(word)
        && name.bytes().all(|b| word(b) || matches!(b, b'_' | b'.' | b'-'))
}
