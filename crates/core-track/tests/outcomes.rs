//! What came of stages: success, failure with its code, or cancelled.

use std::pin::pin;
use std::task::{Context as Task, Waker};

use core_errors::{Category, Code, Error};
use core_time::{Clock, ManualClock, ms};
use core_track::{Outcome, StageSummary, Tracker, in_stage, stage};
use tokio::task::yield_now;

const SLOW: Code = Code::new("STORE_SLOW");

/// A tracker that keeps all, on a clock of its own.
fn tracker() -> (Tracker, ManualClock) {
    let clock = ManualClock::new();
    (Tracker::builder().sample_rate(1.0).clock(clock.clock()).build().expect("a tracker"), clock)
}

/// The stages of the last execution that ended, with what came of each, indented.
fn outcomes(tracker: &Tracker) -> Vec<String> {
    let mut all = Vec::new();
    let mut put = |depth: usize, stage: &StageSummary| {
        let outcome = stage.outcome.map_or("runs", Outcome::as_str);
        all.push(format!("{}{} {outcome}", " ".repeat(depth), stage.stage_name));
    };
    tracker.kept().last().expect("all are kept").stages().iter().for_each(|stage| stage.each(0, &mut put));
    all
}

fn slow() -> Error {
    Error::timeout("the store is slow").with_code(SLOW)
}

#[test]
fn an_error_brings_its_kind_and_its_code() {
    let (tracker, _) = tracker();
    let result = tracker.run("op", "any", || {
        stage("judged").judge(Err::<(), _>(slow())).unwrap_err();
        stage("ran").run(|| Err::<(), _>(slow())).unwrap_err();
        let mut said = stage("said");
        said.fail(&slow());
        said.fail(&Error::internal("too late: the first holds"));
        drop(said);
        stage("words").fail_text("it broke");
        stage("fine").judge(Ok::<_, Error>(())).unwrap();
        Err::<(), _>(slow())
    });
    result.unwrap_err();
    let summary = &tracker.kept()[0];
    assert_eq!((summary.error_category, summary.error_code), (Some(Category::Timeout), Some(SLOW)));
    assert_eq!(summary.error_message.as_deref(), Some("the store is slow"));
    let failed = summary.failed_stages();
    let codes: Vec<_> =
        failed.iter().map(|stage| (&*stage.stage_name, stage.error_category, stage.error_code)).collect();
    let known = |name| (name, Some(Category::Timeout), Some(SLOW));
    assert_eq!(codes, [known("judged"), known("ran"), known("said"), ("words", None, None)]);
    assert_eq!((failed[3].error_type, failed[3].error_message.as_deref()), (None, Some("it broke")));
    let stats = &tracker.stats()[0];
    let failures: Vec<_> = stats.stages.iter().map(|stage| (stage.name, stage.failures)).collect();
    assert_eq!(failures, [("fine", 0), ("judged", 1), ("ran", 1), ("said", 1), ("words", 1)]);
}

#[test]
fn an_error_in_a_box_is_known_by_its_chain() {
    let (tracker, _) = tracker();
    let boxed: Box<dyn std::error::Error + Send + Sync> = Box::new(slow());
    tracker.run("op", "any", || Err::<(), _>(boxed)).unwrap_err();
    assert_eq!(tracker.kept()[0].error_code, Some(SLOW));
}

#[test]
fn a_panic_is_told_from_an_error() {
    let (tracker, _) = tracker();
    let run =
        || tracker.run("op", "any", || -> Result<(), Error> { stage("inside").run(|| panic!("in here")) });
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).is_err());
    let summary = &tracker.kept()[0];
    assert_eq!((summary.outcome, summary.error_type), (Some(Outcome::Failed), Some("panic")));
    assert_eq!(summary.failed_stages()[0].error_type, Some("panic"));
    assert_eq!((summary.error_category, summary.error_code), (None, None));
}

#[test]
fn what_runs_now_shows_the_first_stage_that_failed() {
    let (tracker, _) = tracker();
    let execution = tracker.start("op", "any");
    assert_eq!(tracker.live()[0].failed_stage, None);
    execution.stage("cancelled").fail(&Error::cancelled("they went away"));
    assert_eq!(tracker.live()[0].failed_stage, None, "that is no failure");
    execution.stage("cache").fail(&slow());
    execution.stage("load").fail(&Error::internal("a later one"));
    let live = &tracker.live()[0];
    assert_eq!((live.failed_stage, live.error_category), (Some("cache"), Some(Category::Timeout)));
    assert_eq!(live.error_code, Some(SLOW));
    let json = serde_json::to_value(live).unwrap();
    assert_eq!((&json["failed_stage"], &json["error_code"]), (&"cache".into(), &"STORE_SLOW".into()));
    execution.finish();
}

