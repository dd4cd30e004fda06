//! All pipelines of a set of keys, added up.

use core_breaker::Circuits;
use core_errors::Name;
use core_limit::RateStats;
use core_policy::KeyedStats;
use core_retry::{Hedge, HedgeStats};

use crate::pipeline::{Chain, Pipeline};

/// What the pipelines of all keys come to: for metrics, where a key must not be a label. Made by
/// [`KeyedPipeline::summary`](crate::KeyedPipeline::summary).
///
/// Counts are of all keys, those that were forgotten among them, and never go down. What the pipelines do not have is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyedSummary {
    /// The name that all of them have.
    pub name: Name,
    /// How many keys there are, may be, were made, forgotten and refused.
    pub keys: KeyedStats,
    /// How many circuits are in which state.
    pub circuits: Option<Circuits>,
    /// What came of attempts at the circuits.
    pub breaker: Option<core_breaker::Totals>,
    /// How calls that may be tried again ended.
    pub retry: Option<core_retry::Stats>,
    /// How calls that may be hedged ended, and what hedges did.
    pub hedge: Option<HedgeStats>,
    /// What came to the rate limits.
    pub limit: Option<RateStats>,
    /// What came to the bulkheads.
    pub bulkhead: Option<SlotTotals>,
    /// How many whole calls ran out of time.
    pub calls_timed_out: Option<u64>,
    /// How many attempts ran out of time.
    pub attempts_timed_out: Option<u64>,
}

/// What came to the bulkheads of all keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SlotTotals {
    /// Calls that were admitted.
    pub admitted: u64,
    /// Calls that were refused because slots and queue were full.
    pub refused: u64,
    /// Calls that waited too long.
    pub timed_out: u64,
    /// Calls that were refused, or had to leave the queue, for what is more important.
    pub shed: u64,
}

/// What was counted for keys that are there no more.
pub(crate) type Past = core_policy::Past<COUNTS>;

/// Counts of all policies: see [`Sums::of`] for their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sums(pub(crate) [u64; COUNTS]);

const BREAKER: usize = 0;
const RETRY: usize = BREAKER + 8;
const LIMIT: usize = RETRY + 8;
const BULKHEAD: usize = LIMIT + 4;
const TIMED_OUT: usize = BULKHEAD + 4;
const HEDGE: usize = TIMED_OUT + 2;
pub(crate) const COUNTS: usize = HEDGE + 8;

// === impl KeyedSummary ===

impl KeyedSummary {
    /// Of pipelines with the policies of `like`.
    pub(crate) fn new(
        like: &Pipeline,
        hedge: Option<&Hedge>,
        keys: KeyedStats,
        circuits: Circuits,
        sums: &Sums,
    ) -> Self {
        Self {
            name: like.name(),
            keys,
            circuits: like.breaker().map(|_| circuits),
            breaker: like.breaker().map(|_| sums.breaker()),
            retry: like.retry().map(|_| sums.retry()),
            hedge: hedge.map(|_| sums.hedge()),
            limit: like.limit().map(|_| sums.limit()),
            bulkhead: like.bulkhead().map(|_| sums.bulkhead()),
            calls_timed_out: like.deadline().map(|_| sums.0[TIMED_OUT]),
            attempts_timed_out: like.attempt_timeout().map(|_| sums.0[TIMED_OUT + 1]),
        }
    }
}

// === impl Sums ===

