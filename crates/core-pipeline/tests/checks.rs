//! What a pipeline refuses when it is built, and what it says (rule PL-1).
#![expect(clippy::unwrap_used, reason = "a helper of a test may panic")]

use std::error::Error as _;
use std::time::Duration;

use core_breaker::Breaker;
use core_limit::{Bulkhead, Rate};
use core_pipeline::{Builder, Pipeline};
use core_policy::Keyed;
use core_retry::Retry;
use core_time::{ms, secs};

fn pipeline() -> Builder {
    Pipeline::named("payments")
}

#[track_caller]
fn refused(builder: Builder, text: &str) {
    assert_eq!(builder.build().unwrap_err().to_string(), text);
}

#[test]
fn pl_1_an_attempt_may_not_take_longer_than_the_call() {
    refused(
        pipeline().deadline(ms(200)).attempt_timeout(ms(201)),
        "an attempt may take 201ms but the whole call only 200ms: the attempt timeout would never fire; make it shorter \
         than the deadline",
    );
    pipeline().deadline(ms(200)).attempt_timeout(ms(200)).build().unwrap();
    pipeline().attempt_timeout(secs(3_600)).build().unwrap();
}

#[test]
fn pl_1_a_call_may_not_wait_for_a_slot_for_longer_than_it_takes() {
    let wait = |wait| Bulkhead::max(8).max_wait(wait);
    refused(
        pipeline().deadline(ms(200)).bulkhead(wait(ms(201))),
        "a call may wait 201ms for a slot of the bulkhead but takes 200ms in all: make max_wait shorter than the deadline",
    );
    pipeline().deadline(ms(200)).bulkhead(wait(ms(200))).build().unwrap();
    pipeline().deadline(ms(200)).bulkhead(8).build().unwrap();
}

#[test]
fn pl_1_the_window_of_the_breaker_is_at_least_two_attempts_long() {
    let rate = |window| Breaker::rate(0.5).window(window);
    let text = "the window of the breaker is 1.999s and an attempt may take 1s: timeouts would leave the window before they \
                can trip it; make the window at least twice the attempt timeout";
    refused(pipeline().attempt_timeout(secs(1)).breaker(rate(ms(1_999))), text);
    refused(
        pipeline()
            .attempt_timeout(secs(1))
            .breaker(Breaker::consecutive(5).slow_over(ms(800)).window(ms(1_999))),
        text,
    );
    pipeline().attempt_timeout(secs(1)).breaker(rate(secs(2))).build().unwrap();
    pipeline()
        .attempt_timeout(secs(24 * 3_600))
        .breaker(Breaker::rate(0.5).window_of_calls(20))
        .build()
        .unwrap();
    pipeline().attempt_timeout(secs(60)).breaker(Breaker::consecutive(5)).build().unwrap();
    pipeline().breaker(rate(ms(1))).build().unwrap();
}

#[test]
fn pl_1_a_probe_has_its_permit_for_as_long_as_its_attempt_may_take() {
    let text = |takes: &str| {
        format!(
            "the permit of a probe is taken back after 500ms and an attempt may take {takes} with its waits: its answer would not \
             count, and more probes would run than there may be; make probe_lease as long as that, or leave it out"
        )
    };
    let leased = || pipeline().breaker(Breaker::consecutive(5).probe_lease(ms(500)));
    refused(leased().attempt_timeout(ms(501)), &text("501ms"));
    // It has the permit while it waits for its turn.
    let waits = Rate::per_second(10).max_wait(ms(100));
    let queue = Bulkhead::max(1).max_wait(ms(50));
    refused(leased().attempt_timeout(ms(400)).limit(waits.clone()).bulkhead(queue), &text("550ms"));
    // What the whole call takes no attempt exceeds.
    leased().attempt_timeout(ms(450)).limit(waits.clone()).deadline(ms(500)).build().unwrap();
    refused(leased().attempt_timeout(ms(450)).limit(waits).deadline(ms(501)), &text("501ms"));
    leased().attempt_timeout(ms(500)).build().unwrap();
    leased().build().unwrap();
    // The default lasts as long as the caller waits.
    let unleased = pipeline().breaker(Breaker::consecutive(5).open_for(secs(1)));
    let unleased = unleased.attempt_timeout(secs(3_600)).build().unwrap();
    let error = unleased.reconfigure(|c| c.breaker(|breaker| breaker.probe_lease(ms(500)))).unwrap_err();
    assert_eq!(error.to_string(), text("3600s"));
    assert!(unleased.reconfigure(|c| c.breaker(|breaker| breaker.probe_lease(secs(3_600)))).is_ok());
}

#[test]
fn pl_1_the_first_retry_fits_into_the_call() {
    let text = |delay: &str| {
        format!(
            "the first retry waits {delay} and the whole call takes 1s: it would never be made; make the deadline longer \
             or the delay shorter"
        )
    };
    let within = |retry| pipeline().deadline(secs(1)).retry(retry);
    refused(within(Retry::fixed(secs(1)).no_jitter()), &text("1s"));
    refused(within(Retry::exponential(secs(2)..secs(9)).equal_jitter()), &text("1s"));
    refused(within(Retry::decorrelated(secs(3)..secs(9))), &text("3s"));
    let plus = core_retry::Jitter::Plus { up_to: ms(1) };
    refused(within(Retry::fixed(secs(1)).jitter(plus)), &text("1s"));
    let about = core_retry::Jitter::PlusMinus { fraction: 0.5 };
    refused(within(Retry::linear(secs(4)..secs(9)).jitter(about)), &text("2s"));
    for fits in [
        Retry::fixed(ms(999)).jitter(plus),
        Retry::linear(ms(1_998)..secs(9)).jitter(about),
        Retry::fixed(ms(999)).no_jitter(),
        Retry::exponential(ms(1_999)..secs(9)).equal_jitter(),
        Retry::fixed(secs(60)).full_jitter(),
        Retry::fixed(secs(60)).no_jitter().attempts(1),
    ] {
        within(fits).build().unwrap();
    }
}

