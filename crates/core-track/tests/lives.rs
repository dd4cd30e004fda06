//! Executions that end late, elsewhere, or never; trackers that are gone, or several.

mod support;

use core_errors::Error;
use core_time::{Clock, ManualClock, ms};
use core_track::{Outcome, Tracker, stage};
use proptest::prelude::*;
use support::Seen;
use tracing::Level;

/// A tracker that keeps all, on a clock of its own.
fn tracker() -> (Tracker, ManualClock) {
    let clock = ManualClock::new();
    (Tracker::builder().sample_rate(1.0).clock(clock.clock()).build().expect("a tracker"), clock)
}

#[test]
fn executions_outlive_the_handle_of_their_tracker() {
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let sink = {
        let seen = std::sync::Arc::clone(&seen);
        move |summary: &core_track::Summary| {
            seen.lock().unwrap().push((summary.id.to_string(), summary.outcome, summary.stage_count()));
        }
    };
    let tracker = Tracker::builder().sample_rate(1.0).sink(sink).build().unwrap();
    let first = tracker.start("op", "finished");
    let second = tracker.start("op", "dropped");
    let open = first.stage("open");
    drop(tracker);
    drop(open);
    drop(first.stage("after"));
    first.finish();
    drop(second);
    let told = seen.lock().unwrap();
    assert_eq!(told[0], ("finished".to_owned(), Some(Outcome::Succeeded), 2));
    assert_eq!(told[1], ("dropped".to_owned(), Some(Outcome::Cancelled), 0));
    assert_eq!(std::sync::Arc::strong_count(&seen), 1, "and then nothing is left of the tracker");
}

#[test]
fn executions_that_never_end_fill_the_list_and_nothing_else() {
    let (tracker, clock) = tracker();
    for _ in 0..12_000 {
        std::mem::forget(tracker.start("op", "leaked"));
    }
    clock.advance(ms(5));
    assert_eq!((tracker.in_progress(), tracker.live().len()), (10_000, 10_000));
    let execution = tracker.start("op", "after");
    drop(execution.stage("stage"));
    execution.finish();
    assert_eq!(tracker.in_progress(), 10_000);
    let stats = &tracker.stats()[0];
    assert_eq!((stats.total.count, stats.stages[0].count), (1, 1));
    assert_eq!(tracker.summary("after").unwrap().stage_count(), 1, "what is not listed is kept all the same");
}

#[test]
fn stages_that_never_end_are_shown_as_running_and_are_no_samples() {
    let (tracker, clock) = tracker();
    let execution = tracker.start("op", "any");
    let outer = execution.stage("outer");
    std::mem::forget(outer.stage("leaked"));
    clock.advance(ms(5));
    drop(outer);
    clock.advance(ms(5));
    assert_eq!(tracker.live()[0].stage, Some("leaked"));
    execution.finish();
    let outer = tracker.kept()[0].stages().remove(0);
    let leaked = &outer.substages[0];
    assert_eq!((leaked.ended, leaked.outcome, leaked.success, leaked.duration), (false, None, true, ms(10)));
    assert_eq!((outer.duration, outer.self_time), (ms(5), ms(0)));
    let counts: Vec<_> = tracker.stats()[0].stages.iter().map(|stage| (stage.name, stage.count)).collect();
    assert_eq!(counts, [("leaked", 0), ("outer", 1)]);
}

