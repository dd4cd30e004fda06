//! All rules that trip, and what follows, against a reference that keeps a list of all results and no tricks: every short
//! history for some configurations, and long ones for any.

use std::fmt::Debug;

use core_breaker::{Breaker, Builder, Decay, Rule, State};
use core_errors::Verdict;
use core_time::{ManualClock, ms, secs};
use proptest::prelude::*;

/// What may happen. A call begins and ends in one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Success,
    Failure,
    /// It succeeds, and takes longer than is allowed.
    Slow,
    Ignored,
    Dropped,
    /// A second passes.
    Second,
    /// Five seconds pass: the first open time.
    OpenTime,
}

const STEPS: [Step; 7] =
    [Step::Success, Step::Failure, Step::Slow, Step::Ignored, Step::Dropped, Step::Second, Step::OpenTime];

/// For rules that know no time but the open time.
const TIMELESS: [Step; 6] =
    [Step::Success, Step::Failure, Step::Slow, Step::Ignored, Step::Dropped, Step::OpenTime];

/// Rules in whole milliseconds; zero is off.
#[derive(Clone, Debug)]
struct Plan {
    consecutive: u32,
    failures: u32,
    /// In percent.
    failure_rate: u32,
    slow_rate: u32,
    /// Of how many calls the average is, and below how many percent it trips.
    average: (u32, u32),
    min_calls: u32,
    window: Window,
    lumping: u64,
    probes: u32,
    successes: u32,
    /// The open time of runs is longer by this.
    run_opens_longer: u64,
}

#[derive(Clone, Copy, Debug)]
enum Window {
    Calls(u32),
    /// So many buckets of a second.
    Seconds(u32),
}

const OPEN: u64 = 5_000;
const OPEN_MAX: u64 = 60_000;
const SLOW: u64 = 300;

/// One that does nothing: each configuration says what it is about.
const NONE: Plan = Plan {
    consecutive: 0,
    failures: 0,
    failure_rate: 0,
    slow_rate: 0,
    average: (0, 0),
    min_calls: 1,
    window: Window::Seconds(4),
    lumping: 0,
    probes: 2,
    successes: 2,
    run_opens_longer: 0,
};

impl Plan {
    fn builder(&self) -> Builder {
        // A breaker needs one rule to begin with; one that cannot fire stands for none.
        let run = if self.consecutive == 0 { u32::MAX } else { self.consecutive };
        let mut builder = Breaker::consecutive(run).min_calls(self.min_calls);
        builder = match self.window {
            Window::Calls(size) => builder.window_of_calls(size),
            Window::Seconds(seconds) => builder.window(secs(seconds.into())).buckets(seconds),
        };
        if self.failures > 0 {
            builder = builder.or_failures(self.failures);
        }
        if self.failure_rate > 0 {
            builder = builder.or_rate(f64::from(self.failure_rate) / 100.0);
        }
        if self.slow_rate > 0 {
            builder = builder.slow_over(ms(SLOW)).slow_rate(f64::from(self.slow_rate) / 100.0);
        }
        if self.average.0 > 0 {
            builder = builder.or_average(f64::from(self.average.1) / 100.0, Decay::Calls(self.average.0));
        }
        if self.lumping > 0 {
            builder = builder.lumping(ms(self.lumping));
        }
        builder = builder.open_for_rule(Rule::Consecutive, ms(OPEN + self.run_opens_longer));
        builder.open_for(ms(OPEN)).open_max(ms(OPEN_MAX)).probes(self.probes).successes(self.successes)
    }
}

/// The documentation, as plain values.
struct Reference {
    plan: Plan,
    now: u64,
    state: Plain,
    generation: u32,
    reopened: u32,
    base: u64,
    /// All that counted in this generation.
    results: Vec<Outcome>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plain {
    Closed,
    Open { until: u64 },
    HalfOpen { successes: u32, failures: u32, inconclusive: u32 },
}

#[derive(Clone, Copy, Debug)]
struct Outcome {
    at: u64,
    failed: bool,
    slow: bool,
}

/// Calls, failures, slow calls.
type Counts = (usize, usize, usize);

impl Reference {
    fn new(plan: Plan) -> Self {
        Self {
            plan,
            now: 0,
            state: Plain::Closed,
            generation: 1,
            reopened: 0,
            base: OPEN,
            results: Vec::new(),
        }
    }

    fn change(&mut self, state: Plain) {
        self.state = state;
        self.generation += 1;
        self.results.clear();
    }

    fn open(&mut self) {
        let time = (self.base << self.reopened.min(20)).min(OPEN_MAX);
        self.change(Plain::Open { until: self.now + time });
    }

    fn is_admitted(&mut self) -> bool {
        match self.state {
            Plain::Open { until } if self.now < until => false,
            Plain::Open { .. } => {
                self.change(Plain::HalfOpen { successes: 0, failures: 0, inconclusive: 0 });
                true
            }
            Plain::Closed | Plain::HalfOpen { .. } => true,
        }
    }

