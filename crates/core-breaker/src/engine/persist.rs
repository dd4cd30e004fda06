//! How the state leaves a process, and enters another.

use std::sync::atomic::Ordering;
use std::time::Duration;

use core_errors::Cause;
use core_time::Instant;

use super::Engine;
use super::change::To;
use crate::State;
use crate::saved::{Saved, SavedAverage, SavedBucket, SavedResult};
use crate::window::{Contents, Mark};
use crate::word::{Phase, Word, pack_cause};

// === impl Engine ===

impl Engine {
    /// All that it knows, at one moment between two changes of state.
    pub(crate) fn save(&self, now: Instant) -> Saved {
        let ledger = self.ledger();
        let word = self.load();
        // Handles end with the process, so nobody could end the isolation.
        let state = ledger.isolation.under.map_or(word.state(), |under| To::from(under).state());
        let left = |phase| (word.phase() == phase).then(|| self.left_of_phase(now));
        let Contents { buckets, results } = self.windows.contents(word.generation(), now);
        Saved {
            version: Saved::VERSION,
            name: self.name.as_str().to_owned(),
            state,
            open_left: left(Phase::Open),
            ramp_left: left(Phase::RampUp).filter(|left| !left.is_zero()),
            open_base: ledger.base,
            reopened: ledger.reopened,
            consecutive_failures: if word.phase().counts() { word.payload() } else { 0 },
            buckets: buckets.into_iter().map(|(age, tally)| SavedBucket { age, tally }).collect(),
            results: results.into_iter().map(|Mark { failed, slow }| SavedResult { failed, slow }).collect(),
            average: self.average().map(|(success_rate, calls)| SavedAverage {
                success_rate,
                calls,
                age: now - self.rare().average.last(),
            }),
            last_failure: ledger.last_cause.map(|cause| cause.category),
        }
    }

    /// Begins with what was saved so long ago. Before anybody else has the engine; what was saved has been checked.
    pub(crate) fn resume(&self, saved: &Saved, age: Duration, now: Instant) {
        let mut ledger = self.ledger();
        ledger.base = saved.open_base;
        ledger.reopened = saved.reopened;
        ledger.last_cause = saved.last_failure.map(|category| Cause::new(category, None));
        let generation = self.load().generation();
        let left = |left: Option<Duration>| left.unwrap_or_default().saturating_sub(age);
        let rules = self.plan().rules;
        let longest = rules.ramp_up.map_or(Duration::ZERO, |ramp_up| ramp_up.over);
        let ramp_left = left(saved.ramp_left).min(longest);
        let (phase, until) = match saved.state {
            State::Closed if !ramp_left.is_zero() => (Phase::RampUp, now + ramp_left),
            State::Closed => (rules.closed_phase(), Instant::NEVER),
            // The probes of a round that was under way are gone, so it is due to send others.
            State::Open | State::HalfOpen => (Phase::Open, now + left(saved.open_left)),
            State::ForcedOpen => (Phase::ForcedOpen, Instant::NEVER),
            State::Disabled => (Phase::Disabled, Instant::NEVER),
            State::Shadow => (Phase::Shadow, Instant::NEVER),
            State::ForcedClosed => (Phase::ForcedClosed, Instant::NEVER),
        };
        let payload = match phase {
            Phase::Open => pack_cause(ledger.last_cause, &self.rare().codes),
            phase if phase.counts() => saved.consecutive_failures,
            _ => 0,
        };
        let buckets = saved.buckets.iter();
        let results = saved.results.iter();
        let held = Contents {
            buckets: buckets.map(|bucket| (bucket.age.saturating_add(age), bucket.tally)).collect(),
            results: results.map(|result| Mark { failed: result.failed, slow: result.slow }).collect(),
        };
        if phase.counts() {
            self.windows.fill(generation, &held, now);
            if let Some(average) = saved.average {
                let at = now - average.age.saturating_add(age);
                self.rare().average.set(average.success_rate, average.calls, at);
            }
        }
        self.set_until(until, if until == Instant::NEVER { Duration::MAX } else { until - now });
        self.word.store(Word::new(phase, generation, payload).0, Ordering::Release);
    }
}
