//! Rows of the originals' suites on breakers, each number and word that `originals` leaves.
#![expect(clippy::unwrap_used, reason = "a helper of a test may panic")]

use std::cell::Cell;
use std::collections::HashMap;
use std::future::pending;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::Duration;

use core_breaker::{Breaker, Builder, Registry, State, Trigger};
use core_context::Context;
use core_errors::{Category, Error, Reason, Rejection};
use core_pipeline::Pipeline;
use core_policy::{ByClass, CallError, Stack};
use core_retry::Retry;
use core_time::{Clock, ManualClock, ms, secs};

fn exact(failures: u32) -> Builder {
    Breaker::consecutive(failures).open_for(secs(60)).jitter(false)
}

fn under(builder: Builder) -> (ManualClock, Breaker) {
    let time = ManualClock::new();
    let breaker = builder.name("payments").clock(time.clock()).build().unwrap();
    (time, breaker)
}

fn call(breaker: &Breaker, works: bool) -> Result<u32, CallError<Error>> {
    breaker.call_blocking(|_| if works { Ok(1) } else { Err(Error::unavailable("down")) })
}

fn calls(breaker: &Breaker, works: &[bool]) -> State {
    for works in works {
        let _ = call(breaker, *works);
    }
    breaker.state()
}

/// Successes, failures, refusals.
fn counted(breaker: &Breaker) -> (u64, u64, u64) {
    let totals = breaker.snapshot().totals;
    (totals.successes, totals.failures, totals.rejected)
}

fn reason<T>(outcome: Result<T, CallError<Error>>) -> Option<Reason> {
    outcome.err()?.rejection().map(Rejection::reason)
}

#[test]
fn g_11_n_1_what_is_refused_names_the_circuit_and_says_that_it_is_open() {
    let (_time, breaker) = under(exact(1));
    calls(&breaker, &[false]);
    let text = call(&breaker, true).unwrap_err().to_string();
    assert!(text.contains("payments") && text.contains("open"), "{text}");
}

#[tokio::test]
async fn g_16_futures_and_calls_do_the_same_to_a_circuit() {
    let (sync, by_future) = (under(exact(2).probes(2).successes(2)), under(exact(2).probes(2).successes(2)));
    for (at, works) in
        [true, false, true, false, false, true, true, false, true, true, false].iter().enumerate()
    {
        let blocking = call(&sync.1, *works);
        let future = by_future
            .1
            .call(|_| async { if *works { Ok(1) } else { Err(Error::unavailable("down")) } })
            .await;
        assert_eq!(blocking.is_ok(), future.is_ok(), "call {at}");
        assert_eq!(reason(blocking), reason(future), "call {at}");
        assert_eq!(sync.1.snapshot(), by_future.1.snapshot(), "call {at}");
        for (time, _) in [&sync, &by_future] {
            time.advance(secs(30));
        }
    }
    assert!(sync.1.snapshot().opened > 1);
}

#[test]
fn g_16_a_millisecond_is_an_open_time_and_half_of_ten_is_little_in_a_window_of_a_thousand() {
    let (time, breaker) = under(exact(1).open_for(ms(1)).probes(1).successes(1));
    assert_eq!(calls(&breaker, &[false, true]), State::Open);
    time.advance(ms(1));
    assert_eq!(calls(&breaker, &[true]), State::Closed);
    for builder in [
        Breaker::k_of_n(6, 1_000),
        Breaker::rate(0.5).window_of_calls(1_000).min_calls(20),
        Breaker::rate(0.6).window_of_calls(1_000).min_calls(10),
    ] {
        let (_time, breaker) = under(builder);
        assert_eq!(calls(&breaker, &[true, false].repeat(5)), State::Closed);
        assert_eq!(breaker.snapshot().window.failures, 5);
    }
}

#[test]
fn g_18_b_4_threads_are_counted_exactly() {
    let together =
        |threads: usize, each: usize, breaker: &Breaker, fails: &(dyn Fn(usize) -> bool + Sync)| {
            thread::scope(|scope| {
                for thread in 0..threads {
                    scope.spawn(move || (0..each).for_each(|_| drop(call(breaker, !fails(thread)))));
                }
            });
            counted(breaker)
        };
    assert_eq!(together(10, 1, &under(exact(5)).1, &|_| false), (10, 0, 0));
    let mixed = under(exact(20)).1;
    assert_eq!(together(15, 1, &mixed, &|thread| thread % 3 == 0), (10, 5, 0));
    assert_eq!(together(10, 10, &under(exact(5)).1, &|_| false), (100, 0, 0));
    let many = under(exact(5)).1;
    assert_eq!((together(100, 100, &many, &|_| false), many.state()), ((10_000, 0, 0), State::Closed));
}

