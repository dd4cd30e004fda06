//! What comes of a call.

use std::sync::atomic::Ordering;
use std::time::Duration;

use core_errors::{Category, Cause};
use core_time::Instant;

use super::{Count, Engine, Ticket};
use crate::outcome::Outcome;
use crate::plan::Plan;
use crate::rules::{Evidence, Fired};
use crate::window::{Mark, Tally, Watch};
use crate::word::{Phase, Word};

/// What a call that panicked is remembered as.
pub(crate) const PANICKED: Cause = Cause::new(Category::Internal, None);

/// What a call that was stopped by a limit on time is remembered as.
pub(crate) const TIMED_OUT: Cause = Cause::new(Category::Timeout, None);

// === impl Engine ===

impl Engine {
    /// Counts a success, if there is nothing else to do with it: one compare with the word of now, and one count.
    /// Whether it did.
    #[inline]
    pub(crate) fn record_plain(&self, word: Word, ticket: Ticket) -> bool {
        let is_plain = ticket.is_plain(word);
        if is_plain {
            self.counts.bump(Count::Successes);
        }
        is_plain
    }

    /// Takes a result. Reads the time only if it must: coarsely for the bucket of a success, exactly where a circuit may
    /// open. Whether somebody is to be told.
    pub(crate) fn record(
        &self,
        ticket: Ticket,
        outcome: Outcome,
        slow: bool,
        now: impl FnOnce() -> Instant,
        exactly_now: impl FnOnce() -> Instant,
    ) -> bool {
        let word = self.load();
        if word.generation() != ticket.generation() {
            self.counts.bump(Count::Late);
            return false;
        }
        match (word.phase(), outcome) {
            (Phase::Closed | Phase::Plain, Outcome::Success) if !slow => {
                self.record_good(word, now, exactly_now)
            }
            (Phase::Disabled, _) => false,
            _ => self.record_rest(word, ticket, outcome, slow, exactly_now()),
        }
    }

    /// Takes a success that was not slow, of a circuit that is closed most likely.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "called once, and for every call under a window")]
    pub(crate) fn record_quick(
        &self,
        word: Word,
        ticket: Ticket,
        now: impl FnOnce() -> Instant,
        exactly_now: impl FnOnce() -> Instant,
    ) -> bool {
        if word.is(Phase::Closed) && word.generation() == ticket.generation() {
            self.record_good(word, now, exactly_now)
        } else {
            self.record(ticket, Outcome::Success, false, now, exactly_now)
        }
    }

    #[inline(always)]
    fn record_good(
        &self,
        word: Word,
        now: impl FnOnce() -> Instant,
        exactly_now: impl FnOnce() -> Instant,
    ) -> bool {
        const GOOD: Mark = Mark { failed: false, slow: false };
        self.counts.bump(Count::Successes);
        if word.payload() > 0 {
            self.end_run(word);
        }
        let watch = self.windows.watch();
        // The kinds that are most in use, first: not a jump to an address out of a table.
        let tally = if watch == Watch::Time {
            self.windows.time().and_then(|window| window.record(word.generation(), GOOD, now()))
        } else if watch == Watch::Calls {
            self.windows.calls().and_then(|window| window.record(word.generation(), GOOD))
        } else {
            return watch == Watch::More && self.weigh(word, GOOD, None, exactly_now());
        };
        match tally {
            None => false,
            Some(tally) => self.evaluate_good(word, tally, exactly_now()),
        }
    }

    #[cold]
    fn evaluate_good(&self, word: Word, tally: Tally, now: Instant) -> bool {
        self.evaluate(&self.plan(), word, &Evidence { tally: Some(tally), ..Evidence::default() }, None, now)
    }

    #[cold]
    fn record_rest(&self, word: Word, ticket: Ticket, outcome: Outcome, slow: bool, now: Instant) -> bool {
        if word.phase() == Phase::HalfOpen {
            return self.record_probe(ticket, outcome, slow, now);
        }
        self.count(outcome, slow);
        let (failed, cause) = match outcome {
            Outcome::Failure { cause, hint } => {
                self.failed_at.store(now.as_nanos(), Ordering::Relaxed);
                self.heed(hint, now);
                (true, cause)
            }
            Outcome::Success => (false, None),
            Outcome::Ignored | Outcome::Inconclusive => return false,
        };
        word.phase().counts() && self.weigh(word, Mark { failed, slow }, cause, now)
    }

    /// Counts a result wherever results are counted, and holds the rules against what there is then.
    #[cold]
    fn weigh(&self, word: Word, mark: Mark, cause: Option<Cause>, now: Instant) -> bool {
        let plan = self.plan();
        let generation = word.generation();
        if let Some(lumping) = plan.rules.lumping.filter(|_| mark.failed)
            && !self.ledger().is_apart(now, lumping)
        {
            return false;
        }
        let mut evidence = Evidence::default();
        if mark.failed {
            evidence.run = self.extend_run(generation);
        } else if word.payload() > 0 {
            self.end_run(word);
        }
        if let Some(average) = plan.rules.average {
            evidence.average = self.rare().average.record(average.decay, generation, mark.failed, now);
        }
        if (mark.failed || mark.slow) && self.windows.went_back(generation, now) {
            self.forget_what_is_ahead(now);
        }
        evidence.tally = self.windows.record(generation, mark, now);
        self.evaluate(&plan, word, &evidence, cause, now)
    }

