//! What is retried, who is told, and the policies with names.
#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

use std::sync::{Arc, Mutex};

use core_errors::{Category, Error};
use core_policy::Why;
use core_retry::{Budget, Builder, Follows, Retry};
use core_time::{ManualClock, ms, secs};

/// How often a call was made that always fails with `error`.
fn calls(retry: Builder, error: impl Fn() -> Error) -> u32 {
    let retry = retry.clock(ManualClock::new().clock()).build().unwrap();
    let mut calls = 0;
    let failed = retry.call_blocking(|_| {
        calls += 1;
        Err::<(), _>(error())
    });
    assert!(failed.is_err());
    calls
}

fn three() -> Builder {
    Retry::fixed(ms(10)).attempts(3)
}

#[test]
fn rt_11_what_must_not_be_done_twice_is_retried_only_if_it_certainly_was_not_done() {
    let refused = || Error::convert(std::io::Error::from(std::io::ErrorKind::ConnectionRefused));
    let reset = || Error::convert(std::io::Error::from(std::io::ErrorKind::ConnectionReset));
    assert_eq!(
        (calls(three(), refused), calls(three(), reset)),
        (3, 3),
        "calls may be made twice unless told"
    );
    let careful = || three().not_idempotent();
    assert_eq!((calls(careful(), refused), calls(careful(), reset)), (3, 1));
    assert_eq!(calls(careful(), || Error::timeout("slow")), 1);
    assert_eq!(calls(careful(), || Error::unavailable("busy")), 3, "it said so before it began");
    assert_eq!(calls(careful(), || Error::timeout("slow").with_idempotent_only(false)), 3);
}

#[test]
fn f_71_kinds_of_failure_are_chosen_or_left_out() {
    let only = || three().only_on(&[Category::Network]);
    assert_eq!(calls(only(), || Error::network("gone")), 3);
    assert_eq!(calls(only(), || Error::unavailable("busy")), 1);
    let never = || three().never_on(&[Category::RateLimit]);
    assert_eq!(calls(never(), || Error::network("gone")), 3);
    assert_eq!(calls(never(), || Error::rate_limit("slow down")), 1);
    assert_eq!(
        calls(three().only_on(&[Category::Validation]), || Error::validation("bad")),
        1,
        "it cannot pass"
    );
    let error = three().only_on(&[]).build().unwrap_err();
    assert!(error.to_string().contains("only_on"), "{error}");
}

#[test]
fn f_71_whoever_asked_is_told_of_each_retry_and_of_the_end() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let (retries, ends) = (Arc::clone(&told), Arc::clone(&told));
    let retry = three()
        .no_jitter()
        .name("payments")
        .on_retry(move |event| retries.lock().unwrap().push(event.clone()))
        .on_retry(|_| panic!("a subscriber's bug"))
        .on_give_up(move |event| ends.lock().unwrap().push(event.clone()));
    assert_eq!(calls(retry, || Error::network("gone")), 3);
    let told = told.lock().unwrap();
    let seen: Vec<_> = told.iter().map(|event| (event.attempts, event.elapsed, event.next)).collect();
    assert_eq!(
        seen,
        [
            (1, ms(0), Follows::Retry(ms(10))),
            (2, ms(10), Follows::Retry(ms(10))),
            (3, ms(20), Follows::GiveUp(Why::Attempts))
        ]
    );
    assert!(told.iter().all(|event| event.name.as_str() == "payments"));
    assert!(told.iter().all(|event| event.cause.unwrap().category == Category::Network));
}

/// Its last value comes back as what it is, so that only who asked learns how hard it was tried.
#[test]
fn rt_1_of_a_value_that_stays_bad_whoever_asked_is_told_with_attempts_and_time() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let ends = Arc::clone(&told);
    let retry = three()
        .no_jitter()
        .on_give_up(move |event| ends.lock().unwrap().push(event.clone()))
        .clock(ManualClock::new().clock())
        .build()
        .unwrap();
    let is_ready = |result: &Result<&str, Error>| match result {
        Ok("ready") => core_policy::Verdict::Success,
        _ => core_policy::Verdict::Transient(None),
    };
    assert_eq!(retry.classify(is_ready).call_blocking(|_| Ok("not yet")).unwrap(), "not yet");
    let told = told.lock().unwrap();
    let seen: Vec<_> = told.iter().map(|event| (event.attempts, event.elapsed, event.next)).collect();
    assert_eq!(seen, [(3, ms(20), Follows::GiveUp(Why::Attempts))]);
    assert!(told.iter().all(|event| event.cause.is_none()), "nothing failed");
}