#[test]
fn g_18_it_recovers_three_times_as_well_as_once() {
    let (time, breaker) = under(exact(2).probes(1).successes(1));
    for opened in 1..=3 {
        assert_eq!(calls(&breaker, &[false, false, true]), State::Open);
        time.advance(secs(60));
        assert_eq!(calls(&breaker, &[true, true]), State::Closed);
        assert_eq!(breaker.snapshot().opened, opened);
    }
    assert_eq!(counted(&breaker), (6, 6, 3));
}

#[test]
fn b_1_b_2_b_4_x_2_numbers_are_those_of_the_calls() {
    let (_time, ten) = under(exact(3));
    assert_eq!((calls(&ten, &[true; 10]), counted(&ten)), (State::Closed, (10, 0, 0)));
    let told = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&told);
    let (_time, four) =
        under(exact(3).on_change(move |event| sink.lock().unwrap().push(event.trigger.clone())));
    assert_eq!((calls(&four, &[false; 4]), counted(&four)), (State::Open, (0, 3, 1)));
    assert_eq!(*told.lock().unwrap(), [Trigger::Consecutive { failures: 3 }]);
    let (_time, eight) = under(exact(9));
    calls(&eight, &[true, true, true, true, true, false, false, false]);
    let snapshot = eight.snapshot();
    assert_eq!((snapshot.totals.calls(), counted(&eight)), (8, (5, 3, 0)));
    assert_eq!(snapshot.consecutive_failures, 3);
    calls(&eight, &[true]);
    assert_eq!(eight.snapshot().consecutive_failures, 0);
}

#[tokio::test(start_paused = true)]
async fn b_4_a_call_that_is_cancelled_before_it_begins_does_not_run_and_is_not_counted() {
    let pipeline = Pipeline::named("payments").breaker(exact(1)).build().unwrap();
    let ran = Cell::new(0);
    drop(pipeline.call(|_| {
        ran.set(ran.get() + 1);
        async { Err::<u32, _>(Error::network("gone")) }
    }));
    // Whoever asks has no time left: that is nobody's failure either.
    let clock = Clock::system();
    let late = Context::builder().deadline_in(ms(5), &clock).build();
    clock.sleep(ms(5)).await;
    let refused = late
        .scope(pipeline.call(|_| {
            ran.set(ran.get() + 1);
            async { Err::<u32, _>(Error::network("gone")) }
        }))
        .await;
    assert_eq!((reason(refused), ran.get()), (Some(Reason::DeadlineExceeded), 0));
    let breaker = pipeline.breaker().unwrap();
    assert_eq!((breaker.state(), counted(breaker)), (State::Closed, (0, 0, 0)));
}

#[test]
fn n_2_the_first_success_after_two_seconds_is_half_open_and_the_second_closes() {
    let (time, breaker) = under(exact(3).open_for(secs(2)).probes(3).successes(2));
    assert_eq!(calls(&breaker, &[false, false, false]), State::Open);
    time.advance(ms(2_100));
    assert_eq!(calls(&breaker, &[true]), State::HalfOpen);
    assert_eq!(calls(&breaker, &[true]), State::Closed);
    calls(&breaker, &[false, false, false]);
    time.advance(ms(2_100));
    assert_eq!(calls(&breaker, &[false, false]), State::Open);
    breaker.close("by hand").unwrap();
    let snapshot = breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.consecutive_failures, snapshot.window.calls), (State::Closed, 0, 0));
    let (_time, four) = under(exact(9));
    calls(&four, &[true, true, false, false]);
    assert_eq!((four.snapshot().totals.calls(), counted(&four)), (4, (2, 2, 0)));
}

#[test]
fn n_3_a_function_in_a_breaker_is_called_three_times_of_four_and_shows_its_breaker() {
    let pipeline = Pipeline::named("lookup").breaker(exact(2)).build().unwrap();
    let inner = Cell::new(0);
    let lookup = |id: i32| {
        pipeline.call_blocking(|_| {
            inner.set(inner.get() + 1);
            if id > 0 { Ok(id) } else { Err(Error::unavailable("down")) }
        })
    };
    assert_eq!(lookup(7).unwrap(), 7);
    assert!(lookup(0).is_err() && lookup(0).is_err());
    assert_eq!((reason(lookup(7)), inner.get()), (Some(Reason::CircuitOpen), 3));
    let breaker = pipeline.breaker().unwrap();
    assert_eq!((breaker.name().as_str(), breaker.state()), ("lookup", State::Open));
}

