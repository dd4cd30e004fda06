//! Stages are where they belong, and their figures are right.

use core_context::{Context, JoinSet};
use core_errors::{Code, Error};
use core_time::{Clock, ManualClock, ms};
use core_track::{Outcome, StageSummary, Summary, Tracker, stage};
use proptest::prelude::*;

const SLOW: Code = Code::new("STORE_SLOW");

/// A tracker that keeps all, on a clock of its own.
fn tracker(clock: &ManualClock) -> Tracker {
    Tracker::builder().sample_rate(1.0).clock(clock.clock()).build().expect("a tracker")
}

/// The ids of all stages, indented.
fn shape(summary: &Summary) -> Vec<String> {
    let mut shape = Vec::new();
    for stage in summary.stages() {
        stage.each(0, &mut |depth, stage| shape.push(format!("{}{}", " ".repeat(depth), stage.stage_id)));
    }
    shape
}

#[test]
fn f_60_stages_nest_and_are_numbered_by_their_place() {
    let clock = ManualClock::new();
    let tracker = tracker(&clock);
    let execution = tracker.start("checkout", "order-17");
    {
        let load = execution.stage("load");
        clock.advance(ms(5));
        {
            let cache = load.stage("cache lookup");
            clock.advance(ms(10));
            drop(cache.stage("2.1_L1_CACHE_LOOKUP"));
        }
        drop(load.stage("L1_CACHE"));
    }
    let charge = execution.stage("REDIS.1_CLIENT_INITIALIZATION");
    clock.advance(ms(20));
    drop(charge);
    execution.finish();
    let summary = tracker.summary("order-17").unwrap();
    let expected = [
        "1_LOAD",
        " 1.1_CACHE_LOOKUP",
        "  2.1_L1_CACHE_LOOKUP",
        " 1.2_L1_CACHE",
        "REDIS.1_CLIENT_INITIALIZATION",
    ];
    assert_eq!(shape(&summary), expected);
    let load = summary.stages().swap_remove(0);
    assert_eq!((load.duration, load.self_time, load.started), (ms(15), ms(5), ms(0)));
    assert_eq!(load.substages[0].substages[0].stage_name, "L1_CACHE_LOOKUP");
    assert_eq!((summary.duration, summary.stage_count()), (ms(35), 5));
    assert_eq!((summary.outcome, summary.success()), (Some(Outcome::Succeeded), true));
}

#[test]
fn f_63_a_summary_has_the_shape_of_the_sources() {
    let clock = ManualClock::new();
    let tracker = tracker(&clock);
    let execution = tracker.start("checkout", "order-17");
    let mut load = execution.stage("load");
    clock.advance(ms(10));
    load.fail(&Error::timeout("the store is slow").with_code(SLOW));
    drop(load);
    execution.finish();
    let json = serde_json::to_value(&*tracker.summary("order-17").unwrap()).unwrap();
    assert_eq!(json["execution_id"], "order-17");
    assert_eq!(json["total_duration_ms"], 10.0);
    assert_eq!(json["stage_count"], 1);
    assert_eq!(json["success"], true);
    let stage = &json["stages"][0];
    assert_eq!(stage["stage_id"], "1_LOAD");
    assert_eq!(stage["stage_name"], "load");
    assert_eq!((&stage["duration_ms"], &stage["success"]), (&10.0.into(), &false.into()));
    assert_eq!(stage["error_type"], "core_errors::error::Error");
    assert_eq!((&stage["error_category"], &stage["error_code"]), (&"timeout".into(), &"STORE_SLOW".into()));
    assert_eq!((&stage["outcome"], &stage["error_message"]), (&"failed".into(), &"the store is slow".into()));
    assert_eq!(json["failed_stages"][0]["error_code"], "STORE_SLOW");
    assert_eq!(stage["substages"], serde_json::json!([]));
    assert_eq!(json["failed_stages"][0]["stage_id"], "1_LOAD");
    let stats = serde_json::to_value(&tracker.stats()[0].stages[0]).unwrap();
    assert_eq!((&stats["execution_count"], &stats["success_rate"]), (&1.into(), &0.0.into()));
    assert!(stats["p95_duration_ms"].as_f64().is_some_and(|p95| (p95 - 10.0).abs() <= 10.0 / 32.0));
}

