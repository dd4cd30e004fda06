//! The breaker against a plain model that was written from its documentation: every short history, and many long ones.

use core_breaker::{Breaker, State};
use core_policy::Permit;
use core_time::{ManualClock, secs};
use proptest::prelude::*;

/// What may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// A call begins, if it is admitted.
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
    /// Five seconds pass: the open time.
    OpenTime,
}

const STEPS: [Step; 8] = [
    Step::Acquire,
    Step::Success,
    Step::Failure,
    Step::Ignored,
    Step::Dropped,
    Step::NewestSuccess,
    Step::Second,
    Step::OpenTime,
];

const PROBES: u32 = 2;
const SUCCESSES: u32 = 2;
const LEASE: u64 = 7;
const OPEN: u64 = 5;

/// The documentation, as plain values. Time is in whole seconds.
#[derive(Debug)]
struct Model {
    threshold: u32,
    state: Plain,
    generation: u32,
    /// Failed rounds in a row: the open time doubles with each.
    reopened: u32,
    now: u64,
    calls: Vec<ModelCall>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plain {
    Closed { run: u32 },
    Open { until: u64 },
    HalfOpen { successes: u32, failures: u32, inconclusive: u32 },
}

#[derive(Clone, Copy, Debug)]
struct ModelCall {
    generation: u32,
    is_probe: bool,
    lease_until: u64,
    /// Its slot was taken back.
    is_lost: bool,
}

impl Model {
    fn new(threshold: u32) -> Self {
        Self {
            threshold,
            state: Plain::Closed { run: 0 },
            generation: 1,
            reopened: 0,
            now: 0,
            calls: Vec::new(),
        }
    }

    fn change(&mut self, state: Plain) {
        self.state = state;
        self.generation += 1;
    }

    fn open(&mut self) {
        let time = (OPEN << self.reopened).min(60);
        self.change(Plain::Open { until: self.now + time });
    }

    /// Whether the call is admitted.
    fn acquire(&mut self) -> bool {
        if let Plain::Open { until } = self.state {
            if self.now < until {
                return false;
            }
            self.change(Plain::HalfOpen { successes: 0, failures: 0, inconclusive: 0 });
        }
        if let Plain::HalfOpen { .. } = self.state {
            self.reclaim();
        }
        match self.state {
            Plain::Open { .. } => return false,
            Plain::HalfOpen { successes, failures, .. } if self.out() + successes + failures >= PROBES => {
                return false;
            }
            _ => {}
        }
        let is_probe = self.state != Plain::Closed { run: 0 } && !matches!(self.state, Plain::Closed { .. });
        let call = ModelCall {
            generation: self.generation,
            is_probe,
            lease_until: self.now + LEASE,
            is_lost: false,
        };
        self.calls.push(call);
        true
    }

    fn out(&self) -> u32 {
        let is_out = |call: &&ModelCall| call.is_probe && !call.is_lost && call.generation == self.generation;
        u32::try_from(self.calls.iter().filter(is_out).count()).unwrap_or(u32::MAX)
    }

    fn reclaim(&mut self) {
        let (now, generation) = (self.now, self.generation);
        let mut lost = 0;
        for call in &mut self.calls {
            let is_out = call.is_probe && !call.is_lost && call.generation == generation;
            if is_out && call.lease_until <= now {
                call.is_lost = true;
                lost += 1;
            }
        }
        if let Plain::HalfOpen { inconclusive, .. } = &mut self.state {
            *inconclusive += lost;
        }
        self.decide();
    }

    fn decide(&mut self) {
        let Plain::HalfOpen { successes, failures, inconclusive } = self.state else { return };
        if successes >= SUCCESSES {
            self.reopened = 0;
            self.change(Plain::Closed { run: 0 });
        } else if failures > PROBES - SUCCESSES {
            self.reopened += 1;
            self.open();
        } else if inconclusive >= 2 * PROBES {
            self.open();
        }
    }

    fn end(&mut self, call: ModelCall, step: Step) {
        if call.generation != self.generation || call.is_lost {
            return;
        }
        match (&mut self.state, step) {
            (Plain::Closed { run }, Step::Success | Step::NewestSuccess) => *run = 0,
            (Plain::Closed { run }, Step::Failure) => {
                *run += 1;
                if *run >= self.threshold {
                    self.reopened = 0;
                    self.open();
                }
            }
            (Plain::HalfOpen { successes, .. }, Step::Success | Step::NewestSuccess) => *successes += 1,
            (Plain::HalfOpen { failures, .. }, Step::Failure) => *failures += 1,
            (Plain::HalfOpen { inconclusive, .. }, Step::Dropped) => *inconclusive += 1,
            _ => {}
        }
        self.decide();
    }

