use core_errors::Name;
use core_metrics::names::GENESIS_RETRY_ATTEMPTS;
use core_metrics::{Counter, Desc, LabelNames, Scrape};
use core_policy::Policy;
use core_retry::{Retry, Stats};

use super::budgets;
use super::watch::{Source, sealed};

const CALLS: Desc<Counter> =
    Desc::counter("retry_calls_total", "Calls that may be tried again, by how they ended.");
const DISCARDED: Desc<Counter> = Desc::counter(
    "retry_hints_discarded_total",
    "Requests of a callee for a pause that was too long to be followed.",
);
const TRANSPARENT: Desc<Counter> = Desc::counter(
    "retry_transparent_total",
    "Of the attempts after the first, those that were made anew because nothing had happened.",
);

const OPERATION: LabelNames<1> = LabelNames::new(["operation"]);
const NAME: LabelNames<1> = LabelNames::new(["name"]);
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
    scrape.counters(&TRANSPARENT, NAME).put([text], stats.transparent);
    scrape.counters(&DISCARDED, NAME).put([text], stats.hints_discarded);
    if let Some(of_retry) = retry.budget() {
        budgets::put(scrape, name, "retry", of_retry, Policy::clock(retry));
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

impl sealed::Watch for Retry {
    fn source(&self) -> Source {
        let retry = self.clone();
        Source::new(KIND, self.name(), move |scrape| put(scrape, retry.name(), &retry))
    }
}