#[test]
fn s_7_x_there_is_one_circuit_of_a_name_whoever_asks_for_it() {
    let registry = Registry::new();
    for name in ["llm", "redis"] {
        registry.add(&exact(5).name(name).build().unwrap()).unwrap();
    }
    let failing = || calls(&registry.get("llm").unwrap(), &[false]);
    for failures in 1..=4 {
        assert_eq!(failing(), State::Closed);
        assert_eq!(registry.get("llm").unwrap().snapshot().consecutive_failures, failures);
        assert_eq!(registry.get("redis").unwrap().snapshot().consecutive_failures, 0);
    }
    assert_eq!((failing(), registry.get("redis").unwrap().state()), (State::Open, State::Closed));
    // Of one of the originals all circuits of the registry let everything pass.
    registry.add(&exact(1).name("touchy").build().unwrap()).unwrap();
    let ran = (0..20).filter(|_| reason(call(&registry.get("touchy").unwrap(), false)).is_none()).count();
    assert_eq!(ran, 1);
}

#[test]
fn s_7_failures_at_once_open_it_once() {
    let (_time, breaker) = under(exact(5));
    let together = Barrier::new(8);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let permit = breaker.acquire().unwrap();
                together.wait();
                permit.failure();
            });
        }
    });
    let snapshot = breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.opened, snapshot.generation), (State::Open, 1, 2));
    assert_eq!(snapshot.totals.failures + snapshot.totals.late, 8);
}

#[test]
fn s_8_around_a_retry_a_circuit_has_one_record_of_a_call_and_an_open_one_none() {
    let time = ManualClock::new();
    let breaker = exact(2).clock(time.clock()).build().unwrap();
    let retry = Retry::fixed(ms(1)).no_jitter().attempts(3).clock(time.clock()).build().unwrap();
    let made = Cell::new(0);
    let resilient = |works_on: u32| {
        let calls = Cell::new(0);
        let outcome = core_policy::call_blocking(
            Stack::new(&breaker, &retry),
            |_| {
                calls.set(calls.get() + 1);
                made.set(made.get() + 1);
                if calls.get() >= works_on { Ok(calls.get()) } else { Err(Error::timeout("slow")) }
            },
            &ByClass,
            None,
        );
        (outcome.ok(), calls.get())
    };
    assert_eq!(resilient(3), (Some(3), 3));
    assert_eq!(counted(&breaker), (1, 0, 0), "two timeouts and a success are one success");
    assert_eq!(resilient(u32::MAX), (None, 3));
    assert_eq!(counted(&breaker), (1, 1, 0), "three timeouts are one failure");
    resilient(u32::MAX);
    assert_eq!((breaker.state(), resilient(1), made.get()), (State::Open, (None, 0), 9));
}

#[tokio::test(start_paused = true)]
async fn x_7_fifty_calls_take_as_long_as_one() {
    let pipeline = Pipeline::named("voice").breaker(exact(5)).build().unwrap();
    let clock = Clock::system();
    let start = clock.now();
    let mut calls = core_context::JoinSet::new();
    for _ in 0..50 {
        let pipeline = pipeline.clone();
        calls.spawn(async move {
            let slow = |_| async {
                Clock::system().sleep(ms(50)).await;
                Ok::<_, Error>(())
            };
            pipeline.call(slow).await.is_ok()
        });
    }
    let mut succeeded = 0;
    while let Some(outcome) = calls.join_next().await {
        succeeded += u32::from(outcome.unwrap());
    }
    assert_eq!((succeeded, clock.now() - start), (50, ms(50)));
    assert_eq!(counted(pipeline.breaker().unwrap()), (50, 0, 0));
}

#[test]
fn x_9_a_fallback_may_answer_with_nothing_in_any_form_or_with_an_error() {
    let (_time, breaker) = under(exact(1));
    calls(&breaker, &[false]);
    let none = breaker.call_or_blocking(|_| Ok::<_, Error>(Some(1)), |_| Ok(None));
    let map = breaker.call_or_blocking(|_| Ok::<_, Error>(HashMap::from([(1, 1)])), |_| Ok(HashMap::new()));
    let list = breaker.call_or_blocking(|_| Ok::<_, Error>(vec![1]), |_| Ok(Vec::new()));
    assert!(none.unwrap().is_none() && map.unwrap().is_empty() && list.unwrap().is_empty());
    let raised = breaker.call_or_blocking(
        |_| Ok::<_, Error>(1),
        |_| Err(CallError::Failed(Error::unavailable("Service temporarily unavailable"))),
    );
    assert_eq!(raised.unwrap_err().into_inner().unwrap().message(), "Service temporarily unavailable");
}

