//! What a hedge promises, in virtual time (rules HG-1, HG-2, BG-1, BG-6).
#![expect(clippy::unwrap_used, reason = "a helper of a test may panic")]

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use core_errors::{Error, PolicyKind, Reason, Rejection};
use core_policy::{Attempt, CallError, Flatten, Name, Verdict};
use core_retry::{Budget, Hedge, HedgeBuilder, Retry};
use core_time::{Clock, Instant, ms, secs};

/// Replicas that take so long each and then answer so; and what was seen of them.
struct Bench {
    hedge: Hedge,
    plan: Vec<(Duration, Answer)>,
    start: Instant,
    /// Which attempt started when.
    starts: RefCell<Vec<(u8, Duration)>>,
    running: Cell<u32>,
}

#[derive(Clone)]
enum Answer {
    Yes,
    Fails(fn() -> Error),
}

use Answer::{Fails, Yes};

struct Running<'a>(&'a Cell<u32>);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

impl Bench {
    fn new(builder: HedgeBuilder, plan: &[(Duration, Answer)]) -> Self {
        let hedge = builder.budget(&Budget::default()).build().unwrap();
        Self::of(hedge, plan)
    }

    fn of(hedge: Hedge, plan: &[(Duration, Answer)]) -> Self {
        let start = Clock::system().now();
        Self { hedge, plan: plan.to_vec(), start, starts: RefCell::default(), running: Cell::new(0) }
    }

    async fn attempt(&self, attempt: Attempt) -> Result<u8, Error> {
        let clock = Clock::system();
        self.starts.borrow_mut().push((attempt.hedge(), clock.now() - self.start));
        self.running.set(self.running.get() + 1);
        let _running = Running(&self.running);
        let (takes, answer) = self.plan[usize::from(attempt.hedge())].clone();
        if !takes.is_zero() {
            clock.sleep(takes).await;
        }
        match answer {
            Yes => Ok(attempt.hedge()),
            Fails(error) => Err(error()),
        }
    }

    /// The result, and when it came. Nothing runs any more when it is here.
    async fn run(&self) -> (Result<u8, CallError<Error>>, Duration) {
        let mut call = std::pin::pin!(self.hedge.call(|attempt| self.attempt(attempt)));
        let result = call.as_mut().await;
        // The future itself is still there.
        assert_eq!(self.running.get(), 0, "losers are dropped before the result is returned");
        (result, Clock::system().now() - self.start)
    }

    fn starts(&self) -> Vec<(u8, Duration)> {
        self.starts.borrow().clone()
    }
}

fn lost() -> Error {
    Error::network("lost")
}

fn wrong() -> Error {
    Error::internal("wrong")
}

fn message(result: Result<u8, CallError<Error>>) -> String {
    result.unwrap_err().inner().unwrap().message().to_owned()
}

// === HG-1 ===

