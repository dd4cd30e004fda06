//! A policy of one's own, on a thread: so many calls, and no more.
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use std::sync::atomic::{AtomicU32, Ordering};

use core_errors::Error;
use core_policy::{
    Admit, ByClass, Cx, Name, Next, Outcome, Policy, PolicyKind, Reason, Rejection, call_blocking,
};
use core_time::Clock;

/// Lets so many calls through in its life.
struct Quota {
    left: AtomicU32,
    clock: Clock,
}

impl Policy for Quota {
    /// Whether the call has taken its share.
    type State = bool;

    fn clock(&self) -> &Clock {
        &self.clock
    }

    fn begin(&self) -> bool {
        false
    }

    fn admit(&self, taken: &mut bool, _: &mut Cx<'_>) -> Admit {
        let take = |left: u32| left.checked_sub(1);
        *taken = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok();
        if *taken {
            return Admit::Run;
        }
        Admit::Refuse(Rejection::new(PolicyKind::RateLimit, Name::UNNAMED, Reason::RateLimited))
    }

    fn settle(&self, taken: &mut bool, _: &Outcome<'_>, _: &mut Cx<'_>) -> Next {
        *taken = false;
        Next::Finish
    }

    /// The call came to nothing: its share goes back.
    fn abandon(&self, taken: &mut bool) {
        if std::mem::take(taken) {
            self.left.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn main() {
    let quota = Quota { left: AtomicU32::new(2), clock: Clock::system() };
    for n in 1..=3 {
        let result = call_blocking(&quota, |_| Ok::<_, Error>("served"), &ByClass, None);
        println!("call {n}: {}", result.map_or_else(|error| error.to_string(), str::to_owned));
    }
}
