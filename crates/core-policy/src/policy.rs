use std::sync::Arc;

use core_errors::{Cause, Rejection, Verdict};
use core_time::{Clock, Instant};

use crate::{Cx, Role, Why};

/// Decides about calls and never runs one.
///
/// The driver keeps to this order: [`begin`](Self::begin) once; then, for each attempt, [`admit`](Self::admit) until it
/// says [`Admit::Run`], and [`settle`](Self::settle) with what came of it. A call that is dropped at any point ends with
/// [`abandon`](Self::abandon) instead. Inside another policy it begins when that one has admitted, in each of its rounds anew. Nothing here
/// may block. The one thing of the user's that runs here is a subscriber, outside any lock and with its panic caught.
pub trait Policy {
    /// What the policy remembers of one call. Plain data: what it holds is returned by [`settle`](Self::settle) or
    /// [`abandon`](Self::abandon), which the driver guarantees, so it needs no `Drop`.
    type State;

    /// The clock that calls under this policy sleep by.
    fn clock(&self) -> &Clock;

    /// Whether there is no policy here at all, as in a `None`: then the clock is that of the policy beside it.
    fn is_absent(&self) -> bool {
        false
    }

    /// The deadline that the caller of a call brought along, read once when the call begins. Past it nothing runs.
    fn ambient_deadline(&self) -> Option<Instant> {
        None
    }

    /// A call begins. Must be cheap: it reads no clock and takes nothing.
    fn begin(&self) -> Self::State;

    /// May the next attempt run? Asked again after a sleep or a wake-up.
    fn admit(&self, state: &mut Self::State, cx: &mut Cx<'_>) -> Admit;

    /// What came of the attempt that was admitted. Returns what the attempt held.
    fn settle(&self, state: &mut Self::State, outcome: &Outcome<'_>, cx: &mut Cx<'_>) -> Next;

    /// The call was dropped, or a policy further in refused it for good. Returns what is held; the attempt was inconclusive.
    fn abandon(&self, state: &mut Self::State);

    /// Until when the call may go on waiting in its present phase. Asked when it first has to wait.
    fn cutoff(&self, state: &mut Self::State, cx: &mut Cx<'_>) -> Option<Instant> {
        let _ = (state, cx);
        None
    }

    /// The cut-off has come: the refusal, if this policy is the one that set it.
    fn expire(&self, state: &mut Self::State, cx: &mut Cx<'_>) -> Option<Rejection> {
        let _ = (state, cx);
        None
    }

    /// A fallback is about to answer in place of the call that came to an end here: for policies that count.
    fn falls_back(&self) {}

    /// What it is, for [`Stack::advice`](crate::Stack::advice): its role, or those of all that it consists of, outermost first. Nothing by
    /// default, and where it [is absent](Self::is_absent).
    fn roles(&self) -> Vec<Role> {
        Vec::new()
    }
}

/// A policy that admits each call at most once, so that the call need not be repeatable.
pub trait AtMostOnce: Policy {}

/// The answer to "may it run?".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admit {
    /// Yes.
    Run,
    /// Not before this moment. Ask again then.
    SleepUntil(Instant),
    /// Not yet; [`Cx::waker`] is woken when it is worth asking again. Only allowed where [`Cx::may_wait`] says so, and
    /// the wait must be bounded by [`Policy::cutoff`].
    Park,
    /// No.
    Refuse(Rejection),
}

/// What came of an attempt.
#[derive(Debug)]
pub enum Outcome<'a> {
    /// It returned, and was judged.
    Judged(Verdict, Option<Cause>),
    /// A policy refused to run it, or stopped it. [`Reason::TimedOut`](crate::Reason::TimedOut) means that it was running; a
    /// limit that passed before it could start is a deadline that was exceeded.
    Refused(&'a Rejection),
    /// It panicked. The panic goes on.
    Panicked,
}

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Return what there is.
    Finish,
    /// Return what there is, and say that more attempts would have been made but for this.
    GiveUp(Why),
    /// Make another attempt: [`Policy::admit`] says when.
    Again,
}

