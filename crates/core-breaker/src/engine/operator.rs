//! What operators do to a circuit: force it, isolate it, change its rules.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use core_time::Instant;

use super::change::To;
use super::ledger::{Isolation, Under};
use super::{Engine, slow_nanos};
use crate::event::Trigger;
use crate::plan::Plan;
use crate::word::Phase;

/// What an operator may want.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    Close,
    /// For so long.
    Open(Duration),
    Probe,
    ForceOpen,
    ForceClosed,
    Disable,
    Shadow,
}

// === impl Engine ===

impl Engine {
    /// An operator puts it into a state. Idempotent, but that an open time begins anew. Handles that isolated it have lost
    /// their meaning.
    pub(crate) fn force(&self, order: Order, trigger: Trigger, now: Instant) {
        let mut ledger = self.ledger();
        ledger.isolation = Isolation { epoch: ledger.isolation.epoch + 1, ..Isolation::default() };
        let to = order.to();
        if self.load().state() != to.state() {
            ledger.reopened = 0;
            self.publish(&mut ledger, to, trigger, None, now);
            return;
        }
        // No change of state: nobody is told (rule CB-33).
        match to {
            // Until is read with the word, which stays as it is.
            To::Open(time) => {
                ledger.is_operators = true;
                self.set_until(now + time, time);
            }
            To::Closed => {
                let word = self.load().next(self.plan().rules.closed_phase(), 0);
                self.count_anew(&mut ledger, word.generation());
                self.word.swap(word.0, Ordering::AcqRel);
            }
            _ => {}
        }
    }

    /// One more handle that holds it open. The epoch that the handle is of.
    pub(crate) fn isolate(&self, trigger: Trigger, now: Instant) -> u64 {
        let mut ledger = self.ledger();
        ledger.isolation.handles += 1;
        let phase = self.load().phase();
        if phase != Phase::ForcedOpen {
            ledger.isolation.under = Some(Under::of(phase));
            self.publish(&mut ledger, To::ForcedOpen, trigger, None, now);
        }
        ledger.isolation.epoch
    }

    /// One handle less. With the last the circuit closes, or is what an operator had chosen, if it was the first that opened it.
    pub(crate) fn release(&self, epoch: u64, now: Instant) {
        let mut ledger = self.ledger();
        if ledger.isolation.epoch != epoch {
            return;
        }
        ledger.isolation.handles = ledger.isolation.handles.saturating_sub(1);
        if ledger.isolation.handles == 0
            && let Some(under) = ledger.isolation.under.take()
        {
            self.publish(&mut ledger, under.into(), Trigger::IsolationEnded, None, now);
        }
    }

    /// Goes by other rules from now on. State, generation, permits and open times stay as they are, and a ramp lasts no longer
    /// than the new one.
    ///
    /// The generation of a half-open round, if there is one: with fewer probes it may be decided at once. Whoever asks does
    /// that under no lock of theirs, since it may run code of the user's.
    pub(crate) fn reconfigure(&self, plan: Arc<Plan>, now: Instant) -> Option<u32> {
        let mut ledger = self.ledger();
        let (old, new) = (self.plan().rules, plan.rules);
        let span = |rules: &crate::Rules| rules.needs_window().then_some(rules.span);
        let generation = self.load().generation();
        if span(&old) == span(&new) {
            self.windows.set_more(new.average.is_some());
        } else {
            self.windows.reshape(span(&new), new.average.is_some(), generation, now);
        }
        if old.average.map(|average| average.decay) != new.average.map(|average| average.decay) {
            self.rare().average.restart(generation);
        }
        self.slow_over.store(slow_nanos(new.slow_over), Ordering::Relaxed);
        let base = new.base_time(ledger.opened_by);
        if base != old.base_time(ledger.opened_by) {
            ledger.base = base;
        }
        self.plan.store(plan);
        self.windows.unsettle();
        match self.load().phase() {
            Phase::HalfOpen => {
                self.publish_round(&ledger);
                // Whoever asks already looks again, by these rules. The function itself may have changed them.
                (!ledger.is_asked(generation)).then_some(generation)
            }
            Phase::RampUp => {
                let over = new.ramp_up.map_or(Duration::ZERO, |ramp_up| ramp_up.over);
                let left = self.left_of_phase(now).min(over);
                self.set_until(now + left, left);
                None
            }
            Phase::Closed | Phase::Plain => {
                self.pass_all(new.closed_phase());
                None
            }
            _ => None,
        }
    }
}

// === impl Order ===

impl Order {
    fn to(self) -> To {
        match self {
            Self::Close => To::Closed,
            Self::Open(time) => To::Open(time),
            Self::Probe => To::HalfOpen,
            Self::ForceOpen => To::ForcedOpen,
            Self::ForceClosed => To::ForcedClosed,
            Self::Disable => To::Disabled,
            Self::Shadow => To::Shadow,
        }
    }
}
