//! How the state changes: by the rules, and by what the probes came to.

use std::sync::atomic::Ordering;
use std::time::Duration;

use core_errors::Cause;
use core_time::Instant;

use super::ledger::Under;
use super::{Engine, FOR_GOOD, Ledger};
use crate::State;
use crate::event::{Event, Trigger};
use crate::opening::Opening;
use crate::plan::Plan;
use crate::rules::{Evidence, Fired};
use crate::snapshot::Totals;
use crate::word::{Phase, Word, pack_cause, pack_round};

/// What the state changes to.
#[derive(Clone, Copy, Debug)]
pub(super) enum To {
    Closed,
    /// Closed, with a ramp that takes so long.
    RampUp(Duration),
    /// For so long.
    Open(Duration),
    HalfOpen,
    ForcedOpen,
    ForcedClosed,
    Disabled,
    Shadow,
}

// === impl Engine ===

impl Engine {
    /// Opens a closed circuit, unless another thread has.
    pub(super) fn trip(
        &self,
        plan: &Plan,
        generation: u32,
        fired: Fired,
        evidence: &Evidence,
        cause: Option<Cause>,
        now: Instant,
    ) -> bool {
        let tally = evidence.tally.unwrap_or_default();
        let opening = Opening {
            failure_rate: tally.failure_rate(),
            failures: tally.failures.max(u64::from(evidence.run)),
            half_open_attempts: 0,
            open_for: plan.rules.open_time(fired.open_for, 0),
        };
        if plan.open_by.is_some() && !self.asks(generation) {
            return false;
        }
        let time = self.open_time(plan, &opening, now);
        let mut ledger = self.ledger();
        ledger.was_told(generation);
        let word = self.load();
        // Others may have tripped it at the same moment: one of them opens it.
        if word.generation() != generation || word.state() != State::Closed {
            return false;
        }
        ledger.reopened = 0;
        ledger.base = fired.open_for;
        ledger.opened_by = fired.rule;
        self.publish(&mut ledger, To::Open(time), fired.trigger, cause, now);
        true
    }

    /// Begins to ask a function how long to open after `generation`. `false` if somebody is at it: who opens it then, and may be who
    /// fails here, where the function makes a call itself.
    fn asks(&self, generation: u32) -> bool {
        let mut ledger = self.ledger();
        let is_first = self.load().generation() == generation && !ledger.is_asked(generation);
        if is_first {
            ledger.asking = Some(generation);
        }
        is_first
    }

    /// Ends the round of `generation` if it is decided. Whether it was.
    pub(crate) fn decide(&self, generation: u32, cause: Option<Cause>, now: Instant) -> bool {
        let mut time = None;
        loop {
            let mut ledger = self.ledger();
            // Under the lock, as it is changed: an earlier one could say that the round goes on with probes that there are not.
            let plan = self.plan();
            let word = self.load();
            if word.generation() != generation || word.phase() != Phase::HalfOpen {
                return false;
            }
            if time.is_some() {
                ledger.was_told(generation);
            } else if ledger.is_asked(generation) {
                // Whoever asks looks again, and may be who calls here.
                return false;
            }
            let Some((closes, trigger)) = ledger.round.verdict(&plan.rules) else { return false };
            if closes {
                ledger.recovered += 1;
                let to = plan.rules.ramp_up.map_or(To::Closed, |ramp_up| To::RampUp(ramp_up.over));
                self.publish(&mut ledger, to, trigger, None, now);
                return true;
            }
            // A round without answers says nothing new: it opens for as long as before (rule CB-25).
            let grows = u32::from(trigger == Trigger::ProbesFailed);
            let reopened = ledger.reopened.saturating_add(grows);
            let Some(time) = time else {
                let opening = Opening {
                    failure_rate: ledger.round.failure_rate(),
                    failures: ledger.round.failures(),
                    half_open_attempts: reopened,
                    open_for: plan.rules.open_time(ledger.base, reopened),
                };
                // The time may be a function of the user's, which runs under no lock. Then everything is looked at again.
                ledger.asking = Some(generation);
                drop(ledger);
                time = Some(self.open_time(&plan, &opening, now));
                continue;
            };
            ledger.reopened = reopened;
            self.publish(&mut ledger, To::Open(time), trigger, cause, now);
            return true;
        }
    }