    fn state(&self) -> State {
        match self.state {
            Plain::Closed { .. } => State::Closed,
            Plain::Open { .. } => State::Open,
            Plain::HalfOpen { .. } => State::HalfOpen,
        }
    }
}

/// Plays a history on both and compares them after each step.
fn check(threshold: u32, history: &[Step]) -> Result<(), String> {
    let time = ManualClock::new();
    let builder =
        Breaker::consecutive(threshold).probes(PROBES).successes(SUCCESSES).probe_lease(secs(LEASE));
    let breaker =
        builder.open_for(secs(OPEN)).jitter(false).clock(time.clock()).build().map_err(|e| e.to_string())?;
    let mut model = Model::new(threshold);
    let mut permits: Vec<Permit<&Breaker>> = Vec::new();
    for (at, step) in history.iter().enumerate() {
        match step {
            Step::Acquire => {
                let permit = breaker.acquire();
                let expected = model.acquire();
                if permit.is_ok() != expected {
                    return Err(format!("step {at}: admitted {}, the model says {expected}", permit.is_ok()));
                }
                permits.extend(permit);
            }
            Step::Second | Step::OpenTime => {
                let passed = if *step == Step::Second { 1 } else { OPEN };
                time.advance(secs(passed));
                model.now += passed;
            }
            _ if permits.is_empty() => {}
            _ => {
                let at = if *step == Step::NewestSuccess { permits.len() - 1 } else { 0 };
                let (permit, call) = (permits.remove(at), model.calls.remove(at));
                match step {
                    Step::Success | Step::NewestSuccess => permit.success(),
                    Step::Failure => permit.failure(),
                    Step::Ignored => permit.record_verdict(core_errors::Verdict::Ignore),
                    _ => drop(permit),
                }
                model.end(call, *step);
            }
        }
        let snapshot = breaker.snapshot();
        if (snapshot.state, snapshot.generation) != (model.state(), model.generation) {
            let (state, generation) = (snapshot.state, snapshot.generation);
            return Err(format!(
                "step {at} {step:?}: {state} {generation}, the model {} {}",
                model.state(),
                model.generation
            ));
        }
    }
    drop(permits);
    returns_to_closed(&breaker, &time)
}

/// From wherever it is: wait, and enough successes close it.
fn returns_to_closed(breaker: &Breaker, time: &ManualClock) -> Result<(), String> {
    for _ in 0..4 {
        time.advance(secs(60));
        for _ in 0..SUCCESSES {
            match breaker.acquire() {
                Ok(permit) => permit.success(),
                Err(refused) => return Err(format!("a minute later: {refused}")),
            }
        }
        if breaker.state() == State::Closed {
            return Ok(());
        }
    }
    Err(format!("never closes again: {:?}", breaker.snapshot()))
}

#[test]
fn every_history_of_six_steps_agrees_with_the_model() {
    let mut history = [Step::Acquire; 6];
    for threshold in [1, 2] {
        for number in 0..8_usize.pow(6) {
            let mut rest = number;
            for step in &mut history {
                *step = STEPS[rest % 8];
                rest /= 8;
            }
            // Only the canonical one of histories that end with nothing but the passing of time.
            if let Err(error) = check(threshold, &history) {
                panic!("{error} in {history:?} with threshold {threshold}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn long_histories_agree_with_the_model(
        threshold in 1_u32..4,
        history in prop::collection::vec(prop::sample::select(vec![
            Step::Acquire, Step::Acquire, Step::Acquire, Step::Success, Step::Failure, Step::Failure, Step::Failure,
            Step::Ignored, Step::Dropped, Step::NewestSuccess, Step::Second, Step::OpenTime,
        ]), 0..120),
    ) {
        if let Err(error) = check(threshold, &history) {
            return Err(TestCaseError::fail(error));
        }
    }

    #[test]
    fn a_time_window_holds_what_a_list_of_results_holds(
        results in prop::collection::vec((0_u64..3_000, any::<bool>()), 0..200),
    ) {
        let time = ManualClock::new();
        let breaker = Breaker::rate(1.0).min_calls(u32::MAX).window(secs(4)).buckets(4).clock(time.clock()).build().unwrap();
        let mut list = Vec::new();
        let mut now = 0;
        for (pause, failed) in results {
            now += pause;
            time.advance(core_time::ms(pause));
            let permit = breaker.acquire().unwrap();
            if failed { permit.failure() } else { permit.success() }
            list.push((now / 1_000, failed));
            // Live are the last four indices, the current one included (rule W-1).
            let live = |index: u64| index <= now / 1_000 && index + 4 > now / 1_000;
            let expected = list.iter().filter(|(index, _)| live(*index));
            let (calls, failures) = expected.fold((0, 0), |(c, f), (_, failed)| (c + 1, f + u64::from(*failed)));
            let window = breaker.snapshot().window;
            prop_assert_eq!((window.calls, window.failures), (calls, failures));
        }
    }

    #[test]
    fn a_window_of_calls_holds_the_last_so_many(
        size in 1_u32..12,
        results in prop::collection::vec(any::<bool>(), 0..60),
    ) {
        let breaker = Breaker::rate(1.0).or_consecutive(1_000).window_of_calls(size).min_calls(u32::MAX);
        // A rate of one can trip only when all failed; until then the window must be the tail of the list.
        let breaker = breaker.build().unwrap();
        let mut list: Vec<bool> = Vec::new();
        for failed in results {
            let Ok(permit) = breaker.acquire() else { break };
            if failed { permit.failure() } else { permit.success() }
            if breaker.state() != State::Closed { break }
            list.push(failed);
            let tail = &list[list.len().saturating_sub(size as usize)..];
            let window = breaker.snapshot().window;
            let failures = tail.iter().filter(|failed| **failed).count() as u64;
            prop_assert_eq!((window.calls, window.failures), (tail.len() as u64, failures));
        }
    }
}