#[test]
fn pl_1_rt_5_the_first_retry_has_the_least_time_that_it_needs() {
    let within =
        |retry: core_retry::Builder| pipeline().deadline(secs(1)).retry(retry.min_attempt_time(ms(400)));
    refused(
        within(Retry::fixed(ms(601)).no_jitter()),
        "the first retry waits 601ms and needs 400ms of min_attempt_time, and the whole call takes 1s: it would never be made; make \
         the deadline longer, the delay shorter or the least time less",
    );
    // Also where it would follow at once.
    let at_once = pipeline().deadline(ms(399)).retry(Retry::fixed(ms(1)).min_attempt_time(ms(400)));
    assert!(
        at_once.build().unwrap_err().to_string().starts_with("the first retry waits 0ns and needs 400ms")
    );
    for fits in [Retry::fixed(ms(600)).no_jitter(), Retry::fixed(secs(9)), Retry::fixed(secs(9)).attempts(1)]
    {
        within(fits).build().unwrap();
    }
}

#[test]
fn what_a_policy_refuses_the_pipeline_refuses_with_the_name_of_the_policy() {
    for (builder, text) in [
        (pipeline().deadline(Duration::ZERO), "timeout: the limit is zero"),
        (pipeline().attempt_timeout(Duration::ZERO), "timeout: the limit is zero"),
        (
            pipeline().deadline(Duration::MAX),
            "timeout: the limit is 18446744073709551615.999999999s: it must be at most",
        ),
        (pipeline().retry(Retry::fixed(ms(1)).attempts(0)), "retry: attempts is zero"),
        (pipeline().retry(Retry::exponential(ms(9)..ms(1))), "retry: the delays run from 9ms to 1ms"),
        (pipeline().breaker(Breaker::rate(0.0)), "breaker: the failure rate is 0"),
        (pipeline().breaker(Breaker::rate(f64::NAN)), "breaker: the failure rate is NaN"),
        (
            pipeline().breaker(Breaker::consecutive(1).probes(1).successes(2)),
            "breaker: the breaker can never close",
        ),
        (pipeline().limit(Rate::per_second(0)), "limit: "),
        (pipeline().bulkhead(0), "limit: the number of slots is zero"),
        (pipeline().bulkhead(Bulkhead::max(1).queue(9)), "limit: a queue needs a max_wait"),
    ] {
        let error = builder.build().unwrap_err();
        assert!(error.to_string().starts_with(text), "{error}");
        let source = error.source().unwrap().to_string();
        assert!(error.to_string().ends_with(&source), "{error} / {source}");
    }
}

#[test]
fn a_name_that_cannot_be_one_is_refused_first() {
    for name in ["", "two\nlines", &"x".repeat(129)] {
        let error = Pipeline::named(name).attempt_timeout(Duration::ZERO).build().unwrap_err();
        assert!(error.to_string().contains("cannot be a name"), "{error}");
    }
}

#[test]
fn a_contradiction_has_no_cause_but_itself() {
    let error = pipeline().deadline(ms(1)).attempt_timeout(ms(2)).build().unwrap_err();
    assert!(error.source().is_none());
    assert_eq!(error, pipeline().deadline(ms(1)).attempt_timeout(ms(2)).build().unwrap_err());
}

#[test]
fn pl_1_a_smooth_growth_may_always_have_time_since_it_draws_from_nothing_on() {
    let retry = Retry::smooth(secs(5)..secs(60)).attempts(3);
    pipeline().deadline(secs(2)).retry(retry).build().unwrap();
}

#[test]
fn what_a_part_of_it_says_is_the_source_of_what_it_says() {
    let named = Pipeline::named("").build().unwrap_err();
    assert!(named.source().unwrap().is::<core_errors::NameError>());
    let keys = pipeline().build().unwrap().keyed::<String>(Keyed::max(0)).unwrap_err();
    assert!(keys.source().unwrap().to_string().contains("room for no key"), "{keys}");
}

#[test]
fn pl_1_a_key_may_be_idle_for_as_long_as_its_circuit_is_open() {
    let plain = pipeline().breaker(Breaker::consecutive(1).open_max(secs(60))).build().unwrap();
    plain.keyed::<String>(Keyed::max(9).idle(secs(60))).unwrap();
    assert!(plain.keyed::<String>(Keyed::max(9).idle(ms(59_999))).is_err());
}

/// What `unwrap` shows, and what a `main` ends with: those of breaker, limit and pipeline were the names of private variants.
#[test]
fn what_is_wrong_with_a_configuration_is_said_in_words_wherever_it_is_shown() {
    fn texts<T, E: std::error::Error>(built: Result<T, E>) -> [String; 2] {
        let Err(error) = built else { panic!("nothing is wrong with it") };
        [format!("{error:?}"), error.to_string()]
    }
    let all = [
        texts(Breaker::consecutive(0).build()),
        texts(Bulkhead::max(0).build()),
        texts(Retry::fixed(ms(1)).attempts(0).build()),
        texts(core_timeout::Timeout::attempt(ms(0)).build()),
        texts(Pipeline::named("").build()),
    ];
    for [shown, said] in all {
        assert_eq!(shown, format!("ConfigError({said})"));
        assert!(said.contains(' '), "{said}");
    }
}
