use std::fmt;
use std::sync::Arc;

use core_errors::{Name, PolicyKind, Reason, Rejection, Verdict};
use core_policy::{Admit, Cx, Next, Outcome, Policy, Role};
use core_time::Clock;

use super::config::Builder;
use super::engine::{Count, Engine, Rules};

/// Holds requests back from a callee that refuses more than it accepts: as many as would be refused anyway. Cheap to clone; clones
/// share the counts.
///
/// A breaker lets all through or none. A throttle lets through what the callee can take: it counts requests and those that were
/// accepted, over two minutes, and refuses `(requests − K·accepts) / (requests + 1)` of them here, where that costs nanoseconds.
/// What it refuses counts as a request, so it holds back more the more is asked for. Accepted is what the callee answered, even with
/// an error that is not about its load; overload, timeouts and broken connections are not.
///
/// # Who is held back
/// Each thread's requests are numbered, and the number says who is held back: in sixteen that follow one another by the multiples of the
/// golden ratio, which spread them as evenly as can be, and from sixteen to sixteen by a hash, so that no pattern in which callers come is
/// one in which they are held back. Of any few requests in a row of a thread about the right share is, where chance alone would let a bunch
/// through together or none for a while; and of several callers who take turns each is held back as often as any other. Threads have
/// the same numbers: where several ask in step, they are held back together.
///
/// ```
/// use core_errors::{Error, Reason};
/// use core_limit::Throttle;
///
/// let throttle = Throttle::builder().name("payments").build()?;
/// assert!(throttle.call_blocking(|_| Ok::<_, Error>("charged")).is_ok());
/// assert_eq!(throttle.snapshot().share, 0.0);            // nothing is held back while it answers
/// # Ok::<(), core_limit::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct Throttle(Arc<Inner>);

struct Inner {
    name: Name,
    engine: Engine,
    clock: Clock,
}

/// What a throttle does at the moment, and what it has counted since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Snapshot {
    /// The share of requests that is held back, 0 to 1.
    pub share: f64,
    /// Requests that were asked for.
    pub requests: u64,
    /// Of these, the ones that the callee accepted.
    pub accepts: u64,
    /// Of these, the ones that were held back.
    pub refused: u64,
}

// === impl Throttle ===

impl Throttle {
    /// A throttle that allows two requests for one that is accepted, over two minutes.
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(super) fn new(name: Name, rules: Rules, clock: Clock, start: u64) -> Self {
        let engine = Engine::new(rules, clock.now(), start);
        Self(Arc::new(Inner { name, engine, clock }))
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> Name {
        self.0.name
    }

    /// What it does, and what it has counted. Changes nothing.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let engine = &self.0.engine;
        Snapshot {
            share: engine.share(),
            requests: engine.total(Count::Requests),
            accepts: engine.total(Count::Accepts),
            refused: engine.total(Count::Refused),
        }
    }
}

impl fmt::Debug for Throttle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Throttle")
            .field("name", &self.name())
            .field("share", &self.snapshot().share)
            .finish_non_exhaustive()
    }
}

impl Policy for Throttle {
    /// Whether a request is out.
    type State = bool;

    #[inline]
    fn clock(&self) -> &Clock {
        &self.0.clock
    }

    #[inline]
    fn begin(&self) -> bool {
        false
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a refusal is 56 bytes, which a call would copy")]
    fn admit(&self, is_out: &mut bool, cx: &mut Cx<'_>) -> Admit {
        if self.0.engine.admit(cx.now()) {
            *is_out = true;
            return Admit::Run;
        }
        Admit::Refuse(Rejection::new(PolicyKind::Throttle, self.0.name, Reason::Throttled))
    }

    #[inline]
    fn settle(&self, is_out: &mut bool, outcome: &Outcome<'_>, _: &mut Cx<'_>) -> Next {
        if !std::mem::take(is_out) {
            return Next::Finish;
        }
        match outcome {
            Outcome::Judged(Verdict::Success | Verdict::Permanent | Verdict::Ignore, _) => {
                self.0.engine.count(Count::Accepts);
            }
            Outcome::Judged(_, _) | Outcome::Panicked => {}
            // It was at work and did not answer.
            Outcome::Refused(rejection) if rejection.reason() == Reason::TimedOut => {}
            // It was never asked.
            Outcome::Refused(_) => self.0.engine.count(Count::Unmade),
        }
        Next::Finish
    }

    fn abandon(&self, is_out: &mut bool) {
        if std::mem::take(is_out) {
            self.0.engine.count(Count::Unmade);
        }
    }

    fn roles(&self) -> Vec<Role> {
        vec![Role::new(PolicyKind::Throttle)]
    }
}

core_policy::policy_methods!(Throttle, once);
core_policy::policy_layer!(Throttle, once);
