use std::sync::Arc;
use std::time::Duration;

use core_errors::Name;
use core_policy::KeyedStats;
use core_time::Instant;

use super::engine::Engine;
use super::event::Finding;
use super::health::{Count, Ejection, Health};
use super::rules::OutlierRules;

/// A set of hosts at a moment. Values are read one after another while calls go on.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct OutlierSnapshot {
    /// The name of the upstream.
    pub name: Name,
    /// Its hosts, in the order in which they came.
    pub hosts: Vec<HostSnapshot>,
    /// How many of them are ejected.
    pub ejected: usize,
    /// Whether so few are in service that ejections are ignored.
    pub is_panicking: bool,
    /// How long until the next sweep is due.
    pub next_sweep: Duration,
    /// Since the set was made.
    pub totals: OutlierTotals,
    /// How many hosts came, were forgotten and refused.
    pub keys: KeyedStats,
    /// What it goes by.
    pub rules: OutlierRules,
}

/// A host at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HostSnapshot {
    /// Its key, as text.
    pub host: Arc<str>,
    /// Whether it is ejected, by a rule or by an operator.
    pub is_ejected: bool,
    /// How long until the sweep at which it returns; `None` if it is in service, or ejected until an operator returns it.
    pub returns_in: Option<Duration>,
    /// How often it was ejected in a row, less the intervals in which it was well.
    pub times: u32,
    /// How often it was ejected in all.
    pub ejections: u64,
    /// Failures in a row.
    pub consecutive_failures: u64,
    /// Calls that succeeded.
    pub successes: u64,
    /// Calls that failed.
    pub failures: u64,
    /// Calls that ended and said nothing about the host.
    pub ignored: u64,
    /// Calls that did not end: dropped, or refused by a policy further in.
    pub inconclusive: u64,
    /// Calls that were refused since it was ejected.
    pub rejected: u64,
}

/// What a set has done since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct OutlierTotals {
    /// Hosts that were ejected, by rules and by operators.
    pub ejected: u64,
    /// Hosts that were returned.
    pub returned: u64,
    /// Hosts that were found by failures in a row, whether they were ejected or not.
    pub by_consecutive: u64,
    /// Hosts that were found by their share of successes beside the others.
    pub by_success_rate: u64,
    /// Hosts that were found by their share of failures.
    pub by_failure_percentage: u64,
    /// Orders of operators to eject a host, whether or not it was ejected already.
    pub by_operator: u64,
    /// Hosts that were found and not ejected, since as many were ejected as may be.
    pub over_max: u64,
    /// Hosts that were found and not ejected, since the rule is enforced for a share of them only.
    pub not_enforced: u64,
}

// === impl OutlierSnapshot ===

impl OutlierSnapshot {
    pub(super) fn of(engine: &Engine, mut hosts: Vec<Arc<Health>>, keys: KeyedStats, now: Instant) -> Self {
        hosts.sort_unstable_by_key(|host| host.serial);
        let (rules, totals) = {
            let ledger = engine.ledger();
            (ledger.rules, ledger.totals)
        };
        Self {
            name: engine.name(),
            hosts: hosts.iter().map(|host| HostSnapshot::of(engine, host, now)).collect(),
            ejected: engine.ejected(),
            is_panicking: engine.is_panicking(),
            next_sweep: engine.due() - now,
            totals,
            keys,
            rules,
        }
    }
}

// === impl HostSnapshot ===

impl HostSnapshot {
    pub(super) fn of(engine: &Engine, host: &Health, now: Instant) -> Self {
        let ejection = host.ejection();
        let returns_in = match ejection {
            Some(Ejection::Until(until)) => Some(engine.returns_at(until) - now),
            Some(Ejection::Forced) | None => None,
        };
        let (times, ejections) = {
            let books = host.books();
            (books.times, books.ejections)
        };
        Self {
            host: Arc::clone(host.key()),
            is_ejected: ejection.is_some(),
            returns_in,
            times,
            ejections,
            consecutive_failures: host.run(),
            successes: host.total(Count::Successes),
            failures: host.total(Count::Failures),
            ignored: host.total(Count::Ignored),
            inconclusive: host.total(Count::Inconclusive),
            rejected: host.total(Count::Rejected),
        }
    }
}

// === impl OutlierTotals ===

impl OutlierTotals {
    pub(super) fn found(&mut self, finding: &Finding) {
        *match finding {
            Finding::ConsecutiveFailures { .. } => &mut self.by_consecutive,
            Finding::SuccessRate { .. } => &mut self.by_success_rate,
            Finding::FailurePercentage { .. } => &mut self.by_failure_percentage,
            Finding::Operator { .. } => &mut self.by_operator,
        } += 1;
    }
}
