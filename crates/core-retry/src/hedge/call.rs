use std::borrow::Borrow;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use core_errors::Verdict;
use core_policy::{Attempt, CallError, Judge, Op};
use core_time::{Alarm, Instant};
use pin_project_lite::pin_project;

use super::hedges::Hedges;
use super::parts::{Base, Entered, First, Kept, Paying};
use super::policy::{Count, Hedge, Inner};
use super::schedule::{Of, Schedule, Start};
use super::waiting::{State, Waiting};

pin_project! {
    /// A call that may be hedged. Made by [`Hedge::call`](crate::Hedge::call). It begins when it is first polled.
    ///
    /// Its result is that of the attempt that succeeded first. If none did, [`CallError::Failed`] with the error of the last, or
    /// of the first if the hedge was built so. A refusal of a policy further in never stands in for a failure of the call.
    ///
    /// # Cancel safety
    /// Dropping it drops all attempts at once. Guards that are dropped with an attempt that had not ended can tell, by
    /// [`cut_off_depth`](core_errors::cut_off_depth), as those of the losers can. What hedges that had started took from the budget stays taken.
    ///
    /// # Panics
    /// A panic of an attempt goes on, and the others are dropped with the future. Polled outside a tokio runtime with timers it panics
    /// once a hedge has to be waited for, unless the clock is manual. Polling it after it is ready panics.
    #[must_use = "futures do nothing unless polled"]
    pub struct Hedged<H, O, F: Future, J> {
        // Fields are dropped in this order: attempts end before the call does.
        #[pin]
        first: First<F>,
        // There from when the call has had to wait, or has failed, until it ends.
        rest: Option<Rest<F>>,
        hedge: H,
        op: O,
        judge: J,
    }
}

/// What most calls never need. Fields are dropped in this order.
struct Rest<F: Future> {
    hedges: Hedges<F>,
    /// What the call comes to if nothing succeeds, where the first attempt is running still.
    kept: Option<Box<Kept<F::Output>>>,
    waiting: Waiting,
}

// === impl Hedged ===

impl<H: Borrow<Hedge>, O, F: Future, J> Hedged<H, O, F, J> {
    pub(super) fn new(hedge: H, op: O, judge: J) -> Self {
        Self::begun_by(Base { attempt: Attempt::SINGLE, deadline: None }, hedge, op, judge)
    }

    fn begun_by(base: Base, hedge: H, op: O, judge: J) -> Self {
        Self { first: First::fresh(base), rest: None, hedge, op, judge }
    }

    /// Makes the call as one attempt of another that runs under a policy further out: hedges have its number and its time, and there
    /// are none if it must not take effect twice.
    ///
    /// # Panics
    /// If the call was polled already.
    pub fn within(mut self, attempt: Attempt) -> Self {
        self.base().attempt = attempt;
        self
    }

    /// Starts no hedge that would begin too late for `deadline`. It does not end the call: that is what a timeout around it is for.
    ///
    /// # Panics
    /// If the call was polled already.
    pub fn until(mut self, deadline: Instant) -> Self {
        let base = self.base();
        base.deadline = Some(base.deadline.map_or(deadline, |set| set.min(deadline)));
        self
    }

    /// Judges attempts by `judge`: for errors that do not implement [`Classify`](core_policy::Classify), and for `Ok` values that
    /// are failures.
    ///
    /// # Panics
    /// If the call was polled already.
    pub fn judged_by<K>(mut self, judge: K) -> Hedged<H, O, F, K> {
        let base = *self.base();
        Hedged::begun_by(base, self.hedge, self.op, judge)
    }

    fn base(&mut self) -> &mut Base {
        self.first.base().expect("a call that runs is not changed")
    }
}

impl<H, O, F, J, T, E> Future for Hedged<H, O, F, J>
where
    H: Borrow<Hedge>,
    F: Future<Output = Result<T, E>>,
    O: Op<T, E, Future = F>,
    J: Judge<T, E>,
{
    type Output = Result<T, CallError<E>>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.as_mut().project();
        let Some(base) = this.first.as_mut().begin() else { return self.poll_on(cx) };
        let hedge = inner(this.hedge);
        let is_counted = hedge.feeds_budget && hedge.budget.is_in_flight();
        let entered = is_counted.then(|| Entered::new(&hedge.budget));
        let attempt = this.op.attempt(base.attempt);
        this.first.as_mut().start(attempt);
        let Poll::Ready(result) = this.first.as_mut().poll(cx) else {
            self.as_mut().begin_rest(base, entered);
            return self.poll_rest(cx);
        };
        let verdict = this.judge.judge(&result);
        if verdict == Verdict::Success {
            drop(entered);
            inner(this.hedge).succeeded(Start::FIRST, None);
            return Poll::Ready(result.map_err(CallError::Failed));
        }
        self.as_mut().begin_rest(base, entered);
        match self.as_mut().judged(result, verdict, Start::FIRST) {
            Some(end) => Poll::Ready(end),
            None => self.poll_rest(cx),
        }
    }
}

