//! The documentation of a breaker and of what operators do to it, as plain values.

use core_breaker::State;

/// What may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Acquire,
    /// The oldest call that runs ends.
    Success,
    Failure,
    Ignored,
    Dropped,
    /// The newest call that runs ends.
    NewestSuccess,
    /// A second passes.
    Second,
    /// Five seconds pass, the open time.
    OpenTime,
    Close,
    OpenFor,
    ProbeNow,
    ForceOpen,
    ForceClosed,
    Disable,
    Shadow,
    Isolate,
    /// The oldest handle is dropped.
    Release,
    /// A threshold of one, one probe and one success.
    Stricter,
    /// A threshold of three, three probes and two successes.
    Looser,
}

/// What happens where no operator does anything.
pub(crate) const PLAIN: [Step; 8] = [
    Step::Acquire,
    Step::Success,
    Step::Failure,
    Step::Ignored,
    Step::Dropped,
    Step::NewestSuccess,
    Step::Second,
    Step::OpenTime,
];

/// What happens where one does.
pub(crate) const OPERATED: [Step; 18] = [
    Step::Acquire,
    Step::Success,
    Step::Failure,
    Step::Ignored,
    Step::Dropped,
    Step::NewestSuccess,
    Step::OpenTime,
    Step::Close,
    Step::OpenFor,
    Step::ProbeNow,
    Step::ForceOpen,
    Step::ForceClosed,
    Step::Disable,
    Step::Shadow,
    Step::Isolate,
    Step::Release,
    Step::Stricter,
    Step::Looser,
];

pub(crate) const LEASE: u64 = 7;
pub(crate) const OPEN: u64 = 5;
pub(crate) const MAINTENANCE: u64 = 3;

