use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use core_errors::cut_off;
use core_time::Alarm;
use pin_project_lite::pin_project;

use crate::deadline::Deadline;
use crate::exceeded;

pin_project! {
    /// Many futures at once, until a deadline. Made by [`Deadline::gather`]. Nothing begins before it is first polled.
    ///
    /// They run in the task that awaits it, a bounded number [at once](Self::at_once); each wake-up asks all of those. For many hundreds that
    /// work hard, a task for each is better. After 1024 that were begun at one wake-up, other tasks have their turn.
    ///
    /// # Cancel safety
    /// Dropping it drops all futures, and what those have come to that are done. Guards that are dropped with a future that is not done can
    /// tell, by [`cut_off_depth`](core_errors::cut_off_depth), as they can where the time is up.
    ///
    /// # Panics
    /// A panic of a future goes on. Polled outside a tokio runtime with timers it panics when it has to wait, unless the clock is
    /// manual. Polling it after it is ready panics.
    #[must_use = "futures do nothing unless polled"]
    pub struct Gather<I>
    where
        I: Iterator,
        I::Item: Future,
    {
        deadline: Deadline,
        waiting: I,
        // Whether none waits any more, as far as that is known.
        is_exhausted: bool,
        running: Vec<(usize, Pin<Box<I::Item>>)>,
        parts: Vec<Part<<I::Item as Future>::Output>>,
        at_once: usize,
        is_done: bool,
        alarm: Alarm,
    }

    impl<I> PinnedDrop for Gather<I>
    where
        I: Iterator,
        I::Item: Future,
    {
        fn drop(this: Pin<&mut Self>) {
            cut_off(|| this.project().running.clear());
        }
    }
}

/// What one of many futures came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<T> {
    /// It was done in time.
    Done(T),
    /// It was running when the time was up, and was dropped.
    Unfinished,
    /// The time was up before its turn came. Of an iterator that says it never ends one stands for all of these, and of any other
    /// there are 1 048 576 at most.
    NotStarted,
}

/// What many futures came to, in the order in which they were given.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "some of it may be missing"]
pub struct Gathered<T> {
    parts: Vec<Part<T>>,
}

/// How many run at once unless somebody says otherwise.
const AT_ONCE: usize = 64;

/// So many begin at one wake-up: where all are ready at once nobody else would have a turn until the deadline.
const STARTS_MAX: usize = 1_024;

/// So many that were not started are told of. An iterator may go on for ever and not say so.
const REST_MAX: usize = 1 << 20;

// === impl Gather ===

impl<I> Gather<I>
where
    I: Iterator<Item: Future>,
{
    pub(crate) fn new(deadline: Deadline, waiting: I) -> Self {
        Self {
            deadline,
            is_exhausted: waiting.size_hint() == (0, Some(0)),
            waiting,
            running: Vec::new(),
            parts: Vec::new(),
            at_once: AT_ONCE,
            is_done: false,
            alarm: Alarm::new(),
        }
    }

    /// Runs at most so many at the same time; the next starts when one is done. 0 is 1. Default: 64.
    pub fn at_once(mut self, futures: usize) -> Self {
        self.at_once = futures.max(1);
        self
    }
}

impl<I> Future for Gather<I>
where
    I: Iterator<Item: Future>,
{
    type Output = Gathered<<I::Item as Future>::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        assert!(!self.is_done, "a gathering was polled after it was ready");
        self.as_mut().poll_running(cx);
        let is_complete = self.running.is_empty() && self.is_exhausted;
        if is_complete {
            return Poll::Ready(self.finish());
        }
        if self.as_mut().is_up(cx) {
            exceeded::count(self.deadline.name());
            return Poll::Ready(self.finish());
        }
        Poll::Pending
    }
}

