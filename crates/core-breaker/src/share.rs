//! What the instances of a service tell one another about a callee.
//!
//! Each breaker decides by itself, in nanoseconds, and needs nobody. [`Fleet`](crate::Fleet) exchanges reports in the
//! background through a [`Share`], which is where a store comes in: `core-redis` has one, tests have one in memory.

use std::time::Duration;

use core_errors::Name;

use crate::State;
use crate::window::Tally;

/// A place where instances leave reports and find those of others.
///
/// The fleet asks it in the background, never on the path of a call, and bounds the time it waits. An implementation keeps
/// each instance's report for [`Report::ttl`] and then forgets it by the time of the store, so no two clocks need to
/// agree.
pub trait Share: Send + Sync {
    /// Leaves the reports of this instance, in the place of its last ones, and returns what there is of each, in the same
    /// order: reports of others that have not run out. One round trip for all of them.
    ///
    /// # Errors
    /// If the store cannot be reached, or answers nonsense.
    fn exchange(&self, reports: &[Report])
    -> impl Future<Output = Result<Vec<Vec<Peer>>, ShareError>> + Send;

    /// Takes the right to probe a callee for the fleet, if nobody has it: set if not exists, to run out by itself.
    ///
    /// # Errors
    /// If the store cannot be reached.
    fn lease(&self, lease: &Lease) -> impl Future<Output = Result<Leased, ShareError>> + Send;

    /// Gives that right back, if it is still this one's: compare and delete.
    ///
    /// # Errors
    /// If the store cannot be reached. The right runs out by itself then.
    fn release(&self, lease: &Lease) -> impl Future<Output = Result<(), ShareError>> + Send;
}

/// What an instance says of one of its breakers.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Report {
    /// The breaker: the same name in all instances.
    pub name: Name,
    /// The instance.
    pub instance: String,
    /// Grows with each report of the instance: an older one never replaces a newer.
    pub seq: u64,
    /// The state.
    pub state: State,
    /// The generation, which means something to the instance alone.
    pub generation: u32,
    /// What the window holds.
    pub window: Tally,
    /// How long it stays open still.
    pub open_left: Option<Duration>,
    /// How often the circuit closed after probes that succeeded.
    pub recoveries: u64,
    /// How long the report is worth something.
    pub ttl: Duration,
}

/// What another instance said.
#[derive(Clone, Debug, PartialEq)]
pub struct Peer {
    /// The instance.
    pub instance: String,
    /// The state of its breaker.
    pub state: State,
    /// What its window held.
    pub window: Tally,
    /// How often its circuit closed after probes that succeeded.
    pub recoveries: u64,
}

/// The right to probe a callee for the fleet.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lease {
    /// The breaker.
    pub name: Name,
    /// The instance that asks.
    pub instance: String,
    /// The generation of its circuit: with the instance it tells one lease from another.
    pub generation: u32,
    /// How long it lasts, unless it is given back.
    pub ttl: Duration,
}

/// Who may probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leased {
    /// Whoever asked.
    Ours,
    /// Another instance, for so long still.
    Theirs {
        /// How long.
        left: Duration,
    },
}

/// The store could not be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShareError(String);

// === impl ShareError ===

impl ShareError {
    /// Says what happened: for the log, in a few words.
    #[must_use]
    pub fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

impl std::fmt::Display for ShareError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the shared state of breakers cannot be reached: {}", self.0)
    }
}

impl std::error::Error for ShareError {}
