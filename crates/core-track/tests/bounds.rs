//! Nothing grows without a bound, nothing is lost in silence, and stages allocate nothing.

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
    execution.fail(&"ß".repeat(1000));
    let summary = &tracker.kept()[0];
    assert_eq!((summary.id.len(), summary.error_message.as_ref().unwrap().len()), (256, 512));
}

#[test]
fn percentiles_of_a_window_forget_what_is_older() {
    let (tracker, clock) = tracker(0.0);
    let run = |count, took| {
        for _ in 0..count {
            let execution = tracker.start("op", "any");
            clock.advance(ms(took));
            execution.finish();
        }
    };
    run(100, 1000);
    for _ in 0..2 {
        clock.advance(ms(600_000));
        let _ = tracker.stats();
        run(100, 10);
    }
    let stats = &tracker.stats()[0];
    assert!(stats.total.percentiles.p99 > ms(900));
    assert!(stats.recent.p99 < ms(11) && stats.recent.p50 > ms(9), "{:?}", stats.recent);
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
