use std::time::Duration;

use core_time::Instant;

use super::policy::{Count, Inner, Settings};
use crate::budget::Paid;
use crate::testing;

/// When the next hedge of one call is due, and whether there is one. Pure but for what it takes from the budget.
#[derive(Debug)]
pub(super) struct Schedule {
    /// When the call first had to wait, or first failed.
    pub(super) started: Instant,
    pub(super) deadline: Option<Instant>,
    /// When the next is due; `None` if only a failure leads to one.
    next_at: Option<Instant>,
    /// The latest that a callee has asked to be left alone until: no other failure brings the next forward.
    asked_at: Option<Instant>,
    made: u8,
    max: u8,
    /// A failure was told to the budget, which may have taken for it what the next attempt costs.
    is_told: bool,
    is_paid_by_failure: bool,
}

/// Whose call it is, and what that goes by.
#[derive(Clone, Copy)]
pub(super) struct Of<'a> {
    pub(super) hedge: &'a Inner,
    pub(super) settings: &'a Settings,
}

/// A hedge that starts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    pub(super) number: u8,
    pub(super) paid: Paid,
    /// The budget took for the hedge what it takes for a failure, if this one should fail.
    pub(super) is_prepaid: bool,
}

// === impl Start ===

impl Start {
    /// The attempt that is always made.
    pub(super) const FIRST: Self = Self { number: 0, paid: Paid::NOTHING, is_prepaid: false };
}

// === impl Schedule ===

impl Schedule {
    pub(super) fn new(of: Of<'_>, may_hedge: bool, deadline: Option<Instant>, started: Instant) -> Self {
        let max = if may_hedge { of.settings.plan.max } else { 0 };
        let max = u8::try_from(testing::attempts_max(u32::from(max) + 1) - 1).unwrap_or(max);
        let next_at = if max == 0 { None } else { next_at(of, started) };
        Self {
            started,
            deadline,
            next_at,
            asked_at: None,
            made: 0,
            max,
            is_told: false,
            is_paid_by_failure: false,
        }
    }

    /// When the next hedge is due.
    pub(super) fn due_at(&self) -> Option<Instant> {
        if self.made < self.max { self.next_at } else { None }
    }

    /// How much time an attempt has that starts now.
    pub(super) fn remaining(&self, now: Instant) -> Option<Duration> {
        self.deadline.map(|deadline| deadline - now)
    }

    pub(super) fn is_told(&self) -> bool {
        self.is_told
    }

    /// No other hedge follows; those that run go on.
    pub(super) fn close(&mut self) {
        self.max = self.made;
    }

    /// An attempt failed in a way that may pass: the next is due at once, or at the latest time that a callee has asked for, of
    /// this attempt or another (rule HG-1). One that was [prepaid](Start::is_prepaid) is not paid for twice.
    pub(super) fn failed(&mut self, of: Of<'_>, hint: Option<Duration>, is_prepaid: bool, now: Instant) {
        let Of { hedge, settings } = of;
        if hedge.feeds_budget && !is_prepaid {
            let is_allowed = hedge.budget.failed(!self.is_told, || now);
            self.is_told = true;
            self.is_paid_by_failure = true;
            if !is_allowed && self.made < self.max {
                hedge.count(Count::OutOfBudget);
                self.close();
            }
        }
        match hint {
            Some(hint) if hint > settings.plan.hint_max => {
                hedge.count(Count::HintsDiscarded);
                self.close();
            }
            hint => {
                // `None` is before all times.
                self.asked_at = self.asked_at.max(hint.map(|hint| now + hint));
                let next_at = self.asked_at.max(Some(now)).unwrap_or(now);
                self.next_at = Some(next_at);
                // Nothing brings it forward any more, so nobody waits for it.
                if self.made < self.max && self.is_late(settings, next_at) {
                    hedge.count(Count::OutOfTime);
                    self.close();
                }
            }
        }
    }

    /// Whether the deadline is against a hedge that starts then.
    fn is_late(&self, settings: &Settings, at: Instant) -> bool {
        let is_late = |deadline| at >= deadline || at + settings.plan.min_attempt_time > deadline;
        self.deadline.is_some_and(is_late)
    }

    /// The next hedge starts. `None` if the deadline or the budget is against it, and then no other
    /// follows.
    pub(super) fn start(&mut self, of: Of<'_>, now: Instant) -> Option<Start> {
        let Of { hedge, settings } = of;
        if self.is_late(settings, now) {
            hedge.count(Count::OutOfTime);
            self.close();
            return None;
        }
        let is_prepaid = !std::mem::take(&mut self.is_paid_by_failure);
        let budget = &hedge.budget;
        let paid = if is_prepaid { budget.take_hedge(|| now) } else { budget.take(false, || now) };
        let Some(paid) = paid else {
            hedge.count(Count::OutOfBudget);
            self.close();
            return None;
        };
        hedge.count(Count::Hedges);
        self.made += 1;
        self.next_at = next_at(of, now);
        Some(Start { number: self.made, paid, is_prepaid })
    }
}

fn next_at(of: Of<'_>, now: Instant) -> Option<Instant> {
    of.hedge.due_after(of.settings, now).map(|delay| now + delay)
}
