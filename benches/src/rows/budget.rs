use std::time::Duration;

use core_retry::{Budget as RetryBudget, Paid, Retry};
use core_time::{Clock, ms, secs};
use tower::retry::budget::{Budget as _, TpsBudget};

use super::{BAD, Failure, answer, call, no_dearer_than, scales_as};
use crate::{Budget, Comes, Contest, Loop, Row, looped, ready};

pub(super) fn rows() -> Vec<Row> {
    let row = |name, comes, contest| Row {
        name,
        threads: 1,
        budget: Budget::Total(15.0),
        beside: &[],
        comes,
        allocations_max: 0,
        contest,
    };
    let deposit_row = || row("budget/deposit", Comes::Answered, deposit);
    let tokens_row = || row("budget/deposit_tokens", Comes::Answered, deposit_tokens);
    vec![
        deposit_row(),
        deposit_row().on_two_threads("budget/deposit_2_threads", const { &[scales_as("budget/deposit")] }),
        tokens_row(),
        tokens_row().on_two_threads(
            "budget/deposit_tokens_2_threads",
            const { &[scales_as("budget/deposit_tokens")] },
        ),
        Row { budget: Budget::None, ..row("budget/withdraw_and_refund", Comes::Answered, withdraw) },
        Row {
            budget: Budget::None,
            beside: const { &[no_dearer_than("budget/withdraw_and_refund")] },
            ..row("budget/refuse", Comes::Refused, refuse)
        },
        // The call fails, and its budget has nothing for another.
        Row { budget: Budget::None, ..row("retry/gives_up", Comes::Refused, gives_up) },
    ]
}

fn finagle() -> RetryBudget {
    RetryBudget::deposit(0.2, 10, secs(10)).expect("valid")
}

fn tps() -> TpsBudget {
    TpsBudget::new(Duration::from_secs(10), 10, 0.2)
}

/// What a call leaves for the retries of others.
fn deposit() -> Contest {
    let (ours, clock, theirs) = (finagle(), Clock::system(), tps());
    Contest {
        ours: told(move || ours.succeeded(Paid::NOTHING, || clock.now_coarse())),
        peers: vec![("tower TpsBudget", told(move || theirs.deposit()))],
    }
}

fn deposit_tokens() -> Contest {
    let (ours, clock) = (RetryBudget::default(), Clock::system());
    Contest { ours: told(move || ours.succeeded(Paid::NOTHING, || clock.now_coarse())), peers: Vec::new() }
}

/// What a retry takes, and gives back because it was never made.
fn withdraw() -> Contest {
    let (ours, clock) = (finagle(), Clock::system());
    let ours = looped(move |input| {
        let paid = ours.take(false, || clock.now_coarse()).ok_or(Failure)?;
        ours.refund(paid, || clock.now_coarse());
        Ok::<_, Failure>(input)
    });
    Contest { ours, peers: Vec::new() }
}

/// There is nothing to take.
fn refuse() -> Contest {
    let (ours, clock) = (spent(), Clock::system());
    let theirs = TpsBudget::new(Duration::from_secs(10), 0, 0.2);
    Contest {
        ours: looped(
            move |input| if ours.failed(true, || clock.now_coarse()) { Ok(input) } else { Err(Failure) },
        ),
        peers: vec![(
            "tower TpsBudget",
            looped(move |input| if theirs.withdraw() { Ok(input) } else { Err(Failure) }),
        )],
    }
}

fn gives_up() -> Contest {
    let ours = Retry::exponential(ms(50)..secs(1))
        .full_jitter()
        .attempts(4)
        .budget(&spent())
        .build()
        .expect("valid");
    Contest { ours: looped(move |_| ready(ours.call(|_| call(BAD)))), peers: Vec::new() }
}

/// A budget of tokens that failures have used up.
fn spent() -> RetryBudget {
    let (budget, clock) = (RetryBudget::default(), Clock::system());
    for _ in 0..200 {
        if !budget.failed(true, || clock.now_coarse()) {
            continue;
        }
        let _ = budget.take(false, || clock.now_coarse());
    }
    budget
}

fn told(tell: impl Fn() + Send + Sync + 'static) -> Loop {
    looped(move |input| {
        tell();
        answer(input)
    })
}
