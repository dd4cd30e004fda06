use core_breaker::{State, Totals};
use core_metrics::names::{CIRCUIT_BREAKER_REQUESTS, GENESIS_CIRCUIT_BREAKER_STATE, SERVICE};
use core_metrics::{Counter, Desc, Gauge, LabelNames, Registry};

const STATE: Desc<Gauge> = Desc::gauge("circuit_breaker_state", "1 for the state that a circuit is in.");
const CALLS: Desc<Counter> =
    Desc::counter("circuit_breaker_calls_total", "Calls that came to a circuit, by what came of them.");
const OPENED: Desc<Counter> = Desc::counter("circuit_breaker_opened_total", "How often a circuit opened.");
const ORDERS: Desc<Counter> = Desc::counter(
    "circuit_breaker_operator_orders_total",
    "How often an operator forced, isolated or closed a circuit.",
);
const SLOW: Desc<Counter> =
    Desc::counter("circuit_breaker_slow_calls_total", "Calls that took longer than a circuit allows.");
const FALLBACKS: Desc<Counter> =
    Desc::counter("circuit_breaker_fallbacks_total", "Calls through a circuit that a fallback answered.");

const NAME: LabelNames<1> = LabelNames::new(["name"]);
const NAME_STATE: LabelNames<2> = LabelNames::new(["name", "state"]);
const NAME_OUTCOME: LabelNames<2> = LabelNames::new(["name", "outcome"]);
const SERVICE_RESULT: LabelNames<2> = LabelNames::new(["service", "result"]);

/// All circuits of a registry, also those that come to it later.
pub(crate) fn breakers(registry: &Registry, breakers: &core_breaker::Registry) {
    let breakers = breakers.clone();
    registry.collect(move |scrape| {
        let all = breakers.snapshot();
        let mut states = scrape.gauges(&STATE, NAME_STATE);
        for breaker in &all {
            for state in State::ALL {
                states.put_bool([breaker.name.as_str(), state.as_str()], breaker.state == state);
            }
        }
        let mut numbers = scrape.gauges(&GENESIS_CIRCUIT_BREAKER_STATE, SERVICE);
        for breaker in &all {
            numbers.put([breaker.name.as_str()], f64::from(breaker.state.as_gauge()));
        }
        let mut calls = scrape.counters(&CALLS, NAME_OUTCOME);
        for breaker in &all {
            for (outcome, n) in outcomes(&breaker.totals) {
                calls.put([breaker.name.as_str(), outcome], n);
            }
        }
        let mut requests = scrape.counters(&CIRCUIT_BREAKER_REQUESTS, SERVICE_RESULT);
        for breaker in &all {
            let totals = &breaker.totals;
            for (result, n) in
                [("success", totals.successes), ("failure", totals.failures), ("rejected", totals.rejected)]
            {
                requests.put([breaker.name.as_str(), result], n);
            }
        }
        let mut opened = scrape.counters(&OPENED, NAME);
        for breaker in &all {
            opened.put([breaker.name.as_str()], breaker.opened);
        }
        let mut orders = scrape.counters(&ORDERS, NAME);
        for breaker in &all {
            orders.put([breaker.name.as_str()], breaker.orders);
        }
        let mut slow = scrape.counters(&SLOW, NAME);
        for breaker in &all {
            slow.put([breaker.name.as_str()], breaker.totals.slow);
        }
        let mut fallbacks = scrape.counters(&FALLBACKS, NAME);
        for breaker in &all {
            fallbacks.put([breaker.name.as_str()], breaker.totals.fallbacks);
        }
    });
}

/// What came of calls, each in one place.
pub(super) fn outcomes(totals: &Totals) -> [(&'static str, u64); 6] {
    [
        ("success", totals.successes),
        ("failure", totals.failures),
        ("ignored", totals.ignored),
        ("inconclusive", totals.inconclusive),
        ("rejected", totals.rejected),
        ("late", totals.late),
    ]
}