    /// Enough others have opened theirs: opens a circuit that is closed in `generation`. Whether it did.
    pub(crate) fn follow_fleet(&self, generation: u32, instances: u32, now: Instant) -> bool {
        let plan = self.plan();
        let trigger = Trigger::FleetOpened { instances };
        let fired = Fired { trigger, rule: None, open_for: plan.rules.open_for };
        self.trip(&plan, generation, fired, &Evidence::default(), None, now)
    }

    /// Another has found the callee well: sends probes from a circuit that is open in `generation`. Whether it did.
    pub(crate) fn probe_early(&self, generation: u32, now: Instant) -> bool {
        let mut ledger = self.ledger();
        let word = self.load();
        let is_there = word.phase() == Phase::Open && word.generation() == generation;
        if is_there {
            self.publish(&mut ledger, To::HalfOpen, Trigger::FleetRecovered, None, now);
        }
        is_there
    }

    /// Puts the next probe off, and never brings it forward, as long as it is open in `generation`.
    pub(crate) fn postpone(&self, generation: u32, until: Instant) {
        // Under the lock, so that it is not of another generation when it is written.
        let _ledger = self.ledger();
        let word = self.load();
        if word.phase() == Phase::Open && word.generation() == generation && until > self.until() {
            let longer = until.as_nanos() - self.until().as_nanos();
            let span = self.span.load(Ordering::Relaxed).saturating_add(longer);
            self.set_until(until, Duration::from_nanos(span));
        }
    }

    /// The clock went back, as that of a machine may which was suspended: nothing lasts longer from `now` on than it was to
    /// last when it was set (rule W-5).
    pub(crate) fn bring_back(&self, now: Instant) {
        let mut ledger = self.ledger();
        if !self.is_too_far(self.until(), now) {
            return;
        }
        if self.load().phase() == Phase::HalfOpen {
            ledger.round.bring_back(now);
            self.publish_round(&ledger);
        } else {
            let span = Duration::from_nanos(self.span.load(Ordering::Relaxed));
            self.set_until(now + span, span);
        }
    }

    /// When the present phase ends, and how long that is from now on. Only under the lock of the ledger.
    pub(super) fn set_until(&self, until: Instant, span: Duration) {
        self.span.store(u64::try_from(span.as_nanos()).unwrap_or(FOR_GOOD), Ordering::Relaxed);
        self.until.store(until.as_nanos(), Ordering::Release);
    }

    /// For how long it opens: by the rules or a function, and by what the callee asked for.
    fn open_time(&self, plan: &Plan, opening: &Opening, now: Instant) -> Duration {
        let draw = self.rng.next_unit();
        let asked = Instant::from_nanos(self.asked_until.load(Ordering::Relaxed)) - now;
        // Never more than could be asked for, also where the clock went back since (rule W-5).
        let asked = (!asked.is_zero()).then_some(asked.min(plan.rules.hint_max));
        plan.rules.with_hint(plan.open_time(opening, draw), asked, draw)
    }