#[test]
fn what_a_panic_ends_has_failed_and_what_is_dropped_was_cut_off() {
    let tracker = tracker(&ManualClock::new());
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let execution = tracker.start("op", "panicked");
        let _stage = execution.stage("inside");
        panic!("in the stage");
    }));
    assert!(panicked.is_err());
    drop(tracker.start("op", "dropped"));
    let outcome = |id| tracker.summary(id).unwrap().outcome;
    assert_eq!(outcome("panicked"), Some(Outcome::Failed));
    assert_eq!(outcome("dropped"), Some(Outcome::Cancelled));
    assert_eq!(tracker.summary("panicked").unwrap().failed_stages().len(), 1);
    let stats = &tracker.stats()[0];
    assert_eq!((stats.total.count, stats.total.failures, stats.total.cancelled), (1, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn substages_belong_to_their_own_execution_however_many_run_at_once() {
    let tracker = Tracker::builder().sample_rate(1.0).build().unwrap();
    let mut all = JoinSet::new();
    for n in 0..50_u64 {
        let tracker = tracker.clone();
        all.spawn(async move {
            let id = format!("request-{n}");
            let work = async {
                let outer = stage("outer");
                outer
                    .scope(async {
                        Clock::system().sleep(ms(n % 7)).await;
                        let _inner = stage(if n % 2 == 0 { "even" } else { "odd" });
                        Clock::system().sleep(ms(n % 5)).await;
                        // Carried into a task, and into a thread.
                        core_context::spawn(async { drop(stage("task")) }).await.unwrap();
                        core_context::spawn_blocking(|| drop(stage("blocking"))).await.unwrap();
                    })
                    .await;
                Ok::<_, Error>(())
            };
            tracker.call("op", &id, work).await.unwrap();
        });
    }
    while all.join_next().await.is_some() {}
    for n in 0..50 {
        let summary = tracker.summary(&format!("request-{n}")).unwrap();
        let inner = if n % 2 == 0 { " 1.1_EVEN" } else { " 1.1_ODD" };
        assert_eq!(shape(&summary), ["1_OUTER", inner, " 1.2_TASK", " 1.3_BLOCKING"], "request-{n}");
    }
}

#[tokio::test(start_paused = true)]
async fn futures_that_are_joined_do_not_take_each_others_stages() {
    let tracker = Tracker::builder().sample_rate(1.0).build().unwrap();
    let branch = |name: &'static str, inside: &'static str, wait| async move {
        let branch = stage(name);
        branch
            .scope(async {
                Clock::system().sleep(ms(wait)).await;
                let _inside = stage(inside);
                Clock::system().sleep(ms(10)).await;
            })
            .await;
    };
    let both = async {
        tokio::join!(branch("a", "in a", 3), branch("b", "in b", 1));
        Ok::<_, Error>(())
    };
    tracker.call("op", "joined", both).await.unwrap();
    assert_eq!(shape(&tracker.summary("joined").unwrap()), ["1_A", " 1.1_IN_A", "2_B", " 2.1_IN_B"]);
}

#[test]
fn time_of_its_own_is_when_nothing_inside_runs_also_where_that_overlaps() {
    let clock = ManualClock::new();
    let tracker = tracker(&clock);
    let execution = tracker.start("op", "overlap");
    let outer = execution.stage("outer");
    clock.advance(ms(20));
    let (first, second) = (outer.stage("first"), outer.stage("second"));
    clock.advance(ms(40));
    drop(first);
    let third = outer.stage("third");
    clock.advance(ms(20));
    drop(second);
    drop(third);
    clock.advance(ms(30));
    drop(outer);
    execution.finish();
    let outer = tracker.summary("overlap").unwrap().stages().swap_remove(0);
    assert_eq!((outer.duration, outer.self_time), (ms(110), ms(50)));
}

#[test]
fn stages_may_end_in_any_order_or_never() {
    let clock = ManualClock::new();
    let tracker = tracker(&clock);
    let execution = tracker.start("op", "any order");
    std::mem::forget(execution.stage("leaked"));
    let (outer, inner) = execution.sync_scope(|| {
        let outer = stage("outer");
        let inner = outer.sync_scope(|| stage("inner"));
        (outer, inner)
    });
    clock.advance(ms(5));
    drop(outer);
    clock.advance(ms(5));
    std::thread::scope(|scope| scope.spawn(|| drop(inner)).join().unwrap());
    execution.finish();
    let summary = tracker.summary("any order").unwrap();
    assert_eq!(shape(&summary), ["1_LEAKED", "2_OUTER", " 2.1_INNER"]);
    let stages = summary.stages();
    assert_eq!((stages[0].ended, stages[1].duration, stages[1].self_time), (false, ms(5), ms(0)));
    assert_eq!(stages[1].substages[0].duration, ms(10));
    assert_eq!(tracker.stats()[0].stages.iter().map(|stage| stage.count).collect::<Vec<_>>(), [1, 0, 1]);
}

#[test]
fn a_stage_that_outlives_its_execution_is_counted_and_changes_nothing_that_is_kept() {
    let clock = ManualClock::new();
    let tracker = tracker(&clock);
    let execution = tracker.start("op", "short");
    let mut late = execution.sync_scope(|| stage("late"));
    execution.finish();
    let before = serde_json::to_value(&*tracker.summary("short").unwrap()).unwrap();
    clock.advance(ms(5));
    late.fail_text("too late");
    drop(late.stage("inside"));
    drop(late);
    assert_eq!(serde_json::to_value(&*tracker.summary("short").unwrap()).unwrap(), before);
    assert!(tracker.live().is_empty());
    let late = &tracker.stats()[0].stages[1];
    assert_eq!((late.name, late.count, late.failures), ("late", 1, 1));
}

#[test]
fn executions_inside_executions_keep_their_stages_apart() {
    let clock = ManualClock::new();
    let (outer_tracker, inner_tracker) = (tracker(&clock), tracker(&clock));
    outer_tracker
        .run("outer", "outer", || {
            let before = stage("before");
            before.sync_scope(|| {
                inner_tracker.run("inner", "inner", || {
                    drop(stage("inside"));
                    Ok::<_, Error>(())
                })
            })?;
            drop(stage("after"));
            Ok::<_, Error>(())
        })
        .unwrap();
    assert_eq!(shape(&outer_tracker.summary("outer").unwrap()), ["1_BEFORE", "2_AFTER"]);
    assert_eq!(shape(&inner_tracker.summary("inner").unwrap()), ["1_INSIDE"]);
}

#[test]
fn what_cleans_up_while_a_panic_unwinds_has_not_failed() {
    struct CleanUp(Tracker);
    impl Drop for CleanUp {
        fn drop(&mut self) {
            let execution = self.0.start("op", "clean-up");
            drop(execution.stage("inside"));
            execution.finish();
            drop(self.0.start("op", "dropped"));
        }
    }
    let tracker = tracker(&ManualClock::new());
    let clean_up = CleanUp(tracker.clone());
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
        let _clean_up = clean_up;
        panic!("somewhere else");
    }));
    assert!(panicked.is_err());
    let summary = tracker.summary("clean-up").unwrap();
    assert_eq!((summary.success(), summary.failed_stages().len()), (true, 0));
    assert_eq!(tracker.summary("dropped").unwrap().outcome, Some(Outcome::Cancelled));
}

