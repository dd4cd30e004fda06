use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::clock::Clock;
use crate::instant::Instant;
use crate::manual::ManualClock;

pin_project! {
    /// Waits until a moment of a [`Clock`]. Made by [`Clock::sleep_until`].
    ///
    /// # Cancel safety
    /// Dropping it forgets the timer; nothing else happens.
    #[must_use = "futures do nothing unless polled"]
    #[derive(Debug)]
    pub struct Sleep {
        #[pin]
        timer: Timer,
    }
}

pin_project! {
    #[project = TimerProj]
    #[derive(Debug)]
    enum Timer {
        Tokio { #[pin] sleep: tokio::time::Sleep },
        Manual { sleeper: Sleeper },
    }
}

#[derive(Debug)]
struct Sleeper {
    clock: ManualClock,
    at: Instant,
    id: Option<u64>,
}

// === impl Sleep ===

impl Sleep {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that arms a tokio timer")]
    pub(crate) fn new(clock: &Clock, now: Instant, at: Instant) -> Self {
        let timer = match clock.manual() {
            Some(manual) => Timer::Manual { sleeper: Sleeper { clock: manual.clone(), at, id: None } },
            // tokio rounds a timer up to its next millisecond and measures from its own reading, which is not
            // earlier than `now`: it is never early.
            None => Timer::Tokio { sleep: tokio::time::sleep(at - now) },
        };
        Self { timer }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match self.project().timer.project() {
            TimerProj::Tokio { sleep } => sleep.poll(cx),
            TimerProj::Manual { sleeper } => sleeper.clock.poll_until(sleeper.at, &mut sleeper.id, cx),
        }
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.clock.forget(self.at, id);
        }
    }
}
