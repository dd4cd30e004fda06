use std::hint::black_box;
use std::num::NonZeroU32;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use core_limit::{Bulkhead, Rate, RateLimit};
use governor::clock::{Clock, QuantaUpkeepClock};
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::sync::Semaphore;
use tower::Layer;
use tower::limit::ConcurrencyLimitLayer;
use tower_resilience_bulkhead::BulkheadLayer;
use tower_resilience_ratelimiter::RateLimiterLayer;

use super::{Failure, INPUT, call, no_dearer_than, one_word, scales_as, service, through, tower_loop};
use crate::{Budget, Comes, Contest, Loop, Row, looped, ready};

/// So fast that nothing is ever refused.
pub(super) const PER_SECOND: u32 = 500_000_000;

const HOUR: Duration = Duration::from_hours(1);

/// So many at once.
pub(super) const SLOTS: u16 = 64;

pub(super) fn rows() -> Vec<Row> {
    let row = |name, budget, comes, contest| Row {
        name,
        threads: 1,
        budget: Budget::Total(budget),
        beside: &[],
        comes,
        allocations_max: 0,
        contest,
    };
    let allow_row = || row("rate_limit/allow", 35.0, Comes::Answered, allow);
    let call_row = || row("rate_limit/call", 35.0, Comes::Answered, through_limit);
    let refuse_row = || row("rate_limit/refuse", 35.0, Comes::Refused, refuse);
    let free_row = || row("bulkhead/free", 20.0, Comes::Answered, free);
    let full_row = || row("bulkhead/full", 20.0, Comes::Refused, full);
    vec![
        allow_row(),
        // When the bucket is empty again is one word (the TAT): who may go next depends on who went last.
        Row {
            budget: Budget::None,
            ..allow_row().on_two_threads(
                "rate_limit/allow_2_threads",
                const { &[one_word("rate_limit/allow", "the TAT")] },
            )
        },
        call_row(),
        Row { beside: const { &[no_dearer_than("rate_limit/allow")] }, ..refuse_row() },
        // A refusal writes nothing that is shared.
        refuse_row()
            .on_two_threads("rate_limit/refuse_2_threads", const { &[scales_as("rate_limit/refuse")] }),
        Row {
            beside: const { &[no_dearer_than("rate_limit/call")] },
            ..row("rate_limit/call_refused", 35.0, Comes::Refused, through_limit_refused)
        },
        free_row(),
        // How many slots are left is one word.
        Row {
            budget: Budget::None,
            ..free_row().on_two_threads(
                "bulkhead/free_2_threads",
                const { &[one_word("bulkhead/free", "the permits")] },
            )
        },
        Row { beside: const { &[no_dearer_than("bulkhead/free")] }, ..full_row() },
        full_row().on_two_threads("bulkhead/full_2_threads", const { &[scales_as("bulkhead/full")] }),
    ]
}

/// The decision itself, and then the call: that is all governor does.
///
/// governor on a `QuantaUpkeepClock` reads a variable in place of a clock, and takes 2 ns less than we do. It is not here,
/// because it is another bargain: a thread of the user's has to write that variable, and while that thread does not run no
/// time passes for the limit. In the pipeline, where governor only helps out, it runs on it.
fn allow() -> Contest {
    let ours = ours();
    Contest {
        ours: checked(move || ours.check()),
        peers: vec![("governor", governor_loop(RateLimiter::direct(quota())))],
    }
}

/// The call through a limit, which makes a refusal the call's error.
fn through_limit() -> Contest {
    let ours = ours();
    Contest {
        ours: looped(move |input| ready(ours.call(|_| call(input)))),
        peers: vec![("tower-resilience", tower_loop(rate_layer().layer(service())))],
    }
}

/// One an hour, and it was taken.
fn refuse() -> Contest {
    let ours = ours_spent();
    let theirs = RateLimiter::direct(Quota::per_hour(NonZeroU32::MIN));
    assert!(theirs.check().is_ok(), "the first passes");
    Contest { ours: checked(move || ours.check()), peers: vec![("governor", governor_loop(theirs))] }
}