#[tokio::test(start_paused = true)]
async fn a_future_that_is_dropped_ends_its_stages_and_cuts_its_execution_off() {
    let tracker = Tracker::builder().sample_rate(1.0).build().unwrap();
    let work = tracker.call("op", "cut off", async {
        let outer = stage("outer");
        let inner = outer.scope(async {
            let _inner = stage("inner");
            Clock::system().sleep(ms(1000)).await;
        });
        inner.await;
        Ok::<_, Error>(())
    });
    tokio::select! {
        _ = work => panic!("it waits"),
        () = Clock::system().sleep(ms(10)) => {}
    }
    let summary = tracker.summary("cut off").unwrap();
    assert_eq!(
        (summary.outcome, shape(&summary)),
        (Some(Outcome::Cancelled), vec!["1_OUTER".into(), " 1.1_INNER".into()])
    );
    assert!(summary.stages()[0].ended && summary.stages()[0].substages[0].ended);
    assert!(tracker.live().is_empty());
}

#[test]
fn a_clock_that_goes_back_makes_stages_short_and_nothing_else() {
    let clock = ManualClock::new();
    let tracker = tracker(&clock);
    clock.advance(ms(100_000));
    let execution = tracker.start("op", "back");
    let stage = execution.stage("stage");
    clock.set(core_time::Instant::ORIGIN);
    drop(stage);
    assert_eq!(tracker.live()[0].age, ms(0));
    execution.finish();
    let total = &tracker.stats()[0].total;
    assert_eq!((total.count, total.max, total.long.count), (1, ms(0), 1));
}

