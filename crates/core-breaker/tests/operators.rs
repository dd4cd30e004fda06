//! What an operator does at the worst moment, against a plain model that was written from the documentation: orders while probes run,
//! handles that are dropped late, other rules in the middle of a round. Every short history from several states, and many long ones.
#![cfg(not(any(genesis_loom, genesis_shuttle)))]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use core_breaker::{Breaker, Event, Isolation, State};
use core_policy::Permit;
use core_time::{ManualClock, secs};
use proptest::prelude::*;

/// What may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Acquire,
    /// The oldest call that runs ends.
    Success,
    Failure,
    Ignored,
    Dropped,
    /// The newest call that runs ends.
    NewestSuccess,
    /// Five seconds pass, the open time.
    OpenTime,
    Close,
    OpenFor,
    ProbeNow,
    ForceOpen,
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

const STEPS: [Step; 17] = [
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
    Step::Disable,
    Step::Shadow,
    Step::Isolate,
    Step::Release,
    Step::Stricter,
    Step::Looser,
];

const LEASE: u64 = 7;
const OPEN: u64 = 5;
const MAINTENANCE: u64 = 3;

/// The documentation, as plain values. Time is in whole seconds.
struct Model {
    /// Failures in a row that trip, probes, and how many of them must succeed.
    rules: (u32, u32, u32),
    state: Plain,
    generation: u32,
    reopened: u32,
    now: u64,
    calls: Vec<ModelCall>,
    /// Handles by the epoch they are of; those of an earlier one mean nothing.
    handles: Vec<u32>,
    epoch: u32,
    /// What it will be when the last handle is dropped, if it is isolated.
    under: Option<State>,
    would_open: usize,
    changes: Vec<(State, State)>,
    /// Successes, failures, ignored, inconclusive, rejected, late.
    totals: [u64; 6],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plain {
    Closed { run: u32 },
    Open { until: u64 },
    HalfOpen { successes: u32, failures: u32, inconclusive: u32 },
    Forced,
    Disabled,
    Shadow { run: u32, is_over: bool },
}

#[derive(Clone, Copy, Debug)]
struct ModelCall {
    generation: u32,
    is_probe: bool,
    lease_until: u64,
    is_lost: bool,
}

impl Plain {
    const FRESH: Self = Self::HalfOpen { successes: 0, failures: 0, inconclusive: 0 };

