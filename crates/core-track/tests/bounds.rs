//! Nothing grows without a bound, nothing is lost in silence, and stages allocate nothing.

use core_context::Context;
use core_time::{ManualClock, ms};
use core_track::{Execution, Stage, Tracker};

/// A tracker that samples this share, on a clock of its own.
fn tracker(rate: f64) -> (Tracker, ManualClock) {
    let clock = ManualClock::new();
    let builder = Tracker::builder().sample_rate(rate).sink(|_: &core_track::Summary| {});
    (builder.clock(clock.clock()).build().expect("a tracker"), clock)
}

#[test]
fn a_hundred_thousand_executions_leave_no_more_than_a_thousand() {
    let (tracker, clock) = tracker(0.5);
    let run = |from: u32, to: u32| {
        for n in from..to {
            let execution = tracker.start("op", &format!("request-{n}"));
            let outer = execution.stage("outer");
            clock.advance(ms(u64::from(n % 50)));
            drop(outer.stage("inner"));
            drop(outer);
            execution.finish();
        }
    };
    run(0, 2_000);
    let left = allocation_counter::measure(|| run(2_000, 100_000)).bytes_current;
    assert!(left.abs() < 64 * 1024, "{left} bytes more than before");
    assert_eq!((tracker.kept().len(), tracker.live().len()), (256, 0));
    let stats = &tracker.stats()[0];
    assert_eq!(
        (stats.total.count, stats.stages[0].count, stats.stages[1].count),
        (100_000, 100_000, 100_000)
    );
}

#[test]
fn a_hundred_thousand_at_once_are_counted_and_ten_thousand_listed() {
    let (tracker, _) = tracker(0.0);
    let all: Vec<Execution> = (0..100_000).map(|_| tracker.start("op", "any")).collect();
    assert_eq!(tracker.live().len(), 10_000);
    all.into_iter().for_each(Execution::finish);
    assert_eq!(tracker.live().len(), 0);
    assert_eq!(tracker.stats()[0].total.count, 100_000);
    let again = tracker.start("op", "again");
    assert_eq!(tracker.live().len(), 1, "there is room again");
    again.finish();
}

/// Stages inside each other, so many.
fn deep(stage: &Stage<'_>, levels: u32) {
    if levels > 0 {
        deep(&stage.stage("deep"), levels - 1);
    }
}
#[test]
fn stages_beyond_the_bounds_are_counted() {
    let (tracker, _) = tracker(1.0);
    let execution = tracker.start("op", "wide");
    for _ in 0..300 {
        drop(execution.stage("wide"));
    }
    execution.finish();
    let wide = tracker.summary("wide").unwrap();
    assert_eq!((wide.stage_count(), wide.omitted, tracker.stats()[0].stages[0].count), (256, 44, 300));

    let execution = tracker.start("op", "deep");
    deep(&execution.stage("deep"), 299);
    execution.finish();
    let summary = tracker.summary("deep").unwrap();
    assert_eq!((summary.stage_count(), summary.omitted), (32, 268));
    let mut deepest = 0;
    summary.stages()[0].each(0, &mut |depth, _| deepest = deepest.max(depth));
    assert_eq!(deepest, 31);
}

#[test]
fn names_beyond_the_bounds_go_under_one() {
    let (tracker, _) = tracker(1.0);
    let names: Vec<&'static str> = (0..200).map(|n| &*format!("name-{n}").leak()).collect();
    let execution = tracker.start("op", "many");
    for name in &names {
        drop(execution.stage(name));
    }
    execution.finish();
    let stats = &tracker.stats()[0];
    assert_eq!(stats.stages.len(), 65);
    let other = stats.stages.iter().find(|stage| stage.name == "(other)").unwrap();
    assert_eq!(other.count, 136);
    for name in &names {
        tracker.start(name, "any").finish();
    }
    let stats = tracker.stats();
    assert_eq!(stats.len(), 129);
    assert_eq!(stats.iter().map(|operation| operation.total.count).sum::<u64>(), 201);
}

#[test]
fn eight_threads_lose_no_stage() {
    let (tracker, _) = tracker(1.0);
    let execution = tracker.start("op", "threads");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            let outer = execution.stage("outer");
            scope.spawn(move || (0..30).for_each(|_| drop(outer.stage("inner"))));
        }
    });
    execution.finish();
    let summary = tracker.summary("threads").unwrap();
    assert_eq!((summary.stage_count(), summary.omitted), (248, 0));
    assert!(summary.stages().iter().all(|outer| outer.substages.len() == 30 && outer.ended));
    assert_eq!(tracker.stats()[0].stages.iter().map(|stage| stage.count).collect::<Vec<_>>(), [240, 8]);
}

