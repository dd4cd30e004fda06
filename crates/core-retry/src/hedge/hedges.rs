use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use core_errors::cut_off;
use pin_project_lite::pin_project;

use super::parts::Paying;
use super::schedule::Start;

/// The hedges of a call that run, in the order of their start. Each is one allocation; where there are none, that is one word.
pub(super) struct Hedges<F>(Option<Pin<Box<Hedging<F>>>>);

pin_project! {
    struct Hedging<F> {
        // Fields are dropped in this order: the attempt goes before what is paid for it.
        #[pin]
        attempt: Running<F>,
        paying: Paying,
        start: Start,
        later: Hedges<F>,
    }
}

pin_project! {
    /// An attempt that is a hedge. Guards that are dropped with it before it has ended can tell.
    struct Running<F> {
        #[pin]
        attempt: Option<F>,
    }

    impl<F> PinnedDrop for Running<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if this.attempt.is_some() {
                cut_off(|| this.attempt.set(None));
            }
        }
    }
}

// === impl Hedges ===

impl<F> Hedges<F> {
    pub(super) const NONE: Self = Self(None);

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// One more, and at which place.
    pub(super) fn push(&mut self, attempt: F, start: Start, paying: Paying) -> usize {
        let attempt = Running { attempt: Some(attempt) };
        self.push_boxed(Box::pin(Hedging { attempt, paying, start, later: Self::NONE }))
    }

    fn push_boxed(&mut self, hedging: Pin<Box<Hedging<F>>>) -> usize {
        match &mut self.0 {
            Some(earlier) => 1 + earlier.as_mut().project().later.push_boxed(hedging),
            end => {
                *end = Some(hedging);
                0
            }
        }
    }

    /// Where number `at` is, counted from 0, if there are as many before it.
    fn place(&mut self, at: usize) -> Option<&mut Self> {
        let mut place = self;
        for _ in 0..at {
            place = place.0.as_mut()?.as_mut().project().later;
        }
        Some(place)
    }
}

impl<F: Future> Hedges<F> {
    /// Polls number `at`, counted from 0; `None` if there are not so many. One that is ready is gone, and what is paid for it is told; those
    /// after it move up.
    pub(super) fn poll(&mut self, at: usize, cx: &mut Context<'_>) -> Option<Poll<(F::Output, Start)>> {
        let place = self.place(at)?;
        let mut hedging = place.0.as_mut()?.as_mut().project();
        let Poll::Ready(result) = hedging.attempt.as_mut().poll(cx) else { return Some(Poll::Pending) };
        let (start, later) = (*hedging.start, hedging.later.0.take());
        place.0 = later;
        Some(Poll::Ready((result, start)))
    }
}

// === impl Running ===

impl<F: Future> Running<F> {
    /// Polls the attempt, and drops it once it is ready.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut attempt = self.project().attempt;
        // Who polls it drops it once it is ready.
        let Some(running) = attempt.as_mut().as_pin_mut() else { return Poll::Pending };
        let polled = running.poll(cx);
        if polled.is_ready() {
            attempt.set(None);
        }
        polled
    }
}