    fn state(self) -> State {
        match self {
            Self::Closed { .. } => State::Closed,
            Self::Open { .. } => State::Open,
            Self::HalfOpen { .. } => State::HalfOpen,
            Self::Forced => State::ForcedOpen,
            Self::Disabled => State::Disabled,
            Self::Shadow { .. } => State::Shadow,
        }
    }
}

impl Model {
    fn new() -> Self {
        Self {
            rules: (2, 2, 2),
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

    fn change(&mut self, state: Plain) {
        self.changes.push((self.state.state(), state.state()));
        self.state = state;
        self.generation += 1;
    }

    fn open(&mut self) {
        let time = (OPEN << self.reopened.min(10)).min(60);
        self.change(Plain::Open { until: self.now + time });
    }

    fn acquire(&mut self) -> bool {
        let admits = self.admits();
        if !admits {
            self.totals[4] += 1;
        }
        admits
    }

    fn admits(&mut self) -> bool {
        match self.state {
            Plain::Open { until } if self.now < until => return false,
            Plain::Open { .. } => self.change(Plain::FRESH),
            Plain::Forced => return false,
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

    fn is_out(call: &ModelCall, generation: u32) -> bool {
        call.is_probe && !call.is_lost && call.generation == generation
    }

    fn out(&self) -> u32 {
        let out = self.calls.iter().filter(|call| Self::is_out(call, self.generation)).count();
        u32::try_from(out).unwrap_or(u32::MAX)
    }

    fn reclaim(&mut self) {
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

    fn decide(&mut self) {
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

    fn ends(&mut self, call: ModelCall, step: Step) {
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
            Plain::Closed { run } if worked => *run = 0,
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
    fn order(&mut self, to: Plain) {
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

    fn isolate(&mut self) {
        self.handles.push(self.epoch);
        if self.state != Plain::Forced {
            self.under = Some(match self.state.state() {
                kept @ (State::Shadow | State::Disabled) => kept,
                _ => State::Closed,
            });
            self.change(Plain::Forced);
        }
    }

    fn release(&mut self, at: usize) {
        let is_ours = self.handles.remove(at) == self.epoch;
        if is_ours
            && self.live_handles() == 0
            && let Some(under) = self.under.take()
        {
            self.change(match under {
                State::Shadow => Plain::Shadow { run: 0, is_over: false },
                State::Disabled => Plain::Disabled,
                _ => Plain::Closed { run: 0 },
            });
            if under == State::Closed {
                self.reopened = 0;
            }
        }
    }

    fn live_handles(&self) -> usize {
        self.handles.iter().filter(|epoch| **epoch == self.epoch).count()
    }

    fn run(&self) -> u32 {
        match self.state {
            Plain::Closed { run } | Plain::Shadow { run, .. } => run,
            _ => 0,
        }
    }
}

/// The breaker and the model, side by side.
struct Both<'a> {
    time: &'a ManualClock,
    breaker: &'a Breaker,
    events: Arc<Mutex<Vec<Event>>>,
    model: Model,
    permits: Vec<Permit<&'a Breaker>>,
    handles: Vec<Isolation>,
}

impl Both<'_> {
    fn step(&mut self, step: Step) -> Result<(), String> {
        let breaker = self.breaker;
        let ordered = match step {
            Step::Acquire => {
                let permit = breaker.acquire();
                if permit.is_ok() != self.model.acquire() {
                    return Err(format!("admitted: {}", permit.is_ok()));
                }
                self.permits.extend(permit);
                Ok(())
            }
            Step::Success | Step::Failure | Step::Ignored | Step::Dropped | Step::NewestSuccess => {
                self.end(step);
                Ok(())
            }
            Step::OpenTime => {
                self.time.advance(secs(OPEN));
                self.model.now += OPEN;
                Ok(())
            }
            Step::Close => {
                self.model.order(Plain::Closed { run: 0 });
                breaker.close("test")
            }
            Step::OpenFor => {
                self.model.order(Plain::Open { until: self.model.now + MAINTENANCE });
                breaker.open_for(secs(MAINTENANCE), "test")
            }
            Step::ProbeNow => {
                self.model.order(Plain::FRESH);
                breaker.probe_now("test")
            }
            Step::ForceOpen => {
                self.model.order(Plain::Forced);
                breaker.force_open("test")
            }
            Step::Disable => {
                self.model.order(Plain::Disabled);
                breaker.disable("test")
            }
            Step::Shadow => {
                self.model.order(Plain::Shadow { run: 0, is_over: false });
                breaker.shadow("test")
            }
            Step::Isolate => {
                self.model.isolate();
                breaker.isolate("test").map(|handle| self.handles.push(handle))
            }
            Step::Release => {
                if !self.handles.is_empty() {
                    self.model.release(0);
                    drop(self.handles.remove(0));
                }
                Ok(())
            }
            Step::Stricter => self.goes_by(1, 1, 1),
            Step::Looser => self.goes_by(3, 3, 2),
        };
        ordered.map_err(|error| error.to_string())?;
        self.compare()
    }

    fn goes_by(
        &mut self,
        threshold: u32,
        probes: u32,
        successes: u32,
    ) -> Result<(), core_breaker::ConfigError> {
        self.model.rules = (threshold, probes, successes);
        self.model.decide();
        self.breaker
            .reconfigure(|builder| builder.or_consecutive(threshold).probes(probes).successes(successes))
    }

    fn end(&mut self, step: Step) {
        if self.permits.is_empty() {
            return;
        }
        let at = if step == Step::NewestSuccess { self.permits.len() - 1 } else { 0 };
        let (permit, call) = (self.permits.remove(at), self.model.calls.remove(at));
        match step {
            Step::Success | Step::NewestSuccess => permit.success(),
            Step::Failure => permit.failure(),
            Step::Ignored => permit.record_verdict(core_errors::Verdict::Ignore),
            _ => drop(permit),
        }
        self.model.ends(call, step);
    }

    fn compare(&self) -> Result<(), String> {
        let (model, snapshot) = (&self.model, self.breaker.snapshot());
        let left = match model.state {
            Plain::Open { until } => Some(secs(until.saturating_sub(model.now))),
            _ => None,
        };
        let ours = (snapshot.state, snapshot.generation, snapshot.open_left, snapshot.consecutive_failures);
        let theirs = (model.state.state(), model.generation, left, model.run());
        if ours != theirs {
            return Err(format!("{ours:?}, the model says {theirs:?}"));
        }
        if snapshot.isolations as usize != model.live_handles() {
            return Err(format!("{} handles, the model says {}", snapshot.isolations, model.live_handles()));
        }
        let it = snapshot.totals;
        let totals = [it.successes, it.failures, it.ignored, it.inconclusive, it.rejected, it.late];
        if totals != model.totals {
            return Err(format!("totals {totals:?}, the model says {:?}", model.totals));
        }
        let events = self.events.lock().map_err(|error| error.to_string())?;
        let told: Vec<_> = events.iter().filter(|it| !it.would_open).map(|it| (it.from, it.to)).collect();
        if told != model.changes || events.len() - told.len() != model.would_open {
            return Err(format!("told {told:?}, the model says {:?}", model.changes));
        }
        Ok(())
    }
}

/// Plays a history on both and compares them after each step; then it comes back to life, and so does its copy.
fn check(history: &[Step]) -> Result<(), String> {
    let (time, events) = (ManualClock::new(), Arc::new(Mutex::new(Vec::new())));
    let sink = Arc::clone(&events);
    let rules =
        || Breaker::consecutive(2).probes(2).successes(2).probe_lease(secs(LEASE)).open_for(secs(OPEN));
    let builder = rules().jitter(false).clock(time.clock());
    let breaker = builder
        .on_change(move |event: &Event| {
            sink.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(event.clone())
        })
        .build()
        .map_err(|error| error.to_string())?;
    let mut both = Both {
        time: &time,
        breaker: &breaker,
        events,
        model: Model::new(),
        permits: Vec::new(),
        handles: Vec::new(),
    };
    for (at, step) in history.iter().enumerate() {
        both.step(*step).map_err(|error| format!("step {at} {step:?}: {error}"))?;
    }
    let Both { model, permits, handles, .. } = both;
    // What is saved at any moment can be resumed.
    let copy = rules().clock(time.clock()).resume(breaker.save(), Duration::ZERO).build();
    let copy = copy.map_err(|error| error.to_string())?.state();
    let expected = match model.state.state() {
        State::HalfOpen => State::Open,
        State::ForcedOpen => model.under.unwrap_or(State::ForcedOpen),
        state => state,
    };
    if copy != expected {
        return Err(format!("resumed {copy}, and not {expected}"));
    }
    drop((permits, handles));
    breaker.close("the end").map_err(|error| error.to_string())?;
    match breaker.acquire() {
        Ok(permit) => permit.success(),
        Err(refused) => return Err(format!("closed, and yet {refused}")),
    }
    Ok(())
}

#[test]
fn every_short_history_with_an_operator_agrees_with_the_model() {
    use Step::{Acquire, Failure, Isolate, OpenTime, Shadow};
    let beginnings: [&[Step]; 5] = [
        &[],
        // Open, and due.
        &[Acquire, Acquire, Failure, Failure, OpenTime],
        // Half open, with two probes out and a call of before.
        &[Acquire, Acquire, Acquire, Failure, Failure, OpenTime, Acquire, Acquire],
        &[Shadow, Acquire, Acquire],
        &[Acquire, Isolate, Isolate],
    ];
    for beginning in beginnings {
        let mut history = beginning.to_vec();
        history.extend([Acquire; 3]);
        for number in 0..STEPS.len().pow(3) {
            let mut rest = number;
            for step in &mut history[beginning.len()..] {
                *step = STEPS[rest % STEPS.len()];
                rest /= STEPS.len();
            }
            if let Err(error) = check(&history) {
                panic!("{error} in {history:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn long_histories_with_an_operator_agree_with_the_model(
        history in prop::collection::vec(
            prop_oneof![
                4 => Just(Step::Acquire),
                2 => Just(Step::Failure),
                1 => Just(Step::Success),
                1 => Just(Step::Dropped),
                7 => prop::sample::select(STEPS.to_vec()),
            ],
            0..60,
        ),
    ) {
        if let Err(error) = check(&history) {
            return Err(TestCaseError::fail(error));
        }
    }
}
