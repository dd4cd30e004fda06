use core_errors::PolicyKind;
use core_policy::{Admit, Cx, Next, Outcome, Policy, Role};
use core_time::{Clock, Instant};

use super::gcra::{Refused, Reserved};
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
    #[expect(clippy::inline_always, reason = "a refusal is 56 bytes, which a call would copy")]
    fn admit(&self, turn: &mut Turn, cx: &mut Cx<'_>) -> Admit {
        let answer = match turn.at {
            None => match self.take_one(self.now_in(cx)) {
                Ok(()) => return Admit::Run,
                Err(_) if !self.max_wait().is_zero() => self.queue(turn, cx),
                Err(refused) => self.confirm(1, refused).map(|()| None),
            },
            Some(at) => Ok(self.turn(turn, at)),
        };
        match answer {
            Ok(None) => Admit::Run,
            Ok(Some(at)) => Admit::SleepUntil(at),
            // The refusal is made here and nowhere else: handed on from a function of its own, it would be copied.
            Err(refused) => Admit::Refuse(self.rejection(1, refused)),
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

    fn roles(&self) -> Vec<Role> {
        vec![Role::new(PolicyKind::RateLimit)]
    }
}

impl RateLimit {
    /// None is there now: reserves one, if the wait is not too long and somebody waits. Until when to wait.
    #[cold]
    fn queue(&self, turn: &mut Turn, cx: &mut Cx<'_>) -> Result<Option<Instant>, Refused> {
        let now = self.clock().now();
        let wait_max = match cx.deadline() {
            _ if !cx.may_wait() => std::time::Duration::ZERO,
            Some(deadline) => self.max_wait().min(deadline - now),
            None => self.max_wait(),
        };
        let Reserved { before, after, wait } = self.reserve_within(1, now, wait_max)?;
        if wait.is_zero() {
            return Ok(None);
        }
        *turn = Turn { at: Some(now + wait), before, after };
        Ok(turn.at)
    }

    /// It has a reservation: until when it has to wait still.
    #[cold]
    fn turn(&self, turn: &mut Turn, at: Instant) -> Option<Instant> {
        if self.clock().reached(at).is_err() {
            return Some(at);
        }
        turn.at = None;
        None
    }
}

core_policy::policy_methods!(RateLimit, once);
core_policy::policy_layer!(RateLimit, once);
