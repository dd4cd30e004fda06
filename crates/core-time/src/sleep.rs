use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::clock::Clock;
use crate::instant::Instant;
use crate::manual::ManualClock;
use crate::timers;

pin_project! {
    /// Waits until a moment of a [`Clock`]. Made by [`Clock::sleep_until`].
    ///
    /// It lies in the future that waits: some 120 bytes. An [`Alarm`](crate::Alarm) lies outside.
    ///
    /// # Cancel safety
    /// Dropping it forgets the timer; nothing else happens.
    #[must_use = "futures do nothing unless polled"]
    #[derive(Debug)]
    pub struct Sleep {
        #[pin]
        timer: Timer,
        at: Instant,
    }
}

pin_project! {
    #[project = TimerProj]
    #[derive(Debug)]
    enum Timer {
        Tokio {
            #[pin]
            sleep: tokio::time::Sleep,
            // It was set to what was left, by a reading of tokio's clock, and is right when that is.
            is_relative: bool,
        },
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
    #[inline]
    pub(crate) fn new(clock: &Clock, at: Instant) -> Self {
        let timer = match clock.manual() {
            Some(manual) => Timer::Manual { sleeper: Sleeper { clock: manual.clone(), at, id: None } },
            None => match timers::set_to(at) {
                Some(sleep) => Timer::Tokio { sleep, is_relative: false },
                None => Timer::Tokio { sleep: timers::set_in(at - clock.now()), is_relative: true },
            },
        };
        Self { timer, at }
    }

    /// The moment.
    #[must_use]
    #[inline]
    pub fn at(&self) -> Instant {
        self.at
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        match this.timer.project() {
            TimerProj::Tokio { mut sleep, is_relative } => {
                ready!(sleep.as_mut().poll(cx));
                if *is_relative {
                    return Poll::Ready(());
                }
                let Some(left) = timers::left_of(*this.at) else { return Poll::Ready(()) };
                *is_relative = true;
                timers::set_anew(sleep.as_mut(), left);
                sleep.poll(cx)
            }
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
