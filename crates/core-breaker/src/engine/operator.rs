//! What operators do to a circuit: force it, isolate it, change its rules.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use core_time::Instant;

use super::change::To;
use super::ledger::Isolation;
use super::{Engine, slow_nanos};
use crate::event::Trigger;
use crate::plan::Plan;
use crate::word::Phase;

/// What an operator may want.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    Close,
    /// For so long.
    Open(std::time::Duration),
    Probe,
    ForceOpen,
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
            To::Open(time) => self.until.store((now + time).as_nanos(), Ordering::Release),
            To::Closed => {
                let word = self.load().next(Phase::Closed, 0);
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
        if self.load().phase() != Phase::ForcedOpen {
            ledger.isolation.has_opened = true;
            self.publish(&mut ledger, To::ForcedOpen, trigger, None, now);
        }
        ledger.isolation.epoch
    }

    /// One handle less. With the last the circuit closes, if it was the first that opened it.
    pub(crate) fn release(&self, epoch: u64, now: Instant) {
        let mut ledger = self.ledger();
        if ledger.isolation.epoch != epoch {
            return;
        }
        ledger.isolation.handles = ledger.isolation.handles.saturating_sub(1);
        if ledger.isolation.handles == 0 && std::mem::take(&mut ledger.isolation.has_opened) {
            self.publish(&mut ledger, To::Closed, Trigger::IsolationEnded, None, now);
        }
    }

    /// Goes by other rules from now on. State, generation, permits and open times stay as they are.
    /// Whether somebody is to be told: with fewer probes a half-open round may be decided at once.
    pub(crate) fn reconfigure(&self, plan: Plan, now: Instant) -> bool {
        let ledger = self.ledger();
        let (old, new) = (self.plan().rules, plan.rules);
        let span = |rules: &crate::Rules| rules.needs_window().then_some(rules.span);
        let generation = self.load().generation();
        if span(&old) == span(&new) {
            self.windows.set_more(new.average.is_some());
        } else {
            self.windows.reshape(span(&new), new.average.is_some(), generation, now);
        }
        if old.average.map(|average| average.decay) != new.average.map(|average| average.decay) {
            self.average.restart(generation);
        }
        self.slow_over.store(slow_nanos(new.slow_over), Ordering::Relaxed);
        self.plan.store(Arc::new(plan));
        if self.load().phase() != Phase::HalfOpen {
            return false;
        }
        self.publish_round(&ledger);
        drop(ledger);
        self.decide(generation, None, now)
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
            Self::Disable => To::Disabled,
            Self::Shadow => To::Shadow,
        }
    }
}
