//! Who may call, and who probes.

use std::sync::atomic::Ordering;
use std::time::Duration;

use core_errors::{PolicyKind, Reason, Rejection};
use core_policy::place;
use core_time::Instant;

use super::change::To;
use super::{Count, Engine, Refused, Ticket};
use crate::event::Trigger;
use crate::word::{Phase, Word, unpack_cause};

// === impl Engine ===

impl Engine {
    /// The refusal, where that is certain: the circuit is open, and will be past `latest`, which is as late as it may be now. Otherwise
    /// one that says nothing of when.
    #[inline]
    pub(crate) fn refuse_now(&self, latest: Instant) -> Refused {
        let word = self.load();
        let until = self.until();
        // The two readings belong together, or it is decided with care.
        let is_certain = until > latest && !self.is_too_far(until, latest);
        if word.is(Phase::Open) && is_certain && self.load() == word {
            self.refuse(word, Some(until))
        } else {
            Refused { word, until: None }
        }
    }

    /// A ticket, or why there is none; and whether somebody may have to be told.
    ///
    /// `wanted` is until when the caller waits for an answer: the lease of a probe lasts at least as long (rule CB-26).
    pub(crate) fn acquire(&self, now: Instant, wanted: Option<Instant>) -> (Result<Ticket, Refused>, bool) {
        let mut tells = false;
        let answer = self.acquire_telling(now, wanted, &mut tells);
        (answer, tells)
    }

    fn acquire_telling(
        &self,
        now: Instant,
        wanted: Option<Instant>,
        tells: &mut bool,
    ) -> Result<Ticket, Refused> {
        loop {
            let word = self.load();
            if word.passes() {
                return Ok(Ticket::new(word, 0));
            }
            if word.is(Phase::ForcedOpen) {
                return Err(self.refuse(word, None));
            }
            let until = self.until();
            if self.load() != word {
                // It changed between the two readings, so they do not belong together.
                continue;
            }
            if word.phase() == Phase::RampUp {
                return self.ramp(word, until, now);
            }
            let is_due = now >= until || word.phase() == Phase::HalfOpen && word.free_probes() > 0;
            if !is_due {
                return Err(self.refuse(word, (word.phase() == Phase::Open).then_some(until)));
            }
            // Also if there is no probe for this call: the state may have changed on the way.
            *tells = true;
            if let Some(ticket) = self.probe(now, wanted) {
                return Ok(ticket);
            }
        }
    }

    /// The circuit has just closed: the share of calls that is admitted grows (rule CB-38).
    fn ramp(&self, word: Word, until: Instant, now: Instant) -> Result<Ticket, Refused> {
        let ramp_up = self.plan().rules.ramp_up;
        let Some(ramp_up) = ramp_up.filter(|_| now < until) else {
            self.end_ramp(word);
            return Ok(Ticket::new(word, 0));
        };
        let place = unit(place(0, self.ramp.fetch_add(1, Ordering::Relaxed)));
        if place < ramp_up.share(until - now) {
            Ok(Ticket::new(word, 0))
        } else {
            // Its place comes before the end. Told to all who are refused, the end would be the next stampede.
            let comes = until - ramp_up.left_at(place);
            Err(self.refuse(word, Some(comes.max(now + Duration::from_nanos(1)))))
        }
    }

    /// All calls pass again. The state is the same, so nobody is told.
    #[cold]
    fn end_ramp(&self, word: Word) {
        // By what rules is said under the lock: they may be changed in this very moment.
        let _ledger = self.ledger();
        let now = self.load();
        if now.phase() == Phase::RampUp && now.generation() == word.generation() {
            self.pass_all(self.plan().rules.closed_phase());
        }
    }

    /// Sends a probe, if one is free; the state may have moved on meanwhile.
    fn probe(&self, now: Instant, wanted: Option<Instant>) -> Option<Ticket> {
        let mut ledger = self.ledger();
        let plan = self.plan();
        let rules = &plan.rules;
        if self.load().phase() == Phase::Open && now >= self.until() {
            self.publish(&mut ledger, To::HalfOpen, Trigger::OpenTimeOver, None, now);
        }
        let word = self.load();
        if word.phase() != Phase::HalfOpen {
            return None;
        }
        let reclaimed = ledger.round.reclaim(now);
        self.counts.add(Count::Inconclusive, u64::from(reclaimed));
        if ledger.round.verdict(rules).is_some() {
            if ledger.is_asked(word.generation()) {
                // Whoever asks for how long ends the round, and may be who calls here.
                self.publish_round(&ledger);
                return None;
            }
            drop(ledger);
            self.decide(word.generation(), None, now);
            return None;
        }
        if ledger.round.free(rules) == 0 {
            self.publish_round(&ledger);
            return None;
        }
        ledger.next_probe = ledger.next_probe.wrapping_add(1).max(1);
        let probe = ledger.next_probe;
        let lease_until = now + rules.lease;
        let wanted = wanted.filter(|_| rules.lease_by_caller);
        ledger.round.send(probe, wanted.map_or(lease_until, |wanted| lease_until.max(wanted)), now);
        self.publish_round(&ledger);
        Some(Ticket::new(word, probe))
    }

    #[inline]
    fn refuse(&self, word: Word, until: Option<Instant>) -> Refused {
        self.counts.bump(Count::Rejected);
        Refused { word, until }
    }

    /// What the caller is told. Made where the caller is, so that nothing large is handed from function to function.
    #[inline]
    pub(crate) fn rejection(&self, refused: Refused, now: Instant) -> Rejection {
        let Refused { word, until } = refused;
        let reason = if word.is(Phase::Open) {
            Reason::CircuitOpen
        } else if word.is(Phase::HalfOpen) {
            Reason::HalfOpenFull
        } else if word.is(Phase::RampUp) {
            Reason::RampUp
        } else {
            Reason::ForcedOpen
        };
        let rejection = Rejection::new(PolicyKind::Breaker, self.name, reason)
            .with_generation(word.generation())
            .with_cause(unpack_cause(word.cause(), || self.codes()));
        match until {
            Some(until) => rejection.with_retry_after_nanos(until.as_nanos().saturating_sub(now.as_nanos())),
            None => rejection,
        }
    }
}

/// Of 2^32, a number in `[0, 1)`.
fn unit(place: u32) -> f64 {
    f64::from(place) / 4_294_967_296.0
}
