//! Breakers by other rules, hosts among others, places in line, keys among many.

use std::hint::black_box;

use core_breaker::{Breaker, Builder, Host, Outliers};
use core_limit::{Rate, RateBuilder};
use core_policy::{Keyed, KeyedMap, Rng};
use core_retry::Retry;
use core_time::{ms, secs};

use super::policies::clock;
use super::{BAD, GOOD, Make, answer, call, ready};

pub(super) const ROWS: [(&str, Make); 14] = [
    ("breaker/closed_k_of_n", k_of_n),
    ("breaker/closed_hybrid", hybrid),
    ("breaker/closed_slow", slow),
    ("breaker/open_windowed", open_windowed),
    ("breaker/fallback", fallback),
    ("outlier/in_service", in_service),
    ("outlier/ejected", ejected),
    ("retry/delays", delays),
    ("rate_limit/reserve", reserve),
    ("rate_limit/reserve_bursty", reserve_bursty),
    ("rate_limit/take_at_most", at_most),
    ("rate_limit/keyed_tier", keyed_tier),
    ("keyed/get_64_of_256", keyed_get),
    ("keyed/decide_64_of_256", keyed_decide),
];

fn windowed() -> Builder {
    Breaker::rate(0.5).window(secs(10)).min_calls(20)
}

fn closed(breaker: Builder) -> Box<dyn FnMut()> {
    let breaker = breaker.clock(clock()).build().expect("valid");
    Box::new(move || {
        black_box(ready(breaker.call(|_| call(GOOD)))).ok();
    })
}

fn k_of_n() -> Box<dyn FnMut()> {
    closed(Breaker::k_of_n(5, 10))
}

fn hybrid() -> Box<dyn FnMut()> {
    closed(windowed().or_consecutive(5).or_failures(50))
}

fn slow() -> Box<dyn FnMut()> {
    closed(windowed().slow_over(secs(1)))
}

fn opened() -> Breaker {
    let breaker = windowed().clock(clock()).build().expect("valid");
    for _ in 0..20 {
        assert!(breaker.call_blocking(|_| answer(BAD)).is_err(), "the bad call fails");
    }
    assert!(breaker.call_blocking(|_| answer(GOOD)).is_err(), "it is open");
    breaker
}

fn open_windowed() -> Box<dyn FnMut()> {
    let breaker = opened();
    Box::new(move || {
        black_box(ready(breaker.call(|_| call(GOOD)))).ok();
    })
}

fn fallback() -> Box<dyn FnMut()> {
    let breaker = opened();
    Box::new(move || {
        black_box(ready(breaker.call_or(|_| call(GOOD), async |_| Ok(GOOD)))).ok();
    })
}

/// The first of five.
fn host() -> (Outliers, Host) {
    let search: Outliers = Outliers::builder().clock(clock()).build().expect("valid");
    let hosts =
        ["a:80", "b:80", "c:80", "d:80", "e:80"].map(|name| search.host(name).expect("there is room"));
    let [host, ..] = hosts;
    (search, host)
}

fn in_service() -> Box<dyn FnMut()> {
    let (search, host) = host();
    Box::new(move || {
        let _all = &search;
        black_box(ready(host.call(|_| call(GOOD)))).ok();
    })
}

fn ejected() -> Box<dyn FnMut()> {
    let (search, host) = host();
    search.force_eject("a:80", "it is counted").expect("it is known");
    Box::new(move || {
        black_box(ready(host.call(|_| call(GOOD)))).ok();
    })
}

/// Four, doubling from 50 ms to at most a second.
fn delays() -> Box<dyn FnMut()> {
    let (backoff, draws) = (*Retry::exponential(ms(50)..secs(1)).full_jitter().backoff(), Rng::from_seed(7));
    Box::new(move || {
        for delay in backoff.delays(|| draws.next_unit()).take(4) {
            black_box(delay);
        }
    })
}

/// Its turn is now, and it takes it.
fn reserved(rate: RateBuilder) -> Box<dyn FnMut()> {
    let limit = rate.clock(clock()).build().expect("valid");
    Box::new(move || {
        if let Ok(reservation) = limit.reserve(1) {
            black_box(&reservation);
            reservation.spend();
        }
    })
}

fn reserve() -> Box<dyn FnMut()> {
    reserved(Rate::per_second(1_000_000).burst(1_000_000))
}

fn reserve_bursty() -> Box<dyn FnMut()> {
    reserved(Rate::per_second(1_000_000).bursty())
}

fn at_most() -> Box<dyn FnMut()> {
    let limit = Rate::per_second(1_000_000).burst(1_000_000).clock(clock()).build().expect("valid");
    Box::new(move || {
        black_box(limit.take_at_most(3));
    })
}

fn keyed_tier() -> Box<dyn FnMut()> {
    let rate = || Rate::per_second(1_000_000).burst(1_000_000);
    let limits = rate().clock(clock()).keyed(Keyed::max(16).clock(clock())).tier("premium", rate());
    let limits = limits.build::<u64>().expect("valid");
    let premium = limits.tier("premium").expect("it was named");
    Box::new(move || {
        black_box(limits.check_in(premium, &GOOD)).ok();
    })
}

/// 64 of 256 keys, which are asked for in turn. Each process has a hash of its own, so that to fill the map takes more or less;
/// beside so many this is nothing.
fn keyed_get() -> Box<dyn FnMut()> {
    let (map, mut key) = (full(), 0);
    Box::new(move || {
        for _ in 0..64 {
            key = (key + 1) % KEYS;
            drop(black_box(map.get(&key)));
        }
    })
}

/// The same where nobody holds the value afterwards.
fn keyed_decide() -> Box<dyn FnMut()> {
    let (map, mut key, time) = (full(), 0, clock());
    Box::new(move || {
        for _ in 0..64 {
            key = (key + 1) % KEYS;
            black_box(map.decide(&key, || time.now_coarse(), |_| GOOD, |value, _| *value)).ok();
        }
    })
}

const KEYS: u64 = 256;

fn full() -> KeyedMap<u64, u64> {
    let map = Keyed::max(512).clock(clock()).build().expect("valid");
    for key in 0..KEYS {
        map.get_or_insert_with(&key, || GOOD).expect("room");
    }
    map
}
