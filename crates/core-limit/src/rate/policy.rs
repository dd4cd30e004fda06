use core_policy::{Admit, Cx, Next, Outcome, Policy};
use core_time::{Clock, Instant};

use super::gcra::Reserved;
use super::limit::RateLimit;

/// What a rate limit remembers of a call: its reservation, if it has to wait.
#[derive(Debug, Default)]
pub struct Turn {
    at: Option<Instant>,
    before: u64,
    after: u64,
}

// === impl Policy for RateLimit ===

impl Policy for RateLimit {
    type State = Turn;

    #[inline]
    fn clock(&self) -> &Clock {
        RateLimit::clock(self)
    }

    #[inline]
    fn begin(&self) -> Turn {
        Turn::default()
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a refusal is 64 bytes, which a call would copy")]
    fn admit(&self, turn: &mut Turn, cx: &mut Cx<'_>) -> Admit {
        if let Some(at) = turn.at {
            return self.turn(turn, at);
        }
        match self.take_one(self.now_in(cx)) {
            Ok(()) => Admit::Run,
            Err(_) if !self.max_wait().is_zero() => self.queue(turn, cx),
            // The refusal is made here: handed on from a function of its own, it would be copied.
            Err(refused) if self.is_certain(refused) => Admit::Refuse(self.rejection(1, refused)),
            Err(_) => self.turn_away(),
        }
    }

    #[inline]
    fn settle(&self, turn: &mut Turn, _: &Outcome<'_>, _: &mut Cx<'_>) -> Next {
        self.abandon(turn);
        Next::Finish
    }

    #[inline]
    fn abandon(&self, turn: &mut Turn) {
        if turn.at.take().is_some() {
            self.cancel(turn.before, turn.after);
        }
    }
}

impl RateLimit {
    /// None is there now: reserves one, if the wait is not too long and somebody waits.
    #[cold]
    fn queue(&self, turn: &mut Turn, cx: &mut Cx<'_>) -> Admit {
        let now = self.clock().now();
        let wait_max = match cx.deadline() {
            _ if !cx.may_wait() => std::time::Duration::ZERO,
            Some(deadline) => self.max_wait().min(deadline - now),
            None => self.max_wait(),
        };
        match self.reserve_within(1, now, wait_max) {
            Ok(reserved) if reserved.wait.is_zero() => Admit::Run,
            Ok(Reserved { before, after, wait }) => {
                *turn = Turn { at: Some(now + wait), before, after };
                Admit::SleepUntil(now + wait)
            }
            Err(refused) => Admit::Refuse(self.rejection(1, refused)),
        }
    }

    /// It depends on less than a tick.
    #[cold]
    fn turn_away(&self) -> Admit {
        match self.ask_again(1) {
            Ok(_) => Admit::Run,
            Err(rejection) => Admit::Refuse(rejection),
        }
    }

    /// It has a reservation: has its time come?
    #[cold]
    fn turn(&self, turn: &mut Turn, at: Instant) -> Admit {
        if self.clock().reached(at).is_err() {
            return Admit::SleepUntil(at);
        }
        turn.at = None;
        Admit::Run
    }
}

core_policy::policy_methods!(RateLimit, once);
core_policy::policy_layer!(RateLimit, once);
