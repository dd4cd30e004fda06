use std::sync::atomic::{AtomicU64, Ordering};

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
        let (name, told) = (self.name(), AtomicU64::new(0));
        Source::new("throttles", name, move |scrape| {
            let (name, shown) = (name.as_str(), throttle.snapshot());
            scrape.gauges(&HELD_BACK, NAME).put([name], shown.share);
            let mut requests = scrape.counters(&REQUESTS, NAME_OUTCOME);
            requests.put([name, "allowed"], allowed(&told, shown.requests, shown.refused));
            requests.put([name, "refused"], shown.refused);
            scrape.counters(&ACCEPTED, NAME).put([name], shown.accepts);
        })
    }
}

/// Those that were let through, never fewer than were told before: what is refused between the two readings is only in the second, and to
/// Prometheus a counter that goes down has begun anew.
fn allowed(told: &AtomicU64, requests: u64, refused_later: u64) -> u64 {
    let now = requests.saturating_sub(refused_later);
    told.fetch_max(now, Ordering::Relaxed).max(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_while_it_is_read_takes_nothing_back() {
        let told = AtomicU64::new(0);
        assert_eq!(allowed(&told, 100, 60), 40);
        assert_eq!(allowed(&told, 110, 75), 40, "5 were refused between the readings");
        assert_eq!(allowed(&told, 120, 75), 45);
        assert_eq!(allowed(&told, 120, 130), 45, "more of them than were ever let through");
    }
}
