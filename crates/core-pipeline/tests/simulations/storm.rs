//! A retry storm: a callee is slow for ten seconds, its callers try again, and what they add keeps it overloaded long after it
//! has recovered. A budget ends that.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use core_breaker::Breaker;
use core_context::JoinSet;
use core_pipeline::{Builder, Pipeline};
use core_policy::Rng;
use core_retry::{Budget, Retry};
use core_time::{Clock, ms, secs};

use crate::alone::has_run_elsewhere;
use crate::callee::Callee;
use crate::history::History;
use crate::picture::Picture;

/// What happened in a run.
struct Run {
    /// What the callee was asked.
    asked: History,
    /// What callers got in time.
    answered: History,
}

const SECONDS: u32 = 90;
const CALLS_PER_SECOND: u32 = 70;
const CAPACITY: u32 = 100;
const SLOW: (u32, u32) = (20, 30);

fn retry() -> core_retry::Builder {
    Retry::exponential(ms(50)..secs(1)).full_jitter().attempts(4).seed(1)
}

fn pipeline(retry: core_retry::Builder) -> Builder {
    Pipeline::named("ledger").retry(retry).attempt_timeout(ms(500))
}

async fn run(pipeline: Builder) -> Run {
    let clock = Clock::system();
    let start = clock.now();
    let pipeline = pipeline.build().unwrap();
    let callee = Arc::new(Callee::new(CAPACITY, secs(2), &clock));
    let answered = Arc::new(Mutex::new(History::from(start)));
    let mut callers = JoinSet::new();
    let gaps = Rng::from_seed(7);
    let mut next = start;
    while next < start + secs(SECONDS.into()) {
        clock.sleep_until(next).await;
        let second = (next - start).as_secs();
        let is_slow = (u64::from(SLOW.0)..u64::from(SLOW.1)).contains(&second);
        callee.answers(Some(if is_slow { CAPACITY / 5 } else { CAPACITY }));
        let (pipeline, callee, answered, clock) =
            (pipeline.clone(), Arc::clone(&callee), Arc::clone(&answered), clock.clone());
        callers.spawn(async move {
            if pipeline.call(|_| callee.ask()).await.is_ok() {
                answered.lock().unwrap().count(clock.now());
            }
        });
        // Half to one and a half times the mean.
        next = next + (Duration::from_secs(1) / CALLS_PER_SECOND).mul_f64(0.5 + gaps.next_unit());
    }
    while callers.join_next().await.is_some() {}
    let answered = answered.lock().unwrap().clone();
    Run { asked: callee.asked(), answered }
}

#[tokio::test(start_paused = true)]
async fn bg_5_a_retry_storm_ends_when_its_trigger_is_gone() {
    if has_run_elsewhere("storm::bg_5_a_retry_storm_ends_when_its_trigger_is_gone") {
        return;
    }
    let base = f64::from(CALLS_PER_SECOND);
    let alone = run(pipeline(retry())).await;
    let budget = Budget::deposit(0.1, 1, secs(10)).unwrap();
    let budgeted = run(pipeline(retry().budget(&budget))).await;
    let budget = Budget::deposit(0.1, 1, secs(10)).unwrap();
    let breaker = Breaker::rate(0.5).window(secs(10)).min_calls(20).seed(3);
    let guarded = run(pipeline(retry().budget(&budget)).breaker(breaker)).await;

    // The control: the storm is one. A minute after its cause is gone, nobody is served.
    assert!(alone.asked.rate(80, 90) > 2.0 * base, "{}", alone.asked.rate(80, 90));
    assert!(alone.answered.rate(80, 90) < 0.2 * base, "{}", alone.answered.rate(80, 90));
    for run in [&budgeted, &guarded] {
        let (asked, answered) = (run.asked.rate(80, 90), run.answered.rate(80, 90));
        assert!((0.97 * base..1.05 * base).contains(&asked), "asked {asked}");
        assert!((0.97 * base..1.05 * base).contains(&answered), "answered {answered}");
        // While it lasts, retries add a tenth and the reserve.
        assert!(run.asked.rate(SLOW.0, SLOW.1) < 1.15 * base + 2.0, "{}", run.asked.rate(SLOW.0, SLOW.1));
    }
    // The breaker has it over with earlier: it does not ask for what nobody will wait for.
    let (with, without) = (guarded.answered.rate(30, 45), budgeted.answered.rate(30, 45));
    assert!(with > 1.3 * without, "{with} and {without}");

    let picture = |title, unit, series: fn(&Run) -> &History| Picture {
        title,
        unit,
        seconds: SECONDS,
        trigger: ("answers 20 a second", SLOW.0, SLOW.1),
        lines: [
            ("retries alone", &alone),
            ("with a budget", &budgeted),
            ("with budget and breaker", &guarded),
        ]
        .map(|(what, run)| (what, series(run).per_second(SECONDS)))
        .into(),
    };
    let attempts = "attempts in each second; 70 calls a second are made throughout";
    picture("A retry storm: calls a second that reach the callee (it can answer 100)", attempts, |run| {
        &run.asked
    })
    .check("retry-storm.svg");
    let answers = "answers in each second; 70 calls a second are made throughout";
    picture("The same storm: calls a second that are answered in time", answers, |run| &run.answered)
        .check("retry-storm-answered.svg");
}