impl<H, O, F, J, T, E> Hedged<H, O, F, J>
where
    H: Borrow<Hedge>,
    F: Future<Output = Result<T, E>>,
    O: Op<T, E, Future = F>,
    J: Judge<T, E>,
{
    /// The call has to wait, or has failed.
    #[inline(never)]
    fn begin_rest(self: Pin<&mut Self>, base: Base, entered: Option<Entered>) {
        let this = self.project();
        let hedge = inner(this.hedge);
        let settings = hedge.settings();
        let now = hedge.clock.now();
        let Base { attempt: base, deadline } = base;
        let is_wanted = settings.plan.when.as_ref().is_none_or(|when| when(&base));
        let may_hedge = base.is_idempotent() && is_wanted;
        let of_attempt = base.remaining().map(|left| now + left);
        let deadline = match (deadline, of_attempt) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        let schedule = Schedule::new(Of { hedge, settings: &settings }, may_hedge, deadline, now);
        let waiting =
            Waiting::new(State { alarm: Alarm::new(), schedule, settings, base, _entered: entered });
        *this.rest = Some(Rest { hedges: Hedges::NONE, kept: None, waiting });
    }

    /// Something has woken the task: all attempts are asked.
    #[inline(never)]
    fn poll_on(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<<Self as Future>::Output> {
        assert!(self.rest.is_some(), "a call was polled after it was ready");
        let mut this = self.as_mut().project();
        if let Poll::Ready(result) = this.first.as_mut().poll(cx) {
            let verdict = this.judge.judge(&result);
            if let Some(end) = self.as_mut().judged(result, verdict, Start::FIRST) {
                return Poll::Ready(end);
            }
        }
        match self.as_mut().poll_hedges(0, cx) {
            Some(end) => Poll::Ready(end),
            None => self.poll_rest(cx),
        }
    }

    /// All attempts that run have been asked, and none has ended the call: is another due?
    #[inline(never)]
    fn poll_rest(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<<Self as Future>::Output> {
        loop {
            let this = self.as_mut().project();
            let hedge = inner(this.hedge);
            let is_running = this.first.is_running();
            let Some(rest) = this.rest else { unreachable!("it is there once the call had to wait") };
            let State { alarm, schedule, settings, base, .. } = &mut *rest.waiting;
            let Some(due_at) = schedule.due_at() else {
                if is_running || !rest.hedges.is_empty() {
                    alarm.clear();
                    return Poll::Pending;
                }
                return Poll::Ready(self.failed());
            };
            // Attempts may have spent the task's cooperative budget, and a timer without budget never fires: the clock has the first
            // word.
            if hedge.clock.reached(due_at).is_err() {
                ready!(alarm.poll_until(&hedge.clock, due_at, cx));
                continue;
            }
            let now = hedge.clock.now();
            let Some(start) = schedule.start(Of { hedge, settings }, now) else { continue };
            let paying = Paying(hedge.budget.clone(), start.paid);
            let attempt = this.op.attempt(base.hedged(start.number, schedule.remaining(now)));
            let started = rest.hedges.push(attempt, start, paying);
            if let Some(end) = self.as_mut().poll_hedges(started, cx) {
                return Poll::Ready(end);
            }
        }
    }

    /// Asks the hedges from number `from` on.
    fn poll_hedges(
        mut self: Pin<&mut Self>,
        from: usize,
        cx: &mut Context<'_>,
    ) -> Option<<Self as Future>::Output> {
        let mut at = from;
        loop {
            let this = self.as_mut().project();
            let rest = this.rest.as_mut()?;
            let Poll::Ready((result, start)) = rest.hedges.poll(at, cx)? else {
                at += 1;
                continue;
            };
            let verdict = this.judge.judge(&result);
            if let Some(end) = self.as_mut().judged(result, verdict, start) {
                return Some(end);
            }
        }
    }

    /// What follows from the end of an attempt: the end of the call, or nothing yet.
    fn judged(
        mut self: Pin<&mut Self>,
        result: Result<T, E>,
        verdict: Verdict,
        start: Start,
    ) -> Option<<Self as Future>::Output> {
        let hint = match verdict {
            Verdict::Success => return Some(self.won(result, start)),
            // It would fail again, whoever is asked.
            Verdict::Permanent => {
                let hedge = inner(&self.hedge);
                if hedge.feeds_budget
                    && !start.is_prepaid
                    && self.judge.cause(&result).is_some_and(|cause| cause.forbids_retry)
                {
                    // Nothing follows in any case (rule BG-1).
                    let _ = hedge.budget.failed(start.number == 0, || hedge.clock.now_coarse());
                }
                hedge.count(Count::Failed);
                return Some(self.end(result));
            }
            Verdict::Retriable => None,
            Verdict::Transient(hint) | Verdict::Overload(hint) => hint,
            // A policy refused it, or the caller was wrong: no reason to ask others, and none to stop those that run.
            Verdict::Ignore => {
                if let Some(rest) = self.as_mut().project().rest {
                    rest.waiting.schedule.close();
                }
                self.keep(Kept { result, is_failure: false });
                return None;
            }
        };
        let this = self.as_mut().project();
        if let Some(rest) = this.rest {
            let hedge = inner(this.hedge);
            let State { schedule, settings, .. } = &mut *rest.waiting;
            schedule.failed(Of { hedge, settings }, hint, start.is_prepaid, hedge.clock.now());
        }
        self.keep(Kept { result, is_failure: true });
        None
    }

    /// A failure is worth more than a refusal; of two alike, the first or the last.
    fn keep(self: Pin<&mut Self>, new: Kept<F::Output>) {
        let mut this = self.project();
        let Some(rest) = this.rest else { return };
        let kept = this.first.as_mut().kept().or(rest.kept.as_deref());
        let keeps_first = rest.waiting.settings.plan.keeps_first;
        let is_better = kept
            .is_none_or(|kept| if new.is_failure == kept.is_failure { !keeps_first } else { new.is_failure });
        if !is_better {
            return;
        }
        if this.first.is_running() {
            rest.kept = Some(Box::new(new));
        } else {
            this.first.keep(new);
            rest.kept = None;
        }
    }

    #[inline]
    fn won(mut self: Pin<&mut Self>, result: Result<T, E>, start: Start) -> <Self as Future>::Output {
        let schedule = self.rest.as_ref().map(|rest| &rest.waiting.schedule);
        let waited = schedule.map(|schedule| (schedule.started, schedule.is_told()));
        let ended = self.as_mut().end(result);
        inner(&self.hedge).succeeded(start, waited);
        ended
    }

    /// Nothing runs, and nothing follows.
    fn failed(self: Pin<&mut Self>) -> <Self as Future>::Output {
        let mut this = self;
        let parts = this.as_mut().project();
        let apart = parts.rest.as_mut().and_then(|rest| rest.kept.take()).map(|kept| *kept);
        let Some(kept) = parts.first.take_kept().or(apart) else {
            unreachable!("an attempt that ended left something")
        };
        inner(&this.hedge).count(if kept.is_failure { Count::Failed } else { Count::Ignored });
        this.end(kept.result)
    }

    /// Drops whatever runs still, and then returns.
    #[inline]
    fn end(self: Pin<&mut Self>, result: Result<T, E>) -> <Self as Future>::Output {
        let this = self.project();
        this.first.end();
        *this.rest = None;
        result.map_err(CallError::Failed)
    }
}

fn inner<H: Borrow<Hedge>>(hedge: &H) -> &Inner {
    &hedge.borrow().0
}

// === impl Inner ===

impl Inner {
    /// An attempt succeeded; `waited` is since when the call waited, if it did, and whether the budget was told of a failure of it.
    #[inline]
    fn succeeded(&self, start: Start, waited: Option<(Instant, bool)>) {
        if self.feeds_budget && !self.budget.is_full() {
            let is_told = waited.is_some_and(|(_, is_told)| is_told);
            self.budget.won(start.paid, is_told, || self.clock.now_coarse());
        }
        if let Some(latency) = self.latency.get() {
            // Of the whole call, which a hedge can only shorten to more than its own delay: so hedging does not move the quantile.
            let now = if waited.is_some() { self.clock.now() } else { self.clock.now_coarse() };
            let started = waited.map_or(now, |(started, _)| started);
            latency.record(now - started, now);
        }
        self.count(Count::Succeeded);
        if start.number > 0 {
            self.count(Count::Won);
        }
    }
}

impl<H, O, F: Future, J> std::fmt::Debug for Hedged<H, O, F, J> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hedged").finish_non_exhaustive()
    }
}