    fn ends(&mut self, step: Step) {
        match &mut self.state {
            Plain::Closed => self.counts(step),
            Plain::HalfOpen { successes, failures, inconclusive } => {
                match step {
                    Step::Success | Step::Slow => *successes += 1,
                    Step::Failure => *failures += 1,
                    Step::Dropped => *inconclusive += 1,
                    _ => {}
                }
                let (successes, failures, inconclusive) = (*successes, *failures, *inconclusive);
                if successes >= self.plan.successes {
                    self.reopened = 0;
                    self.change(Plain::Closed);
                } else if failures > self.plan.probes - self.plan.successes {
                    self.reopened += 1;
                    self.open();
                } else if inconclusive >= 2 * self.plan.probes {
                    self.open();
                }
            }
            Plain::Open { .. } => unreachable!("no call runs"),
        }
    }

    fn counts(&mut self, step: Step) {
        let (failed, slow) = match step {
            Step::Success => (false, false),
            Step::Failure => (true, false),
            Step::Slow => (false, self.plan.slow_rate > 0),
            _ => return,
        };
        let last_failure = self.results.iter().rev().find(|result| result.failed);
        if failed && last_failure.is_some_and(|last| self.now - last.at < self.plan.lumping) {
            return;
        }
        self.results.push(Outcome { at: self.now, failed, slow });
        if let Some(base) = self.opens_for() {
            self.base = base;
            self.reopened = 0;
            self.open();
        }
    }

    /// The longest open time of the rules that fire.
    fn opens_for(&self) -> Option<u64> {
        let plan = &self.plan;
        let (calls, failures, slow) = self.window();
        let is_enough = match plan.window {
            Window::Calls(size) => calls >= plan.min_calls.min(size) as usize,
            Window::Seconds(_) => calls >= plan.min_calls as usize,
        };
        let reaches =
            |part: usize, percent: u32| percent > 0 && is_enough && part * 100 >= percent as usize * calls;
        let mut times = Vec::new();
        if plan.consecutive > 0 && self.run() >= plan.consecutive as usize {
            times.push(OPEN + plan.run_opens_longer);
        }
        if plan.failures > 0 && failures >= plan.failures as usize {
            times.push(OPEN);
        }
        if reaches(failures, plan.failure_rate) || reaches(slow, plan.slow_rate) {
            times.push(OPEN);
        }
        let average = self.average();
        if plan.average.0 > 0
            && self.results.len() >= plan.min_calls as usize
            && average < f64::from(plan.average.1) / 100.0
        {
            times.push(OPEN);
        }
        times.into_iter().max()
    }

    fn run(&self) -> usize {
        self.results.iter().rev().take_while(|result| result.failed).count()
    }

    fn window(&self) -> Counts {
        let live: Vec<_> = match self.plan.window {
            Window::Calls(size) => self.results.iter().rev().take(size as usize).collect(),
            Window::Seconds(seconds) => {
                let second = self.now / 1_000;
                self.results.iter().filter(|result| result.at / 1_000 + u64::from(seconds) > second).collect()
            }
        };
        let count = |is: fn(&Outcome) -> bool| live.iter().filter(|result| is(result)).count();
        (live.len(), count(|result| result.failed), count(|result| result.slow))
    }

    fn average(&self) -> f64 {
        let kept = (-1.0 / f64::from(self.plan.average.0)).exp();
        let value = |result: &Outcome| if result.failed { 0.0 } else { 1.0 };
        let mut results = self.results.iter();
        let first = results.next().map_or(1.0, value);
        results.fold(first, |average, result| average * kept + value(result) * (1.0 - kept))
    }