#[test]
fn an_error_that_says_cancelled_is_no_failure() {
    let (tracker, _) = tracker();
    let gone = || Err::<(), _>(Error::cancelled("they went away"));
    tracker.run("op", "any", || stage("inside").judge(gone())).unwrap_err();
    let summary = &tracker.kept()[0];
    assert_eq!(
        (summary.outcome, summary.error_message.as_deref()),
        (Some(Outcome::Cancelled), Some("they went away"))
    );
    assert_eq!((summary.success(), summary.failed_stages().len()), (false, 0));
    assert_eq!(summary.kept, Some(core_track::Kept::Sampled));
    let stage = &summary.stages()[0];
    assert_eq!(
        (stage.outcome, stage.success, stage.error_category),
        (Some(Outcome::Cancelled), false, Some(Category::Cancelled))
    );
    let stats = &tracker.stats()[0];
    assert_eq!((stats.total.cancelled, stats.total.failures, stats.stages[0].cancelled), (1, 0, 1));
}

#[test]
fn hg_2_what_was_cancelled_is_no_sample() {
    let (tracker, clock) = tracker();
    for n in 0..200 {
        let execution = tracker.start("op", "any");
        let mut stage = execution.stage("stage");
        clock.advance(ms(10));
        if n % 2 == 0 {
            clock.advance(ms(5_000));
            stage.fail(&Error::cancelled("they went away"));
            drop(stage);
            drop(execution);
        } else {
            drop(stage);
            execution.finish();
        }
    }
    let stats = &tracker.stats()[0];
    for of in [&stats.total, &stats.stages[0]] {
        assert_eq!((of.count, of.cancelled, of.failures, of.max, of.avg), (100, 100, 0, ms(10), ms(10)));
        assert!(
            of.percentiles.p99 <= ms(10) && of.long.percentiles.p99 <= ms(10) && of.long.count == 100,
            "{of:?}"
        );
        assert!((of.success_rate - 1.0).abs() < 1e-9);
    }
    let durations = tracker.durations(&[ms(100)]);
    assert!(durations.iter().all(|of| of.counts == [100, 0] && of.sum == ms(1000) && of.cancelled == 100));
}

/// Four awaits in stages of all sorts.
async fn work() -> Result<(), Error> {
    let guard = stage("guard");
    yield_now().await;
    guard
        .scope(async {
            let _inner = stage("inner");
            yield_now().await;
        })
        .await;
    in_stage("wrapped", async {
        yield_now().await;
        stage("done").run(|| Ok::<_, Error>(()))
    })
    .await?;
    stage("called")
        .call(async {
            yield_now().await;
            Ok::<_, Error>(())
        })
        .await
}

#[tokio::test]
async fn dropped_at_any_await_what_was_open_is_cancelled_and_what_had_ended_is_not() {
    let ended =
        ["guard succeeded", " inner succeeded", "wrapped succeeded", " done succeeded", "called succeeded"];
    let expected: [&[&str]; 5] = [
        &["guard cancelled"],
        &["guard cancelled", " inner cancelled"],
        &["guard cancelled", " inner succeeded", "wrapped cancelled"],
        &["guard cancelled", " inner succeeded", "wrapped succeeded", " done succeeded", "called cancelled"],
        &ended,
    ];
    for (points, expected) in expected.into_iter().enumerate() {
        let (tracker, _) = tracker();
        let mut ready = false;
        {
            let mut call = pin!(tracker.call("op", "any", work()));
            for _ in 0..=points {
                ready = call.as_mut().poll(&mut Task::from_waker(Waker::noop())).is_ready();
            }
        }
        assert_eq!(
            (ready, outcomes(&tracker)),
            (points == 4, expected.iter().map(ToString::to_string).collect())
        );
        let outcome = if points == 4 { Outcome::Succeeded } else { Outcome::Cancelled };
        assert_eq!(tracker.kept()[0].outcome, Some(outcome));
        let stats = &tracker.stats()[0];
        let cancelled: u64 = stats.stages.iter().map(|stage| stage.cancelled).sum();
        let of_summary = expected.iter().filter(|stage| stage.ends_with("cancelled")).count();
        assert_eq!((cancelled, stats.total.cancelled), (of_summary as u64, u64::from(points < 4)));
        assert_eq!(stats.stages.iter().map(|stage| stage.failures).sum::<u64>(), 0);
        assert_eq!(tracker.in_progress(), 0);
    }
}

