use core_log::{Kind, LogHandle};
use core_metrics::{Counter, Desc, LabelNames, Registry};

const REDACTIONS: Desc<Counter> =
    Desc::counter("log_redactions_total", "What was taken out of the log, by its kind.");
const LOST: Desc<Counter> = Desc::counter(
    "log_lines_lost_total",
    "Lines of the log that found no room, or that the sink did not take.",
);

const KIND: LabelNames<1> = LabelNames::new(["kind"]);
const NONE: LabelNames<0> = LabelNames::new([]);

/// What a log took out, and what it lost.
pub(crate) fn log(registry: &Registry, log: &LogHandle) {
    let log = log.clone();
    registry.collect(move |scrape| {
        let mut redactions = scrape.counters(&REDACTIONS, KIND);
        for kind in Kind::ALL {
            redactions.put([kind.as_str()], log.redactions(kind));
        }
        scrape.counters(&LOST, NONE).put([], log.lost());
    });
}
