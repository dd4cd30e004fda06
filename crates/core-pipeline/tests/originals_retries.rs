//! Rows of the originals' suites on retries, each number and word that `originals` leaves; and what they allow in time.
#![expect(clippy::unwrap_used, reason = "a helper of a test may panic")]

use std::cell::Cell;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use core_breaker::{Breaker, State};
use core_errors::{Category, Error, Verdict};
use core_retry::{Jitter, Retry};
use core_time::{Clock, ManualClock, ms, secs};

/// How often it is called, how long it sleeps, and whether it works at last.
fn retried(builder: core_retry::Builder, works_on: u32, error: impl Fn() -> Error) -> (u32, Duration, bool) {
    let time = ManualClock::new();
    let retry = builder.clock(time.clock()).build().unwrap();
    let mut calls = 0;
    let outcome = retry.call_blocking(|_| {
        calls += 1;
        if calls == works_on { Ok(()) } else { Err(error()) }
    });
    (calls, time.elapsed(), outcome.is_ok())
}

#[test]
fn g_1_the_default_policy_is_three_attempts_one_second_sixty_seconds_exponential_with_jitter() {
    let retry = Retry::preset("default").unwrap().build().unwrap();
    let backoff = retry.backoff();
    assert_eq!((retry.attempts().get(), backoff.base, backoff.max), (3, secs(1), secs(60)));
    assert_ne!(backoff.jitter, Jitter::None);
    let plain = Retry::preset("default").unwrap().no_jitter().attempts(9).build().unwrap();
    let delays: Vec<_> = plain.delays().map(|delay| delay.as_secs()).collect();
    assert_eq!(delays, [1, 2, 4, 8, 16, 32, 60, 60]);
}

/// Of the originals one had no policy of its name, and one raised without variables in the environment.
#[test]
fn g_every_policy_with_a_name_is_there_and_needs_nothing_else() {
    for name in
        ["default", "aggressive", "conservative", "network", "database", "api", "critical", "fast_fail"]
    {
        let retry = Retry::preset(name).unwrap();
        let attempts = retry.clone().build().unwrap().attempts().get();
        let (calls, slept, works) = retried(retry, attempts, || Error::network("gone"));
        assert_eq!((calls, works), (attempts, true), "{name}");
        assert!(slept > Duration::ZERO || attempts == 1, "{name} sleeps before it tries again");
    }
}

#[test]
fn g_2_jitter_that_adds_is_never_under_the_delay_and_not_always_the_same() {
    let adds = Retry::linear(secs(2)..secs(60))
        .jitter(Jitter::Plus { up_to: secs(2) })
        .attempts(50)
        .build()
        .unwrap();
    let delays: Vec<_> = adds.delays().collect();
    let least = (1..).map(|retry| secs(2 * retry).min(secs(60)));
    assert!(delays.iter().zip(least).all(|(delay, least)| (least..=secs(60)).contains(delay)), "{delays:?}");
    assert!(delays[..20].windows(2).any(|pair| pair[1] != pair[0] + secs(2)), "{delays:?}");
    let capped = Retry::exponential(secs(1)..secs(3)).no_jitter().attempts(5).build().unwrap();
    assert_eq!(capped.delays().collect::<Vec<_>>(), [secs(1), secs(2), secs(3), secs(3)]);
    assert_eq!(
        retried(Retry::fixed(secs(2)).attempts(3), 1, || unreachable!()).1,
        Duration::ZERO,
        "before the first"
    );
}

#[test]
fn g_4_what_may_pass_is_retried_and_what_cannot_is_not() {
    let calls = |error: &dyn Fn() -> Error| retried(Retry::fixed(ms(1)).attempts(3), 9, error).0;
    for category in [
        Category::Network,
        Category::Timeout,
        Category::RateLimit,
        Category::ResourceExhausted,
        Category::Unavailable,
        Category::ExternalService,
    ] {
        assert_eq!(calls(&|| Error::new(category, "?")), 3, "{category:?}");
    }
    for category in [Category::Authentication, Category::Validation, Category::Application] {
        assert_eq!(calls(&|| Error::new(category, "?")), 1, "{category:?}");
    }
    for kind in [
        std::io::ErrorKind::ConnectionRefused,
        std::io::ErrorKind::ConnectionReset,
        std::io::ErrorKind::TimedOut,
        std::io::ErrorKind::BrokenPipe,
    ] {
        assert_eq!(calls(&|| std::io::Error::from(kind).into()), 3, "{kind:?}");
    }
    let no_number = || "x".parse::<u32>().unwrap_err().into();
    assert_eq!(calls(&no_number), 1, "a value that is none");
}

