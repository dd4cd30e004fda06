use std::future::Future;
use std::time::Duration;

use core_errors::{Name, PolicyKind, Reason, Rejection};
use core_policy::{Admit, Cx, Next, Outcome, Policy, Role};
use core_time::{Clock, Instant};

use crate::exceeded;
use crate::gather::Gather;

/// Until when something must be done: a moment that is handed from caller to callee, and only ever moves closer.
///
/// A [`Timeout`](crate::Timeout) is a rule and lasts as long as the service; a deadline is what it comes to for one request. Each step of
/// that takes a [`child`](Self::child) with a limit of its own, which never lasts longer than the whole.
///
/// ```
/// use core_errors::Error;
/// use core_time::{ManualClock, secs};
/// use core_timeout::Deadline;
///
/// let time = ManualClock::new();
/// let total = Deadline::after(secs(60), &time.clock());
/// let model = total.child(secs(30));
/// assert_eq!(model.remaining(), secs(30));
///
/// time.advance(secs(45));                               // something else took its time
/// assert_eq!(total.child(secs(30)).remaining(), secs(15));
///
/// let late = model.call_blocking(|_| Ok::<_, Error>("an answer")).unwrap_err();
/// assert!(late.is_timeout());
/// ```
///
/// It is a policy, too: `call`, `run` and `call_blocking` refuse what begins too late, and stop what takes too long.
#[derive(Clone, Debug)]
pub struct Deadline {
    name: Name,
    clock: Clock,
    at: Instant,
    /// When it was made: a word less than the limit itself.
    since: Instant,
}

// === impl Deadline ===

impl Deadline {
    /// `limit` from now. Zero is past already.
    #[must_use]
    pub fn after(limit: Duration, clock: &Clock) -> Self {
        let since = clock.now();
        Self { name: Name::UNNAMED, clock: clock.clone(), at: since + limit, since }
    }

    /// That moment: of the current context, say, or of a caller in another process.
    #[must_use]
    pub fn at(at: Instant, clock: &Clock) -> Self {
        Self { name: Name::UNNAMED, clock: clock.clone(), at, since: clock.now() }
    }

    /// The same under a name, which stands in refusals.
    #[must_use]
    pub fn named(self, name: Name) -> Self {
        Self { name, ..self }
    }

    /// A part of what is to be done by this deadline, which may take `limit`, and never longer than this one.
    #[must_use]
    pub fn child(&self, limit: Duration) -> Self {
        let since = self.clock.now();
        let at = (since + limit).min(self.at);
        Self { name: self.name, clock: self.clock.clone(), at, since }
    }

    /// The moment.
    #[must_use]
    pub fn instant(&self) -> Instant {
        self.at
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> Name {
        self.name
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The time that is left; zero once it has come.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.at - self.clock.now()
    }

    /// Whether it has come.
    #[must_use]
    pub fn is_past(&self) -> bool {
        self.clock.reached(self.at).is_ok()
    }

    /// Runs many futures at once until all are done, or this deadline comes: what is done by then is there, and the rest is dropped.
    ///
    /// Futures are taken from the iterator when there is room for them. Where it does not say how many are left, as behind a `filter`,
    /// those that never began are made at the end, counted up to 1 048 576, and dropped unpolled.
    pub fn gather<I>(&self, futures: I) -> Gather<I::IntoIter>
    where
        I: IntoIterator<Item: Future>,
    {
        Gather::new(self.clone(), futures.into_iter())
    }

    fn exceeded(&self) -> Rejection {
        exceeded::count(self.name);
        let elapsed = self.clock.now() - self.since;
        Rejection::new(PolicyKind::Deadline, self.name, Reason::DeadlineExceeded)
            .with_limit(self.at - self.since, elapsed)
    }
}

impl Policy for Deadline {
    type State = ();

    fn clock(&self) -> &Clock {
        &self.clock
    }

    fn begin(&self) {}

    fn admit(&self, (): &mut (), cx: &mut Cx<'_>) -> Admit {
        if self.is_past() {
            return Admit::Refuse(self.exceeded());
        }
        // It holds for whatever follows in the call, also for a retry further out: what comes later finds it past.
        cx.end_by(self.at);
        Admit::Run
    }

    fn settle(&self, (): &mut (), _: &Outcome<'_>, _: &mut Cx<'_>) -> Next {
        Next::Finish
    }

    fn abandon(&self, (): &mut ()) {}

    fn cutoff(&self, (): &mut (), _: &mut Cx<'_>) -> Option<Instant> {
        Some(self.at)
    }

    fn expire(&self, (): &mut (), _: &mut Cx<'_>) -> Option<Rejection> {
        self.is_past().then(|| self.exceeded())
    }

    fn roles(&self) -> Vec<Role> {
        vec![Role::new(PolicyKind::Deadline)]
    }
}

core_policy::policy_methods!(Deadline, once);
