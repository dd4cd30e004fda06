//! A breaker whose time is moved by hand, and what calls of it came to.

use std::cell::Cell;

use core_breaker::{Breaker, Builder, State};
use core_errors::{Error, Reason, Rejection};
use core_policy::CallError;
use core_time::{ManualClock, secs};

pub(crate) type Outcome = Result<u32, CallError<Error>>;

pub(crate) fn exact(failures: u32) -> Builder {
    Breaker::consecutive(failures).open_for(secs(60)).jitter(false)
}

/// A breaker under a clock that is moved by hand, and how often its callee was called.
pub(crate) struct Bench {
    pub(crate) time: ManualClock,
    pub(crate) breaker: Breaker,
    pub(crate) calls: Cell<u32>,
}

impl Bench {
    pub(crate) fn new(builder: Builder) -> Self {
        let time = ManualClock::new();
        let breaker = builder.name("payments").clock(time.clock()).build().unwrap();
        Self { time, breaker, calls: Cell::new(0) }
    }

    pub(crate) fn call(&self, works: bool) -> Outcome {
        self.breaker.call_blocking(|_| {
            self.calls.set(self.calls.get() + 1);
            if works { Ok(self.calls.get()) } else { Err(Error::unavailable("down")) }
        })
    }

    pub(crate) fn calls(&self, works: &[bool]) -> State {
        for works in works {
            let _ = self.call(*works);
        }
        self.breaker.state()
    }

    pub(crate) fn counted(&self) -> (u64, u64, u64) {
        let totals = self.breaker.snapshot().totals;
        (totals.successes, totals.failures, totals.rejected)
    }
}

pub(crate) fn reason(outcome: Outcome) -> Option<Reason> {
    outcome.err()?.rejection().map(Rejection::reason)
}
