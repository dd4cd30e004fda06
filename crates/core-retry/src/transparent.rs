//! Requests that certainly had no effect are made anew, as if they had not been made.

use std::num::NonZeroU32;
use std::time::Duration;

use core_policy::{Cx, Delivery, Follows, Next, Why};

use crate::failure::{Failure, Wait};
use crate::policy::{HINT_SLACK, Retry};
use crate::state::CallState;
use crate::stats::Count;
use crate::testing;

/// How often at most a call whose request never left is begun anew if no deadline ends it, or no delay slows it down.
const TRANSPARENT_MAX: u32 = 100;

impl Retry {
    /// The request certainly had no effect: it is made anew, as if it had not been made (rule RT-9). `None` where it is a failure like
    /// others.
    pub(crate) fn transparently(
        &self,
        state: &mut CallState,
        failure: Failure,
        cx: &mut Cx<'_>,
    ) -> Option<Next> {
        let cause = failure.cause.filter(|cause| cause.delivery.had_no_effect())?;
        let rules = self.rules();
        if rules.attempts == NonZeroU32::MIN || testing::is_on() || !rules.may_repeat(Some(cause)) {
            return None;
        }
        let again = state.transparent();
        // The first time at once: it is a connection that has just gone away. Then slower, as for other failures.
        let own = match again {
            0 => Duration::ZERO,
            _ => rules.backoff.delay(again, Duration::ZERO, self.0.rng.next_unit()),
        };
        let delay = match failure.wait {
            Wait::Backoff(Some(hint)) if hint <= rules.retry_after_max => {
                hint.clamp(own, own.saturating_add(HINT_SLACK))
            }
            _ => own,
        };
        if cause.delivery == Delivery::NotProcessed {
            if state.was_refused() {
                return None;
            }
            state.word |= CallState::REFUSED;
        }
        if again >= TRANSPARENT_MAX && (cx.deadline().is_none() || delay.is_zero()) {
            return None;
        }
        let now = cx.clock().now();
        if self.is_too_late(now, delay, cx) {
            return Some(self.give_up(state, failure, (Why::DeadlineWouldExceed, Count::OutOfTime), cx));
        }
        state.set_transparent(again + 1);
        state.next_at = Some(now + delay);
        self.count(Count::Transparent);
        self.tell(state, failure, Follows::Retry(delay), cx);
        // It has the number of the one that never was.
        state.attempts = state.attempts.saturating_sub(1);
        cx.uncount_attempt();
        Some(Next::Again)
    }
}