    /// The one place where the state changes. The word is written last, with Release, which pairs with the Acquire in
    /// `load`: who sees the state sees what belongs to it.
    pub(super) fn publish(
        &self,
        ledger: &mut Ledger,
        to: To,
        trigger: Trigger,
        cause: Option<Cause>,
        now: Instant,
    ) {
        let from = self.load();
        ledger.last_cause = cause.or(ledger.last_cause);
        ledger.is_operators = matches!((to, &trigger), (To::Open(_), Trigger::Operator { .. }));
        ledger.round.start();
        let (payload, span) = match to {
            To::Open(time) => {
                ledger.opened += 1;
                (pack_cause(ledger.last_cause, &self.rare().codes), Some(time))
            }
            To::HalfOpen => {
                let cause = pack_cause(ledger.last_cause, &self.rare().codes);
                (pack_round(self.plan().rules.probes, cause), None)
            }
            To::Closed | To::RampUp(_) => {
                ledger.reopened = 0;
                self.asked_until.store(0, Ordering::Relaxed);
                self.ramp.store(0, Ordering::Relaxed);
                (0, if let To::RampUp(over) = to { Some(over) } else { None })
            }
            To::ForcedOpen | To::ForcedClosed | To::Disabled | To::Shadow => (0, None),
        };
        let until = span.map_or(Instant::NEVER, |span| now + span);
        let span = span.unwrap_or(Duration::MAX);
        let phase = if let To::Closed = to { self.plan().rules.closed_phase() } else { to.phase() };
        let word = from.next(phase, payload);
        self.count_anew(ledger, word.generation());
        // Whoever sees that it is open must see until when, and never the `until` of another state with it: that is written before
        // the word says open, and after the word says something else.
        if from.phase() != Phase::Open {
            self.set_until(until, span);
        }
        // A swap, as extensions of a run are: among steps that read and write in one, each has its place.
        self.word.swap(word.0, Ordering::AcqRel);
        if from.phase() == Phase::Open {
            self.set_until(until, span);
        }
        let open_for = if let To::Open(time) = to { Some(time) } else { None };
        ledger.outbox.push(Event {
            name: self.name,
            key: self.key.clone(),
            from: from.state(),
            to: word.state(),
            generation: word.generation(),
            at: now,
            trigger,
            cause: ledger.last_cause.filter(|_| open_for.is_some()),
            open_for,
            would_open: false,
            lost: 0,
            totals: Totals::default(),
        });
    }

    /// The same state, with other rules or at the end of a ramp. Under the lock of the ledger, as rules change.
    pub(super) fn pass_all(&self, phase: Phase) {
        let pass = |bits| {
            let word = Word(bits);
            (word.state() == State::Closed).then(|| word.with_phase(phase).0)
        };
        // Steps of runs come in between and are kept; changes of state wait for the lock.
        let _ = self.word.fetch_update(Ordering::AcqRel, Ordering::Acquire, pass);
    }

    /// In shadow: it would have opened.
    pub(super) fn tell_of_crossing(
        &self,
        ledger: &mut Ledger,
        fired: Fired,
        cause: Option<Cause>,
        now: Instant,
    ) {
        ledger.last_cause = cause.or(ledger.last_cause);
        ledger.outbox.push(Event {
            name: self.name,
            key: self.key.clone(),
            from: State::Shadow,
            to: State::Shadow,
            generation: self.load().generation(),
            at: now,
            trigger: fired.trigger,
            cause: ledger.last_cause,
            open_for: Some(fired.open_for),
            would_open: true,
            lost: 0,
            totals: Totals::default(),
        });
    }

    /// Everything that is counted belongs to a new generation (rule CB-21).
    pub(super) fn count_anew(&self, ledger: &mut Ledger, generation: u32) {
        ledger.lumped_until = Instant::ORIGIN;
        self.crossed.store(0, Ordering::Relaxed);
        self.windows.restart(generation);
        self.rare().average.restart(generation);
    }

    /// Tells callers how many probes are free and when the first lease ends. Of a round that is decided none is.
    pub(super) fn publish_round(&self, ledger: &Ledger) {
        let (until, span) = ledger.round.next_lease_end();
        self.set_until(until, span);
        let rules = &self.plan().rules;
        let free = if ledger.round.verdict(rules).is_some() { 0 } else { ledger.round.free(rules) };
        let word = self.load().with_free_probes(free);
        self.word.store(word.0, Ordering::Release);
    }
}

// === impl To ===

impl From<Under> for To {
    fn from(under: Under) -> Self {
        match under {
            Under::Closed => Self::Closed,
            Under::Shadow => Self::Shadow,
            Under::Disabled => Self::Disabled,
            Under::ForcedClosed => Self::ForcedClosed,
        }
    }
}

impl To {
    fn phase(self) -> Phase {
        match self {
            Self::Closed => Phase::Closed,
            Self::RampUp(_) => Phase::RampUp,
            Self::Open(_) => Phase::Open,
            Self::HalfOpen => Phase::HalfOpen,
            Self::ForcedOpen => Phase::ForcedOpen,
            Self::ForcedClosed => Phase::ForcedClosed,
            Self::Disabled => Phase::Disabled,
            Self::Shadow => Phase::Shadow,
        }
    }

    pub(super) fn state(self) -> State {
        self.phase().state()
    }
}