#[test]
fn g_6_none_and_retry_are_tried_again_and_success_and_forty_two_are_not() {
    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Answer {
        None,
        Text(&'static str),
        Number(u32),
    }
    let retry = Retry::fixed(ms(1)).attempts(3).clock(ManualClock::new().clock()).build().unwrap();
    let judge = |result: &Result<Answer, Error>| match result {
        Ok(Answer::None | Answer::Text("retry")) => Verdict::Transient(None),
        _ => Verdict::Success,
    };
    for (answer, expected) in
        [(Answer::None, 3), (Answer::Text("retry"), 3), (Answer::Text("success"), 1), (Answer::Number(42), 1)]
    {
        let calls = Cell::new(0);
        let outcome = retry.classify(judge).call_blocking(|_| {
            calls.set(calls.get() + 1);
            Ok::<_, Error>(answer)
        });
        assert_eq!((calls.get(), outcome.ok()), (expected, Some(answer)), "{answer:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn g_7_futures_are_retried_as_calls_are_and_no_delay_is_no_time() {
    let clock = Clock::system();
    let (start, seen) = (clock.now(), Cell::new(0));
    let fifty = Retry::fixed(ms(1)).no_jitter().attempts(50).build().unwrap();
    // What the caller has is handed in as it is: nothing is cloned.
    let order = String::from("order 7");
    let outcome =
        fifty
            .call(|attempt| {
                seen.set(seen.get() + 1);
                let order = &order;
                async move {
                    if attempt.number().get() < 50 { Err(Error::network("gone")) } else { Ok(order.len()) }
                }
            })
            .await;
    assert_eq!((outcome.unwrap(), seen.get(), clock.now() - start), (7, 50, ms(49)));
    let at_once = Retry::fixed(Duration::ZERO).attempts(3).build().unwrap();
    let start = clock.now();
    let third = at_once
        .call(|attempt| async move {
            if attempt.number().get() < 3 { Err(Error::network("gone")) } else { Ok(()) }
        })
        .await;
    assert_eq!((third.is_ok(), clock.now() - start), (true, Duration::ZERO));
    assert_eq!(
        retried(Retry::fixed(Duration::ZERO).attempts(3), 3, || Error::network("gone")),
        (3, Duration::ZERO, true)
    );
    let nothing = at_once.call(|attempt| async move {
        assert!(!attempt.is_retry(), "no value is a value");
        Ok::<Option<u32>, Error>(None)
    });
    assert_eq!(nothing.await.unwrap(), None);
}

#[test]
fn g_8_five_threads_through_one_retry_have_three_calls_each() {
    let retry = Retry::fixed(Duration::ZERO).attempts(3).build().unwrap();
    let both_are_there = Barrier::new(5);
    thread::scope(|scope| {
        for _ in 0..5 {
            scope.spawn(|| {
                both_are_there.wait();
                let mut calls = 0;
                let third = retry.call_blocking(|_| {
                    calls += 1;
                    if calls < 3 { Err(Error::network("gone")) } else { Ok(calls) }
                });
                assert_eq!((third.unwrap(), calls), (3, 3));
            });
        }
    });
    assert_eq!((retry.stats().succeeded, retry.stats().retries), (5, 10));
}

/// The quickest of some tries, since other work may come in between.
fn quickest(mut run: impl FnMut()) -> Duration {
    let clock = Clock::system();
    let times = (0..5).map(|_| {
        let start = clock.now();
        run();
        clock.now() - start
    });
    times.min().unwrap()
}

#[test]
fn g_9_g_20_what_the_originals_allow_in_time_is_far_more_than_it_takes() {
    let retry = Retry::standard().build().unwrap();
    assert!(quickest(|| (0..1_000).for_each(|_| drop(retry.call_blocking(|_| Ok::<_, Error>(1))))) < secs(1));
    let many = Retry::standard().attempts(1_001).build().unwrap();
    assert!(quickest(|| assert_eq!(many.delays().count(), 1_000)) < ms(100));
    let breaker = Breaker::rate(0.5).build().unwrap();
    assert!(
        quickest(|| (0..1_000).for_each(|_| drop(breaker.call_blocking(|_| Ok::<_, Error>(1))))) < secs(1)
    );
    assert!(quickest(|| (0..10_000).for_each(|_| assert_eq!(breaker.state(), State::Closed))) < ms(100));
    assert!(quickest(|| (0..1_000).for_each(|_| drop(breaker.snapshot()))) < ms(500));
    // A snapshot is a copy.
    let before = breaker.snapshot();
    breaker.acquire().unwrap().success();
    assert_eq!(breaker.snapshot().totals.successes, before.totals.successes + 1);
}

#[tokio::test]
async fn g_9_a_thousand_futures_take_less_than_two_seconds() {
    let (retry, clock) = (Retry::standard().build().unwrap(), Clock::system());
    let start = clock.now();
    for _ in 0..1_000 {
        retry.call(|_| async { Ok::<_, Error>(1) }).await.unwrap();
    }
    assert!(clock.now() - start < secs(2));
}
