//! The breaker and the model, side by side.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use core_breaker::{Breaker, ConfigError, Event, Isolation, State};
use core_policy::Permit;
use core_time::{ManualClock, secs};

use crate::plain::{LEASE, MAINTENANCE, Model, OPEN, Plain, Step};

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
            Step::Second | Step::OpenTime => {
                self.passes(if step == Step::Second { 1 } else { OPEN });
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
                self.model.order(Plain::ForcedOpen);
                breaker.force_open("test")
            }
            Step::ForceClosed => {
                self.model.order(Plain::ForcedClosed { run: 0 });
                breaker.force_closed("test")
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
        ordered.map_err(|error| error.to_string())
    }

    fn passes(&mut self, seconds: u64) {
        self.time.advance(secs(seconds));
        self.model.now += seconds;
    }

    fn goes_by(&mut self, threshold: u32, probes: u32, successes: u32) -> Result<(), ConfigError> {
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
        let told = || events.iter().filter(|it| !it.would_open).map(|it| (it.from, it.to));
        if !told().eq(model.changes.iter().copied()) || events.len() - model.changes.len() != model.would_open
        {
            return Err(format!("told {:?}, the model says {:?}", told().collect::<Vec<_>>(), model.changes));
        }
        Ok(())
    }
}

/// Plays a history on both and compares them after each step, but for the first ones of which it is known that they agree; then it
/// comes back to life, and so does its copy.
pub(crate) fn check(threshold: u32, known: usize, history: &[Step]) -> Result<(), String> {
    let (time, events) = (ManualClock::new(), Arc::new(Mutex::new(Vec::new())));
    let sink = Arc::clone(&events);
    let rules = || {
        Breaker::consecutive(threshold).probes(2).successes(2).probe_lease(secs(LEASE)).open_for(secs(OPEN))
    };
    let builder = rules().jitter(false).clock(time.clock());
    let breaker = builder
        .on_change(move |event| sink.lock().unwrap_or_else(PoisonError::into_inner).push(event.clone()))
        .build()
        .map_err(|error| error.to_string())?;
    let mut both = Both {
        time: &time,
        breaker: &breaker,
        events,
        model: Model::new(threshold),
        permits: Vec::new(),
        handles: Vec::new(),
    };
    for (at, step) in history.iter().enumerate() {
        let compare = |both: &Both<'_>| if at < known { Ok(()) } else { both.compare() };
        both.step(*step)
            .and_then(|()| compare(&both))
            .map_err(|error| format!("step {at} {step:?}: {error}"))?;
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
    returns_to_closed(&breaker, &time, model.rules.2)
}

/// From wherever it is: an operator lets go of it, or it waits, and enough successes close it.
fn returns_to_closed(breaker: &Breaker, time: &ManualClock, successes: u32) -> Result<(), String> {
    if !matches!(breaker.state(), State::Closed | State::Open | State::HalfOpen) {
        breaker.close("the end").map_err(|error| error.to_string())?;
    }
    for _ in 0..4 {
        time.advance(secs(60));
        for _ in 0..successes {
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
