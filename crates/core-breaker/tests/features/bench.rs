//! A breaker under a clock that is moved by hand, for scripts of results.

use std::sync::{Arc, Mutex};

use core_breaker::{Breaker, Builder, Event, State};
use core_errors::Verdict;
use core_policy::Permit;
use core_time::{ManualClock, secs};

/// A breaker without jitter, and what it told.
pub(crate) struct Bench {
    pub(crate) time: ManualClock,
    pub(crate) breaker: Breaker,
    pub(crate) events: Arc<Mutex<Vec<Event>>>,
}

impl Bench {
    pub(crate) fn new(builder: Builder) -> Self {
        Self::with(builder.jitter(false))
    }

    /// As the builder says, jitter and all.
    pub(crate) fn with(builder: Builder) -> Self {
        let time = ManualClock::new();
        let events = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&events);
        let builder = builder.clock(time.clock()).name("payments");
        let breaker =
            builder.on_change(move |event| sink.lock().unwrap().push(event.clone())).build().unwrap();
        Self { time, breaker, events }
    }

    /// `S` succeeds, `F` fails, `I` is ignored, `-` lets a second pass.
    pub(crate) fn play(&self, script: &str) -> State {
        for step in script.chars() {
            match step {
                'S' => self.permit().success(),
                'F' => self.permit().failure(),
                'I' => self.permit().record_verdict(Verdict::Ignore),
                '-' => self.time.advance(secs(1)),
                other => panic!("{other}"),
            }
        }
        self.breaker.state()
    }

    pub(crate) fn permit(&self) -> Permit<&Breaker> {
        self.breaker.acquire().unwrap()
    }

    /// How long it stays open.
    pub(crate) fn open_left(&self) -> std::time::Duration {
        self.breaker.snapshot().open_left.unwrap()
    }

    pub(crate) fn changes(&self) -> Vec<(State, State)> {
        self.events.lock().unwrap().iter().map(|event| (event.from, event.to)).collect()
    }

    /// How often it told that it would have opened.
    pub(crate) fn crossings(&self) -> usize {
        self.events.lock().unwrap().iter().filter(|event| event.would_open).count()
    }

    /// A call that succeeds after so long.
    pub(crate) fn slow(&self, took: std::time::Duration) -> State {
        let permit = self.permit();
        self.time.advance(took);
        permit.success();
        self.breaker.state()
    }

    /// A new half-open round of a circuit that is open for 5 s.
    pub(crate) fn half_open(&self) {
        self.breaker.close("test").unwrap();
        // Not for ever: a breaker that does not open is what tests are there to find.
        for _ in 0..1_000 {
            if self.breaker.state() != State::Closed {
                break;
            }
            self.play("F");
        }
        self.time.advance(secs(60));
    }
}

/// Of which one probe decides a round.
pub(crate) fn one(builder: Builder) -> Bench {
    Bench::new(builder.probes(1).successes(1))
}
