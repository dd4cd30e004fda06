//! A policy that does as it was told and writes down what it was asked.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use core_policy::{Admit, Cx, Name, Next, Outcome, Policy, PolicyKind, Reason, Rejection};
use core_time::{Clock, Instant, ManualClock, ms};

/// What policies were asked, in order. Clones are one log.
#[derive(Clone, Default)]
pub(crate) struct Log(Rc<RefCell<Vec<String>>>);

/// A policy that answers by script: `Run` and `Finish` when the script is over.
pub(crate) struct Recorder {
    label: &'static str,
    log: Log,
    clock: Clock,
    answers: RefCell<VecDeque<Answer>>,
    nexts: RefCell<VecDeque<Next>>,
    ambient: Option<Instant>,
    limit: Option<Duration>,
    wait: Duration,
    waker: RefCell<Option<Waker>>,
    taken: Cell<u32>,
    given: Cell<u32>,
}

/// What a recorder says to "may it run?".
#[derive(Clone, Copy)]
pub(crate) enum Answer {
    Run,
    /// And let the attempt know that it may take so long.
    RunWithin(Duration),
    Sleep(Duration),
    Park,
    Refuse(Reason),
}

/// What a recorder remembers of a call.
#[derive(Default)]
pub(crate) struct Held {
    slot: bool,
    parked: Option<Instant>,
    started: Option<Instant>,
}

// === impl Log ===

impl Log {
    /// What was asked since the last look.
    pub(crate) fn take(&self) -> Vec<String> {
        self.0.take()
    }

    fn write(&self, label: &str, what: &str) {
        let line = if label.is_empty() { what.to_owned() } else { format!("{label}.{what}") };
        self.0.borrow_mut().push(line);
    }
}

// === impl Recorder ===

impl Recorder {
    /// What it says that another attempt follows after, and does not wait for.
    pub(crate) const DELAY: Duration = Duration::from_millis(3);

    pub(crate) fn new(time: &ManualClock) -> Self {
        Self::within(&Log::default(), "", time)
    }

    /// One of several that write into the same log.
    pub(crate) fn within(log: &Log, label: &'static str, time: &ManualClock) -> Self {
        Self {
            label,
            log: log.clone(),
            clock: time.clock(),
            answers: RefCell::default(),
            nexts: RefCell::default(),
            ambient: None,
            limit: None,
            wait: ms(10),
            waker: RefCell::default(),
            taken: Cell::new(0),
            given: Cell::new(0),
        }
    }

    pub(crate) fn admits(mut self, answers: &[Answer]) -> Self {
        self.answers.get_mut().extend(answers);
        self
    }

    pub(crate) fn settles(mut self, nexts: &[Next]) -> Self {
        self.nexts.get_mut().extend(nexts);
        self
    }

    /// The deadline that callers bring along.
    pub(crate) fn ambient(mut self, deadline: Instant) -> Self {
        self.ambient = Some(deadline);
        self
    }

    /// Bounds an attempt from its first wait.
    pub(crate) fn limit(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// How long a call may be parked. Default: 10 ms.
    pub(crate) fn wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    pub(crate) fn log(&self) -> Vec<String> {
        self.log.take()
    }

    /// Slots that were taken, and slots that came back.
    pub(crate) fn slots(&self) -> (u32, u32) {
        (self.taken.get(), self.given.get())
    }

    /// Wakes who is parked.
    pub(crate) fn wake(&self) {
        self.waker.take().unwrap().wake();
    }

    fn give_back(&self, state: &mut Held) {
        if std::mem::take(state).slot {
            self.given.set(self.given.get() + 1);
        }
    }

    fn answer(&self, state: &mut Held, answer: Answer, cx: &mut Cx<'_>) -> Admit {
        match answer {
            Answer::RunWithin(limit) => {
                cx.limit_attempt(limit);
                self.answer(state, Answer::Run, cx)
            }
            Answer::Run => {
                assert!(!state.slot, "admitted again without being told how the first attempt ended");
                self.taken.set(self.taken.get() + 1);
                *state = Held { slot: true, ..Held::default() };
                Admit::Run
            }
            Answer::Sleep(delay) => {
                state.parked = None;
                Admit::SleepUntil(self.clock.now() + delay)
            }
            Answer::Park => {
                *self.waker.borrow_mut() = cx.waker().cloned();
                state.parked.get_or_insert_with(|| self.clock.now());
                Admit::Park
            }
            Answer::Refuse(reason) => {
                Admit::Refuse(Rejection::new(PolicyKind::Breaker, Name::UNNAMED, reason))
            }
        }
    }
}

impl Policy for Recorder {
    type State = Held;

    fn clock(&self) -> &Clock {
        &self.clock
    }

    fn ambient_deadline(&self) -> Option<Instant> {
        self.ambient
    }

    fn begin(&self) -> Held {
        self.log.write(self.label, "begin");
        Held::default()
    }

    fn admit(&self, state: &mut Held, cx: &mut Cx<'_>) -> Admit {
        self.log.write(self.label, "admit");
        let answer = self.answers.borrow_mut().pop_front().unwrap_or(Answer::Run);
        self.answer(state, answer, cx)
    }

    fn settle(&self, state: &mut Held, outcome: &Outcome<'_>, cx: &mut Cx<'_>) -> Next {
        let outcome = match outcome {
            Outcome::Judged(verdict, _) => format!("{verdict:?}"),
            Outcome::Refused(rejection) => format!("{:?}", rejection.reason()),
            Outcome::Panicked => "Panicked".to_owned(),
        };
        self.log.write(self.label, &format!("settle {outcome}"));
        self.give_back(state);
        let next = self.nexts.borrow_mut().pop_front().unwrap_or(Next::Finish);
        if next.is_again() {
            cx.retry_in(Self::DELAY);
        }
        next
    }

    fn abandon(&self, state: &mut Held) {
        self.log.write(self.label, "abandon");
        self.give_back(state);
    }

    fn cutoff(&self, state: &mut Held, cx: &mut Cx<'_>) -> Option<Instant> {
        if let Some(since) = state.parked {
            return Some(since + self.wait);
        }
        let limit = self.limit.filter(|_| state.slot)?;
        Some(*state.started.get_or_insert_with(|| cx.clock().now()) + limit)
    }

    fn expire(&self, state: &mut Held, _: &mut Cx<'_>) -> Option<Rejection> {
        let passed = |since: Option<Instant>, limit| since.is_some_and(|at| self.clock.now() - at >= limit);
        let (kind, reason) = if passed(state.parked, self.wait) {
            (PolicyKind::Bulkhead, Reason::QueueTimeout)
        } else if passed(state.started, self.limit?) {
            (PolicyKind::Timeout, Reason::TimedOut)
        } else {
            return None;
        };
        Some(Rejection::new(kind, Name::UNNAMED, reason))
    }

    fn falls_back(&self) {
        self.log.write(self.label, "falls_back");
    }
}

/// Polls a future to its end; the time between two polls is a millisecond.
pub(crate) fn run<F: Future>(time: &ManualClock, future: F) -> F::Output {
    let mut future = pin!(future);
    for _ in 0..10_000 {
        if let Poll::Ready(out) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return out;
        }
        time.advance(ms(1));
    }
    panic!("it does not end within ten seconds");
}

/// Is pending so many times.
pub(crate) async fn pauses(n: u32) {
    let mut left = n;
    std::future::poll_fn(|_| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        Poll::Pending
    })
    .await;
}
