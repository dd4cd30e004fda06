//! What an operator does at the worst moment, against a plain model that was written from the documentation: orders while probes run,
//! handles that are dropped late, other rules in the middle of a round. Every short history from several states, and many long ones.
#![cfg(not(any(genesis_loom, genesis_shuttle)))]

mod model;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use core_breaker::{Breaker, Event, Isolation, State};
use core_policy::Permit;
use core_time::{ManualClock, secs};
use proptest::prelude::*;

use crate::model::{LEASE, MAINTENANCE, Model, OPEN, Plain, STEPS, Step};

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
        .on_change(move |event| sink.lock().unwrap_or_else(PoisonError::into_inner).push(event.clone()))
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
