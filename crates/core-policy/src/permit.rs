use core_errors::{Classify, Rejection, Verdict};
use core_time::Instant;

use crate::driver::{Driver, Held};
use crate::{Admit, Policy};

/// One admission, held by hand: for streams, callbacks, and calls that begin here and end elsewhere.
///
/// Record what came of it. Dropped without an outcome it is *inconclusive*: its slot returns and it counts neither as
/// success nor as failure.
#[must_use = "an admission that is dropped at once is given back"]
pub struct Permit<P: Policy> {
    driver: Held<P, std::convert::Infallible>,
}

// === impl Permit ===

impl<P: Policy> Permit<P> {
    /// Asks `policy` once. A policy that would have to wait refuses instead.
    ///
    /// # Errors
    /// The refusal.
    #[inline]
    pub fn acquire(policy: P) -> Result<Self, Rejection> {
        Self::acquire_within(policy, None)
    }

    /// Asks `policy` once, for a caller who has until `deadline`. See [`acquire`](Self::acquire).
    ///
    /// # Errors
    /// The refusal; of the deadline, if that has passed.
    #[inline]
    pub fn acquire_within(policy: P, deadline: Option<Instant>) -> Result<Self, Rejection> {
        let mut driver = Held(Driver::new(policy, deadline));
        match driver.admit_once() {
            Admit::Run => Ok(Self { driver }),
            Admit::Refuse(rejection) => Err(rejection),
            // Neither happens to a policy that keeps the contract: it was told that nobody waits.
            Admit::SleepUntil(_) | Admit::Park => Err(driver.expire()),
        }
    }

    /// What the policy remembers of the call.
    #[must_use]
    #[inline]
    pub fn state(&self) -> &P::State {
        self.driver.state()
    }

    /// Records what came of it, as the error classifies itself.
    #[inline]
    pub fn record<T, E: Classify>(self, result: &Result<T, E>) {
        self.record_verdict(Verdict::of(result));
    }

    /// Records a success.
    #[inline]
    pub fn success(self) {
        self.record_verdict(Verdict::Success);
    }

    /// Records a failure.
    #[inline]
    pub fn failure(self) {
        self.record_verdict(Verdict::Transient(None));
    }

    /// Records a verdict.
    #[inline]
    pub fn record_verdict(mut self, verdict: Verdict) {
        self.driver.finish(verdict);
    }
}

impl<P: Policy> std::fmt::Debug for Permit<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Permit").finish_non_exhaustive()
    }
}
