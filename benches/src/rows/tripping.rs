//! Breakers by other rules than a rate of failures, a refusal while a window of time is open, and what answers meanwhile.

use core_breaker::{Breaker, Builder};
use core_time::{ms, secs};

use super::{BAD, answer, call, no_dearer_than, scales_as};
use crate::{Beside, Bound, Budget, Comes, Contest, Row, looped, ready};

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
    let windowed_row = || row("breaker/open_windowed", 15.0, Comes::Refused, open_windowed);
    vec![
        // Which calls are the last ten is a fact about all threads together: a window of calls like any other.
        Row {
            budget: Budget::None,
            beside: const { &[over("breaker/closed_count", 5.0)] },
            ..row("breaker/closed_k_of_n", 0.0, Comes::Answered, k_of_n)
        },
        // A run, a rate and a number of failures are three questions to one window.
        Row {
            beside: const { &[over("breaker/closed", 5.0)] },
            ..row("breaker/closed_hybrid", 25.0, Comes::Answered, hybrid)
        },
        // How long a call takes has to be measured: from 100 ms on with the coarse clock, below it with the exact one.
        row("breaker/closed_slow", 35.0, Comes::Answered, slow),
        row("breaker/closed_slow_exact", 100.0, Comes::Answered, slow_exact),
        // As `breaker/open`, but the rule that tripped it has a window, which is no business of who is refused.
        Row { beside: const { &[no_dearer_than("breaker/closed")] }, ..windowed_row() },
        windowed_row().on_two_threads(
            "breaker/open_windowed_2_threads",
            const { &[scales_as("breaker/open_windowed")] },
        ),
        // The refusal, and a closure that is asked in its place.
        Row {
            beside: const { &[over("breaker/open_windowed", 10.0)] },
            ..row("breaker/fallback", 25.0, Comes::Answered, fallback)
        },
    ]
}

/// What this may take above another row.
const fn over(row: &'static str, ns: f64) -> Beside {
    Beside { row, bound: Bound::Over(ns) }
}

fn closed(breaker: Builder) -> Contest {
    let ours = breaker.build().expect("valid");
    Contest { ours: looped(move |input| ready(ours.call(|_| call(input)))), peers: Vec::new() }
}

/// Five of the last ten.
fn k_of_n() -> Contest {
    closed(Breaker::k_of_n(5, 10))
}

fn hybrid() -> Contest {
    closed(windowed().or_consecutive(5).or_failures(50))
}

/// Calls of a second and more.
fn slow() -> Contest {
    closed(windowed().slow_over(secs(1)))
}

/// Calls of 10 ms and more.
fn slow_exact() -> Contest {
    closed(windowed().slow_over(ms(10)))
}

fn open_windowed() -> Contest {
    let ours = opened();
    Contest { ours: looped(move |input| ready(ours.call(|_| call(input)))), peers: Vec::new() }
}

fn fallback() -> Contest {
    let ours = opened();
    Contest {
        ours: looped(move |input| ready(ours.call_or(|_| call(input), async |_| Ok(input)))),
        peers: Vec::new(),
    }
}

fn windowed() -> Builder {
    Breaker::rate(0.5).window(secs(10)).min_calls(20)
}

/// Half of twenty calls failed.
fn opened() -> Breaker {
    let breaker = windowed().open_for(secs(3_600)).open_max(secs(3_600)).build().expect("valid");
    for _ in 0..20 {
        assert!(breaker.call_blocking(|_| answer(BAD)).is_err(), "the bad call fails");
    }
    assert!(breaker.call_blocking(|_| answer(super::INPUT)).is_err(), "it is open");
    breaker
}
