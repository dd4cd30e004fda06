use core_track::{Execution, Summary, Tracker};
use tracing::subscriber::DefaultGuard;

use crate::{Budget, Comes, Contest, Loop, Row, looped_with};

/// Stages of an execution before the next one takes its place: there is room for 256.
const STAGES: u32 = 200;

pub(super) fn rows() -> Vec<Row> {
    let row = |name, threads, budget, contest| Row {
        name,
        threads,
        budget: Budget::Total(budget),
        comes: Comes::Answered,
        allocations_max: 0,
        contest,
    };
    vec![
        // A stage allocates nothing; its share of an execution is in it.
        Row { allocations_max: 1, ..row("track/stage", 1, 60.0, unsampled as fn() -> Contest) },
        Row { allocations_max: 1, ..row("track/stage_2_threads", 2, 90.0, unsampled) },
        Row { allocations_max: 1, ..row("track/stage_sampled", 1, 120.0, sampled) },
    ]
}

/// An execution, and how many stages it has had.
struct Own(Tracker, Option<Execution>, u32);

fn unsampled() -> Contest {
    Contest { ours: stages(0.0), peers: vec![("tracing span, registry", spans())] }
}

/// With its share of the summary, which is made when an execution ends.
fn sampled() -> Contest {
    Contest { ours: stages(1.0), peers: vec![("tracing span, registry", spans())] }
}

/// A stage inside another: begun and ended.
fn stages(rate: f64) -> Loop {
    let builder = Tracker::builder().sample_rate(rate).sink(|_: &Summary| {});
    let tracker = builder.build().expect("a share");
    looped_with(
        move || Own(tracker.clone(), None, 0),
        |own, input| {
            let Own(tracker, execution, stages) = own;
            if *stages == 0 {
                if let Some(before) = execution.take() {
                    before.finish();
                }
                *stages = STAGES;
            }
            *stages -= 1;
            let execution = execution.get_or_insert_with(|| tracker.start("checkout", "order-17"));
            drop(execution.stage("load"));
            Ok::<_, ()>(input)
        },
    )
}

/// A span that is made, entered, left and closed, in tracing-subscriber's registry, which keeps no time.
fn spans() -> Loop {
    looped_with(
        || -> DefaultGuard { tracing::subscriber::set_default(tracing_subscriber::registry()) },
        |_, input| {
            drop(tracing::info_span!("load").entered());
            Ok::<_, ()>(input)
        },
    )
}
