//! Executions and their stages.

use std::hint::black_box;

use core_context::Context;
use core_time::ManualClock;
use core_track::{Execution, Tracker};

use super::Make;

pub(super) const ROWS: [(&str, Make); 3] =
    [("track/stage", stage), ("track/execution", execution), ("track/execution_line", execution_line)];

/// So many stages an execution has at most.
const STAGES: u32 = 200;

/// None is sampled.
fn tracker() -> Tracker {
    Tracker::builder().sample_rate(0.0).clock(ManualClock::new().clock()).build().expect("a share")
}

/// A stage, with its share of an execution of 200.
fn stage() -> Box<dyn FnMut()> {
    let tracker = tracker();
    let mut execution: Option<Execution> = None;
    let mut stages = 0;
    Box::new(move || {
        if stages == 0 {
            if let Some(before) = execution.take() {
                before.finish();
            }
            stages = STAGES;
        }
        stages -= 1;
        let execution = execution.get_or_insert_with(|| tracker.start("checkout", "order-17"));
        drop(black_box(execution.stage("load")));
    })
}

/// One with three stages, begun and ended; nobody listens to its line.
fn execution() -> Box<dyn FnMut()> {
    let tracker = tracker();
    Box::new(move || run(&tracker))
}

/// The same with its line, as JSON, in the context of a request.
fn execution_line() -> Box<dyn FnMut()> {
    let tracker = tracker();
    let guard = tracing::dispatcher::set_default(&super::log::log(|builder| builder));
    let entered = Context::new().enter();
    Box::new(move || {
        black_box((&guard, &entered));
        run(&tracker);
    })
}

fn run(tracker: &Tracker) {
    let execution = tracker.start("checkout", "order-17");
    for name in ["load", "charge", "store"] {
        drop(black_box(execution.stage(name)));
    }
    execution.finish();
}
