use core_metrics::{Counter, Desc, LabelNames, Registry};

const EXCEEDED: Desc<Counter> =
    Desc::counter("deadline_exceeded_total", "How often a deadline of that name was exceeded.");

const OPERATION: LabelNames<1> = LabelNames::new(["operation"]);

/// What deadlines have come to in this process, by the name of the operation.
pub(crate) fn timeouts(registry: &Registry) {
    registry.collect(|scrape| {
        let mut exceeded = scrape.counters(&EXCEEDED, OPERATION);
        for (name, times) in core_timeout::exceeded() {
            exceeded.put([name.as_str()], times);
        }
    });
}
