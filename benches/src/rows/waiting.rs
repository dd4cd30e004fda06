//! Calls that are not ready at once: what it costs to be ready to give up on them, and several at the same time.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use core_retry::{Budget as RetryBudget, Hedge};
use core_time::{Clock, ms};
use core_timeout::{Deadline, Timeout};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tower::Layer;
use tower::timeout::TimeoutLayer;
use tower_resilience_timelimiter::TimeLimiterLayer;

use super::{Answer, Failure, answer, call, tower_loop};
use crate::{Beside, Bound, Budget, Comes, Contest, Row, looped, ready};

const LIMIT: Duration = Duration::from_millis(300);

pub(super) fn rows() -> Vec<Row> {
    let row = |name, budget, contest| Row {
        name,
        threads: 1,
        budget,
        beside: &[],
        comes: Comes::Answered,
        allocations_max: 0,
        contest,
    };
    vec![
        // An exact reading of the clock, and a timer that is set and taken back; most of it is the timer's, which all share.
        row("timeout/waits", Budget::None, waits),
        row("timeout/total_waits", Budget::None, total_waits),
        // The same, and the second attempt that is not made: its own timer, and a look at the clock for the latency that is learned.
        Row {
            beside: const { &[Beside { row: "timeout/waits", bound: Bound::Over(100.0) }] },
            ..row("hedge/first_answers", Budget::None, first_answers)
        },
        // Each of the four futures, and the list of what they came to.
        Row { allocations_max: 7, ..row("gather/four", Budget::None, gather_ready) },
        Row { allocations_max: 7, ..row("gather/four_wait", Budget::None, gather_waiting) },
    ]
}

/// The call, which is ready when it is asked for the second time, and says so.
async fn slow_call(input: u64) -> Answer {
    let mut asked = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut asked, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
    answer(input)
}

fn waits() -> Contest {
    let ours = Timeout::attempt(ms(300)).build().expect("valid");
    let theirs = TimeLimiterLayer::builder().timeout_duration(LIMIT).build();
    Contest {
        ours: looped(move |input| ready(ours.call(|_| slow_call(input)))),
        peers: vec![
            (
                "tokio timeout",
                looped(|input| {
                    ready(async { tokio::time::timeout(LIMIT, slow_call(input)).await.map_err(|_| Failure)? })
                }),
            ),
            ("tower Timeout", tower_loop(TimeoutLayer::new(LIMIT).layer(tower::service_fn(slow_call)))),
            ("tower-resilience", tower_loop(theirs.layer(tower::service_fn(slow_call)))),
        ],
    }
}

/// The same over a whole call, whose time begins when it is made and not when it has to wait.
fn total_waits() -> Contest {
    let ours = Timeout::total(ms(300)).build().expect("valid");
    Contest {
        ours: looped(move |input| ready(ours.call(|_| slow_call(input)))),
        peers: vec![(
            "tokio timeout",
            looped(|input| {
                ready(async { tokio::time::timeout(LIMIT, slow_call(input)).await.map_err(|_| Failure)? })
            }),
        )],
    }
}

/// It has to wait, and answers before the hedge is due.
fn first_answers() -> Contest {
    let ours = Hedge::after(ms(300)).budget(&RetryBudget::default()).build().expect("valid");
    Contest { ours: looped(move |input| ready(ours.call(|_| slow_call(input)))), peers: Vec::new() }
}

/// Four at once, which are ready.
fn gather_ready() -> Contest {
    gather(call)
}

/// Four at once, for which a timer is set.
fn gather_waiting() -> Contest {
    gather(slow_call)
}

/// Whoever wants what was done in time, and there is nobody else who offers it, takes futures as they come until a timer rings.
/// (`join_all` in a timeout has nothing to show when that rings, and is another thing.)
fn gather<F: Future<Output = Answer> + Send + 'static>(call: fn(u64) -> F) -> Contest {
    let clock = Clock::system();
    let ours = looped(move |input| {
        let four = [call(input), call(input), call(input), call(input)];
        let parts = ready(Deadline::after(LIMIT, &clock).gather(four));
        if parts.done().count() == 4 { Ok(input) } else { Err(()) }
    });
    let theirs = looped(move |input| {
        let done = ready(async {
            let four = [call(input), call(input), call(input), call(input)];
            let mut running: FuturesUnordered<_> =
                four.into_iter().enumerate().map(|(at, call)| async move { (at, call.await) }).collect();
            let mut done: [Option<Answer>; 4] = [None; 4];
            let all = async {
                while let Some((at, answer)) = running.next().await {
                    done[at] = Some(answer);
                }
            };
            // What is there when it rings is there.
            let _ = tokio::time::timeout(LIMIT, all).await;
            done
        });
        if done.iter().flatten().count() == 4 { Ok(input) } else { Err(()) }
    });
    Contest { ours, peers: vec![("FuturesUnordered, tokio timeout", theirs)] }
}
