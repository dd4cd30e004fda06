//! The budget that counts what is in flight, as Envoy has it (rule BG-4), and what holds for all budgets (rules BG-7, BG-8).
#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

use std::pin::{Pin, pin};
use std::task::{Context, Waker};

use core_errors::Error;
use core_policy::{CallError, Why};
use core_retry::{Budget, Paid, Retry};
use core_time::{Instant, ManualClock, ms, secs};
use proptest::prelude::*;

const NOW: Instant = Instant::from_nanos(3_600_000_000_000);

fn left(budget: &Budget) -> f64 {
    budget.available(NOW)
}

fn poll<F: Future>(future: Pin<&mut F>) -> Option<F::Output> {
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        std::task::Poll::Ready(output) => Some(output),
        std::task::Poll::Pending => None,
    }
}

#[test]
fn bg_4_retries_are_a_share_of_the_calls_in_flight_with_a_floor() {
    for (calls, retries) in [(25, 5), (2, 3), (0, 3), (100, 20), (24, 4)] {
        let budget = Budget::in_flight(0.2, 3).unwrap();
        (0..calls).for_each(|_| budget.enter());
        let taken = (0..1_000).filter(|_| budget.take(false, || NOW).is_some()).count();
        assert_eq!(taken, retries, "of {calls}");
        assert!(!budget.is_open(NOW));
    }
}

#[test]
fn bg_4_a_place_is_free_again_when_its_retry_is_over() {
    let budget = Budget::in_flight(0.0, 1).unwrap();
    let paid = budget.take(false, || NOW).unwrap();
    assert!(budget.take(false, || NOW).is_none());
    budget.ended(Paid::NOTHING);
    assert!(budget.take(false, || NOW).is_none(), "nobody's end frees nothing");
    budget.ended(paid);
    assert!(budget.take(false, || NOW).is_some());
}

#[test]
fn bg_4_what_makes_no_sense_is_refused() {
    for (share, min) in [(1.1, 3), (-0.1, 3), (f64::NAN, 3), (0.0, 0), (0.2, 2_000_000)] {
        assert!(Budget::in_flight(share, min).is_err(), "{share} {min}");
    }
}

/// However a call ends, neither it nor its retry stays in flight.
#[tokio::test(start_paused = true)]
async fn bg_4_nothing_stays_in_flight() {
    let budget = Budget::in_flight(1.0, 0).unwrap();
    let retry = || Retry::fixed(ms(10)).no_jitter().attempts(3).budget(&budget).build().unwrap();
    let gone = || Error::network("gone");
    let retry = retry();

    assert!(retry.call(|_| async { Ok::<_, Error>(()) }).await.is_ok());
    assert!(retry.call(|_| async { Err::<(), _>(gone()) }).await.is_err());
    assert!(retry.call(|_| async { Err::<(), _>(Error::validation("no")) }).await.is_err());
    let second = |at: core_policy::Attempt| async move { if at.is_retry() { Ok(()) } else { Err(gone()) } };
    assert!(retry.call(second).await.is_ok());
    assert!(left(&budget).abs() < 1e-9, "no call, so no share");
    {
        let mut asleep = pin!(retry.call(|_| async { Err::<(), _>(gone()) }));
        assert!(poll(asleep.as_mut()).is_none());
        assert!(left(&budget).abs() < 1e-9, "one call, whose retry is counted while it sleeps (BG-5)");
        assert!(budget.take(false, || NOW).is_none());
        tokio::time::advance(ms(10)).await;
        assert!(poll(asleep.as_mut()).is_none());
    }
    let mut waiting = Box::pin(retry.call(|_| std::future::pending::<Result<(), Error>>()));
    assert!(poll(waiting.as_mut()).is_none());
    assert!((left(&budget) - 1.0).abs() < 1e-9, "the dropped one is gone, this one is here");
    drop(waiting);
    let panics = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        retry.call_blocking(|_| -> Result<(), Error> { panic!("a bug") })
    }));
    assert!(panics.is_err());
    assert!(left(&budget).abs() < 1e-9);
}

#[test]
fn bg_4_a_full_budget_says_so_and_keeps_the_error() {
    let budget = Budget::in_flight(0.0, 1).unwrap();
    let _elsewhere = budget.take(false, || NOW).unwrap();
    let retry =
        Retry::fixed(secs(1)).attempts(3).budget(&budget).clock(ManualClock::new().clock()).build().unwrap();
    let error = retry.call_blocking(|_| Err::<(), _>(Error::network("gone"))).unwrap_err();
    let CallError::Exhausted { last, why: Why::BudgetExhausted, attempts: 1, .. } = error else {
        panic!("{error:?}")
    };
    assert_eq!(last.message(), "gone");
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Enter,
    Leave,
    Succeed,
    Fail { first: bool },
    Take { after_timeout: bool },
    Hedge,
    Refund,
    End,
}

fn budgets() -> impl Strategy<Value = Budget> {
    prop_oneof![
        (1_u32..20, 0.001_f64..3.0).prop_map(|(max, ratio)| Budget::new(max, ratio).unwrap()),
        (0.0_f64..2.0, 1_u32..20).prop_map(|(share, min)| Budget::deposit(share, min, secs(1)).unwrap()),
        (5_u32..60).prop_map(|max| Budget::costs(max).unwrap()),
        (0.0_f64..=1.0, 1_u32..5).prop_map(|(share, min)| Budget::in_flight(share, min).unwrap()),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop::sample::select(vec![
        Step::Enter,
        Step::Leave,
        Step::Succeed,
        Step::Fail { first: true },
        Step::Fail { first: false },
        Step::Take { after_timeout: false },
        Step::Take { after_timeout: true },
        Step::Hedge,
        Step::Refund,
        Step::End,
    ]);
    prop::collection::vec(step, 0..200)
}

proptest! {
    #[test]
    fn bg_8_no_budget_falls_below_zero_and_what_is_refused_takes_nothing(budget in budgets(), steps in steps()) {
        let mut paid = Vec::new();
        for step in steps {
            let before = left(&budget);
            match step {
                Step::Enter => budget.enter(),
                Step::Leave => budget.leave(Paid::NOTHING),
                Step::Succeed => budget.succeeded(Paid::NOTHING, || NOW),
                Step::Fail { first } => {
                    let _ = budget.failed(first, || NOW);
                }
                Step::Take { after_timeout } => match budget.take(after_timeout, || NOW) {
                    Some(taken) => paid.push(taken),
                    None => prop_assert!((left(&budget) - before).abs() < 1e-9),
                },
                Step::Hedge => match budget.take_hedge(|| NOW) {
                    Some(taken) => {
                        prop_assert!(left(&budget) < before);
                        paid.push(taken);
                    }
                    None => prop_assert!((left(&budget) - before).abs() < 1e-9),
                },
                Step::Refund => budget.refund(paid.pop().unwrap_or(Paid::NOTHING), || NOW),
                Step::End => budget.ended(Paid::NOTHING),
            }
            prop_assert!(left(&budget) >= 0.0, "{step:?}");
        }
    }
}

#[test]
fn bg_7_threads_take_no_more_places_than_there_are() {
    let budget = Budget::in_flight(0.0, 100).unwrap();
    let taken: usize = std::thread::scope(|scope| {
        let take = || (0..200).filter(|_| budget.take(false, || NOW).is_some()).count();
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(take)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(taken, 100);
}
