use core_errors::Name;
use core_metrics::{Counter, Desc, Gauge, LabelNames, Scrape};
use core_retry::Budget;
use core_time::Clock;

use super::watch::{Source, sealed};

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

const NAME_OF: LabelNames<2> = LabelNames::new(["name", "of"]);

/// A budget, under the name of what draws on it.
pub(super) fn put(scrape: &mut Scrape, name: Name, of: &str, budget: &Budget, clock: &Clock) {
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

impl sealed::Watch for Budget {
    fn source(&self) -> Source {
        let (budget, clock) = (self.clone(), Clock::system());
        Source::new("retry budgets", self.name(), move |scrape| {
            put(scrape, budget.name(), "itself", &budget, &clock);
        })
    }
}