#[tokio::test(start_paused = true)]
async fn hg_1_a_second_attempt_starts_at_the_delay_if_the_first_is_not_done() {
    let bench = Bench::new(Hedge::after(ms(30)), &[(secs(1), Yes), (ms(5), Yes)]);
    let (result, elapsed) = bench.run().await;
    assert_eq!((result.unwrap(), elapsed), (1, ms(35)));
    assert_eq!(bench.starts(), [(0, ms(0)), (1, ms(30))]);
    let stats = bench.hedge.stats();
    assert_eq!((stats.hedges, stats.won, stats.succeeded, stats.failed), (1, 1, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn hg_1_a_call_that_is_done_in_time_is_made_once() {
    let bench = Bench::new(Hedge::after(ms(30)), &[(ms(29), Yes)]);
    let (result, elapsed) = bench.run().await;
    assert_eq!((result.unwrap(), elapsed, bench.starts().len()), (0, ms(29), 1));
    assert_eq!(bench.hedge.stats().hedges, 0);
}

#[tokio::test(start_paused = true)]
async fn hg_1_the_first_may_win_after_all() {
    let bench = Bench::new(Hedge::after(ms(30)), &[(ms(40), Yes), (secs(1), Yes)]);
    let (result, elapsed) = bench.run().await;
    assert_eq!((result.unwrap(), elapsed), (0, ms(40)));
    assert_eq!((bench.hedge.stats().hedges, bench.hedge.stats().won), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn hg_1_without_a_delay_all_start_at_once() {
    let plan = [(ms(30), Yes), (ms(20), Yes), (ms(10), Yes)];
    let bench = Bench::new(Hedge::after(Duration::ZERO).max(2), &plan);
    let (result, elapsed) = bench.run().await;
    assert_eq!((result.unwrap(), elapsed), (2, ms(10)));
    assert_eq!(bench.starts(), [(0, ms(0)), (1, ms(0)), (2, ms(0))]);
}

#[tokio::test(start_paused = true)]
async fn hg_1_each_hedge_waits_for_its_own_delay() {
    let plan = [(secs(1), Yes), (secs(1), Yes), (secs(1), Yes), (ms(1), Yes)];
    let bench = Bench::new(Hedge::after(ms(10)).max(3), &plan);
    let (result, elapsed) = bench.run().await;
    assert_eq!((result.unwrap(), elapsed), (3, ms(31)));
    assert_eq!(bench.starts(), [(0, ms(0)), (1, ms(10)), (2, ms(20)), (3, ms(30))]);
}

#[tokio::test(start_paused = true)]
async fn hg_1_as_a_fallback_the_next_starts_only_after_a_failure() {
    let bench = Bench::new(Hedge::on_failure().max(2), &[(secs(9), Fails(lost)), (ms(5), Yes)]);
    let (result, elapsed) = bench.run().await;
    assert_eq!((result.unwrap(), elapsed), (1, ms(9_005)));
    let slow = Bench::new(Hedge::on_failure(), &[(secs(60), Yes)]);
    assert_eq!((slow.run().await.0.unwrap(), slow.starts().len()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn hg_1_a_failure_that_may_pass_makes_the_next_due_at_once() {
    let bench =
        Bench::new(Hedge::after(ms(30)).max(2), &[(ms(4), Fails(lost)), (secs(1), Yes), (ms(1), Yes)]);
    let (result, elapsed) = bench.run().await;
    assert_eq!((result.unwrap(), elapsed), (2, ms(35)));
    assert_eq!(bench.starts(), [(0, ms(0)), (1, ms(4)), (2, ms(34))], "and then the delay holds again");
}

#[tokio::test(start_paused = true)]
async fn hg_1_at_the_first_poll_too() {
    let bench = Bench::new(Hedge::after(ms(30)), &[(ms(0), Fails(lost)), (ms(0), Yes)]);
    let (result, elapsed) = bench.run().await;
    assert_eq!((result.unwrap(), elapsed), (1, ms(0)));
}

#[tokio::test(start_paused = true)]
async fn hg_1_a_failure_that_would_come_again_ends_the_call() {
    let bench = Bench::new(Hedge::after(ms(30)).max(2), &[(secs(1), Yes), (ms(5), Fails(wrong))]);
    let (result, elapsed) = bench.run().await;
    assert_eq!((message(result), elapsed), ("wrong".to_owned(), ms(35)));
    assert_eq!(bench.hedge.stats().failed, 1);
}

#[tokio::test(start_paused = true)]
async fn hg_1_when_all_failed_the_last_error_is_returned_or_the_first() {
    let plan = [(ms(50), Fails(lost)), (ms(30), Fails(|| Error::network("lost again")))];
    let last = Bench::new(Hedge::after(ms(30)), &plan);
    let (result, elapsed) = last.run().await;
    assert!(matches!(result, Err(CallError::Failed(_))), "to a retry around it that is one failure");
    assert_eq!((message(result), elapsed), ("lost again".to_owned(), ms(60)));
    let first = Bench::new(Hedge::after(ms(30)).first_error(), &plan);
    assert_eq!(message(first.run().await.0), "lost");
    assert_eq!((first.hedge.stats().failed, first.hedge.stats().hedges), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn hg_1_a_callee_that_asks_for_a_pause_delays_the_next() {
    let busy = || Error::unavailable("later").with_retry_after(ms(200));
    let bench = Bench::new(Hedge::after(ms(30)), &[(ms(10), Fails(busy)), (ms(1), Yes)]);
    let (result, elapsed) = bench.run().await;
    assert_eq!((result.unwrap(), elapsed), (1, ms(211)));
    assert_eq!(bench.starts(), [(0, ms(0)), (1, ms(210))]);
}

#[tokio::test(start_paused = true)]
async fn hg_1_a_callee_that_asks_for_a_long_pause_gets_no_hedge() {
    let busy = || Error::unavailable("later").with_retry_after(secs(6));
    let bench = Bench::new(Hedge::after(ms(30)), &[(ms(10), Fails(busy)), (ms(1), Yes)]);
    let (result, elapsed) = bench.run().await;
    assert_eq!((message(result), elapsed), ("later".to_owned(), ms(10)));
    assert_eq!(bench.hedge.stats().hints_discarded, 1);
    let most = || Error::unavailable("later").with_retry_after(secs(5));
    let bench = Bench::new(Hedge::after(ms(30)), &[(ms(10), Fails(most)), (ms(1), Yes)]);
    assert_eq!(bench.run().await.1, ms(5_011), "the longest that is followed");
    // What runs goes on.
    let bench = Bench::new(Hedge::after(ms(30)).max(2), &[(ms(90), Yes), (ms(10), Fails(busy))]);
    assert_eq!((bench.run().await.0.unwrap(), bench.starts().len()), (0, 2));
}

#[tokio::test(start_paused = true)]
async fn hg_1_a_value_may_be_a_failure() {
    let hedge = Hedge::after(ms(30)).budget(&Budget::default()).build().unwrap();
    let judge = |result: &Result<u8, ()>| match result {
        Ok(0) => Verdict::Transient(None),
        Ok(_) => Verdict::Success,
        Err(()) => Verdict::Permanent,
    };
    let result = hedge.call(|at| async move { Ok(at.hedge()) }).judged_by(judge).await;
    assert_eq!(result, Ok(1));
    let result = hedge.call(|_| async move { Ok(0) }).judged_by(judge).await;
    assert_eq!(result, Ok(0), "the last one comes back");
}

#[tokio::test(start_paused = true)]
async fn a_hedge_that_a_policy_refused_does_not_end_the_call() {
    let refused = || Error::from(Rejection::new(PolicyKind::Bulkhead, Name::UNNAMED, Reason::BulkheadFull));
    let bench = Bench::new(Hedge::after(ms(30)).max(3), &[(ms(90), Yes), (ms(0), Fails(refused))]);
    let (result, elapsed) = bench.run().await;
    assert_eq!((result.unwrap(), elapsed), (0, ms(90)));
    assert_eq!(bench.starts().len(), 2, "nor is there another");
    // And it does not stand in for a failure.
    let bench = Bench::new(Hedge::after(ms(30)), &[(ms(90), Fails(lost)), (ms(0), Fails(refused))]);
    assert_eq!(message(bench.run().await.0), "lost");
    let bench = Bench::new(Hedge::after(ms(30)), &[(ms(10), Fails(lost)), (ms(0), Fails(refused))]);
    assert_eq!(message(bench.run().await.0), "lost");
    let bench = Bench::new(Hedge::after(ms(30)), &[(ms(0), Fails(refused))]);
    assert!(bench.run().await.0.is_err(), "alone it is what the call came to");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_policies_further_in_refused_is_no_failure() {
    let refused = || Error::from(Rejection::new(PolicyKind::Bulkhead, Name::UNNAMED, Reason::BulkheadFull));
    let counts = |bench: &Bench| (bench.hedge.stats().failed, bench.hedge.stats().ignored);
    let bench = Bench::new(Hedge::after(ms(30)), &[(ms(0), Fails(refused))]);
    assert!(bench.run().await.0.is_err());
    assert_eq!(counts(&bench), (0, 1), "refused at once");
    let bench = Bench::new(Hedge::after(ms(30)), &[(ms(90), Fails(refused)), (ms(5), Fails(refused))]);
    assert!(bench.run().await.0.is_err());
    assert_eq!(counts(&bench), (0, 1), "after it had to wait, and its hedge as well");
    let bench = Bench::new(Hedge::after(ms(30)), &[(ms(10), Fails(lost)), (ms(0), Fails(refused))]);
    assert!(bench.run().await.0.is_err());
    assert_eq!(counts(&bench), (1, 0), "one that failed counts");
}

// === HG-2 ===

#[tokio::test(start_paused = true)]
async fn hg_2_a_quantile_is_used_once_enough_calls_have_been_seen() {
    let hedge = Hedge::after_p95().min_samples(20).budget(&Budget::default()).build().unwrap();
    let clock = Clock::system();
    for _ in 0..19 {
        Bench::of(hedge.clone(), &[(ms(10), Yes)]).run().await.0.unwrap();
    }
    let slow = Bench::of(hedge.clone(), &[(ms(10), Yes)]);
    assert_eq!(hedge.delay(clock.now()), None);
    slow.run().await.0.unwrap();
    let delay = hedge.delay(clock.now()).unwrap();
    assert!(delay >= ms(10) && delay <= ms(12), "{delay:?}");

    let slow = Bench::of(hedge.clone(), &[(secs(1), Yes), (ms(10), Yes)]);
    let (result, elapsed) = slow.run().await;
    assert_eq!(result.unwrap(), 1);
    assert!(elapsed <= ms(23), "{elapsed:?}");
}

/// Attempts that were cancelled are no samples: otherwise each slow call would bring a short one, and the delay would shrink until every
/// call is hedged.
#[tokio::test(start_paused = true)]
async fn hg_2_losers_are_no_samples() {
    let budget = Budget::deposit(1.0, 100, secs(60)).unwrap();
    let hedge = Hedge::after_quantile(0.9).min_samples(20).budget(&budget).build().unwrap();
    let mut hedged = Vec::new();
    // Every tenth call is slow.
    for round in 0..20 {
        for call in 0..50 {
            let first = if call % 10 == 0 { secs(1) } else { ms(10 + call % 7) };
            Bench::of(hedge.clone(), &[(first, Yes), (ms(10), Yes)]).run().await.0.unwrap();
        }
        if round > 0 {
            hedged.push(hedge.stats().hedges);
        }
    }
    let per_round: Vec<_> = hedged.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(per_round.iter().all(|hedges| (1..=12).contains(hedges)), "{per_round:?}");
}

#[tokio::test(start_paused = true)]
async fn hg_2_failures_are_no_samples() {
    let hedge = Hedge::after_p95().min_samples(20).budget(&Budget::default()).build().unwrap();
    for _ in 0..50 {
        Bench::of(hedge.clone(), &[(ms(0), Fails(wrong))]).run().await.0.unwrap_err();
    }
    assert_eq!(hedge.delay(Clock::system().now()), None);
}

#[test]
fn hg_2_what_makes_no_sense_is_refused_with_a_reason() {
    let budget = Budget::default();
    let refused = |builder: HedgeBuilder| builder.build().unwrap_err().to_string();
    assert!(refused(Hedge::after(ms(1))).contains("budget"));
    let p95 = || Hedge::after_p95().budget(&budget);
    assert!(refused(p95().max(0)).contains("1 to 8"));
    assert!(refused(p95().max(9)).contains("1 to 8"));
    assert!(refused(p95().min_samples(19)).contains("20 to"));
    assert!(p95().min_samples(20).build().is_ok());
    assert!(refused(Hedge::after_quantile(0.99).budget(&budget).min_samples(99)).contains("100 to"));
    assert!(refused(p95().window(ms(999))).contains("1 s to 1 h"));
    assert!(refused(p95().name("a\nb")).contains("name"));
    for quantile in [0.0, 1.0, -1.0, 95.0, f64::NAN, f64::INFINITY] {
        assert!(refused(Hedge::after_quantile(quantile).budget(&budget)).contains("0.95"), "{quantile}");
    }
}

#[test]
fn the_defaults_are_a_promise() {
    let hedge = Hedge::after(ms(30)).budget(&Budget::default()).build().unwrap();
    assert_eq!((hedge.max(), hedge.delay(Instant::ORIGIN)), (1, Some(ms(30))));
    assert_eq!(hedge.name(), Name::UNNAMED);
    assert_eq!(hedge.stats(), core_retry::HedgeStats::default());
}

// === budget ===

fn left(budget: &Budget) -> f64 {
    budget.available(Clock::system().now())
}

#[tokio::test(start_paused = true)]
async fn bg_6_hedges_draw_from_the_budget_and_nothing_that_runs_is_stopped() {
    let budget = Budget::new(4, 0.001).unwrap();
    let hedge = Hedge::after(ms(30)).max(3).budget(&budget).build().unwrap();
    let plan = [(ms(100), Yes), (secs(1), Yes), (secs(1), Yes), (secs(1), Yes)];
    let bench = Bench::of(hedge.clone(), &plan);
    let (result, elapsed) = bench.run().await;
    assert_eq!((result.unwrap(), elapsed), (0, ms(100)));
    assert_eq!(bench.starts(), [(0, ms(0)), (1, ms(30)), (2, ms(60))], "half of the tokens are gone");
    assert_eq!(hedge.stats().out_of_budget, 1);
    assert!((left(&budget) - 2.001).abs() < 1e-9);
}

#[tokio::test(start_paused = true)]
async fn bg_1_the_first_attempt_is_always_made() {
    let budget = Budget::new(1, 0.001).unwrap();
    assert!(!budget.failed(true, || Instant::ORIGIN));
    let hedge = Hedge::after(ms(30)).budget(&budget).build().unwrap();
    let bench = Bench::of(hedge.clone(), &[(ms(100), Yes)]);
    assert_eq!(bench.run().await.0.unwrap(), 0);
    // A failure is the answer when there is no budget for another.
    let bench = Bench::of(hedge.clone(), &[(ms(10), Fails(lost))]);
    let (result, elapsed) = bench.run().await;
    assert_eq!((message(result), elapsed), ("lost".to_owned(), ms(10)));
    assert_eq!(hedge.stats().out_of_budget, 2);
    // Who could not have another in any case does not miss the budget.
    let retry = Retry::fixed(ms(1)).attempts(1).not_idempotent().build().unwrap();
    let call = retry.call(|at| hedge.call(|_| async { Err::<(), _>(lost()) }).within(at));
    assert!(call.await.is_err());
    assert_eq!(hedge.stats().out_of_budget, 2);
}

#[tokio::test(start_paused = true)]
async fn bg_1_a_callee_that_asks_not_to_be_tried_again_takes_a_token() {
    let stop: fn() -> Error = || lost().forbidding_retry();
    for (plan, taken) in [
        (vec![(ms(5), Fails(stop)), (ms(5), Yes)], 1.0),
        (vec![(ms(50), Fails(stop)), (ms(5), Fails(stop))], 1.0), // what the hedge took is for its failure
    ] {
        let bench = Bench::new(Hedge::after(ms(10)), &plan);
        let (result, _) = bench.run().await;
        assert_eq!(message(result), "lost");
        let left = bench.hedge.budget().available(Clock::system().now());
        assert!((100.0 - left - taken).abs() < 1e-9, "{left}");
    }
}

#[tokio::test(start_paused = true)]
async fn bg_1_each_attempt_takes_one_token_at_most() {
    // Three failures, of which the first two led to the next attempt.
    let budget = Budget::default();
    let hedge = Hedge::on_failure().max(2).budget(&budget).build().unwrap();
    let failing = [(ms(1), Fails(lost)), (ms(1), Fails(lost)), (ms(1), Fails(lost))];
    Bench::of(hedge, &failing).run().await.0.unwrap_err();
    assert!((left(&budget) - 97.0).abs() < 1e-9, "each failure took one: {budget:?}");
    // A hedge that failed was paid for when it started.
    let budget = Budget::default();
    let hedge = Hedge::after(ms(30)).budget(&budget).build().unwrap();
    Bench::of(hedge, &[(ms(60), Fails(lost)), (ms(10), Fails(lost))]).run().await.0.unwrap_err();
    assert!((left(&budget) - 98.0).abs() < 1e-9, "{budget:?}");
    // What would come again takes nothing.
    let budget = Budget::default();
    let hedge = Hedge::after(ms(30)).budget(&budget).build().unwrap();
    Bench::of(hedge, &[(ms(1), Fails(wrong))]).run().await.0.unwrap_err();
    assert!((left(&budget) - 100.0).abs() < 1e-9);
}

#[tokio::test(start_paused = true)]
async fn a_retry_around_it_feeds_the_budget_once() {
    let budget = Budget::new(10, 0.5).unwrap();
    let hedge = Hedge::after(ms(30)).budget_of_retry(&budget).build().unwrap();
    let retry = Retry::fixed(ms(1)).attempts(2).budget(&budget).build().unwrap();
    let bench = Bench::of(hedge, &[(ms(100), Yes), (ms(1), Yes)]);
    let call = retry.call(|at| bench.hedge.call(|at| bench.attempt(at)).within(at));
    assert_eq!(call.await.flatten_error().unwrap(), 1);
    assert!((left(&budget) - 9.5).abs() < 1e-9, "one for the hedge, a half back for the success");
}

/// A call leaves its share once, however many attempts it took and whoever answered.
#[tokio::test(start_paused = true)]
async fn bg_2_a_hedged_call_is_one_call() {
    for (plan, expected) in [
        ([(ms(1), Yes), (ms(1), Yes)], 10.5),
        ([(ms(1), Fails(lost)), (ms(1), Yes)], 9.5),
        ([(ms(90), Yes), (ms(1), Yes)], 9.5),
        ([(ms(40), Fails(lost)), (ms(20), Yes)], 9.5),
    ] {
        let budget = Budget::deposit(0.5, 1, secs(10)).unwrap();
        let hedge = Hedge::after(ms(30)).budget(&budget).build().unwrap();
        let bench = Bench::of(hedge, &plan);
        bench.run().await.0.unwrap();
        assert!((left(&budget) - expected).abs() < 1e-9, "{:?}: {}", bench.starts(), left(&budget));
    }
}

#[tokio::test(start_paused = true)]
async fn bg_4_hedges_that_lost_are_no_longer_in_flight() {
    let budget = Budget::in_flight(0.0, 1).unwrap();
    let hedge = Hedge::after(ms(30)).budget(&budget).build().unwrap();
    for _ in 0..3 {
        let bench = Bench::of(hedge.clone(), &[(ms(40), Yes), (secs(1), Yes)]);
        assert_eq!((bench.run().await.0.unwrap(), bench.starts().len()), (0, 2));
        assert!((left(&budget) - 1.0).abs() < 1e-9);
    }
}

// === what may be hedged, and until when ===

#[tokio::test(start_paused = true)]
async fn rt_11_what_must_not_be_done_twice_is_not_hedged() {
    let bench = Bench::new(Hedge::after(ms(30)).when(|_| true), &[(ms(90), Yes), (ms(1), Yes)]);
    let retry = Retry::fixed(ms(1)).not_idempotent().build().unwrap();
    let call = retry.call(|at| {
        assert!(!at.is_idempotent());
        bench.hedge.call(|at| bench.attempt(at)).within(at)
    });
    assert_eq!(call.await.flatten_error().unwrap(), 0);
    assert_eq!(bench.starts().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn only_what_the_owner_chose_is_hedged() {
    let bench = Bench::new(Hedge::after(ms(30)).when(|at| !at.is_retry()), &[(ms(90), Yes), (ms(1), Yes)]);
    let retry = Retry::fixed(ms(1)).build().unwrap();
    let call = retry.call(|at| {
        let bench = &bench;
        async move {
            if at.is_retry() {
                bench.hedge.call(|at| bench.attempt(at)).within(at).await
            } else {
                Err(CallError::Failed(lost()))
            }
        }
    });
    assert_eq!(call.await.flatten_error().unwrap(), 0);
    assert_eq!(bench.starts().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn no_hedge_starts_too_late_for_the_deadline() {
    for (left, attempts) in [(ms(49), 1), (ms(50), 2)] {
        let bench =
            Bench::new(Hedge::after(ms(30)).min_attempt_time(ms(20)), &[(ms(90), Yes), (ms(90), Yes)]);
        let deadline = bench.start + left;
        bench.hedge.call(|at| bench.attempt(at)).until(deadline).await.unwrap();
        assert_eq!(bench.starts().len(), attempts);
        assert_eq!(bench.hedge.stats().out_of_time, u64::from(attempts == 1));
    }
}

#[tokio::test(start_paused = true)]
async fn at_the_deadline_itself_it_is_too_late() {
    let bench = Bench::new(Hedge::after(ms(30)), &[(ms(90), Yes), (ms(90), Yes)]);
    bench.hedge.call(|at| bench.attempt(at)).until(bench.start + ms(30)).await.unwrap();
    assert_eq!((bench.starts().len(), bench.hedge.stats().out_of_time), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_given_a_judge_keeps_its_deadline_and_its_place() {
    let by_class = |result: &Result<u8, Error>| core_policy::Judge::judge(&core_policy::ByClass, result);
    let bench = Bench::new(Hedge::after(ms(30)), &[(ms(90), Yes), (ms(90), Yes)]);
    let call = bench.hedge.call(|at| bench.attempt(at)).until(bench.start + ms(30));
    assert_eq!(call.judged_by(by_class).await.unwrap(), 0);
    assert_eq!((bench.starts().len(), bench.hedge.stats().out_of_time), (1, 1));

    let hedge = Hedge::after(ms(30)).budget(&Budget::default()).build().unwrap();
    let retry = Retry::fixed(ms(1)).attempts(2).build().unwrap();
    let seen = RefCell::new(Vec::new());
    let fails = |at: Attempt| {
        seen.borrow_mut().push(at.number().get());
        std::future::ready(Err::<u8, _>(lost()))
    };
    let call = retry.call(|at| hedge.call(fails).within(at).judged_by(by_class));
    assert!(call.await.is_err());
    let mut seen = seen.take();
    seen.dedup();
    assert_eq!(seen, [1, 2], "hedges have the number of what they stand in for");
}

#[tokio::test(start_paused = true)]
async fn what_is_stopped_can_tell_that_it_was_the_first_attempt_as_others() {
    use core_errors::cut_off_depth;
    struct Guard<'a>(&'a RefCell<Vec<(u8, bool)>>, u8, u32);
    impl Drop for Guard<'_> {
        fn drop(&mut self) {
            self.0.borrow_mut().push((self.1, cut_off_depth() > self.2));
        }
    }
    let told = RefCell::new(Vec::new());
    let hedge = Hedge::after(ms(10)).budget(&Budget::default()).build().unwrap();
    let call = |takes: [Duration; 2]| {
        let told = &told;
        hedge.call(move |at: Attempt| async move {
            let _guard = Guard(told, at.hedge(), cut_off_depth());
            Clock::system().sleep(takes[usize::from(at.hedge())]).await;
            Ok::<_, Error>(at.hedge())
        })
    };
    assert_eq!(call([secs(9), ms(1)]).await.unwrap(), 1);
    assert_eq!(told.take(), [(1, false), (0, true)], "the first lost");
    assert_eq!(call([ms(20), secs(9)]).await.unwrap(), 0);
    assert_eq!(told.take(), [(0, false), (1, true)], "the hedge lost");
    let mut both = Box::pin(call([secs(9), secs(9)]));
    tokio::select! {
        _ = &mut both => panic!("it takes nine seconds"),
        () = Clock::system().sleep(ms(20)) => drop(both),
    }
    let mut told_last = told.take();
    told_last.sort_unstable();
    assert_eq!(told_last, [(0, true), (1, true)]);
    // One that keeps what it holds until it is dropped, and was not stopped.
    let by_hand = |at: Attempt| {
        let guard = Guard(&told, at.hedge(), cut_off_depth());
        poll_fn(move |_| {
            let _held = &guard;
            if at.is_hedge() { Poll::Ready(Ok::<_, Error>(())) } else { Poll::Pending }
        })
    };
    hedge.call(by_hand).await.unwrap();
    assert_eq!(told.take(), [(1, false), (0, true)]);
}

#[tokio::test(start_paused = true)]
async fn when_a_hedge_starts_those_before_it_are_not_asked_again() {
    let polls = RefCell::new([0; 4]);
    let hedge = Hedge::after(ms(0)).max(3).budget(&Budget::default()).build().unwrap();
    let mut call = Box::pin(hedge.call(|at: Attempt| {
        let polls = &polls;
        poll_fn(move |_| {
            polls.borrow_mut()[usize::from(at.hedge())] += 1;
            Poll::<Result<(), Error>>::Pending
        })
    }));
    assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    assert_eq!(polls.take(), [1; 4]);
}

#[test]
fn whether_only_a_failure_leads_to_one_is_known() {
    assert!(Hedge::on_failure().is_on_failure());
    assert!(!Hedge::after(ms(1)).is_on_failure() && !Hedge::after_p95().is_on_failure());
}

#[tokio::test(start_paused = true)]
async fn of_two_deadlines_the_earlier_counts() {
    use core_policy::{ByClass, Call, Stack};
    for (own, of_retry, attempts) in [(ms(40), secs(9), 1), (secs(9), ms(40), 1), (secs(9), secs(9), 2)] {
        let bench = Bench::new(Hedge::after(ms(50)), &[(ms(90), Yes), (ms(90), Yes)]);
        let retry = Retry::fixed(ms(1)).build().unwrap();
        let limit = Limit { at: bench.start + of_retry, clock: Clock::system() };
        let around = Stack::new(&limit, &retry);
        let op = |at: Attempt| bench.hedge.call(|at| bench.attempt(at)).within(at).until(bench.start + own);
        assert!(Call::new(around, op, ByClass).await.is_ok());
        assert_eq!(bench.starts().len(), attempts, "{own:?} {of_retry:?}");
    }
}

/// Tells of a deadline, and does not enforce it.
struct Limit {
    at: Instant,
    clock: Clock,
}

impl core_policy::Policy for Limit {
    type State = ();

    fn clock(&self) -> &Clock {
        &self.clock
    }

    fn begin(&self) {}

    fn admit(&self, (): &mut (), cx: &mut core_policy::Cx<'_>) -> core_policy::Admit {
        cx.end_by(self.at);
        core_policy::Admit::Run
    }

    fn settle(
        &self,
        (): &mut (),
        _: &core_policy::Outcome<'_>,
        _: &mut core_policy::Cx<'_>,
    ) -> core_policy::Next {
        core_policy::Next::Finish
    }

    fn abandon(&self, (): &mut ()) {}
}

#[tokio::test(start_paused = true)]
async fn an_attempt_knows_that_it_is_a_hedge_and_what_time_it_has() {
    let hedge = Hedge::after(ms(30)).budget(&Budget::default()).build().unwrap();
    let seen = RefCell::new(Vec::new());
    let deadline = Clock::system().now() + secs(1);
    let call = hedge.call(|at| {
        seen.borrow_mut().push((at.number().get(), at.hedge(), at.is_hedge(), at.remaining()));
        async move {
            if !at.is_hedge() {
                Clock::system().sleep(secs(9)).await;
            }
            Ok::<_, Error>(())
        }
    });
    call.until(deadline).await.unwrap();
    assert_eq!(*seen.borrow(), [(1, 0, false, None), (1, 1, true, Some(ms(970)))]);
}

#[tokio::test(start_paused = true)]
async fn bg_2_a_call_leaves_its_share_also_if_its_callee_asks_not_to_be_tried_again() {
    let stop: fn() -> Error = || lost().forbidding_retry();
    for plan in [vec![(ms(5), Fails(stop))], vec![(ms(50), Yes), (ms(5), Fails(stop))]] {
        let budget = Budget::deposit(0.5, 1, secs(10)).unwrap();
        let before = left(&budget);
        let hedge = Hedge::after(ms(10)).budget(&budget).build().unwrap();
        Bench::of(hedge, &plan).run().await.0.unwrap_err();
        let hedges = f64::from(u32::try_from(plan.len() - 1).unwrap());
        // The first attempt alone leaves a share; where it was still out nothing is left.
        let shares = if plan.len() == 1 { 0.5 } else { 0.0 };
        assert!((left(&budget) - before - shares + hedges).abs() < 1e-9, "{budget:?}, {hedges} hedges");
    }
}