#[test]
fn an_execution_has_one_correlation_id_wherever_it_runs() {
    let tracker = tracker(&ManualClock::new());
    let execution = tracker.start("op", "alone");
    let id = || Context::current_correlation_id().unwrap();
    let (first, second) = (execution.sync_scope(id), execution.sync_scope(id));
    execution.finish();
    let told = tracker.summary("alone").unwrap().correlation_id.clone().unwrap();
    assert_eq!((&first, &second), (&told, &told));
}

#[test]
fn what_is_noted_stands_at_its_stage() {
    let tracker = tracker(&ManualClock::new());
    let execution = tracker.start("op", "noted");
    execution.note("tier", "premium");
    let load = execution.stage("load");
    load.note("rows", &17);
    load.note("rows", &18);
    load.stage("cache").note("hit", &false);
    drop(load);
    execution.finish();
    let json = serde_json::to_value(&*tracker.summary("noted").unwrap()).unwrap();
    assert_eq!(json["metadata"], serde_json::json!({ "tier": "premium" }));
    assert_eq!(json["stages"][0]["metadata"], serde_json::json!({ "rows": "18" }));
    assert_eq!(json["stages"][0]["substages"][0]["metadata"], serde_json::json!({ "hit": "false" }));
}

#[test]
fn outside_of_an_execution_a_stage_is_part_of_nothing() {
    let mut nothing = stage("nothing");
    nothing.fail_text("of no consequence");
    assert_eq!(nothing.sync_scope(|| 7), 7);
    drop(nothing.stage("inside"));
    drop(nothing);
    assert!(Tracker::builder().build().unwrap().stats().is_empty());
}

#[test]
fn what_runs_now_is_listed_with_its_stage() {
    let clock = ManualClock::new();
    let tracker = tracker(&clock);
    let context = Context::new();
    let first = context.sync_scope(|| tracker.start("slow", "first"));
    let outer = first.stage("outer");
    clock.advance(ms(30));
    let inner = outer.stage("inner");
    let second = tracker.start("other", "second");
    clock.advance(ms(12));
    let live = tracker.live();
    assert_eq!(live.len(), 2);
    assert_eq!((live[0].id.as_str(), live[0].age, live[0].stage), ("first", ms(42), Some("inner")));
    assert_eq!(live[0].stage_age, ms(12));
    assert_eq!(live[0].correlation_id.as_ref(), Some(context.correlation_id()));
    assert_eq!((live[1].operation, live[1].stage), ("other", None));
    let running = tracker.summary("first").unwrap();
    assert_eq!(
        (running.outcome, running.stages()[0].ended, running.stages()[0].duration),
        (None, false, ms(42))
    );
    drop(inner);
    assert_eq!(tracker.live()[0].stage, Some("outer"));
    drop(outer);
    first.finish();
    second.finish();
    assert!(tracker.live().is_empty());
}

#[test]
fn durations_are_counted_between_the_ends_that_are_asked_for() {
    let clock = ManualClock::new();
    let tracker = tracker(&clock);
    for took in [5, 50, 50, 5000] {
        let execution = tracker.start("op", "any");
        let stage = execution.stage("stage");
        clock.advance(ms(took));
        drop(stage);
        execution.finish();
    }
    let durations = tracker.durations(&[ms(10), ms(100)]);
    let stages: Vec<_> = durations.iter().map(|of| of.stage).collect();
    assert_eq!(stages, [None, Some("stage")]);
    assert!(durations.iter().all(|of| of.counts == [1, 2, 1] && of.sum == ms(5105) && of.failures == 0));
}

#[test]
fn f_63_clearing_is_harmless() {
    let tracker = tracker(&ManualClock::new());
    assert_eq!(tracker.clear("unknown"), 0);
    assert!(tracker.summary("unknown").is_none());
    let execution = tracker.start("op", "open");
    let open = execution.stage("open");
    assert_eq!(tracker.clear("open"), 0, "and what runs goes on");
    drop(open);
    execution.finish();
    assert_eq!((tracker.clear("open"), tracker.clear("open")), (1, 0));
}

