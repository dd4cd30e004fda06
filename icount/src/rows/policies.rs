//! Calls through policies.

use std::hint::black_box;

use core_breaker::Breaker;
use core_limit::{Adaptive, Bulkhead, Rate, Throttle};
use core_pipeline::Pipeline;
use core_policy::Keyed;
use core_retry::{Budget, Hedge, Retry};
use core_time::{Clock, ManualClock, ms, secs};
use core_timeout::Timeout;

use super::{BAD, GOOD, Make, answer, call, ready};

pub(super) const ROWS: [(&str, Make); 18] = [
    ("bare", bare),
    ("breaker/closed", closed),
    ("breaker/closed_consecutive", closed_consecutive),
    ("breaker/open", open),
    ("breaker/open_blocking", open_blocking),
    ("retry/first_success", first_success),
    ("retry/first_success_budget", first_success_budget),
    ("rate_limit/allow", allow),
    ("rate_limit/refuse", refuse),
    ("rate_limit/keyed", keyed_rate),
    ("bulkhead/free", free),
    ("bulkhead/full", full),
    ("adaptive/free", adaptive),
    ("throttle/accept", accept),
    ("timeout/ready", in_time),
    ("hedge/not_needed", hedge),
    ("pipeline/five_policies", five_policies),
    ("pipeline/keyed", keyed),
];

/// Measures a call whose outcome is looked at.
macro_rules! boxed {
    ($policy:ident) => {
        Box::new(move || {
            black_box(ready($policy.call(|_| call(GOOD)))).ok();
        })
    };
}

/// A clock that stands still, an hour after it was made.
fn clock() -> Clock {
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
    let limits = rate.keyed(Keyed::max(16).clock(clock())).build::<u64>().expect("valid");
    Box::new(move || {
        black_box(limits.check(&GOOD)).ok();
    })
}

fn adaptive() -> Box<dyn FnMut()> {
    let limit = Adaptive::vegas().clock(clock()).build().expect("valid");
    boxed!(limit)
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
