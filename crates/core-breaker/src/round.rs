use std::time::Duration;

use core_time::Instant;

use crate::event::Trigger;
use crate::outcome::Outcome;
use crate::rules::Rules;
use crate::window::rate;

/// A half-open round: who probes, and what came of it.
///
/// Outstanding and used permits together never exceed `probes` (rule CB-22). A probe that ends without an answer gives its
/// permit back; so does one whose lease runs out (CB-24 to CB-26).
#[derive(Debug, Default)]
#[cfg_attr(genesis_mutant, derive(Clone))]
pub(crate) struct Round {
    /// Probes that are out. At most `Rules::probes`.
    out: Vec<Probe>,
    successes: u32,
    failures: u32,
    inconclusive: u32,
}

/// A probe that is out.
#[derive(Debug)]
#[cfg_attr(genesis_mutant, derive(Clone))]
struct Probe {
    id: u32,
    /// Until when its lease runs.
    until: Instant,
    /// How long that was when it was sent.
    lease: Duration,
}

// === impl Round ===

impl Round {
    pub(crate) fn start(&mut self) {
        self.out.clear();
        self.successes = 0;
        self.failures = 0;
        self.inconclusive = 0;
    }

    /// How many probes may go out now.
    pub(crate) fn free(&self, rules: &Rules) -> u32 {
        let out = u32::try_from(self.out.len()).unwrap_or(u32::MAX);
        rules.probes.saturating_sub(out).saturating_sub(self.successes).saturating_sub(self.failures)
    }

    pub(crate) fn failures(&self) -> u64 {
        u64::from(self.failures)
    }

    /// Failed probes over those that came back.
    pub(crate) fn failure_rate(&self) -> Option<f64> {
        rate(self.failures(), self.failures() + u64::from(self.successes))
    }

    pub(crate) fn send(&mut self, id: u32, until: Instant, now: Instant) {
        self.out.push(Probe { id, until, lease: until - now });
    }

    /// The earliest end of a lease, and how long that was when the last probe was sent: if it is longer, the clock went back.
    pub(crate) fn next_lease_end(&self) -> (Instant, Duration) {
        let sent = self.out.iter().map(|probe| probe.until - probe.lease).max();
        let next = self.out.iter().map(|probe| probe.until).min();
        next.zip(sent).map_or((Instant::NEVER, Duration::MAX), |(until, sent)| (until, until - sent))
    }

    /// The clock went back: no lease lasts longer from `now` on than it did at first (rule W-5).
    pub(crate) fn bring_back(&mut self, now: Instant) {
        for probe in &mut self.out {
            probe.until = probe.until.min(now + probe.lease);
        }
    }

    /// A probe came back. `false` if it was not out: its lease had run out.
    pub(crate) fn back(&mut self, id: u32, outcome: Outcome) -> bool {
        let Some(at) = self.out.iter().position(|probe| probe.id == id) else { return false };
        self.out.swap_remove(at);
        match outcome {
            Outcome::Success => self.successes += 1,
            Outcome::Failure { .. } => self.failures += 1,
            Outcome::Ignored => {}
            Outcome::Inconclusive => self.inconclusive += 1,
        }
        true
    }

    /// Takes back what was out too long. How many.
    pub(crate) fn reclaim(&mut self, now: Instant) -> u32 {
        let before = self.out.len();
        self.out.retain(|probe| probe.until > now);
        let reclaimed = u32::try_from(before - self.out.len()).unwrap_or(u32::MAX);
        self.inconclusive = self.inconclusive.saturating_add(reclaimed);
        reclaimed
    }

    /// Whether the round is decided, and whether the circuit closes: as soon as what is still out cannot change it
    /// (rule CB-23).
    pub(crate) fn verdict(&self, rules: &Rules) -> Option<(bool, Trigger)> {
        if self.successes >= rules.successes {
            Some((true, Trigger::ProbesSucceeded))
        } else if self.failures > rules.probes - rules.successes {
            Some((false, Trigger::ProbesFailed))
        } else if self.inconclusive >= rules.inconclusive_max {
            Some((false, Trigger::ProbesInconclusive))
        } else {
            None
        }
    }
}