fn through_limit_refused() -> Contest {
    let ours = ours_spent();
    let mut theirs = RateLimiterLayer::builder()
        .limit_for_period(1)
        .refresh_period(HOUR)
        .timeout_duration(Duration::ZERO)
        .build()
        .expect("valid")
        .layer(service());
    assert!(through(&mut theirs, INPUT).is_ok(), "the first passes");
    Contest {
        ours: looped(move |input| ready(ours.call(|_| call(input)))),
        peers: vec![("tower-resilience", tower_loop(theirs))],
    }
}

fn free() -> Contest {
    let ours = Bulkhead::max(SLOTS.into()).build().expect("valid");
    let semaphore = Arc::new(Semaphore::new(SLOTS.into()));
    Contest {
        ours: looped(move |input| ready(ours.call(|_| call(input)))),
        peers: vec![
            (
                "tokio Semaphore",
                looped(move |input| {
                    ready(async {
                        let Ok(_slot) = semaphore.try_acquire() else { return Err(Failure) };
                        call(input).await
                    })
                }),
            ),
            ("tower ConcurrencyLimit", tower_loop(ConcurrencyLimitLayer::new(SLOTS.into()).layer(service()))),
            ("tower-resilience", tower_loop(bulkhead_layer().layer(service()))),
        ],
    }
}

/// Its slot is never given back. The semaphores of others say no with one load and nothing else, neither who nor why: that is
/// no refusal, and nobody to compare with.
fn full() -> Contest {
    let ours = Bulkhead::max(1).build().expect("valid");
    std::mem::forget(ours.acquire().expect("free"));
    Contest { ours: looped(move |input| ready(ours.call(|_| call(input)))), peers: Vec::new() }
}

pub(super) fn rate_layer() -> RateLimiterLayer {
    let second = Duration::from_secs(1);
    // Its fixed window is the simplest of what it has.
    RateLimiterLayer::builder()
        .limit_for_period(PER_SECOND as usize)
        .refresh_period(second)
        .build()
        .expect("valid")
}

pub(super) fn bulkhead_layer() -> BulkheadLayer {
    BulkheadLayer::builder().max_concurrent_calls(SLOTS.into()).reject_when_full().build().expect("valid")
}

/// A limiter of governor, with a clock of its choice.
pub(super) type Governor<C> = RateLimiter<NotKeyed, InMemoryState, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// governor with the clock that a thread keeps up to date, as often as the kernel does the coarse clock of ours.
pub(super) fn governor() -> Governor<QuantaUpkeepClock> {
    // A process can have but one.
    static CLOCK: OnceLock<QuantaUpkeepClock> = OnceLock::new();
    let clock =
        CLOCK.get_or_init(|| QuantaUpkeepClock::from_interval(Duration::from_millis(4)).expect("the first"));
    RateLimiter::direct_with_clock(quota(), clock.clone())
}

fn quota() -> Quota {
    let rate = NonZeroU32::new(PER_SECOND).expect("not zero");
    Quota::per_second(rate).allow_burst(rate)
}

fn ours() -> RateLimit {
    Rate::per_second(PER_SECOND.into()).burst(PER_SECOND.into()).build().expect("valid")
}

fn ours_spent() -> RateLimit {
    let limit = Rate::per(1, HOUR).build().expect("valid");
    assert!(limit.check().is_ok(), "the first passes");
    limit
}

fn governor_loop<C: Clock + Send + Sync + 'static>(limiter: Governor<C>) -> Loop
where
    C::Instant: Send + Sync,
{
    checked(move || limiter.check())
}

/// The call behind a decision. The refusal is made in full and looked at, as any other outcome.
pub(super) fn checked<E>(check: impl Fn() -> Result<(), E> + Send + Sync + 'static) -> Loop {
    looped(move |input| {
        ready(async {
            if let Err(refusal) = check() {
                black_box(&refusal);
                return Err(Failure);
            }
            call(input).await
        })
    })
}
