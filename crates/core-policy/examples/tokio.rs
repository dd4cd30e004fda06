//! A policy of one's own, on tokio, around a future and under another: it paces what it lets through.
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use std::sync::Mutex;
use std::time::Duration;

use core_errors::Error;
use core_policy::{Admit, AtMostOnce, ByClass, Call, Cx, Next, Outcome, Policy, Stack};
use core_time::{Clock, Instant, ms};

/// One call in each interval; the others wait for their turn.
struct Pace {
    every: Duration,
    next: Mutex<Option<Instant>>,
    clock: Clock,
}

impl Policy for Pace {
    /// When it is the call's turn.
    type State = Option<Instant>;

    fn clock(&self) -> &Clock {
        &self.clock
    }

    fn begin(&self) -> Option<Instant> {
        None
    }

    fn admit(&self, turn: &mut Option<Instant>, cx: &mut Cx<'_>) -> Admit {
        let now = cx.clock().now();
        let turn = *turn.get_or_insert_with(|| {
            let mut next = self.next.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let turn = next.map_or(now, |next| next.max(now));
            *next = Some(turn + self.every);
            turn
        });
        if now < turn { Admit::SleepUntil(turn) } else { Admit::Run }
    }

    fn settle(&self, _: &mut Option<Instant>, _: &Outcome<'_>, _: &mut Cx<'_>) -> Next {
        Next::Finish
    }

    fn abandon(&self, _: &mut Option<Instant>) {}
}

impl AtMostOnce for Pace {}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let pace = |every| Pace { every, next: Mutex::new(None), clock: Clock::system() };
    // Both hold: the slower one decides.
    let policies = Stack::new(pace(ms(5)), pace(ms(20)));
    let start = Clock::system().now();
    for n in 1..=4 {
        let result = Call::given(&policies, async move { Ok::<_, Error>(n) }, ByClass).await;
        println!("{result:?} after {:?}", Clock::system().now() - start);
    }
}
