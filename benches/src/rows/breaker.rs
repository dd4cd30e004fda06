use std::time::Duration;

use core_breaker::Breaker;
use core_time::secs;
use failsafe::backoff::{Constant, constant};
use failsafe::failure_policy::{
    ConsecutiveFailures, SuccessRateOverTimeWindow, consecutive_failures, success_rate_over_time_window,
};
use failsafe::{Config, StateMachine};
use layered::{Service as _, Stack as _};
use recloser::{AsyncRecloser, Recloser};
use tower::Layer;
use tower_resilience_circuitbreaker::{CircuitBreakerLayer, DefaultClassifier};

use super::{
    BAD, answer, call, decides_in, no_dearer_than, one_word, scales_as, seatbelt, service, through,
    tower_loop,
};
use crate::{Budget, Comes, Contest, Loop, Row, looped, ready};

const HOUR: Duration = Duration::from_hours(1);

pub(super) fn rows() -> Vec<Row> {
    let row = |name, ns, comes, contest| Row {
        name,
        threads: 1,
        budget: Budget::Total(ns),
        beside: &[],
        comes,
        allocations_max: 0,
        contest,
    };
    let closed_row = || row("breaker/closed", 20.0, Comes::Answered, closed);
    // The decision and the record have 3 ns, over what it costs to be called through a policy at all: the one bound there is.
    let consecutive = || Row {
        budget: Budget::None,
        beside: const { &[decides_in(3.0)] },
        ..row("breaker/closed_consecutive", 20.0, Comes::Answered, closed_consecutive)
    };
    let count = || row("breaker/closed_count", 20.0, Comes::Answered, closed_count);
    let open_row = || row("breaker/open", 10.0, Comes::Refused, open);
    vec![
        closed_row(),
        Row {
            budget: Budget::Total(25.0),
            ..closed_row()
                .on_two_threads("breaker/closed_2_threads", const { &[scales_as("breaker/closed")] })
        },
        count(),
        // Which call is the hundredth last is a fact about all threads together: they take their places in one word.
        Row {
            budget: Budget::None,
            ..count().on_two_threads(
                "breaker/closed_count_2_threads",
                const { &[one_word("breaker/closed_count", "the place among the last calls")] },
            )
        },
        consecutive(),
        consecutive().on_two_threads(
            "breaker/closed_consecutive_2_threads",
            const { &[scales_as("breaker/closed_consecutive")] },
        ),
        row("breaker/closed_blocking", 20.0, Comes::Answered, closed_blocking),
        Row { beside: const { &[no_dearer_than("breaker/closed")] }, ..open_row() },
        Row {
            contest: open_contended,
            ..open_row().on_two_threads("breaker/open_2_threads", const { &[scales_as("breaker/open")] })
        },
        row("breaker/open_blocking", 15.0, Comes::Refused, open_blocking),
    ]
}

/// Half of the calls of the last 10 s, of 20 at least; those that know no time look at the last 100 calls.
fn closed() -> Contest {
    let ours = windowed();
    Contest {
        ours: looped(move |input| ready(ours.call(|_| call(input)))),
        peers: vec![
            ("seatbelt", seatbelt(false)),
            ("failsafe", failsafe_loop(failsafe_windowed())),
            ("recloser, last 100", recloser_loop(recloser(100))),
            ("tower-resilience, last 100", tower_loop(tower_resilience().layer(service()))),
        ],
    }
}

/// Half of the last 100 calls.
fn closed_count() -> Contest {
    let ours = Breaker::rate(0.5).window_of_calls(100).min_calls(20).build().expect("valid");
    Contest {
        ours: looped(move |input| ready(ours.call(|_| call(input)))),
        peers: vec![
            ("recloser", recloser_loop(recloser(100))),
            ("tower-resilience", tower_loop(tower_resilience().layer(service()))),
        ],
    }
}

/// Five failures in a row.
fn closed_consecutive() -> Contest {
    let ours = Breaker::consecutive(5).build().expect("valid");
    let theirs = CircuitBreakerLayer::builder().consecutive_failures(5).build().expect("valid");
    Contest {
        ours: looped(move |input| ready(ours.call(|_| call(input)))),
        peers: vec![
            ("failsafe", failsafe_loop(failsafe_consecutive())),
            ("tower-resilience", tower_loop(theirs.layer(service()))),
        ],
    }
}