    fn state(&self) -> (State, u32, Option<u64>) {
        let state = match self.state {
            Plain::Closed => State::Closed,
            Plain::Open { .. } => State::Open,
            Plain::HalfOpen { .. } => State::HalfOpen,
        };
        let left =
            if let Plain::Open { until } = self.state { Some(until.saturating_sub(self.now)) } else { None };
        (state, self.generation, left)
    }
}

/// Plays a history on both and compares them after each step.
fn check(plan: &Plan, history: &[Step]) -> Result<(), String> {
    let time = ManualClock::new();
    let breaker =
        plan.builder().jitter(false).clock(time.clock()).build().map_err(|error| error.to_string())?;
    let mut reference = Reference::new(plan.clone());
    for (at, step) in history.iter().enumerate() {
        let passes = match step {
            Step::Second => 1_000,
            Step::OpenTime => OPEN,
            _ => 0,
        };
        if passes > 0 {
            time.advance(ms(passes));
            reference.now += passes;
        } else {
            let (permit, expected) = (breaker.acquire(), reference.is_admitted());
            agree(at, *step, "admitted", &permit.is_ok(), &expected)?;
            if let Ok(permit) = permit {
                match step {
                    Step::Slow => {
                        time.advance(ms(SLOW + 1));
                        reference.now += SLOW + 1;
                        permit.success();
                    }
                    Step::Success => permit.success(),
                    Step::Failure => permit.failure(),
                    Step::Ignored => permit.record_verdict(Verdict::Ignore),
                    _ => drop(permit),
                }
                reference.ends(*step);
            }
        }
        compare(at, *step, &breaker, &reference)?;
    }
    Ok(())
}

fn compare(at: usize, step: Step, breaker: &Breaker, reference: &Reference) -> Result<(), String> {
    let snapshot = breaker.snapshot();
    let left = snapshot.open_left.map(|left| u64::try_from(left.as_millis()).unwrap_or(u64::MAX));
    agree(at, step, "state", &(snapshot.state, snapshot.generation, left), &reference.state())?;
    if reference.state == Plain::Closed {
        agree(at, step, "run", &(snapshot.consecutive_failures as usize), &reference.run())?;
        let plan = &reference.plan;
        if plan.failures + plan.failure_rate + plan.slow_rate > 0 {
            let held = snapshot.window;
            let held =
                [held.calls, held.failures, held.slow].map(|count| usize::try_from(count).unwrap_or(0));
            agree(at, step, "window", &(held[0], held[1], held[2]), &reference.window())?;
        }
    }
    Ok(())
}

fn agree<T: PartialEq + Debug>(
    at: usize,
    step: Step,
    what: &str,
    ours: &T,
    theirs: &T,
) -> Result<(), String> {
    if ours == theirs {
        Ok(())
    } else {
        Err(format!("step {at} {step:?}: {what} is {ours:?}, the reference says {theirs:?}"))
    }
}

/// Every history of so many of these steps.
fn check_all<const LEN: usize>(plan: &Plan, steps: &[Step]) {
    let mut history = [Step::Success; LEN];
    for number in 0..steps.len().pow(u32::try_from(LEN).unwrap_or(0)) {
        let mut rest = number;
        for step in &mut history {
            *step = steps[rest % steps.len()];
            rest /= steps.len();
        }
        if let Err(error) = check(plan, &history) {
            panic!("{error} in {history:?} with {plan:?}");
        }
    }
}

#[test]
fn every_history_of_a_run() {
    check_all::<7>(&Plan { consecutive: 2, ..NONE }, &TIMELESS);
}

#[test]
fn every_history_of_a_rate_of_calls() {
    check_all::<7>(&Plan { failure_rate: 50, min_calls: 2, window: Window::Calls(3), ..NONE }, &TIMELESS);
}

#[test]
fn every_history_of_a_rate_of_time() {
    check_all::<6>(&Plan { failure_rate: 60, min_calls: 3, ..NONE }, &STEPS);
}

#[test]
fn every_history_of_slow_calls() {
    check_all::<6>(&Plan { slow_rate: 50, min_calls: 2, window: Window::Seconds(2), ..NONE }, &STEPS);
}

#[test]
fn every_history_of_k_of_n() {
    check_all::<7>(
        &Plan { failures: 2, window: Window::Calls(3), probes: 1, successes: 1, ..NONE },
        &TIMELESS,
    );
}

#[test]
fn every_history_of_an_average() {
    check_all::<6>(&Plan { average: (2, 50), min_calls: 2, probes: 1, successes: 1, ..NONE }, &STEPS);
}

#[test]
fn every_history_of_lumped_failures() {
    check_all::<6>(&Plan { failures: 2, lumping: 1_500, probes: 1, successes: 1, ..NONE }, &STEPS);
}

#[test]
fn every_history_of_several_rules() {
    let rates = Plan { failure_rate: 50, slow_rate: 100, min_calls: 3, window: Window::Seconds(3), ..NONE };
    check_all::<6>(&Plan { consecutive: 2, run_opens_longer: 2_000, ..rates }, &STEPS);
}

fn plans() -> impl Strategy<Value = Plan> {
    let trips = (0_u32..4, 0_u32..4, 0_u32..=100, 0_u32..=100, (0_u32..5, 1_u32..100));
    let window = prop_oneof![(4_u32..9).prop_map(Window::Calls), (2_u32..9).prop_map(Window::Seconds)];
    let rest = (1_u32..6, window, prop_oneof![Just(0), 1_u64..400], 1_u32..4, 0_u64..3_000);
    (trips, rest, any::<prop::sample::Index>()).prop_map(|(trips, rest, successes)| {
        let (consecutive, failures, failure_rate, slow_rate, average) = trips;
        let (min_calls, window, lumping, probes, run_opens_longer) = rest;
        let successes = u32::try_from(successes.index(probes as usize)).unwrap_or(0) + 1;
        Plan {
            consecutive,
            failures,
            failure_rate,
            slow_rate,
            average,
            min_calls,
            window,
            lumping,
            probes,
            successes,
            run_opens_longer,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn long_histories_under_any_rules(
        plan in plans(),
        history in prop::collection::vec(prop::sample::select(vec![
            Step::Success, Step::Success, Step::Success, Step::Failure, Step::Failure, Step::Slow, Step::Ignored,
            Step::Dropped, Step::Second, Step::OpenTime,
        ]), 0..150),
    ) {
        if let Err(error) = check(&plan, &history) {
            return Err(TestCaseError::fail(error));
        }
    }
}
