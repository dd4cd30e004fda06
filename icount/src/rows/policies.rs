//! Calls through policies.

use std::hint::black_box;

use core_breaker::Breaker;
use core_errors::Verdict;
use core_limit::{Adaptive, Bulkhead, Rate, SlidingWindow, Throttle};
use core_pipeline::Pipeline;
use core_policy::{Keyed, KeyedMap, Permit};
use core_retry::{Budget, Hedge, Paid, Retry};
use core_time::{Clock, ManualClock, ms, secs};
use core_timeout::Timeout;

use super::{BAD, GOOD, Make, answer, call, ready};

pub(super) const ROWS: [(&str, Make); 32] = [
    ("bare", bare),
    ("breaker/closed", closed),
    ("breaker/closed_consecutive", closed_consecutive),
    ("breaker/closed_count", closed_count),
    ("breaker/keyed", keyed_breaker),
    ("breaker/open", open),
    ("breaker/open_blocking", open_blocking),
    ("retry/first_success", first_success),
    ("retry/first_success_budget", first_success_budget),
    ("retry/gives_up", gives_up),
    ("budget/deposit", deposit),
    ("budget/withdraw_and_refund", withdraw),
    ("budget/refuse", spent),
    ("rate_limit/check", check),
    ("rate_limit/check_refused", check_refused),
    ("rate_limit/allow", allow),
    ("rate_limit/refuse", refuse),
    ("rate_limit/keyed", keyed_rate),
    ("rate_limit/keyed_refused", keyed_refused),
    ("keyed/get", keyed_get),
    ("sliding_window/check", sliding),
    ("sliding_window/check_refused", sliding_refused),
    ("bulkhead/free", free),
    ("bulkhead/full", full),
    ("adaptive/free", adaptive),
    ("adaptive/full", adaptive_full),
    ("throttle/accept", accept),
    ("throttle/refuse", hold_back),
    ("timeout/ready", in_time),
    ("hedge/not_needed", hedge),
    ("pipeline/five_policies", five_policies),
    ("pipeline/keyed", keyed),
];

/// The name of a user.
const NAME: &str = "user-0000007919";

/// Measures a call whose outcome is looked at.
macro_rules! boxed {
    ($policy:ident) => {
        Box::new(move || {
            black_box(ready($policy.call(|_| call(GOOD)))).ok();
        })
    };
}

/// A clock that stands still, an hour after it was made.
pub(super) fn clock() -> Clock {
    let time = ManualClock::new();
    time.advance(secs(3_600));
    time.clock()
}

fn bare() -> Box<dyn FnMut()> {
    Box::new(|| {
        black_box(ready(call(GOOD))).ok();
    })
}

fn closed() -> Box<dyn FnMut()> {
    let breaker = Breaker::rate(0.5).window(secs(10)).min_calls(20).clock(clock()).build().expect("valid");
    boxed!(breaker)
}

fn closed_consecutive() -> Box<dyn FnMut()> {
    let breaker = Breaker::consecutive(5).clock(clock()).build().expect("valid");
    boxed!(breaker)
}

fn closed_count() -> Box<dyn FnMut()> {
    let breaker =
        Breaker::rate(0.5).window_of_calls(100).min_calls(20).clock(clock()).build().expect("valid");
    boxed!(breaker)
}

fn keyed_breaker() -> Box<dyn FnMut()> {
    let breaker = Breaker::consecutive(5).clock(clock()).build().expect("valid");
    let hosts = breaker.keyed::<String>(Keyed::max(16)).expect("valid");
    Box::new(move || {
        let breaker = hosts.get(NAME).expect("room");
        black_box(breaker.call_blocking(|_| answer(GOOD))).ok();
    })
}

fn opened() -> Breaker {
    let breaker = Breaker::consecutive(1).clock(clock()).build().expect("valid");
    assert!(breaker.call_blocking(|_| answer(BAD)).is_err(), "the bad call fails");
    breaker
}

