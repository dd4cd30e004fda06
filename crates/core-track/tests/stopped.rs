//! What is open in a future that a policy stops: a limit on time, a faster attempt, or who drops the call.

use std::pin::pin;
use std::task::{Context as Task, Waker};

use core_context::Context;
use core_errors::{Error, Rejection};
use core_pipeline::Pipeline;
use core_retry::{Budget, Hedge, Retry};
use core_time::{Clock, ms, secs};
use core_timeout::{Deadline, Timeout};
use core_track::{Outcome, StageSummary, Tracker, stage};

/// The stages of one execution, with what came of each.
async fn outcomes(work: impl Future<Output = ()>) -> Vec<String> {
    let tracker = Tracker::builder().sample_rate(1.0).build().expect("a tracker");
    let work = async {
        work.await;
        Ok::<_, Error>(())
    };
    tracker.call("op", "any", work).await.expect("it goes on");
    let mut all = Vec::new();
    let mut put = |_, stage: &StageSummary| {
        all.push(format!("{} {}", stage.stage_name, stage.outcome.map_or("runs", Outcome::as_str)));
    };
    tracker.kept()[0].stages().iter().for_each(|stage| stage.each(0, &mut put));
    all
}

/// Takes so long, with a plain guard on the way.
async fn work(name: &'static str, takes: u64) -> Result<(), Error> {
    let _open = stage(name);
    drop(stage("before"));
    Clock::system().sleep(ms(takes)).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_a_limit_on_time_stops_was_cancelled() {
    let timeout = Timeout::attempt(ms(20)).build().unwrap();
    let run = async { assert!(timeout.run(work("run", 500)).await.is_err()) };
    assert_eq!(outcomes(run).await, ["run cancelled", "before succeeded"]);
    let call = async { assert!(timeout.call(|_| work("call", 500)).await.is_err()) };
    assert_eq!(outcomes(call).await, ["call cancelled", "before succeeded"]);
    let in_time = async { timeout.call(|_| work("call", 5)).await.unwrap() };
    assert_eq!(outcomes(in_time).await, ["call succeeded", "before succeeded"]);
}

#[tokio::test(start_paused = true)]
async fn each_attempt_of_a_pipeline_that_is_too_late_was_cancelled_and_the_one_in_time_was_not() {
    let attempts = Retry::fixed(ms(1)).attempts(3);
    let pipeline = Pipeline::named("store").retry(attempts).attempt_timeout(ms(20)).build().unwrap();
    let call = async {
        let takes = |attempt: core_policy::Attempt| if attempt.number().get() < 3 { 500 } else { 5 };
        pipeline.call(|attempt| work("attempt", takes(attempt))).await.unwrap();
    };
    let expected = ["cancelled", "cancelled", "succeeded"].map(|of| format!("attempt {of}"));
    let stages = outcomes(call).await;
    assert_eq!(
        stages.iter().filter(|stage| stage.starts_with("attempt")).cloned().collect::<Vec<_>>(),
        expected
    );
}

#[tokio::test(start_paused = true)]
async fn whoever_loses_to_a_hedge_was_cancelled() {
    let hedge = Hedge::after(ms(10)).budget(&budget()).build().unwrap();
    let first_wins = async {
        let takes = |attempt: core_policy::Attempt| if attempt.hedge() == 0 { 20 } else { 500 };
        hedge.call(|attempt| work("attempt", takes(attempt))).await.unwrap();
    };
    assert_eq!(
        outcomes(first_wins).await,
        ["attempt succeeded", "before succeeded", "attempt cancelled", "before succeeded"]
    );
    let hedge_wins = async {
        let takes = |attempt: core_policy::Attempt| if attempt.hedge() == 0 { 500 } else { 5 };
        hedge.call(|attempt| work("attempt", takes(attempt))).await.unwrap();
    };
    assert_eq!(
        outcomes(hedge_wins).await,
        ["attempt cancelled", "before succeeded", "attempt succeeded", "before succeeded"]
    );
}

#[tokio::test(start_paused = true)]
async fn whoever_loses_to_a_hedge_of_a_pipeline_was_cancelled() {
    let hedge = Hedge::after(ms(10)).budget(&budget());
    let pipeline = Pipeline::named("store").attempt_timeout(secs(1)).build().unwrap().hedged(hedge).unwrap();
    let call = async {
        let takes = |attempt: core_policy::Attempt| if attempt.hedge() == 0 { 500 } else { 5 };
        pipeline.call(|attempt| work("attempt", takes(attempt))).await.unwrap();
    };
    assert_eq!(
        outcomes(call).await,
        ["attempt cancelled", "before succeeded", "attempt succeeded", "before succeeded"]
    );
}

#[tokio::test(start_paused = true)]
async fn an_execution_in_an_attempt_that_is_stopped_was_cancelled_and_its_stages_too_once_each() {
    let tracker = Tracker::builder().sample_rate(1.0).build().unwrap();
    let timeout = Timeout::attempt(ms(20)).build().unwrap();
    let stopped = timeout.call(|_| async {
        let execution = tracker.start("by hand", "any");
        let stage = execution.stage("by hand");
        tracker.call("op", "any", work("open", 500)).await?;
        drop(stage);
        execution.finish();
        Ok::<_, Error>(())
    });
    assert!(stopped.await.is_err());
    for operation in tracker.stats() {
        assert_eq!((operation.total.count, operation.total.cancelled), (0, 1), "{operation:?}");
        let open: Vec<_> = operation.stages.iter().filter(|stage| stage.name != "before").collect();
        assert_eq!((open.len(), open[0].count, open[0].cancelled), (1, 0, 1), "{operation:?}");
    }
    assert_eq!((tracker.stats().len(), tracker.in_progress()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_done_by_the_deadline_was_cancelled() {
    let gathered = async {
        let parts = [work("fast", 5), work("slow", 500)];
        let gathered = Deadline::after(ms(20), &Clock::system()).gather(parts).await;
        assert_eq!(gathered.missing().collect::<Vec<_>>(), [1]);
    };
    let stages = outcomes(gathered).await;
    assert!(
        stages.contains(&"fast succeeded".into()) && stages.contains(&"slow cancelled".into()),
        "{stages:?}"
    );
    let bounded = async {
        let clock = Clock::system();
        let context = Context::builder().deadline_in(ms(20), &clock).build();
        let late: Result<_, Rejection> = context.bounded(&clock, work("late", 500)).await;
        assert!(late.is_err());
    };
    assert_eq!(outcomes(bounded).await, ["late cancelled", "before succeeded"]);
}

fn budget() -> Budget {
    Budget::new(10, 0.1).expect("a budget")
}

/// Polls it once, and drops it.
fn poll_and_drop(future: impl Future) {
    assert!(pin!(future).poll(&mut Task::from_waker(Waker::noop())).is_pending());
}

#[tokio::test(start_paused = true)]
async fn who_drops_a_call_cancels_what_is_open_in_its_attempts() {
    let timeout = Timeout::attempt(secs(1)).build().unwrap();
    let hedge = Hedge::after(secs(1)).budget(&budget()).build().unwrap();
    let pipeline = Pipeline::named("store").attempt_timeout(secs(1)).build().unwrap();
    let deadline = Deadline::after(secs(1), &Clock::system());
    let context = Context::builder().deadline_in(secs(1), &Clock::system()).build();
    let dropped = async {
        poll_and_drop(timeout.run(work("run", 500)));
        poll_and_drop(timeout.call(|_| work("call", 500)));
        poll_and_drop(hedge.call(|_| work("hedge", 500)));
        poll_and_drop(pipeline.call(|_| work("pipeline", 500)));
        poll_and_drop(deadline.gather([work("gather", 500)]));
        poll_and_drop(context.bounded(&Clock::system(), work("bounded", 500)));
    };
    let stages = outcomes(dropped).await;
    let open: Vec<_> = stages.iter().filter(|stage| !stage.starts_with("before")).collect();
    let expected = ["run", "call", "hedge", "pipeline", "gather", "bounded"];
    assert_eq!(open, expected.map(|name| format!("{name} cancelled")).iter().collect::<Vec<_>>());
}
