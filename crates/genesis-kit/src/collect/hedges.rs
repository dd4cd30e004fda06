use core_metrics::{Counter, Desc, LabelNames, Registry};
use core_policy::Name;
use core_retry::{Budget, Hedge, HedgeStats};
use core_time::Clock;

use super::budgets;

const CALLS: Desc<Counter> =
    Desc::counter("hedge_calls_total", "Calls that may be hedged, by how they ended.");
const WON: Desc<Counter> = Desc::counter("hedge_won_total", "Calls that a hedge answered.");
const HEDGES: Desc<Counter> = Desc::counter("hedges_total", "Hedges that were started.");
const WITHHELD: Desc<Counter> = Desc::counter(
    "hedge_withheld_total",
    "Calls that would have had a hedge, or another, by what was in the way.",
);

const NAME: LabelNames<1> = LabelNames::new(["name"]);
const NAME_OUTCOME: LabelNames<2> = LabelNames::new(["name", "outcome"]);
const NAME_REASON: LabelNames<2> = LabelNames::new(["name", "reason"]);

/// A hedge of a pipeline.
#[derive(Debug)]
pub(crate) struct Hedged {
    pub(crate) name: Name,
    pub(crate) hedge: Hedge,
    /// Of the retry of the pipeline: where the hedge draws on it too, it is shown there.
    pub(crate) budget_of_retry: Option<Budget>,
}

/// What hedges have done, each under the name of its pipeline.
pub(crate) fn hedges(registry: &Registry, hedges: Vec<Hedged>) {
    if hedges.is_empty() {
        return;
    }
    registry.collect(move |scrape| {
        let all: Vec<_> = hedges.iter().map(|of| (of.name.as_str(), of.hedge.stats())).collect();
        let mut calls = scrape.counters(&CALLS, NAME_OUTCOME);
        for (name, stats) in &all {
            for (outcome, n) in outcomes(stats) {
                calls.put([name, outcome], n);
            }
        }
        let mut won = scrape.counters(&WON, NAME);
        for (name, stats) in &all {
            won.put([name], stats.won);
        }
        let mut started = scrape.counters(&HEDGES, NAME);
        for (name, stats) in &all {
            started.put([name], stats.hedges);
        }
        let mut withheld = scrape.counters(&WITHHELD, NAME_REASON);
        for (name, stats) in &all {
            for (reason, n) in reasons(stats) {
                withheld.put([name, reason], n);
            }
        }
        let clock = Clock::system();
        for Hedged { name, hedge, budget_of_retry } in &hedges {
            let budget = hedge.budget();
            if budget_of_retry.as_ref().is_none_or(|of_retry| !of_retry.is_same(budget)) {
                budgets::put(scrape, *name, "hedge", budget, &clock);
            }
        }
    });
}

/// How calls ended, each in one place.
pub(super) fn outcomes(stats: &HedgeStats) -> [(&'static str, u64); 3] {
    [("success", stats.succeeded), ("failure", stats.failed), ("ignored", stats.ignored)]
}

/// What was in the way of hedges.
pub(super) fn reasons(stats: &HedgeStats) -> [(&'static str, u64); 3] {
    [("budget", stats.out_of_budget), ("deadline", stats.out_of_time), ("hint", stats.hints_discarded)]
}