fn open() -> Box<dyn FnMut()> {
    let breaker = opened();
    boxed!(breaker)
}

fn open_blocking() -> Box<dyn FnMut()> {
    let breaker = opened();
    Box::new(move || {
        black_box(breaker.call_blocking(|_| answer(GOOD))).ok();
    })
}

fn first_success() -> Box<dyn FnMut()> {
    let retry = Retry::exponential(ms(50)..secs(1)).full_jitter().attempts(4).clock(clock());
    let retry = retry.build().expect("valid");
    boxed!(retry)
}

fn first_success_budget() -> Box<dyn FnMut()> {
    let budget = Budget::default();
    let retry = Retry::exponential(ms(50)..secs(1)).full_jitter().attempts(4).budget(&budget).clock(clock());
    let retry = retry.build().expect("valid");
    boxed!(retry)
}

/// A budget that failures have used up.
fn used_up() -> Budget {
    let budget = Budget::default();
    while budget.failed(true, || clock().now_coarse()) {}
    budget
}

fn gives_up() -> Box<dyn FnMut()> {
    let retry =
        Retry::exponential(ms(50)..secs(1)).full_jitter().attempts(4).budget(&used_up()).clock(clock());
    let retry = retry.build().expect("valid");
    Box::new(move || {
        black_box(ready(retry.call(|_| call(BAD)))).ok();
    })
}

fn finagle() -> (Budget, Clock) {
    (Budget::deposit(0.2, 10, secs(10)).expect("valid"), clock())
}

fn deposit() -> Box<dyn FnMut()> {
    let (budget, clock) = finagle();
    Box::new(move || budget.succeeded(Paid::NOTHING, || clock.now_coarse()))
}

fn withdraw() -> Box<dyn FnMut()> {
    let (budget, clock) = finagle();
    Box::new(move || {
        let paid = budget.take(false, || clock.now_coarse()).expect("there is a reserve");
        budget.refund(black_box(paid), || clock.now_coarse());
    })
}

fn spent() -> Box<dyn FnMut()> {
    let (budget, clock) = (used_up(), clock());
    Box::new(move || {
        black_box(budget.failed(true, || clock.now_coarse()));
    })
}

fn check() -> Box<dyn FnMut()> {
    let limit = Rate::per_second(1_000_000).burst(1_000_000).clock(clock()).build().expect("valid");
    Box::new(move || {
        black_box(limit.check()).ok();
    })
}

fn check_refused() -> Box<dyn FnMut()> {
    let limit = Rate::per_second(1).burst(1).clock(clock()).build().expect("valid");
    assert!(limit.check().is_ok(), "the first is allowed");
    Box::new(move || {
        black_box(limit.check()).ok();
    })
}

fn sliding() -> Box<dyn FnMut()> {
    let limit = SlidingWindow::per(1_000_000, secs(60)).clock(clock()).build().expect("valid");
    Box::new(move || {
        black_box(limit.check()).ok();
    })
}

fn sliding_refused() -> Box<dyn FnMut()> {
    let limit = SlidingWindow::per(1, secs(60)).clock(clock()).build().expect("valid");
    assert!(limit.check().is_ok(), "the first is allowed");
    Box::new(move || {
        black_box(limit.check()).ok();
    })
}

fn allow() -> Box<dyn FnMut()> {
    // While time stands still only the burst is there.
    let limit = Rate::per_second(1_000_000).burst(1_000_000).clock(clock()).build().expect("valid");
    boxed!(limit)
}

fn refuse() -> Box<dyn FnMut()> {
    let limit = Rate::per_second(1).burst(1).clock(clock()).build().expect("valid");
    assert!(limit.check().is_ok(), "the first is allowed");
    boxed!(limit)
}

fn free() -> Box<dyn FnMut()> {
    let bulkhead = Bulkhead::max(64).clock(clock()).build().expect("valid");
    boxed!(bulkhead)
}