/// The documentation, as plain values. Time is in whole seconds.
pub(crate) struct Model {
    /// Failures in a row that trip, probes, and how many of them must succeed.
    pub(crate) rules: (u32, u32, u32),
    pub(crate) state: Plain,
    pub(crate) generation: u32,
    pub(crate) reopened: u32,
    pub(crate) now: u64,
    pub(crate) calls: Vec<ModelCall>,
    /// Handles by the epoch they are of; those of an earlier one mean nothing.
    pub(crate) handles: Vec<u32>,
    pub(crate) epoch: u32,
    /// What it will be when the last handle is dropped, if it is isolated.
    pub(crate) under: Option<State>,
    pub(crate) would_open: usize,
    pub(crate) changes: Vec<(State, State)>,
    /// Successes, failures, ignored, inconclusive, rejected, late.
    pub(crate) totals: [u64; 6],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plain {
    Closed { run: u32 },
    Open { until: u64 },
    HalfOpen { successes: u32, failures: u32, inconclusive: u32 },
    ForcedOpen,
    ForcedClosed { run: u32 },
    Disabled,
    Shadow { run: u32, is_over: bool },
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct ModelCall {
    generation: u32,
    is_probe: bool,
    lease_until: u64,
    is_lost: bool,
}

impl Plain {
    pub(crate) const FRESH: Self = Self::HalfOpen { successes: 0, failures: 0, inconclusive: 0 };

    pub(crate) fn state(self) -> State {
        match self {
            Self::Closed { .. } => State::Closed,
            Self::Open { .. } => State::Open,
            Self::HalfOpen { .. } => State::HalfOpen,
            Self::ForcedOpen => State::ForcedOpen,
            Self::ForcedClosed { .. } => State::ForcedClosed,
            Self::Disabled => State::Disabled,
            Self::Shadow { .. } => State::Shadow,
        }
    }
}

impl Model {
    /// Two probes, of which both must succeed.
    pub(crate) fn new(threshold: u32) -> Self {
        Self {
            rules: (threshold, 2, 2),
            state: Plain::Closed { run: 0 },
            generation: 1,
            reopened: 0,
            now: 0,
            calls: Vec::new(),
            handles: Vec::new(),
            epoch: 0,
            under: None,
            would_open: 0,
            changes: Vec::new(),
            totals: [0; 6],
        }
    }

    pub(crate) fn change(&mut self, state: Plain) {
        self.changes.push((self.state.state(), state.state()));
        self.state = state;
        self.generation += 1;
    }

    pub(crate) fn open(&mut self) {
        let time = (OPEN << self.reopened.min(10)).min(60);
        self.change(Plain::Open { until: self.now + time });
    }

    pub(crate) fn acquire(&mut self) -> bool {
        let admits = self.admits();
        if !admits {
            self.totals[4] += 1;
        }
        admits
    }

    pub(crate) fn admits(&mut self) -> bool {
        match self.state {
            Plain::Open { until } if self.now < until => return false,
            Plain::Open { .. } => self.change(Plain::FRESH),
            Plain::ForcedOpen => return false,
            _ => {}
        }
        self.reclaim();
        match self.state {
            Plain::Open { .. } => return false,
            Plain::HalfOpen { successes, failures, .. }
                if self.out() + successes + failures >= self.rules.1 =>
            {
                return false;
            }
            _ => {}
        }
        let is_probe = self.state.state() == State::HalfOpen;
        let (generation, lease_until) = (self.generation, self.now + LEASE);
        self.calls.push(ModelCall { generation, is_probe, lease_until, is_lost: false });
        true
    }

    pub(crate) fn is_out(call: &ModelCall, generation: u32) -> bool {
        call.is_probe && !call.is_lost && call.generation == generation
    }

    pub(crate) fn out(&self) -> u32 {
        let out = self.calls.iter().filter(|call| Self::is_out(call, self.generation)).count();
        u32::try_from(out).unwrap_or(u32::MAX)
    }

    pub(crate) fn reclaim(&mut self) {
        let Plain::HalfOpen { inconclusive, .. } = &mut self.state else { return };
        for call in &mut self.calls {
            if Self::is_out(call, self.generation) && call.lease_until <= self.now {
                call.is_lost = true;
                *inconclusive += 1;
                self.totals[3] += 1;
            }
        }
        self.decide();
    }

    pub(crate) fn decide(&mut self) {
        let Plain::HalfOpen { successes, failures, inconclusive } = self.state else { return };
        let (_, probes, needed) = self.rules;
        if successes >= needed {
            self.reopened = 0;
            self.change(Plain::Closed { run: 0 });
        } else if failures > probes - needed {
            self.reopened += 1;
            self.open();
        } else if inconclusive >= 2 * probes {
            self.open();
        }
    }

    pub(crate) fn ends(&mut self, call: ModelCall, step: Step) {
        if step == Step::Dropped && !call.is_probe {
            // It says nothing, whatever the circuit has become; one that is disabled counts nothing.
            self.totals[3] += u64::from(self.state != Plain::Disabled);
            return;
        }
        if call.generation != self.generation || call.is_lost {
            self.totals[5] += 1;
            return;
        }
        if self.state == Plain::Disabled {
            return;
        }
        let (worked, failed) = (matches!(step, Step::Success | Step::NewestSuccess), step == Step::Failure);
        let kind = if worked {
            0
        } else {
            [1, 2, 3]
                [[Step::Failure, Step::Ignored, Step::Dropped].iter().position(|it| *it == step).unwrap_or(0)]
        };
        self.totals[kind] += 1;
        let threshold = self.rules.0;
        match &mut self.state {
            Plain::Closed { run } | Plain::ForcedClosed { run } if worked => *run = 0,
            Plain::ForcedClosed { run } if failed => *run += 1,
            Plain::Closed { run } if failed => {
                *run += 1;
                if *run >= threshold {
                    self.reopened = 0;
                    self.open();
                }
            }
            Plain::Shadow { run, is_over } if worked || failed => {
                *run = if worked { 0 } else { *run + 1 };
                let is_now = *run >= threshold;
                if is_now && !*is_over {
                    self.would_open += 1;
                }
                *is_over = is_now;
            }
            Plain::HalfOpen { successes, failures, inconclusive } => {
                match step {
                    _ if worked => *successes += 1,
                    Step::Failure => *failures += 1,
                    Step::Dropped => *inconclusive += 1,
                    _ => {}
                }
                self.decide();
            }
            _ => {}
        }
    }

    /// An operator's order: idempotent but for an open time, which begins anew, and for what was counted while closed.
    pub(crate) fn order(&mut self, to: Plain) {
        self.epoch += 1;
        self.under = None;
        if self.state.state() != to.state() {
            self.reopened = 0;
            self.change(to);
        } else if let Plain::Open { .. } = to {
            self.state = to;
        } else if let Plain::Closed { .. } = to {
            self.state = to;
            self.generation += 1;
        }
    }

    pub(crate) fn isolate(&mut self) {
        self.handles.push(self.epoch);
        if self.state != Plain::ForcedOpen {
            self.under = Some(match self.state.state() {
                kept @ (State::Shadow | State::Disabled | State::ForcedClosed) => kept,
                _ => State::Closed,
            });
            self.change(Plain::ForcedOpen);
        }
    }

    pub(crate) fn release(&mut self, at: usize) {
        let is_ours = self.handles.remove(at) == self.epoch;
        if is_ours
            && self.live_handles() == 0
            && let Some(under) = self.under.take()
        {
            self.change(match under {
                State::Shadow => Plain::Shadow { run: 0, is_over: false },
                State::Disabled => Plain::Disabled,
                State::ForcedClosed => Plain::ForcedClosed { run: 0 },
                _ => Plain::Closed { run: 0 },
            });
            if under == State::Closed {
                self.reopened = 0;
            }
        }
    }

    pub(crate) fn live_handles(&self) -> usize {
        self.handles.iter().filter(|epoch| **epoch == self.epoch).count()
    }

    pub(crate) fn run(&self) -> u32 {
        match self.state {
            Plain::Closed { run } | Plain::Shadow { run, .. } | Plain::ForcedClosed { run } => run,
            _ => 0,
        }
    }
}