impl Sums {
    /// What one pipeline has counted, and the hedge around it.
    pub(crate) fn of(chain: &Chain, hedge: Option<&Hedge>) -> Self {
        let (deadline, retry) = (chain.outer(), chain.inner().outer());
        let (breaker, limit) = (chain.inner().inner().outer(), chain.inner().inner().inner().outer());
        let slots = chain.inner().inner().inner().inner();
        let mut sums = [0; COUNTS];
        let mut put = |at: usize, counts: &[u64]| sums[at..][..counts.len()].copy_from_slice(counts);
        if let Some(breaker) = breaker {
            let it = breaker.totals();
            put(BREAKER, &[it.successes, it.failures, it.ignored, it.inconclusive]);
            put(BREAKER + 4, &[it.rejected, it.late, it.slow, it.fallbacks]);
        }
        if let Some(retry) = retry {
            let it = retry.stats();
            put(RETRY, &[it.succeeded, it.failed, it.retries, it.out_of_attempts, it.out_of_budget]);
            put(RETRY + 5, &[it.out_of_time, it.hints_discarded, it.transparent]);
        }
        if let Some(limit) = limit {
            let it = limit.stats();
            put(LIMIT, &[it.allowed, it.refused, it.reserved, it.cancelled]);
        }
        if let Some(bulkhead) = slots.outer() {
            let it = bulkhead.snapshot();
            put(BULKHEAD, &[it.admitted, it.refused, it.timed_out, it.shed]);
        }
        for (at, timeout) in [(0, deadline), (1, slots.inner())] {
            put(TIMED_OUT + at, &[timeout.as_ref().map_or(0, |timeout| timeout.stats().fired)]);
        }
        if let Some(hedge) = hedge {
            let it = hedge.stats();
            put(HEDGE, &[it.succeeded, it.won, it.failed, it.ignored]);
            put(HEDGE + 4, &[it.hedges, it.out_of_budget, it.out_of_time, it.hints_discarded]);
        }
        Self(sums)
    }

    fn breaker(&self) -> core_breaker::Totals {
        let mut it = core_breaker::Totals::default();
        [it.successes, it.failures, it.ignored, it.inconclusive] = self.at(BREAKER);
        [it.rejected, it.late, it.slow, it.fallbacks] = self.at(BREAKER + 4);
        it
    }

    fn retry(&self) -> core_retry::Stats {
        let mut it = core_retry::Stats::default();
        [it.succeeded, it.failed, it.retries, it.out_of_attempts, it.out_of_budget] = self.at(RETRY);
        [it.out_of_time, it.hints_discarded, it.transparent] = self.at(RETRY + 5);
        it
    }

    fn hedge(&self) -> HedgeStats {
        let mut it = HedgeStats::default();
        [it.succeeded, it.won, it.failed, it.ignored] = self.at(HEDGE);
        [it.hedges, it.out_of_budget, it.out_of_time, it.hints_discarded] = self.at(HEDGE + 4);
        it
    }

    fn limit(&self) -> RateStats {
        let mut it = RateStats::default();
        [it.allowed, it.refused, it.reserved, it.cancelled] = self.at(LIMIT);
        it
    }

    fn bulkhead(&self) -> SlotTotals {
        let [admitted, refused, timed_out, shed] = self.at(BULKHEAD);
        SlotTotals { admitted, refused, timed_out, shed }
    }

    fn at<const N: usize>(&self, from: usize) -> [u64; N] {
        std::array::from_fn(|at| self.0[from + at])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_count_has_its_place() {
        let sums = Sums(std::array::from_fn(|at| at as u64));
        let (breaker, retry) = (sums.breaker(), sums.retry());
        assert_eq!((breaker.successes, breaker.late, breaker.slow, breaker.fallbacks), (0, 5, 6, 7));
        assert_eq!(
            (retry.succeeded, retry.out_of_budget, retry.out_of_time, retry.transparent),
            (8, 12, 13, 15)
        );
        assert_eq!((sums.limit().allowed, sums.limit().cancelled), (16, 19));
        assert_eq!((sums.bulkhead().admitted, sums.bulkhead().shed), (20, 23));
        let hedge = sums.hedge();
        assert_eq!((hedge.succeeded, hedge.ignored, hedge.hedges, hedge.hints_discarded), (26, 29, 30, 33));
        assert_eq!(sums.0.last(), Some(&33));
    }
}