#[test]
fn a_call_that_is_never_polled_is_cancelled_and_a_stage_around_a_future_begins_when_it_is() {
    let (tracker, _) = tracker();
    let execution = tracker.start("op", "any");
    drop(execution.stage("called").call(std::future::pending::<Result<(), Error>>()));
    drop(execution.scope(in_stage("wrapped", std::future::pending::<Result<(), Error>>())));
    drop(tracker.call("op", "never", std::future::pending::<Result<(), Error>>()));
    execution.finish();
    assert_eq!(outcomes(&tracker), ["called cancelled"]);
    assert_eq!(tracker.stats()[0].total.count, 1);
}

#[tokio::test(start_paused = true)]
async fn who_loses_a_race_is_cancelled_and_a_task_that_is_aborted_too() {
    let (tracker, _) = tracker();
    let work = async {
        let fast = async {
            Clock::system().sleep(ms(5)).await;
            Ok::<_, Error>(())
        };
        let slow = async {
            let _guard = stage("guard of the slow one");
            Clock::system().sleep(ms(500)).await;
            Ok::<_, Error>(())
        };
        tokio::select! {
            biased;
            won = in_stage("slow", slow) => won?,
            won = in_stage("fast", fast) => won?,
        }
        let task = core_context::spawn(async {
            let _guard = stage("task");
            Clock::system().sleep(ms(500)).await;
        });
        Clock::system().sleep(ms(5)).await;
        task.abort();
        let _ = task.await;
        Ok::<_, Error>(())
    };
    tracker.call("op", "any", work).await.unwrap();
    let expected = ["slow cancelled", " guard of the slow one cancelled", "fast succeeded", "task cancelled"];
    assert_eq!(outcomes(&tracker), expected);
    assert_eq!(tracker.kept()[0].outcome, Some(Outcome::Succeeded), "the execution itself went on");
}

#[test]
fn what_cleans_up_while_a_future_is_dropped_was_not_cancelled() {
    struct CleanUp;
    impl Drop for CleanUp {
        fn drop(&mut self) {
            drop(stage("clean-up"));
        }
    }
    let (tracker, _) = tracker();
    {
        let work = async {
            let _clean_up = CleanUp;
            let _open = stage("open");
            std::future::pending::<Result<(), Error>>().await
        };
        let call = pin!(tracker.call("op", "any", work));
        assert!(call.poll(&mut Task::from_waker(Waker::noop())).is_pending());
    }
    assert_eq!(outcomes(&tracker), ["open cancelled", "clean-up succeeded"]);
}

#[test]
fn what_was_said_of_a_stage_holds_however_it_is_dropped() {
    let (tracker, _) = tracker();
    {
        let work = async {
            let mut failed = stage("failed");
            failed.fail(&slow());
            std::future::pending::<Result<(), Error>>().await
        };
        let call = pin!(tracker.call("op", "any", work));
        assert!(call.poll(&mut Task::from_waker(Waker::noop())).is_pending());
    }
    assert_eq!(outcomes(&tracker), ["failed failed"]);
    let summary = &tracker.kept()[0];
    assert_eq!((summary.outcome, summary.kept), (Some(Outcome::Cancelled), Some(core_track::Kept::Failed)));
}

#[test]
fn a_panic_in_a_future_is_a_failure_of_what_was_open_in_it() {
    let (tracker, _) = tracker();
    let polled = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let work = in_stage("outer", async {
            let _inner = stage("inner");
            panic!("in here");
            #[expect(unreachable_code, reason = "it says what it would be")]
            Ok::<(), Error>(())
        });
        let _ = pin!(tracker.call("op", "any", work)).poll(&mut Task::from_waker(Waker::noop()));
    }));
    assert!(polled.is_err());
    assert_eq!(outcomes(&tracker), ["outer failed", " inner failed"]);
    assert_eq!(tracker.kept()[0].outcome, Some(Outcome::Failed));
}

#[test]
fn why_stages_failed_is_told_of_32_whatever_was_given_up_before() {
    let (tracker, _) = tracker();
    let execution = tracker.start("op", "any");
    for _ in 0..50 {
        execution.stage("given up").fail(&Error::cancelled("they went away"));
    }
    for _ in 0..40 {
        execution.stage("failed").fail(&slow());
    }
    execution.finish();
    let failed = tracker.kept()[0].failed_stages();
    let told = failed.iter().filter(|stage| stage.error_code == Some(SLOW));
    assert_eq!((failed.len(), told.count()), (40, 32));
}
