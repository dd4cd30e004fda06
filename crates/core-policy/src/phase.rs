use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use core_errors::cut_off;
use core_time::Instant;
use pin_project_lite::pin_project;

pin_project! {
    /// How far a call is, and its attempt.
    #[project = PhaseProj]
    pub(crate) enum Phase<F> {
        Admitting,
        Sleeping { until: Instant },
        Running { #[pin] attempt: F },
        /// The attempt was there before the call, and stays where it is, since it may be large: it waits for its turn, or until then; or
        /// it runs, if the driver has counted it.
        Given { #[pin] attempt: F, until: Option<Instant> },
        Done,
    }
}

/// What a call is at.
pub(crate) enum Step {
    Admitting,
    Sleeping(Instant),
    Running,
    Done,
}

// === impl Phase ===

impl<F> Phase<F> {
    /// Whether there is an attempt that has not ended.
    #[inline]
    pub(crate) const fn has_attempt(&self) -> bool {
        matches!(self, Self::Running { .. } | Self::Given { .. })
    }

    /// Drops the attempt before it has ended.
    #[cold]
    #[inline(never)]
    pub(crate) fn cut_off(mut self: Pin<&mut Self>) {
        cut_off(|| self.set(Self::Admitting));
    }
}

impl<F: Future> Phase<F> {
    /// Polls the attempt, and drops it once it is ready: both are code of the user's.
    #[inline]
    pub(crate) fn poll_attempt(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let (PhaseProj::Running { attempt } | PhaseProj::Given { attempt, .. }) = self.as_mut().project()
        else {
            return Poll::Pending;
        };
        let polled = attempt.poll(cx);
        if polled.is_ready() {
            self.set(Self::Done);
        }
        polled
    }

    pub(crate) fn step(&self, is_running: bool) -> Step {
        match *self {
            Self::Given { .. } | Self::Running { .. } if is_running => Step::Running,
            Self::Given { until: None, .. } | Self::Admitting => Step::Admitting,
            Self::Given { until: Some(until), .. } | Self::Sleeping { until } => Step::Sleeping(until),
            Self::Running { .. } => Step::Running,
            Self::Done => Step::Done,
        }
    }

    /// The attempt starts: where it is, or as `make` makes it.
    #[inline]
    pub(crate) fn start(mut self: Pin<&mut Self>, make: impl FnOnce() -> F) {
        if !matches!(*self, Self::Given { .. }) {
            self.set(Self::Running { attempt: make() });
        }
    }

    pub(crate) fn sleep(mut self: Pin<&mut Self>, at: Instant) {
        match self.as_mut().project() {
            PhaseProj::Given { until, .. } => *until = Some(at),
            _ => self.set(Self::Sleeping { until: at }),
        }
    }

    /// The next admission is due.
    pub(crate) fn admit(mut self: Pin<&mut Self>) {
        match self.as_mut().project() {
            PhaseProj::Given { until, .. } => *until = None,
            _ => self.set(Self::Admitting),
        }
    }
}