#[test]
fn what_is_long_is_cut_where_a_letter_ends() {
    let (tracker, _) = tracker(1.0);
    let execution = tracker.start("op", &"ü".repeat(1000));
    execution.fail_text(&"ß".repeat(1000));
    let summary = &tracker.kept()[0];
    assert_eq!((summary.id.len(), summary.error_message.as_ref().unwrap().len()), (256, 512));
}

/// So many executions with one stage, each this long.
fn run(tracker: &Tracker, clock: &ManualClock, count: u32, took: u64) {
    for _ in 0..count {
        let execution = tracker.start("op", "any");
        let stage = execution.stage("stage");
        clock.advance(ms(took));
        drop(stage);
        execution.finish();
    }
}

#[test]
fn percentiles_of_both_windows_forget_what_is_older_whether_anybody_looks_or_not() {
    for looks in [false, true] {
        let (tracker, clock) = tracker(0.0);
        run(&tracker, &clock, 100, 1000);
        for _ in 0..2 {
            clock.advance(ms(600_000));
            if looks {
                let _ = tracker.stats();
            }
            run(&tracker, &clock, 100, 10);
        }
        run(&tracker, &clock, 30_000, 10);
        run(&tracker, &clock, 5, 20);
        let stats = &tracker.stats()[0];
        for of in [&stats.total, &stats.stages[0]] {
            assert!(of.percentiles.p50 < ms(11) && of.max == ms(1000), "{of:?}");
            assert!(of.long.percentiles.p99 < ms(11) && of.long.percentiles.p50 > ms(9), "{of:?}");
            assert_eq!(of.long.count, 30_205);
            assert!((6000..=12_000).contains(&of.short.count), "{of:?}");
        }
        clock.advance(ms(120_000));
        let total = &tracker.stats()[0].total;
        assert_eq!((total.short.count, total.short.percentiles.p99), (0, ms(0)), "nothing lately");
        assert!(total.long.count > 30_000);
    }
}

#[test]
fn eight_threads_are_counted_exactly_while_windows_turn_and_somebody_looks() {
    let (tracker, clock) = tracker(0.0);
    std::thread::scope(|scope| {
        let works: Vec<_> = (0..8)
            .map(|thread| {
                let tracker = &tracker;
                scope.spawn(move || {
                    for n in 0..2000 {
                        let execution = tracker.start("op", "any");
                        let mut stage = execution.stage("outer");
                        drop(stage.stage("inner"));
                        if (n + thread) % 10 == 0 {
                            stage.fail_text("one of ten");
                        }
                    }
                })
            })
            .collect();
        let mut before = (0, 0);
        while works.iter().any(|work| !work.is_finished()) {
            clock.advance(ms(7_000));
            let stats = tracker.stats();
            let Some(outer) =
                stats.first().and_then(|op| op.stages.iter().find(|stage| stage.name == "outer"))
            else {
                continue;
            };
            assert!(outer.count >= before.0 && outer.failures >= before.1, "counts never go back");
            assert!(outer.short.count <= outer.long.count && outer.long.count <= outer.count);
            before = (outer.count, outer.failures);
        }
    });
    let op = &tracker.stats()[0];
    assert_eq!((op.total.count, op.total.cancelled, op.total.failures), (0, 16_000, 0));
    let stages: Vec<_> = op.stages.iter().map(|stage| (stage.name, stage.count, stage.failures)).collect();
    assert_eq!(stages, [("inner", 16_000, 0), ("outer", 16_000, 1600)]);
}

#[test]
fn what_idled_for_long_tells_only_what_came_since() {
    let (tracker, clock) = tracker(0.0);
    run(&tracker, &clock, 200, 1000);
    clock.advance(ms(36_000_000));
    assert_eq!(tracker.stats()[0].total.long.count, 0);
    run(&tracker, &clock, 200, 1000);
    clock.advance(ms(36_000_000));
    run(&tracker, &clock, 100, 10);
    let long = tracker.stats()[0].total.long;
    assert!(long.count == 100 && long.percentiles.p99 < ms(11), "{long:?}");
}

#[test]
fn hours_are_told_apart_and_days_are_the_most_there_was() {
    let (tracker, clock) = tracker(0.0);
    run(&tracker, &clock, 1, 1);
    run(&tracker, &clock, 99, 36_000_000);
    let p50 = tracker.stats()[0].total.percentiles.p50;
    assert!(p50.abs_diff(ms(36_000_000)) < ms(36_000_000 / 32), "{p50:?}");
    assert_eq!(tracker.durations(&[ms(3_600_000), ms(7_200_000)])[0].counts, [1, 0, 99]);
    run(&tracker, &clock, 1, 864_000_000);
    run(&tracker, &clock, 9, 864_000_000);
    assert_eq!(tracker.stats()[0].total.percentiles.p99, ms(864_000_000));
    assert_eq!(tracker.durations(&[ms(7_200_000)])[0].counts, [1, 109]);
}