/// As `closed`, without futures.
fn closed_blocking() -> Contest {
    let ours = windowed();
    let (failsafe, recloser) = (failsafe_windowed(), recloser(100));
    Contest {
        ours: looped(move |input| ours.call_blocking(|_| answer(input))),
        peers: vec![
            ("failsafe", looped(move |input| failsafe::CircuitBreaker::call(&failsafe, || answer(input)))),
            ("recloser, last 100", looped(move |input| recloser.call(|| answer(input)))),
        ],
    }
}

fn open() -> Contest {
    let ours = ours_open();
    Contest {
        ours: looped(move |input| ready(ours.call(|_| call(input)))),
        peers: vec![
            ("seatbelt", seatbelt(true)),
            ("failsafe", failsafe_loop(failsafe_open())),
            ("recloser", recloser_loop(recloser_open())),
            ("tower-resilience", tower_resilience_open()),
        ],
    }
}

/// Without those of tower-resilience: two that share an open circuit wait for each other for good if nobody wakes them.
fn open_contended() -> Contest {
    let mut contest = open();
    contest.peers.retain(|(who, _)| *who != "tower-resilience");
    contest
}

fn open_blocking() -> Contest {
    let ours = ours_open();
    let (failsafe, recloser) = (failsafe_open(), recloser_open());
    Contest {
        ours: looped(move |input| ours.call_blocking(|_| answer(input))),
        peers: vec![
            ("failsafe", looped(move |input| failsafe::CircuitBreaker::call(&failsafe, || answer(input)))),
            ("recloser", looped(move |input| recloser.call(|| answer(input)))),
        ],
    }
}

fn windowed() -> Breaker {
    Breaker::rate(0.5).window(secs(10)).min_calls(20).build().expect("valid")
}

fn ours_open() -> Breaker {
    let breaker = Breaker::consecutive(5).open_for(HOUR).open_max(HOUR).build().expect("valid");
    for _ in 0..5 {
        let failed = breaker.call_blocking(|_| answer(BAD));
        assert!(failed.is_err(), "the bad call fails");
    }
    breaker
}

fn seatbelt(open: bool) -> Loop {
    let service = (seatbelt::breaker(&seatbelt::context()), seatbelt::service()).into_service();
    if open {
        fail(|| ready(service.execute(BAD)));
    }
    seatbelt::service_loop(service)
}

/// It writes down every call of a window of time and adds them up at each result, so the window of calls, its default,
/// is the faster one by far.
pub(super) fn tower_resilience() -> CircuitBreakerLayer<DefaultClassifier> {
    CircuitBreakerLayer::builder()
        .failure_rate_threshold(0.5)
        .sliding_window_size(100)
        .minimum_number_of_calls(20)
        .wait_duration_in_open(HOUR)
        .build()
        .expect("valid")
}

fn tower_resilience_open() -> Loop {
    let mut service = tower_resilience().layer(service());
    fail(|| through(&mut service, BAD));
    tower_loop(service)
}

type Failsafe<P> = StateMachine<P, ()>;

fn failsafe_windowed() -> Failsafe<SuccessRateOverTimeWindow<Constant>> {
    let policy = success_rate_over_time_window(0.5, 20, Duration::from_secs(10), constant(HOUR));
    Config::new().failure_policy(policy).build()
}

fn failsafe_consecutive() -> Failsafe<ConsecutiveFailures<Constant>> {
    Config::new().failure_policy(consecutive_failures(5, constant(HOUR))).build()
}

fn failsafe_open() -> Failsafe<ConsecutiveFailures<Constant>> {
    let breaker = failsafe_consecutive();
    fail(|| failsafe::CircuitBreaker::call(&breaker, || answer(BAD)));
    breaker
}

fn failsafe_loop(breaker: impl failsafe::futures::CircuitBreaker + Send + Sync + 'static) -> Loop {
    looped(move |input| ready(breaker.call(call(input))))
}

fn recloser(calls: usize) -> Recloser {
    Recloser::custom().error_rate(0.5).closed_len(calls).open_wait(HOUR).build()
}

fn recloser_open() -> Recloser {
    let breaker = recloser(20);
    fail(|| breaker.call(|| answer(BAD)));
    breaker
}

fn recloser_loop(breaker: Recloser) -> Loop {
    let breaker = AsyncRecloser::from(breaker);
    looped(move |input| ready(breaker.call(call(input))))
}

/// Enough failures to open any of them.
fn fail<E>(mut bad_call: impl FnMut() -> Result<u64, E>) {
    for _ in 0..100 {
        assert!(bad_call().is_err(), "the bad call fails, or is refused");
    }
}
