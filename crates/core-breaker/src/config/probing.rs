//! What closes it, and how calls come back.

use std::time::Duration;

use super::Builder;
use crate::opening::RampUp;

// === impl Builder ===

impl Builder {
    /// Lets this many probes through in a half-open round, outstanding and used together. Default: 3.
    pub fn probes(mut self, probes: u32) -> Self {
        self.settings.rules.probes = probes;
        self
    }

    /// Closes after this many probes of a round succeeded. Default: 2. It opens again as soon as too many failed for that.
    pub fn successes(mut self, successes: u32) -> Self {
        self.settings.rules.successes = successes;
        self
    }

    /// Takes the permit of a probe back that has not answered for this long (rule CB-26). Default: the longest open time, at
    /// least 30 s, and until the deadline of whoever makes the call.
    pub fn probe_lease(mut self, lease: Duration) -> Self {
        self.settings.lease = Some(lease);
        // As far as can be said before the others are known, for whoever looks at the unchecked rules.
        (self.settings.rules.lease, self.settings.rules.lease_by_caller) = (lease, false);
        self
    }

    /// Gives a probe this long for its answer, where other calls have longer (rule CB-40). Default: as long as other calls.
    ///
    /// A breaker stops no call. The limit is what [`Attempt::remaining`](core_policy::Attempt::remaining) of the probe says,
    /// and [`CallState::suggested_timeout`](crate::CallState::suggested_timeout) of its permit.
    pub fn probe_timeout(mut self, timeout: Duration) -> Self {
        self.settings.rules.probe_timeout = Some(timeout);
        self
    }

    /// Opens again after this many probes of a round ended without an answer (rule CB-25). Default: twice the probes.
    pub fn inconclusive_max(mut self, probes: u32) -> Self {
        self.settings.inconclusive_max = Some(probes);
        self
    }

    /// Lets calls come back bit by bit after the probes closed it: at first this share of them, `0 < from ≤ 1`, growing evenly
    /// to all of them over `over` (rule CB-38). Default: off, all at once.
    ///
    /// Who is refused is told to come back when the share will have grown to his place in it: some soon, some at the end of the ramp,
    /// so that they do not come back together.
    ///
    /// The share is spread evenly: of any few calls in a row about the right number passes, whatever the share. The circuit is
    /// closed meanwhile, and trips as ever. A circuit that an operator closes does not ramp up.
    pub fn ramp_up(mut self, from: f64, over: Duration) -> Self {
        self.settings.rules.ramp_up = Some(RampUp { from, over });
        self
    }
}