impl<I> Gather<I>
where
    I: Iterator<Item: Future>,
{
    /// Asks all that run, and starts others where there is room.
    fn poll_running(self: Pin<&mut Self>, cx: &mut Context<'_>) {
        let this = self.project();
        let (mut at, mut starts) = (0, 0);
        loop {
            while let Some((part, future)) = this.running.get_mut(at) {
                match future.as_mut().poll(cx) {
                    Poll::Ready(output) => {
                        this.parts[*part] = Part::Done(output);
                        drop(this.running.remove(at));
                    }
                    Poll::Pending => at += 1,
                }
            }
            let room = this.at_once.saturating_sub(this.running.len());
            if *this.is_exhausted || this.deadline.is_past() {
                return;
            }
            if starts == STARTS_MAX && room > 0 {
                cx.waker().wake_by_ref();
                return;
            }
            // Whoever is ready at once makes room for another.
            for _ in 0..room.min(STARTS_MAX - starts) {
                let Some(future) = this.waiting.next() else {
                    *this.is_exhausted = true;
                    break;
                };
                this.running.push((this.parts.len(), Box::pin(future)));
                this.parts.push(Part::Unfinished);
                starts += 1;
            }
            if this.running.len() == at {
                return;
            }
        }
    }

    /// Whether the time is up.
    fn is_up(self: Pin<&mut Self>, cx: &mut Context<'_>) -> bool {
        let this = self.project();
        // A task that has spent its cooperative budget never sees its timer fire: the clock has the first word.
        if this.deadline.is_past() {
            return true;
        }
        this.alarm.poll_until(this.deadline.clock(), this.deadline.instant(), cx).is_ready()
    }

    /// Drops what is not done, and then tells what is.
    fn finish(self: Pin<&mut Self>) -> Gathered<<I::Item as Future>::Output> {
        let this = self.project();
        *this.is_done = true;
        cut_off(|| this.running.clear());
        this.alarm.clear();
        let mut parts = std::mem::take(this.parts);
        let rest = if *this.is_exhausted { 0 } else { rest(this.waiting) };
        parts.extend(std::iter::repeat_with(|| Part::NotStarted).take(rest));
        Gathered { parts }
    }
}

impl<I> std::fmt::Debug for Gather<I>
where
    I: Iterator<Item: Future>,
{
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gather")
            .field("deadline", &self.deadline)
            .field("running", &self.running.len())
            .field("waiting", &self.waiting.size_hint())
            .finish_non_exhaustive()
    }
}

/// How many were not started, within bounds. One that does not say how many there are is asked for them; one that says it never ends has
/// one.
fn rest(waiting: &mut impl Iterator) -> usize {
    match waiting.size_hint() {
        (usize::MAX, _) => 1,
        (least, Some(most)) if least == most => least.min(REST_MAX),
        _ => waiting.take(REST_MAX).count(),
    }
}

// === impl Gathered ===

impl<T> Gathered<T> {
    /// Whether all were done in time.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.parts.iter().all(|part| matches!(part, Part::Done(_)))
    }

    /// What each came to, in the order in which they were given.
    #[must_use]
    pub fn parts(&self) -> &[Part<T>] {
        &self.parts
    }

    /// The same, by value.
    #[must_use]
    pub fn into_parts(self) -> Vec<Part<T>> {
        self.parts
    }

    /// What is there, with its place.
    pub fn done(&self) -> impl Iterator<Item = (usize, &T)> {
        self.parts.iter().enumerate().filter_map(|(at, part)| match part {
            Part::Done(output) => Some((at, output)),
            Part::Unfinished | Part::NotStarted => None,
        })
    }

    /// The places of what is not there.
    pub fn missing(&self) -> impl Iterator<Item = usize> {
        self.parts
            .iter()
            .enumerate()
            .filter_map(|(at, part)| if let Part::Done(_) = part { None } else { Some(at) })
    }

    /// All of it, if nothing is missing.
    ///
    /// # Errors
    /// The same, when something is.
    pub fn complete(self) -> Result<Vec<T>, Self> {
        if !self.is_complete() {
            return Err(self);
        }
        let output = |part| if let Part::Done(output) = part { Some(output) } else { None };
        Ok(self.parts.into_iter().filter_map(output).collect())
    }
}
