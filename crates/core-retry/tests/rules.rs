//! What a retry promises, by the IDs of the rules, in virtual time.
#![expect(clippy::unwrap_used, reason = "a helper of a test may panic")]

use std::cell::{Cell, RefCell};
use std::time::Duration;

use core_errors::{Code, Error, Name, PolicyKind, Reason, Recovery, Rejection, Verdict};
use core_policy::{ByClass, Call, CallError, Classify, Policy, Stack, Why};
use core_retry::{Backoff, Budget, Builder, ConfigError, Growth, Jitter, Retry};
use core_time::{Clock, ManualClock, ms, secs};

fn exact(attempts: u32) -> Builder {
    Retry::exponential(ms(100)..secs(20)).no_jitter().attempts(attempts)
}

/// Runs calls under a hand-driven clock, on this thread: sleeps move the hand.
struct Bench {
    time: ManualClock,
    retry: Retry,
    calls: Cell<u32>,
}

impl Bench {
    fn new(builder: Builder) -> Self {
        let time = ManualClock::new();
        let retry = builder.clock(time.clock()).build().unwrap();
        Self { time, retry, calls: Cell::new(0) }
    }

    /// Fails with `error` so many times, then succeeds.
    fn run(&self, failures: u32, error: fn() -> Error) -> Result<u32, CallError<Error>> {
        self.calls.set(0);
        self.retry.call_blocking(|attempt| {
            self.calls.set(self.calls.get() + 1);
            assert_eq!(attempt.number().get(), self.calls.get());
            if attempt.number().get() <= failures { Err(error()) } else { Ok(attempt.number().get()) }
        })
    }
}

fn reset() -> Error {
    Error::network("hung up")
}

#[test]
fn rt_1_attempts_are_the_total_number_of_calls() {
    for attempts in [1, 2, 3, 5] {
        let bench = Bench::new(exact(attempts));
        assert!(bench.run(u32::MAX, reset).is_err());
        assert_eq!(bench.calls.get(), attempts);
    }
    assert_eq!(Bench::new(exact(3)).run(2, reset).unwrap(), 3);
}

#[test]
fn rt_1_after_exhaustion_the_last_error_is_there_with_attempts_and_time() {
    const CODE: Code = Code::new("CONN_RESET");
    let bench = Bench::new(exact(3));
    let error = bench.run(u32::MAX, || Error::network("hung up").with_code(CODE)).unwrap_err();
    let CallError::Exhausted { last, attempts, elapsed, why } = &error else { panic!("{error:?}") };
    assert_eq!((last.code(), *attempts, *elapsed, *why), (Some(CODE), 3, ms(300), Why::Attempts));
    assert_eq!(error.recovery(), Recovery::Fatal, "an outer retry does not go on");
    assert_eq!(bench.time.elapsed(), ms(300), "no sleep after the last attempt");
}

#[test]
fn rt_1_one_attempt_never_retries_and_says_so_plainly() {
    let error = Bench::new(exact(1)).run(1, reset).unwrap_err();
    assert!(matches!(error, CallError::Failed(_)));
}

#[test]
fn rt_1_a_value_may_be_worth_a_retry_and_the_last_one_comes_back() {
    let bench = Bench::new(exact(3));
    let by_value = |result: &Result<u32, Error>| match result {
        Ok(n) if *n < 3 => Verdict::Transient(None),
        _ => Verdict::Success,
    };
    let classified = bench.retry.classify(by_value);
    assert_eq!(classified.call_blocking(|attempt| Ok::<_, Error>(attempt.number().get())).unwrap(), 3);
    assert_eq!(classified.call_blocking(|_| Ok::<_, Error>(0)).unwrap(), 0);
    assert_eq!(bench.retry.stats().out_of_attempts, 1);
}

#[test]
fn rt_2_the_sleeps_are_the_delays() {
    let bench = Bench::new(exact(5));
    assert_eq!(bench.run(4, reset).unwrap(), 5);
    assert_eq!(bench.time.elapsed(), ms(100 + 200 + 400 + 800));
}

#[test]
fn a_retriable_failure_is_retried_at_once() {
    let bench = Bench::new(exact(4));
    bench.run(3, || Error::conflict("not the leader").with_recovery(Recovery::Retriable)).unwrap();
    assert_eq!((bench.calls.get(), bench.time.elapsed()), (4, Duration::ZERO));
}

#[test]
fn g_4_what_cannot_pass_is_not_retried() {
    for error in [
        || Error::validation("bad"),
        || Error::authentication("who"),
        || Error::not_found("no"),
        || Error::internal("bug"),
        || Error::cancelled("gone"),
        || Error::new(core_errors::Category::Unknown, "?"),
    ] {
        let bench = Bench::new(exact(5));
        assert!(matches!(bench.run(u32::MAX, error), Err(CallError::Failed(_))));
        assert_eq!((bench.calls.get(), bench.time.elapsed()), (1, Duration::ZERO));
    }
}