#[test]
fn rt_4_whoever_asked_is_told_of_a_pause_that_is_too_long_to_be_followed() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let retries = Arc::clone(&told);
    let retry = three()
        .no_jitter()
        .retry_after_max(secs(60))
        .on_retry(move |event| retries.lock().unwrap().push((event.hint_discarded, event.next)));
    let mut hints = [secs(61), secs(60)].into_iter().cycle();
    let busy = move || Error::unavailable("later").with_retry_after(hints.next().unwrap());
    let hints = std::cell::RefCell::new(busy);
    assert_eq!(calls(retry, || (hints.borrow_mut())()), 3);
    let told = told.lock().unwrap();
    assert_eq!(
        *told,
        [(Some(secs(61)), Follows::Retry(ms(10))), (None, Follows::Retry(ms(5_010)))],
        "the one is ignored, the other followed as far as it may be"
    );
}

#[test]
fn pl_2_a_retry_goes_by_other_rules_from_the_next_failure_on() {
    let retry = three().clock(ManualClock::new().clock()).build().unwrap();
    let mut calls = 0;
    let failed = retry.call_blocking(|_| {
        calls += 1;
        if calls == 2 {
            retry.reconfigure(|retry| retry.attempts(5)).unwrap();
        }
        Err::<(), _>(Error::network("gone"))
    });
    assert!(failed.is_err());
    assert_eq!((calls, retry.attempts().get()), (5, 5), "a call that is under way, too");
    retry.reconfigure(|retry| retry.never_on(&[Category::Network])).unwrap();
    assert_eq!(retry.attempts().get(), 5, "what nobody changed stays");
    assert_eq!(retry.stats().failed, 0);
    assert!(retry.call_blocking(|_| Err::<(), _>(Error::network("gone"))).is_err());
    assert_eq!(retry.stats().failed, 1, "not retried any more");
}

#[test]
fn pl_2_what_a_running_retry_cannot_change_is_refused_and_nothing_changes() {
    let retry = three().build().unwrap();
    let refused = [
        retry.reconfigure(|retry| retry.attempts(9).name("other")),
        retry.reconfigure(|retry| retry.attempts(9).budget(&Budget::default())),
        retry.reconfigure(|retry| retry.attempts(9).not_idempotent()),
        retry.reconfigure(|retry| retry.attempts(9).on_retry(|_| {})),
        retry.reconfigure(|retry| retry.attempts(0)),
    ];
    let texts = refused.map(|refused| refused.unwrap_err().to_string());
    for (text, word) in texts.iter().zip(["name", "budget", "idempotency", "subscribers", "attempts"]) {
        assert!(text.contains(word), "{text}");
    }
    assert_eq!(retry.attempts().get(), 3);
}

#[tokio::test(start_paused = true)]
async fn of_two_changes_at_once_neither_is_lost() {
    let retry = Retry::fixed(ms(1)).no_jitter().attempts(2).build().unwrap();
    let is_first = std::sync::atomic::AtomicBool::new(true);
    let change = |rules: Builder| {
        if is_first.swap(false, std::sync::atomic::Ordering::Relaxed) {
            std::thread::scope(|scope| {
                scope.spawn(|| retry.reconfigure(|rules| rules.attempts(5)).unwrap());
            });
        }
        rules.never_on(&[Category::Network])
    };
    retry.reconfigure(change).unwrap();
    for (error, attempts) in [(Category::Timeout, 5), (Category::Network, 1)] {
        let mut calls = 0;
        let failed = retry.call(|_| {
            calls += 1;
            std::future::ready(Err::<(), _>(Error::new(error, "no answer")))
        });
        assert!(failed.await.is_err());
        assert_eq!(calls, attempts, "{error:?}");
    }
}