/// Says more of itself than there is room for.
struct Endless;

impl std::fmt::Display for Endless {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        loop {
            f.write_str("and so on ")?;
        }
    }
}

/// Cannot say anything of itself.
struct Mute;

impl std::fmt::Display for Mute {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Err(std::fmt::Error)
    }
}

#[test]
fn what_errors_say_is_asked_for_as_far_as_it_fits() {
    let (tracker, _) = tracker(0.0);
    tracker.start("op", "endless").fail_text(&Endless);
    tracker.start("op", "mute").fail_text(&Mute);
    let message = |id| tracker.summary(id).unwrap().error_message.clone().unwrap();
    assert_eq!((message("endless").len(), message("mute").len()), (512, 0));
    assert_eq!(tracker.stats()[0].total.failures, 2);
}

#[test]
fn notes_beyond_the_bounds_are_counted() {
    let (tracker, _) = tracker(1.0);
    let keys: Vec<&'static str> = (0..100).map(|n| &*format!("key-{n}").leak()).collect();
    let execution = tracker.start("op", "noted");
    let stage = execution.stage("stage");
    for key in &keys {
        stage.note(key, &Endless);
    }
    execution.note("one more", "is none");
    stage.note("key-0", "as it became");
    drop(stage);
    execution.finish();
    let summary = tracker.summary("noted").unwrap();
    let metadata = &summary.stages()[0].metadata;
    assert_eq!((metadata.len(), summary.notes_omitted, metadata["key-0"].as_str()), (64, 37, "as it became"));
    assert!(metadata.values().all(|value| value.len() <= 256) && summary.metadata().is_empty());
}

#[test]
fn an_id_that_was_cut_is_found_by_all_of_it() {
    let (tracker, _) = tracker(1.0);
    let id = "ü".repeat(1000);
    let execution = tracker.start("op", &id);
    assert!(tracker.summary(&id).is_some_and(|summary| summary.outcome.is_none()));
    execution.finish();
    assert!(tracker.summary(&id).is_some());
    assert_eq!(tracker.clear(&id), 1);
}

#[test]
fn who_looks_while_executions_begin_and_end_sees_whole_ones() {
    let (tracker, _) = tracker(1.0);
    std::thread::scope(|scope| {
        let works: Vec<_> = (0..4)
            .map(|thread| {
                let tracker = &tracker;
                scope.spawn(move || {
                    for _ in 0..2000 {
                        let execution = tracker.start("op", &format!("of {thread}"));
                        let outer = execution.stage("outer");
                        drop(outer.stage("inner"));
                        drop(outer);
                        execution.finish();
                    }
                })
            })
            .collect();
        while works.iter().any(|work| !work.is_finished()) {
            assert!(tracker.live().len() <= 4);
            let Some(summary) = tracker.summary("of 2") else { continue };
            let mut seen = 0;
            summary.stages().iter().for_each(|stage| stage.each(0, &mut |_, _| seen += 1));
            assert_eq!(seen, summary.stage_count());
            let count: u64 = tracker.stats().iter().map(|operation| operation.total.count).sum();
            assert!(count <= 8000);
        }
    });
    assert_eq!((tracker.in_progress(), tracker.stats()[0].total.count), (0, 8000));
}

#[test]
fn a_stage_allocates_nothing() {
    for rate in [0.0, 1.0] {
        let (tracker, _) = tracker(rate);
        let execution = tracker.start("op", "any");
        let outer = execution.stage("outer");
        drop(outer.stage("inner"));
        let stages = || (0..10).for_each(|_| drop(outer.stage("inner")));
        assert_eq!(allocation_counter::measure(stages).count_total, 0);
        let ambient =
            || outer.sync_scope(|| allocation_counter::measure(|| drop(core_track::stage("inner"))));
        assert_eq!(ambient().count_total, 0);
        drop(outer);
        execution.finish();
    }
}

/// Something of an application's that is carried in its context.
struct Carried {
    _counted: std::sync::Arc<()>,
}

#[test]
fn work_that_starts_itself_anew_keeps_nothing_of_what_it_was_before() {
    let (tracker, _) = tracker(0.0);
    let counted = std::sync::Arc::new(());
    let mut context = Context::new();
    for _ in 0..1000 {
        let carried = Carried { _counted: std::sync::Arc::clone(&counted) };
        let execution =
            context.derive(|context| context.extension(carried)).sync_scope(|| tracker.start("tick", "any"));
        context = execution.sync_scope(|| Context::current().expect("that of the execution"));
        execution.finish();
    }
    assert!(std::sync::Arc::strong_count(&counted) <= 3, "{}", std::sync::Arc::strong_count(&counted));
}