#[test]
fn rt_4_a_hint_moves_the_delay_between_its_own_value_and_five_seconds_more() {
    let delay = |hint: Duration| {
        let bench = Bench::new(Retry::fixed(ms(50)).no_jitter().attempts(2));
        let result = bench.retry.call_blocking(|attempt| {
            if attempt.is_retry() {
                Ok(())
            } else {
                Err(Error::rate_limit("slow down").with_retry_after(hint))
            }
        });
        assert!(result.is_ok());
        bench.time.elapsed()
    };
    assert_eq!(delay(secs(3)), secs(3));
    assert_eq!(delay(ms(10)), ms(50));
    assert_eq!(delay(Duration::ZERO), ms(50));
    assert_eq!(delay(secs(10)), ms(5_050));
    assert_eq!(delay(secs(301)), ms(50), "longer than anybody means it");
}

#[test]
fn rt_4_after_a_hint_the_delays_begin_anew() {
    let bench = Bench::new(exact(5));
    let mut hints = [None, None, Some(ms(1_500)), None].into_iter();
    let result = bench.retry.call_blocking(|_| match hints.next() {
        Some(Some(hint)) => Err(Error::unavailable("later").with_retry_after(hint)),
        Some(None) => Err(reset()),
        None => Ok(()),
    });
    assert!(result.is_ok());
    assert_eq!(bench.time.elapsed(), ms(100 + 200 + 1_500 + 100));
}

#[test]
fn rt_5_no_sleep_that_would_pass_the_deadline() {
    let time = ManualClock::new();
    let retry = exact(10).min_attempt_time(ms(50)).clock(time.clock()).build().unwrap();
    // 100 + 200 + 400 fit into 750 with 50 for the attempt; 800 more do not.
    let deadline = time.now() + ms(750);
    let calls = Cell::new(0);
    let result: Result<(), _> = core_policy::call_blocking(
        &retry,
        |_| {
            calls.set(calls.get() + 1);
            Err(reset())
        },
        &ByClass,
        Some(deadline),
    );
    let Err(CallError::Exhausted { attempts: 4, elapsed, why: Why::DeadlineWouldExceed, .. }) = result else {
        panic!("{result:?}")
    };
    assert_eq!((calls.get(), elapsed, time.elapsed()), (4, ms(700), ms(700)));
}

#[test]
fn rt_5_the_edge_is_exact() {
    // At the deadline itself there is no time left: an attempt would be refused before it starts, and nobody sleeps for that.
    for (nanos, calls) in [(-1, 1), (0, 1), (1, 2)] {
        let time = ManualClock::new();
        let retry = exact(2).clock(time.clock()).build().unwrap();
        let made = Cell::new(0);
        let deadline = time.now() + Duration::from_nanos(100_000_000_u64.saturating_add_signed(nanos));
        let result: Result<(), _> = core_policy::call_blocking(
            &retry,
            |_| {
                made.set(made.get() + 1);
                Err(reset())
            },
            &ByClass,
            Some(deadline),
        );
        let Err(CallError::Exhausted { attempts, why, .. }) = result else { panic!("{result:?}") };
        assert_eq!((made.get(), attempts), (calls, calls), "{nanos}");
        let (ended_by, slept) =
            if calls == 2 { (Why::Attempts, ms(100)) } else { (Why::DeadlineWouldExceed, ms(0)) };
        assert_eq!((why, time.elapsed()), (ended_by, slept), "{nanos}");
    }
}

#[tokio::test(start_paused = true)]
async fn rt_6_a_sleep_never_ends_early() {
    let clock = Clock::system();
    let retry =
        Retry::exponential(Duration::from_micros(1_700)..secs(1)).no_jitter().attempts(4).build().unwrap();
    let times = RefCell::new(Vec::new());
    let _ = retry
        .call(|_| {
            times.borrow_mut().push(clock.now());
            async { Err::<(), _>(reset()) }
        })
        .await;
    for (pair, micros) in times.borrow().windows(2).zip([1_700, 3_400, 6_800]) {
        assert!(pair[1] - pair[0] >= Duration::from_micros(micros));
    }
}

/// Refuses so many times, then admits.
struct Refusing {
    clock: Clock,
    left: Cell<u32>,
    reason: Reason,
    retry_after: Option<Duration>,
}

impl Policy for Refusing {
    type State = ();

    fn clock(&self) -> &Clock {
        &self.clock
    }

    fn begin(&self) {}