#[test]
fn two_trackers_share_nothing() {
    let ((first, _), (second, clock)) = (tracker(), tracker());
    let one = first.start("op", "same id");
    let other = second.start("op", "same id");
    drop(one.stage("of the first"));
    let open = other.stage("of the second");
    clock.advance(ms(7));
    assert_eq!((first.live()[0].stage, second.live()[0].stage), (None, Some("of the second")));
    assert_eq!((first.live()[0].age, second.live()[0].age), (ms(0), ms(7)));
    drop(open);
    one.finish();
    other.fail_text("it broke");
    assert_eq!((first.stats()[0].total.failures, second.stats()[0].total.failures), (0, 1));
    assert_eq!(first.stats()[0].stages[0].name, "of the first");
    assert_eq!((first.clear("same id"), second.kept().len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn of_several_at_once_in_one_task_each_has_its_own_stages_and_times() {
    let tracker = Tracker::builder().sample_rate(1.0).build().unwrap();
    let one = |id: &'static str, step: u64| {
        let tracker = tracker.clone();
        async move {
            let work = async {
                let outer = stage("outer");
                outer
                    .call(async {
                        for _ in 0..3 {
                            let _inner = stage("inner");
                            Clock::system().sleep(ms(step)).await;
                        }
                        Ok::<_, Error>(())
                    })
                    .await
            };
            tracker.call("op", id, work).await
        }
    };
    let (a, b, c) = tokio::join!(one("a", 2), one("b", 3), one("c", 5));
    a.and(b).and(c).unwrap();
    for (id, step) in [("a", 2), ("b", 3), ("c", 5)] {
        let outer = tracker.summary(id).unwrap().stages().remove(0);
        let inner: Vec<_> = outer.substages.iter().map(|inner| inner.duration).collect();
        assert_eq!(
            (outer.duration, inner, outer.self_time),
            (ms(3 * step), vec![ms(step); 3], ms(0)),
            "{id}"
        );
    }
}

#[test]
fn a_clock_that_goes_back_and_forth_loses_no_execution_and_no_stage() {
    let (tracker, clock) = tracker();
    for n in 0..1000_u64 {
        clock.set(core_time::Instant::ORIGIN + ms((n * 7919) % 100_000));
        let execution = tracker.start("op", "any");
        let open = execution.stage("stage");
        clock.set(core_time::Instant::ORIGIN + ms((n * 104_729) % 100_000));
        let _ = (tracker.live(), tracker.stats(), tracker.warn_stuck(ms(1)));
        drop(open);
        execution.finish();
    }
    let stats = &tracker.stats()[0];
    assert_eq!((stats.total.count, stats.stages[0].count, tracker.in_progress()), (1000, 1000, 0));
    assert!(stats.total.max < ms(100_000) && stats.stages[0].max < ms(100_000));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// What is told of any durations, against all of them, sorted.
    #[test]
    fn f_62_percentiles_are_those_of_an_exact_oracle_to_a_32nd(
        took in prop::collection::vec((0_u32..45).prop_flat_map(|bits| 0_u64..(1 << bits)), 1..300),
    ) {
        let (tracker, clock) = tracker();
        for ns in &took {
            let execution = tracker.start("op", "any");
            let open = execution.stage("stage");
            clock.advance(std::time::Duration::from_nanos(*ns));
            drop(open);
            execution.finish();
        }
        let mut sorted = took.clone();
        sorted.sort_unstable();
        let exact = |percent: usize| sorted[(percent * sorted.len()).div_ceil(100) - 1];
        let stats = &tracker.stats()[0];
        for of in [&stats.total, &stats.stages[0]] {
            let told = [(50, of.percentiles.p50), (95, of.percentiles.p95), (99, of.percentiles.p99)];
            for (percent, told) in told {
                let (told, exact) = (u64::try_from(told.as_nanos()).unwrap(), exact(percent));
                prop_assert!(told.abs_diff(exact) <= exact / 32 + 32, "p{percent}: {told} for {exact}");
            }
            let sum: u64 = took.iter().sum();
            prop_assert_eq!(of.avg.as_nanos(), u128::from(sum / took.len() as u64));
            prop_assert_eq!((of.min.as_nanos(), of.max.as_nanos()), (sorted[0].into(), sorted[sorted.len() - 1].into()));
        }
    }
}

/// Texts that live as long as the process.
fn names(count: usize) -> Vec<&'static str> {
    (0..count).map(|n| &*format!("name-{n}").leak()).collect()
}

#[test]
fn how_many_names_of_stages_have_figures_can_be_said() {
    for max in [1, 3, 64, 256] {
        let tracker = Tracker::builder().stage_names_max(max).build().unwrap();
        let execution = tracker.start("op", "any");
        for _ in 0..2 {
            for name in names(max + 5) {
                drop(execution.stage(name));
            }
        }
        execution.finish();
        let stages = &tracker.stats()[0].stages;
        let (other, own): (Vec<_>, Vec<_>) = stages.iter().partition(|stage| stage.name == "(other)");
        assert_eq!((own.len(), other[0].count), (max, 10), "of at most {max}");
        assert!(own.iter().all(|stage| stage.count == 2));
    }
    for max in [0, 257] {
        let error = Tracker::builder().stage_names_max(max).build().unwrap_err();
        assert_eq!(error.to_string(), format!("stage_names_max is {max}: it is from 1 to 256"));
    }
}

#[test]
fn of_names_beyond_the_bound_somebody_is_told_once_for_each_operation() {
    let (tracker, seen) =
        (Tracker::builder().stage_names_max(2).build().unwrap(), Seen::down_to(Level::WARN));
    tracing::subscriber::with_default(seen.clone(), || {
        for operation in ["first", "second", "first"] {
            let execution = tracker.start(operation, "any");
            for name in ["a", "b", "c", "d", "c", "a"] {
                drop(execution.stage(name));
            }
            execution.finish();
        }
    });
    let lines = seen.take();
    assert_eq!(lines.len(), 2, "{lines:?}");
    for (line, operation) in lines.iter().zip(["first", "second"]) {
        let fields = format!("operation=\"{operation}\" stage=\"c\" stage_names_max=2");
        assert!(line.starts_with("WARN") && line.contains(&fields), "{line}");
    }
}

#[test]
fn of_operations_beyond_the_bound_somebody_is_told_once() {
    let (tracker, seen) = (Tracker::builder().build().unwrap(), Seen::down_to(Level::WARN));
    tracing::subscriber::with_default(seen.clone(), || {
        for name in names(140) {
            tracker.start(name, "any").finish();
        }
    });
    let lines = seen.take();
    assert!(lines.len() == 1 && lines[0].contains("operation=\"name-128\" operations_max=128"), "{lines:?}");
    let stats = tracker.stats();
    assert_eq!((stats[0].operation, stats[0].total.count), ("(other)", 12));
}

#[test]
fn the_defaults_are_a_promise() {
    let defaults = "Builder { sample_rate: 0.1, slow_over: None, window: 600s, window_short: 60s, rates: [], \
                    stage_names_max: 64, canonical_line: All, .. }";
    assert_eq!(format!("{:?}", Tracker::builder()), defaults);
}

#[test]
fn a_guard_that_is_dropped_with_a_race_it_lost_is_a_success_unless_it_is_in_a_stage_around_its_future() {
    let (tracker, _) = tracker();
    let call = tracker.call("op", "any", async {
        let waits = async {
            let _guard = stage("guard");
            std::future::pending::<Result<(), Error>>().await
        };
        tokio::select! {
            biased;
            lost = waits => lost,
            won = std::future::ready(Ok(())) => won,
        }
    });
    let polled = std::pin::pin!(call).poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
    assert!(polled.is_ready());
    assert_eq!(tracker.kept()[0].stages()[0].outcome, Some(Outcome::Succeeded), "as the documentation says");
}

thread_local! {
    static LEFT: std::cell::RefCell<Option<core_track::Stage<'static>>> = const { std::cell::RefCell::new(None) };
}

#[test]
fn a_stage_may_end_with_its_thread() {
    let (tracker, _) = tracker();
    let execution = tracker.start("op", "any");
    std::thread::scope(|scope| {
        let leave = || {
            LEFT.with(|left| *left.borrow_mut() = Some(execution.sync_scope(|| stage("left"))));
            drop(execution.stage("counted, which makes a number of the thread's own"));
        };
        scope.spawn(leave).join().unwrap();
    });
    execution.finish();
    let outcomes: Vec<_> = tracker.kept()[0].stages().iter().map(|stage| stage.outcome).collect();
    assert_eq!(outcomes, [Some(Outcome::Succeeded); 2]);
    assert!(tracker.stats()[0].stages.iter().all(|stage| stage.count == 1));
}