    /// The clock went back: what the window holds of later than now is of before (rule W-5).
    #[cold]
    fn forget_what_is_ahead(&self, now: Instant) {
        // Under the lock, as all that shapes a window.
        let _ledger = self.ledger();
        let (span, generation) = (self.plan().rules.span, self.load().generation());
        if self.windows.went_back(generation, now) {
            self.windows.forget_what_is_ahead(span, generation, now);
        }
    }

    fn evaluate(
        &self,
        plan: &Plan,
        word: Word,
        evidence: &Evidence,
        cause: Option<Cause>,
        now: Instant,
    ) -> bool {
        if word.is(Phase::ForcedClosed) {
            // It is counted for whoever looks, and whatever the rules say of it nobody acts on.
            return false;
        }
        let fired = plan.rules.fired(evidence);
        if fired.is_none() && evidence.tally.is_some_and(|tally| plan.rules.is_settled(&tally)) {
            self.windows.settled(word.generation(), now);
        }
        match fired {
            fired if word.phase() == Phase::Shadow => self.cross(word.generation(), fired, cause, now),
            Some(fired) => self.trip(plan, word.generation(), fired, evidence, cause, now),
            None => false,
        }
    }

    /// In shadow: tells once that it would have opened, until it would not any more (rule CB-32).
    fn cross(&self, generation: u32, fired: Option<Fired>, cause: Option<Cause>, now: Instant) -> bool {
        let Some(fired) = fired else {
            self.crossed.store(0, Ordering::Relaxed);
            return false;
        };
        if self.crossed.load(Ordering::Relaxed) == 1 {
            return false;
        }
        let mut ledger = self.ledger();
        // Under the lock, so that one of several tells.
        let is_first = self.load().generation() == generation && self.crossed.swap(1, Ordering::Relaxed) == 0;
        if is_first {
            self.tell_of_crossing(&mut ledger, fired, cause, now);
        }
        is_first
    }

    fn record_probe(&self, ticket: Ticket, outcome: Outcome, slow: bool, now: Instant) -> bool {
        let mut ledger = self.ledger();
        let plan = self.plan();
        let still_there = self.load().generation() == ticket.generation();
        if !still_there || !ledger.round.back(ticket.probe(), outcome) {
            self.counts.bump(Count::Late);
            return false;
        }
        self.count(outcome, slow);
        let cause = match outcome {
            Outcome::Failure { cause, hint } => {
                self.failed_at.store(now.as_nanos(), Ordering::Relaxed);
                self.heed(hint, now);
                cause
            }
            _ => None,
        };
        if ledger.round.verdict(&plan.rules).is_none() {
            self.publish_round(&ledger);
            return false;
        }
        drop(ledger);
        self.decide(ticket.generation(), cause, now)
    }

    /// The call was dropped, or never ran. Whether somebody is to be told.
    pub(crate) fn abandon(&self, ticket: Ticket, now: impl FnOnce() -> Instant) -> bool {
        if !ticket.is_probe() {
            if self.load().phase() != Phase::Disabled {
                self.counts.bump(Count::Inconclusive);
            }
            return false;
        }
        self.record(ticket, Outcome::Inconclusive, false, || Instant::ORIGIN, now)
    }

    /// Remembers until when the callee wants to be left alone. Its newest word counts.
    fn heed(&self, hint: Option<Duration>, now: Instant) {
        if let Some(hint) = hint {
            let until = now + hint.min(self.plan().rules.hint_max);
            self.asked_until.store(until.as_nanos(), Ordering::Relaxed);
        }
    }

    /// One more failure in a row. How many there are now.
    fn extend_run(&self, generation: u32) -> u32 {
        let longer = |bits| {
            let word = Word(bits);
            (word.generation() == generation).then(|| word.with_payload(word.payload().saturating_add(1)).0)
        };
        let before = self.word.fetch_update(Ordering::AcqRel, Ordering::Acquire, longer);
        before.map_or(0, |bits| Word(bits).payload().saturating_add(1))
    }

    /// A success ends a run of failures. If another thread changes the run or the state meanwhile, its news is the newer; other rules,
    /// or the end of a ramp, say nothing of the run.
    fn end_run(&self, word: Word) {
        let ended = |bits| {
            let now = Word(bits);
            let is_same = now.generation() == word.generation() && now.payload() == word.payload();
            is_same.then(|| now.with_payload(0).0)
        };
        let _ = self.word.fetch_update(Ordering::AcqRel, Ordering::Relaxed, ended);
    }

    fn count(&self, outcome: Outcome, slow: bool) {
        self.counts.bump(match outcome {
            Outcome::Success => Count::Successes,
            Outcome::Failure { .. } => Count::Failures,
            Outcome::Ignored => Count::Ignored,
            Outcome::Inconclusive => Count::Inconclusive,
        });
        if slow {
            self.counts.bump(Count::Slow);
        }
    }
}
