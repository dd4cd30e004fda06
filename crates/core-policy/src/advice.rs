use std::fmt;

use core_errors::PolicyKind;

use crate::{Policy, Stack};

/// What a policy is to those it stands beside. Said by [`Policy::roles`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Role {
    /// Its kind.
    pub kind: PolicyKind,
    /// Whether calls may have to wait in it for their turn.
    pub is_queue: bool,
}

/// Two policies of a [`Stack`] in an order that is known to do what few want, and why. Its text says all three.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Advice(&'static Known);

#[derive(Debug, PartialEq, Eq)]
struct Known {
    outside: (PolicyKind, &'static str),
    inside: (PolicyKind, &'static str),
    /// Whether it is only so if calls may wait in the inner one.
    needs_queue: bool,
    why: &'static str,
}

/// The table of the documentation of `core-pipeline`, where a test holds the two together, and others show that each is so.
const KNOWN: &[Known] = &[
    Known {
        outside: (PolicyKind::Breaker, "breaker"),
        inside: (PolicyKind::Retry, "retry"),
        needs_queue: false,
        why: "it counts calls and not attempts, and a probe may be several; an open circuit is not asked again",
    },
    Known {
        outside: (PolicyKind::Bulkhead, "bulkhead"),
        inside: (PolicyKind::Retry, "retry"),
        needs_queue: false,
        why: "a call keeps its slot while it sleeps between attempts",
    },
    Known {
        outside: (PolicyKind::RateLimit, "rate limit"),
        inside: (PolicyKind::Retry, "retry"),
        needs_queue: false,
        why: "attempts after the first are not counted: a callee in trouble gets more than the rate",
    },
    Known {
        outside: (PolicyKind::Timeout, "attempt timeout"),
        inside: (PolicyKind::Bulkhead, "bulkhead that waits"),
        needs_queue: true,
        why: "waiting for a slot of ours is time of the attempt, which may be over before it began",
    },
    Known {
        outside: (PolicyKind::Timeout, "attempt timeout"),
        inside: (PolicyKind::Retry, "retry"),
        needs_queue: false,
        why: "it is a limit on the whole call",
    },
    Known {
        outside: (PolicyKind::RateLimit, "rate limit"),
        inside: (PolicyKind::Breaker, "breaker"),
        needs_queue: false,
        why: "calls that an open circuit refuses use up the rate",
    },
];

// === impl Stack ===

impl<O: Policy, I: Policy> Stack<O, I> {
    /// What is known against the order of its policies, each once, the outermost first; empty if nothing is. For a test, or a start-up
    /// that would rather not run so: a stack is taken as it is said, and does as it is said.
    ///
    /// It looks at [roles](Policy::roles), so a policy that says nothing of itself is passed over. It allocates, and belongs on no hot path.
    #[must_use]
    pub fn advice(&self) -> Vec<Advice> {
        let roles = self.roles();
        let mut advice = Vec::new();
        for (at, outside) in roles.iter().enumerate() {
            for inside in &roles[at + 1..] {
                let known = KNOWN.iter().find(|known| known.is_of(*outside, *inside)).map(Advice);
                advice.extend(known.filter(|known| !advice.contains(known)));
            }
        }
        advice
    }
}

// === impl Role ===

impl Role {
    /// A policy of that kind, which runs or refuses a call at once.
    #[must_use]
    pub const fn new(kind: PolicyKind) -> Self {
        Self { kind, is_queue: false }
    }

    /// Says whether calls may have to wait in it for their turn.
    #[must_use]
    pub const fn queue(mut self, is_queue: bool) -> Self {
        self.is_queue = is_queue;
        self
    }
}

// === impl Advice ===

impl Advice {
    /// What the outer policy is.
    #[must_use]
    pub const fn outside(&self) -> PolicyKind {
        self.0.outside.0
    }

    /// What the inner policy is.
    #[must_use]
    pub const fn inside(&self) -> PolicyKind {
        self.0.inside.0
    }

    /// What that order comes to.
    #[must_use]
    pub const fn why(&self) -> &'static str {
        self.0.why
    }
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Known { outside: (_, outside), inside: (_, inside), why, .. } = self.0;
        write!(f, "{outside} outside {inside}: {why}")
    }
}

/// The text as well: it is what an assertion shows.
impl fmt::Debug for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Advice({self})")
    }
}

// === impl Known ===

impl Known {
    fn is_of(&self, outside: Role, inside: Role) -> bool {
        self.outside.0 == outside.kind
            && self.inside.0 == inside.kind
            && (inside.is_queue || !self.needs_queue)
    }
}