fn full() -> Box<dyn FnMut()> {
    let bulkhead = Bulkhead::max(1).clock(clock()).build().expect("valid");
    // Never given back.
    std::mem::forget(bulkhead.acquire().expect("free"));
    boxed!(bulkhead)
}

fn keyed_rate() -> Box<dyn FnMut()> {
    let rate = Rate::per_second(1_000_000).burst(1_000_000).clock(clock());
    let limits = rate.keyed(Keyed::max(16).clock(clock())).build::<String>().expect("valid");
    Box::new(move || {
        black_box(limits.check(NAME)).ok();
    })
}

fn keyed_refused() -> Box<dyn FnMut()> {
    let rate = Rate::per_second(1).burst(1).clock(clock());
    let limits = rate.keyed(Keyed::max(16).clock(clock())).build::<String>().expect("valid");
    assert!(limits.check(NAME).is_ok(), "the first is allowed");
    Box::new(move || {
        black_box(limits.check(NAME)).ok();
    })
}

fn keyed_get() -> Box<dyn FnMut()> {
    let map: KeyedMap<String, u64> = Keyed::max(16).clock(clock()).build().expect("valid");
    map.get_or_insert_with(NAME, || GOOD).expect("room");
    Box::new(move || drop(black_box(map.get(NAME))))
}

fn adaptive() -> Box<dyn FnMut()> {
    let limit = Adaptive::vegas().clock(clock()).build().expect("valid");
    boxed!(limit)
}

fn adaptive_full() -> Box<dyn FnMut()> {
    let limit = Adaptive::vegas().initial(1).min(1).max(1).clock(clock()).build().expect("valid");
    // Never given back.
    std::mem::forget(limit.acquire().expect("free"));
    boxed!(limit)
}

/// The callee refuses everything, and the throttle has seen it.
fn hold_back() -> Box<dyn FnMut()> {
    let time = ManualClock::new();
    let throttle = Throttle::builder().window(secs(1)).share_max(1.0).seed(7).clock(time.clock());
    let throttle = throttle.build().expect("valid");
    for _ in 0..100_000 {
        Permit::acquire(&throttle).expect("nothing is held back yet").record_verdict(Verdict::Overload(None));
    }
    time.advance(ms(100));
    boxed!(throttle)
}

fn hedge() -> Box<dyn FnMut()> {
    let hedge = Hedge::after(ms(50)).budget(&Budget::default()).clock(clock()).build().expect("valid");
    boxed!(hedge)
}

fn keyed() -> Box<dyn FnMut()> {
    let pipeline = Pipeline::named("icount").clock(clock()).breaker(Breaker::consecutive(5)).build();
    let hosts = pipeline.expect("valid").keyed::<u64>(Keyed::max(16)).expect("valid");
    Box::new(move || {
        let pipeline = hosts.get(&GOOD).expect("room");
        black_box(ready(pipeline.call(|_| call(GOOD)))).ok();
    })
}

fn accept() -> Box<dyn FnMut()> {
    let throttle = Throttle::builder().clock(clock()).build().expect("valid");
    boxed!(throttle)
}

fn in_time() -> Box<dyn FnMut()> {
    let timeout = Timeout::attempt(secs(1)).clock(clock()).build().expect("valid");
    boxed!(timeout)
}

fn five_policies() -> Box<dyn FnMut()> {
    let budget = Budget::default();
    let pipeline = Pipeline::named("icount")
        .clock(clock())
        .retry(Retry::exponential(ms(50)..secs(1)).full_jitter().attempts(4).budget(&budget))
        .breaker(Breaker::rate(0.5).window(secs(10)).min_calls(20))
        .limit(Rate::per_second(1_000_000).burst(1_000_000))
        .bulkhead(64)
        .attempt_timeout(ms(300))
        .build()
        .expect("valid");
    boxed!(pipeline)
}
