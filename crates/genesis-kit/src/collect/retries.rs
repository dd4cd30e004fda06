use core_errors::Name;
use core_metrics::names::GENESIS_RETRY_ATTEMPTS;
use core_metrics::{Counter, Desc, Gauge, LabelNames, Scrape};
use core_policy::Policy;
use core_retry::{Budget, Retry, Stats};
use core_time::Clock;

use super::watch::{Source, sealed};

const CALLS: Desc<Counter> =
    Desc::counter("retry_calls_total", "Calls that may be tried again, by how they ended.");
const DISCARDED: Desc<Counter> = Desc::counter(
    "retry_hints_discarded_total",
    "Requests of a callee for a pause that was too long to be followed.",
);
const AVAILABLE: Desc<Gauge> = Desc::gauge(
    "retry_budget_available",
    "What is left of a budget: tokens, units or places; one that several share is shown with each of them.",
);
const DEPOSITS: Desc<Counter> = Desc::counter(
    "retry_budget_deposits_total",
    "Times that a call gave a budget something; of one that several share, those of all of them.",
);
const WITHDRAWALS: Desc<Counter> = Desc::counter(
    "retry_budget_withdrawals_total",
    "Retries and hedges that a budget allowed; of one that several share, those of all of them.",
);
const REFUNDS: Desc<Counter> = Desc::counter(
    "retry_budget_refunds_total",
    "Retries and hedges that a budget allowed, and that never started; of one that several share, those of all of them.",
);
const REFUSALS: Desc<Counter> = Desc::counter(
    "retry_budget_refusals_total",
    "Times that a budget said no; of one that several share, to all of them.",
);

const OPERATION: LabelNames<1> = LabelNames::new(["operation"]);
const NAME: LabelNames<1> = LabelNames::new(["name"]);
const NAME_OF: LabelNames<2> = LabelNames::new(["name", "of"]);
const NAME_OUTCOME: LabelNames<2> = LabelNames::new(["name", "outcome"]);

/// What [`check`](super::watch::check) calls them.
#[cfg(feature = "pipeline")]
pub(super) const RETRIES: &str = KIND;
const KIND: &str = "retries";

/// A retry and its budget, under a name.
pub(super) fn put(scrape: &mut Scrape, name: Name, retry: &Retry) {
    let (text, stats) = (name.as_str(), retry.stats());
    scrape.counters(&GENESIS_RETRY_ATTEMPTS, OPERATION).put([text], stats.retries);
    let mut calls = scrape.counters(&CALLS, NAME_OUTCOME);
    for (outcome, n) in outcomes(&stats) {
        calls.put([text, outcome], n);
    }
    scrape.counters(&DISCARDED, NAME).put([text], stats.hints_discarded);
    if let Some(of_retry) = retry.budget() {
        budget(scrape, name, "retry", of_retry, Policy::clock(retry));
    }
}

/// How calls ended, each in one place.
pub(super) fn outcomes(stats: &Stats) -> [(&'static str, u64); 5] {
    [
        ("success", stats.succeeded),
        ("failure", stats.failed),
        ("out_of_attempts", stats.out_of_attempts),
        ("out_of_budget", stats.out_of_budget),
        ("out_of_time", stats.out_of_time),
    ]
}

/// A budget, under the name of what draws on it.
pub(super) fn budget(scrape: &mut Scrape, name: Name, of: &str, budget: &Budget, clock: &Clock) {
    let (labels, stats) = ([name.as_str(), of], budget.stats());
    scrape.gauges(&AVAILABLE, NAME_OF).put(labels, budget.available(clock.now_coarse()));
    for (desc, n) in [
        (&DEPOSITS, stats.deposited),
        (&WITHDRAWALS, stats.withdrawn),
        (&REFUNDS, stats.refunded),
        (&REFUSALS, stats.refused),
    ] {
        scrape.counters(desc, NAME_OF).put(labels, n);
    }
}

impl sealed::Watch for Retry {
    fn source(&self) -> Source {
        let retry = self.clone();
        Source::new(KIND, self.name(), move |scrape| put(scrape, retry.name(), &retry))
    }
}