/// One of the originals ran what it was to keep from running, and then once more for each way out of it.
#[test]
fn x_a_fallback_runs_nothing_of_what_an_open_circuit_keeps_from_running() {
    let (_time, breaker) = under(exact(1));
    let primary = Cell::new(0);
    for _ in 0..10 {
        let answer = breaker.call_or_blocking(
            |_| {
                primary.set(primary.get() + 1);
                Err::<&str, _>(Error::network("gone"))
            },
            |error| {
                // What failed is not lost on the way.
                let failed = error.inner().is_some();
                let cause = error.rejection().and_then(Rejection::cause).map(|cause| cause.category);
                assert!(failed || cause == Some(Category::Network));
                Ok("cached")
            },
        );
        assert_eq!(answer.unwrap(), "cached");
    }
    assert_eq!((primary.get(), counted(&breaker)), (1, (0, 1, 9)));
}

#[test]
fn x_after_an_operator_opened_it_a_probe_that_fails_opens_it_again() {
    let (time, breaker) = under(exact(3).probes(1).successes(1));
    breaker.open_for(secs(10), "maintenance").unwrap();
    time.advance(secs(10));
    assert_eq!(calls(&breaker, &[false]), State::Open);
    breaker.force_open("still").unwrap();
    breaker.probe_now("a look").unwrap();
    assert_eq!(calls(&breaker, &[false]), State::Open);
    assert_eq!(reason(call(&breaker, true)), Some(Reason::CircuitOpen));
}

#[tokio::test(start_paused = true)]
async fn x_1_the_default_of_the_originals_is_five_sixty_three_and_thirty() {
    let pipeline = Pipeline::preset("default").unwrap().build().unwrap();
    let breaker = pipeline.breaker().unwrap();
    let rules = breaker.snapshot().rules;
    assert_eq!((rules.consecutive, rules.open_for, rules.probes), (Some(5), secs(60), 3));
    assert_eq!(
        (breaker.name().as_str(), breaker.state(), counted(breaker)),
        ("default", State::Closed, (0, 0, 0))
    );
    let clock = Clock::system();
    let start = clock.now();
    let late = pipeline.call(|_| pending::<Result<(), Error>>()).await;
    assert_eq!((reason(late), clock.now() - start), (Some(Reason::TimedOut), secs(30)));
    // What was saved survives the round trip.
    let again = Breaker::preset("default").unwrap().resume(breaker.save(), Duration::ZERO).build().unwrap();
    assert_eq!(again.snapshot().consecutive_failures, 1);
}

/// One of the originals let every caller pass once its time was over.
#[test]
fn s_b_n_of_a_hundred_at_once_as_many_pass_as_there_are_probes() {
    let (time, breaker) = under(exact(1).probes(3).successes(3));
    calls(&breaker, &[false]);
    time.advance(secs(60));
    let (together, ran) = (Barrier::new(100), AtomicU32::new(0));
    thread::scope(|scope| {
        for _ in 0..100 {
            scope.spawn(|| {
                together.wait();
                let permit = breaker.acquire();
                ran.fetch_add(u32::from(permit.is_ok()), Ordering::Relaxed);
                together.wait();
                drop(permit);
            });
        }
    });
    assert_eq!(ran.load(Ordering::Relaxed), 3);
}

#[tokio::test(start_paused = true)]
async fn f_76_five_failures_sixty_seconds_thirty_for_a_call_and_a_fallback_for_the_rest() {
    let breaker = exact(5).probes(1).successes(1);
    let pipeline = Pipeline::named("llm").breaker(breaker).attempt_timeout(secs(30)).build().unwrap();
    let (clock, ran) = (Clock::system(), Cell::new(0));
    let answer = async |hangs: bool| {
        let start = clock.now();
        let op = |_| {
            ran.set(ran.get() + 1);
            async move { if hangs { pending().await } else { Ok::<_, Error>("fresh") } }
        };
        let answer = pipeline.call_or(op, async |_| Ok("from elsewhere")).await;
        (answer.unwrap(), clock.now() - start)
    };
    for _ in 0..5 {
        assert_eq!(answer(true).await, ("from elsewhere", secs(30)));
    }
    assert_eq!((answer(false).await, ran.get()), (("from elsewhere", Duration::ZERO), 5), "it is open");
    clock.sleep(secs(60)).await;
    assert_eq!(answer(false).await, ("fresh", Duration::ZERO));
    let totals = pipeline.breaker().unwrap().snapshot().totals;
    assert_eq!((totals.failures, totals.rejected, totals.fallbacks, totals.successes), (5, 1, 6, 1));
}
