use core_errors::Name;
use core_limit::{KeyedRate, RateLimit, SlidingWindow};
use core_metrics::{Counter, Desc, Gauge, LabelNames, Scrape};

use super::keyed;
use super::watch::{Source, sealed};

const LIMIT: Desc<Counter> = Desc::counter(
    "rate_limit_requests_total",
    "Requests that came to a limit, by whether they were let through.",
);
const RESERVED: Desc<Counter> =
    Desc::counter("rate_limit_reserved_total", "Requests that were let through for later, and had to wait.");
const CANCELLED: Desc<Counter> = Desc::counter(
    "rate_limit_reservations_cancelled_total",
    "Reservations whose caller went away before their time came.",
);
const WINDOW: Desc<Counter> = Desc::counter(
    "sliding_window_requests_total",
    "Requests that came to a window, by whether they were let through.",
);
const WINDOW_LIMIT: Desc<Gauge> =
    Desc::gauge("sliding_window_limit", "Requests that are let through in a window.");
const REMAINING: Desc<Gauge> =
    Desc::gauge("sliding_window_remaining", "Requests that would be let through now.");
const SECONDS: Desc<Gauge> = Desc::gauge("sliding_window_seconds", "How long a window is.");
const KEYED: Desc<Counter> = Desc::counter(
    "keyed_rate_limit_requests_total",
    "Requests that came to a limit for each key, over all keys of a tier, by whether they were let through.",
);

const NAME: LabelNames<1> = LabelNames::new(["name"]);
const NAME_OUTCOME: LabelNames<2> = LabelNames::new(["name", "outcome"]);
const NAME_TIER_OUTCOME: LabelNames<3> = LabelNames::new(["name", "tier", "outcome"]);

/// What [`check`](super::watch::check) calls them.
pub(super) const RATES: &str = "rate limits";

/// A limit under a name.
pub(super) fn put(scrape: &mut Scrape, name: Name, limit: &RateLimit) {
    let (name, stats) = (name.as_str(), limit.stats());
    let mut requests = scrape.counters(&LIMIT, NAME_OUTCOME);
    requests.put([name, "allowed"], stats.allowed);
    requests.put([name, "refused"], stats.refused);
    scrape.counters(&RESERVED, NAME).put([name], stats.reserved);
    scrape.counters(&CANCELLED, NAME).put([name], stats.cancelled);
}

impl sealed::Watch for RateLimit {
    fn source(&self) -> Source {
        let limit = self.clone();
        Source::new(RATES, self.name(), move |scrape| put(scrape, limit.name(), &limit))
    }
}

impl sealed::Watch for SlidingWindow {
    fn source(&self) -> Source {
        let window = self.clone();
        Source::new("sliding windows", self.name(), move |scrape| {
            let (name, stats, (max, len)) = (window.name(), window.stats(), window.limit());
            let name = name.as_str();
            let mut requests = scrape.counters(&WINDOW, NAME_OUTCOME);
            requests.put([name, "allowed"], stats.allowed);
            requests.put([name, "refused"], stats.refused);
            let count = |n: u64| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
            scrape.gauges(&WINDOW_LIMIT, NAME).put([name], count(max));
            scrape.gauges(&REMAINING, NAME).put([name], count(window.peek().remaining));
            scrape.gauges(&SECONDS, NAME).put([name], len.as_secs_f64());
        })
    }
}

impl<K: std::hash::Hash + Eq + Send + Sync + 'static> sealed::Watch for KeyedRate<K> {
    fn source(&self) -> Source {
        let limit = self.clone();
        Source::new("rate limits by key", self.name(), move |scrape| {
            let name = limit.name();
            let name = name.as_str();
            keyed::put(scrape, "rate_limit", name, &limit.keys());
            let mut requests = scrape.counters(&KEYED, NAME_TIER_OUTCOME);
            for (tier, tier_name) in limit.tiers() {
                let stats = limit.stats(tier);
                requests.put([name, tier_name.as_str(), "allowed"], stats.allowed);
                requests.put([name, tier_name.as_str(), "refused"], stats.refused);
            }
        })
    }
}