/// What a plain tree of stages makes of a history.
#[derive(Clone, Debug, Default, PartialEq)]
struct Model {
    name: usize,
    took: u64,
    failed: bool,
    inside: Vec<Model>,
}

const NAMES: [&str; 4] = ["load", "charge", "store", "tell"];

impl Model {
    fn of(stage: &StageSummary) -> Self {
        Self {
            name: NAMES.iter().position(|name| *name == stage.stage_name).expect("one of ours"),
            took: u64::try_from(stage.duration.as_millis()).expect("short"),
            failed: !stage.success,
            inside: stage.substages.iter().map(Self::of).collect(),
        }
    }

    /// Plays it through a tracker.
    fn play(&self, open: &mut core_track::Stage<'_>, clock: &ManualClock) {
        for inside in &self.inside {
            let mut stage = open.stage(NAMES[inside.name]);
            inside.play(&mut stage, clock);
        }
        let inside: u64 = self.inside.iter().map(|inside| inside.took).sum();
        clock.advance(ms(self.took - inside));
        if self.failed {
            open.fail_text("as the model says");
        }
    }
}

fn model() -> impl Strategy<Value = Model> {
    let leaf = (0..NAMES.len(), 0_u64..50, prop::bool::weighted(0.1));
    let leaf = leaf.prop_map(|(name, took, failed)| Model { name, took, failed, inside: vec![] });
    leaf.prop_recursive(5, 40, 4, |inside| {
        (0..NAMES.len(), 0_u64..50, prop::bool::weighted(0.1), prop::collection::vec(inside, 0..4)).prop_map(
            |(name, own, failed, inside)| {
                let took = own + inside.iter().map(|inside| inside.took).sum::<u64>();
                Model { name, took, failed, inside }
            },
        )
    })
}

proptest! {
    #[test]
    fn any_tree_comes_back_as_it_was(models in prop::collection::vec(model(), 0..4)) {
        let clock = ManualClock::new();
        let tracker = tracker(&clock);
        let execution = tracker.start("op", "any");
        for model in &models {
            let mut stage = execution.stage(NAMES[model.name]);
            model.play(&mut stage, &clock);
        }
        execution.finish();
        let summary = tracker.summary("any").unwrap();
        prop_assert_eq!(summary.stages().iter().map(Model::of).collect::<Vec<_>>(), models);
        let entered: u64 = tracker.stats()[0].stages.iter().map(|stage| stage.count).sum();
        prop_assert_eq!(entered, summary.stage_count() as u64);
    }
}

#[test]
fn s_2_a_stage_has_its_id_its_time_and_its_place_and_an_error_passes_through_it() {
    let clock = ManualClock::new();
    let tracker = tracker(&clock);
    let of = |id: &'static str| {
        tracker.run("op", id, || {
            let outer = stage("1_OUTER");
            clock.advance(ms(10));
            outer.run(|| stage("1.1_INNER").run(|| Err::<(), _>(Error::internal("it broke"))))
        })
    };
    assert_eq!(of("one").unwrap_err().to_string(), "it broke");
    std::thread::scope(|scope| scope.spawn(|| of("other").unwrap_err()).join().map(drop)).unwrap();
    for id in ["one", "other"] {
        let json = serde_json::to_value(&*tracker.summary(id).unwrap()).unwrap();
        let outer = &json["stages"][0];
        assert_eq!((&outer["stage_id"], &outer["stage_name"]), (&"1_OUTER".into(), &"OUTER".into()));
        assert!(
            outer["duration_ms"].as_f64().unwrap() >= 10.0 && json["stages"].as_array().unwrap().len() == 1
        );
        let inner = &outer["substages"][0];
        assert_eq!((&inner["stage_id"], &inner["success"]), (&"1.1_INNER".into(), &false.into()));
        assert!(inner["error_type"].is_string() && inner["error_message"].is_string());
    }
    for n in 0..10 {
        let id = format!("cleared-{n}");
        let open = tracker.start("op", &id);
        let inside = open.stage("inside");
        assert_eq!(tracker.clear(&id), 0, "inside an open stage too");
        drop(inside);
        open.finish();
        assert_eq!((tracker.clear(&id), tracker.summary(&id).is_none()), (1, true));
    }
    assert_eq!((tracker.kept().len(), tracker.live().len(), tracker.clear("never seen")), (2, 0, 0));
}