    fn admit(&self, (): &mut (), _: &mut core_policy::Cx<'_>) -> core_policy::Admit {
        if self.left.get() == 0 {
            return core_policy::Admit::Run;
        }
        self.left.set(self.left.get() - 1);
        let rejection = Rejection::new(PolicyKind::Breaker, Name::UNNAMED, self.reason);
        core_policy::Admit::Refuse(match self.retry_after {
            Some(after) => rejection.with_retry_after(after),
            None => rejection,
        })
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

fn over_refusals(
    builder: Builder,
    reason: Reason,
    retry_after: Option<Duration>,
) -> (Result<(), CallError<Error>>, Duration) {
    let time = ManualClock::new();
    let refusing = Refusing { clock: time.clock(), left: Cell::new(2), reason, retry_after };
    let stack = Stack::new(builder.clock(time.clock()).build().unwrap(), refusing);
    (core_policy::call_blocking(&stack, |_| Ok(()), &ByClass, None), time.elapsed())
}

#[test]
fn rt_7_refusals_are_not_retried() {
    for reason in [Reason::CircuitOpen, Reason::RateLimited, Reason::BulkheadFull, Reason::BudgetExhausted] {
        let (result, slept) = over_refusals(exact(5), reason, Some(ms(300)));
        assert!(matches!(result, Err(CallError::Rejected(_))), "{result:?}");
        assert_eq!(slept, Duration::ZERO);
    }
}

#[test]
fn rt_7_refusals_that_tell_when_are_retried_if_asked_for() {
    let (result, slept) = over_refusals(exact(5).retry_refusals(true), Reason::CircuitOpen, Some(ms(300)));
    assert!(result.is_ok());
    assert_eq!(slept, ms(600));
    let (result, slept) = over_refusals(exact(5).retry_refusals(true), Reason::CircuitOpen, None);
    assert!(result.is_err() && slept.is_zero(), "nobody knows when");
}

#[tokio::test(start_paused = true)]
async fn rt_8_retries_in_retries_do_not_multiply() {
    let calls = Cell::new(0);
    let three = || {
        Stack::new(
            exact(4).build().unwrap(),
            Stack::new(exact(4).build().unwrap(), exact(4).build().unwrap()),
        )
    };
    let stack = three();
    let call = Call::new(
        &stack,
        |_: core_policy::Attempt| {
            calls.set(calls.get() + 1);
            async { Err::<(), _>(reset()) }
        },
        ByClass,
    );
    let error = call.await.unwrap_err();
    assert!(matches!(error, CallError::Exhausted { .. }));
    assert_eq!(calls.get(), 4, "not 64");
}

#[tokio::test(start_paused = true)]
async fn rt_10_a_dropped_call_ends_at_once_and_gives_back_what_it_paid() {
    let budget = Budget::default();
    let retry = exact(5).budget(&budget).build().unwrap();
    let calls = Cell::new(0);
    {
        let mut call = Box::pin(retry.call(|_| {
            calls.set(calls.get() + 1);
            async { Err::<(), _>(reset()) }
        }));
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(call.as_mut().poll(&mut cx).is_pending());
        assert!((budget.available(core_time::Instant::ORIGIN) - 99.0).abs() < 1e-9, "taken before the sleep");
    }
    tokio::time::advance(secs(60)).await;
    assert_eq!(calls.get(), 1);
    assert!((budget.available(core_time::Instant::ORIGIN) - 100.0).abs() < 1e-9, "the retry never started");
}

// === budgets ===

#[test]
fn bg_1_tokens_go_by_failures_and_come_by_successes() {
    let budget = Budget::new(10, 0.5466).unwrap();
    for left in [9.0, 8.0, 7.0, 6.0] {
        assert!(budget.failed(true, || core_time::Instant::ORIGIN));
        assert!((budget.available(core_time::Instant::ORIGIN) - left).abs() < 1e-9);
    }
    assert!(!budget.failed(true, || core_time::Instant::ORIGIN), "5 of 10 are half");
    assert!(!budget.is_open(core_time::Instant::ORIGIN));
    budget.succeeded(core_retry::Paid::NOTHING, || core_time::Instant::ORIGIN);
    assert!((budget.available(core_time::Instant::ORIGIN) - 5.546).abs() < 1e-9, "three decimals count");
    assert!(budget.is_open(core_time::Instant::ORIGIN));
    (0..100).for_each(|_| budget.succeeded(core_retry::Paid::NOTHING, || core_time::Instant::ORIGIN));
    assert!((budget.available(core_time::Instant::ORIGIN) - 10.0).abs() < 1e-9, "never over the top");
    for _ in 0..100 {
        let _ = budget.failed(true, || core_time::Instant::ORIGIN);
    }
    assert!(budget.available(core_time::Instant::ORIGIN).abs() < 1e-9, "never under zero");
}

#[test]
fn bg_1_what_is_out_of_range_is_refused() {
    for (max, ratio) in
        [(0, 0.1), (1_001, 0.1), (10, 0.0), (10, -1.0), (10, f64::NAN), (10, 1e9), (10, 0.0001)]
    {
        let error = Budget::new(max, ratio).unwrap_err().to_string();
        assert!(error.contains("1 to 1000") || error.contains("at least 0.001"), "{error}");
    }
}

#[test]
fn bg_1_only_failures_that_may_pass_take_tokens() {
    let budget = Budget::default();
    let bench = Bench::new(exact(3).budget(&budget));
    let _ = bench.run(u32::MAX, || Error::validation("bad"));
    let _ = bench.run(u32::MAX, || Error::internal("bug"));
    assert!((budget.available(core_time::Instant::ORIGIN) - 100.0).abs() < 1e-9);
    let _ = bench.run(u32::MAX, reset);
    assert!((budget.available(core_time::Instant::ORIGIN) - 97.0).abs() < 1e-9, "three failures");
    bench.run(0, reset).unwrap();
    assert!((budget.available(core_time::Instant::ORIGIN) - 97.1).abs() < 1e-9);
}

#[test]
fn bg_5_a_spent_budget_keeps_the_error_and_says_why() {
    let budget = Budget::new(4, 0.1).unwrap();
    let bench = Bench::new(exact(10).budget(&budget));
    let error = bench.run(u32::MAX, reset).unwrap_err();
    let CallError::Exhausted { last, attempts, why, .. } = &error else { panic!("{error:?}") };
    assert_eq!((last.message(), *attempts, *why), ("hung up", 2, Why::BudgetExhausted));
    assert_eq!(bench.retry.stats().out_of_budget, 1);
}

#[test]
fn bg_5_retries_that_sleep_are_counted() {
    // Six calls fail at the same moment; a budget of 10 allows four retries, whoever sleeps.
    let budget = Budget::new(10, 0.1).unwrap();
    let retry = exact(2).budget(&budget).clock(ManualClock::new().clock()).build().unwrap();
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    let mut calls: Vec<_> =
        (0..6).map(|_| Box::pin(retry.call(|_| async { Err::<(), _>(reset()) }))).collect();
    let sleeping =
        calls.iter_mut().filter_map(|call| call.as_mut().poll(&mut cx).is_pending().then_some(())).count();
    assert_eq!(sleeping, 4);
}

#[test]
fn bg_7_many_threads_take_no_more_than_there_is() {
    let budget = Budget::new(1_000, 0.001).unwrap();
    let allowed: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope
                    .spawn(|| (0..200).filter(|_| budget.failed(true, || core_time::Instant::ORIGIN)).count())
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(allowed, 499, "from 999 left down to 501");
}

// === configuration ===

#[test]
fn the_defaults_are_a_promise() {
    let retry = Retry::exponential(ms(50)..secs(20)).build().unwrap();
    let doubling = Growth::Exponential { factor: 2.0 };
    assert_eq!(
        retry.backoff(),
        Backoff { growth: doubling, jitter: Jitter::Full, base: ms(50), max: secs(20) }
    );
    assert_eq!((retry.attempts().get(), retry.budget().is_none()), (3, true));
    assert!((Budget::default().available(core_time::Instant::ORIGIN) - 100.0).abs() < 1e-9);
}

#[test]
fn g_1_what_makes_no_sense_is_refused_with_a_reason() {
    let cases: [(Builder, &str); 5] = [
        (exact(0), "total number of calls"),
        (Retry::exponential(secs(2)..secs(1)), "as long as the first"),
        (exact(2).factor(0.5), "at least 1"),
        (exact(2).jitter(Jitter::PlusMinus { fraction: 1.5 }), "at most 1"),
        (exact(2).name(""), "cannot be a name"),
    ];
    for (builder, text) in cases {
        let error: ConfigError = builder.build().unwrap_err();
        assert!(error.to_string().contains(text), "{error}");
    }
}

#[test]
fn g_8_threads_share_a_retry_and_count_exactly() {
    let retry = Retry::fixed(Duration::ZERO).attempts(3).build().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..10 {
            scope.spawn(|| {
                for _ in 0..100 {
                    let twice = retry.call_blocking(|at| if at.is_retry() { Ok(()) } else { Err(reset()) });
                    assert!(twice.is_ok());
                }
            });
        }
    });
    let stats = retry.stats();
    assert_eq!((stats.succeeded, stats.retries, stats.failed), (1_000, 1_000, 0));
}
