use core_limit::Throttle;
use core_metrics::{Counter, Desc, Gauge, LabelNames};

use super::watch::{Source, sealed};

const HELD_BACK: Desc<Gauge> =
    Desc::gauge("throttle_held_back_ratio", "The share of requests that is held back now, 0 to 1.");
const REQUESTS: Desc<Counter> =
    Desc::counter("throttle_requests_total", "Requests that came to a throttle, by what came of them.");
const ACCEPTED: Desc<Counter> =
    Desc::counter("throttle_accepted_total", "Requests that were let through, and that the callee accepted.");

const NAME: LabelNames<1> = LabelNames::new(["name"]);
const NAME_OUTCOME: LabelNames<2> = LabelNames::new(["name", "outcome"]);

impl sealed::Watch for Throttle {
    fn source(&self) -> Source {
        let throttle = self.clone();
        let name = self.name();
        Source::new("throttles", name, move |scrape| {
            let (name, shown) = (name.as_str(), throttle.snapshot());
            scrape.gauges(&HELD_BACK, NAME).put([name], shown.share);
            let mut requests = scrape.counters(&REQUESTS, NAME_OUTCOME);
            requests.put([name, "allowed"], shown.requests.saturating_sub(shown.refused));
            requests.put([name, "refused"], shown.refused);
            scrape.counters(&ACCEPTED, NAME).put([name], shown.accepts);
        })
    }
}
