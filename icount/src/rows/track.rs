//! Executions and their stages.

use std::hint::black_box;

use core_time::ManualClock;
use core_track::{Execution, Tracker};

use super::Make;

pub(super) const ROWS: [(&str, Make); 3] =
    [("track/stage", stage), ("track/stage_ambient", stage_ambient), ("track/execution", execution)];

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

/// One that is begun by the context, in an execution that has no room for more.
fn stage_ambient() -> Box<dyn FnMut()> {
    let execution = tracker().start("checkout", "order-17");
    Box::new(move || execution.sync_scope(|| drop(black_box(core_track::stage("load")))))
}

/// One with three stages, begun and ended; nobody listens to its line.
fn execution() -> Box<dyn FnMut()> {
    let tracker = tracker();
    Box::new(move || {
        let execution = tracker.start("checkout", "order-17");
        for name in ["load", "charge", "store"] {
            drop(black_box(execution.stage(name)));
        }
        execution.finish();
    })
}