// === impl Policy for pointers and options ===

macro_rules! forward {
    ($pointer:ty) => {
        impl<P: Policy + ?Sized> Policy for $pointer {
            type State = P::State;

            #[inline]
            fn clock(&self) -> &Clock {
                (**self).clock()
            }

            #[inline]
            fn is_absent(&self) -> bool {
                (**self).is_absent()
            }

            #[inline]
            fn ambient_deadline(&self) -> Option<Instant> {
                (**self).ambient_deadline()
            }

            #[inline]
            fn begin(&self) -> Self::State {
                (**self).begin()
            }

            #[inline(always)]
            // A refusal is 56 bytes, which a call would copy: 16 ns instead of 9.
            fn admit(&self, state: &mut Self::State, cx: &mut Cx<'_>) -> Admit {
                (**self).admit(state, cx)
            }

            #[inline]
            fn settle(&self, state: &mut Self::State, outcome: &Outcome<'_>, cx: &mut Cx<'_>) -> Next {
                (**self).settle(state, outcome, cx)
            }

            fn abandon(&self, state: &mut Self::State) {
                (**self).abandon(state);
            }

            fn cutoff(&self, state: &mut Self::State, cx: &mut Cx<'_>) -> Option<Instant> {
                (**self).cutoff(state, cx)
            }

            fn expire(&self, state: &mut Self::State, cx: &mut Cx<'_>) -> Option<Rejection> {
                (**self).expire(state, cx)
            }

            fn falls_back(&self) {
                (**self).falls_back();
            }

            fn roles(&self) -> Vec<Role> {
                (**self).roles()
            }
        }

        impl<P: AtMostOnce + ?Sized> AtMostOnce for $pointer {}
    };
}

forward!(&P);
forward!(Arc<P>);

/// `None` admits everything and costs a compare.
/// The state has a default, so that what is not there needs no mark of its own beside it.
impl<P: Policy<State: Default>> Policy for Option<P> {
    type State = P::State;

    fn clock(&self) -> &Clock {
        static SYSTEM: Clock = Clock::system();
        self.as_ref().map_or(&SYSTEM, Policy::clock)
    }

    #[inline]
    fn is_absent(&self) -> bool {
        self.as_ref().is_none_or(Policy::is_absent)
    }

    #[inline]
    fn ambient_deadline(&self) -> Option<Instant> {
        self.as_ref()?.ambient_deadline()
    }

    #[inline]
    fn begin(&self) -> Self::State {
        self.as_ref().map(Policy::begin).unwrap_or_default()
    }

    #[inline]
    fn admit(&self, state: &mut Self::State, cx: &mut Cx<'_>) -> Admit {
        match self {
            Some(policy) => policy.admit(state, cx),
            None => Admit::Run,
        }
    }

    #[inline]
    fn settle(&self, state: &mut Self::State, outcome: &Outcome<'_>, cx: &mut Cx<'_>) -> Next {
        match self {
            Some(policy) => policy.settle(state, outcome, cx),
            None => Next::Finish,
        }
    }

    fn abandon(&self, state: &mut Self::State) {
        if let Some(policy) = self {
            policy.abandon(state);
        }
    }

    fn cutoff(&self, state: &mut Self::State, cx: &mut Cx<'_>) -> Option<Instant> {
        self.as_ref()?.cutoff(state, cx)
    }

    fn expire(&self, state: &mut Self::State, cx: &mut Cx<'_>) -> Option<Rejection> {
        self.as_ref()?.expire(state, cx)
    }

    fn falls_back(&self) {
        if let Some(policy) = self {
            policy.falls_back();
        }
    }

    fn roles(&self) -> Vec<Role> {
        self.as_ref().map(Policy::roles).unwrap_or_default()
    }
}

impl<P: AtMostOnce<State: Default>> AtMostOnce for Option<P> {}

// === impl Next ===

impl Next {
    /// Whether another attempt is to be made.
    #[must_use]
    #[inline]
    pub const fn is_again(self) -> bool {
        matches!(self, Self::Again)
    }
}
