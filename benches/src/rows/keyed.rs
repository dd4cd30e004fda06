//! One of many keys, each a user's name. Whoever asks has the name at hand, as who has just read a request.

use std::hash::BuildHasher;
use std::hint::black_box;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use core_breaker::Breaker;
use core_limit::Rate;
use core_policy::{Keyed, KeyedMap};
use core_time::{Clock, secs};
use dashmap::DashMap;
use governor::{Quota, RateLimiter};
use hashbrown::HashMap;

use super::limit::PER_SECOND;
use super::{answer, floor, scales_as};
use crate::{Beside, Bound, Budget, Comes, Contest, Loop, Row, looped_with};

pub(super) fn rows() -> Vec<Row> {
    let row = |name, ns, contest| Row {
        name,
        threads: 1,
        budget: Budget::Total(ns),
        beside: &[],
        comes: Comes::Answered,
        allocations_max: 0,
        contest,
    };
    let one_floor = const { &[floor("keyed/floor_1")] };
    let some_floor = const { &[floor("keyed/floor_256")] };
    let get_floor = const { &[at_most(2.0, "keyed/floor_get_10000")] };
    let take_floor = const { &[at_most(3.0, "keyed/floor_take_10000")] };
    let rate_1 = || row("rate_limit/keyed_1", 60.0, rates::<1>);
    let rate_256 = || row("rate_limit/keyed_256", 60.0, rates::<256>);
    // Ten thousand and what they stand for are more than the nearest caches hold, and each sample finds these full of what was measured
    // before it: half of what it takes is to fetch them again. What there is to hold that against is the floor.
    let far = |name, beside, contest| Row { budget: Budget::None, beside, ..row(name, 0.0, contest) };
    let rate_10_000 = || far("rate_limit/keyed_10000", take_floor, rates::<MANY>);
    // A hash table behind a lock, with the same keys and what they stand for: what memory costs. Without the lock the processor
    // would be at work on several lookups at once; no map that threads share can have that, since an atomic instruction waits
    // for what was asked of memory before it.
    let floor_row = |name, contest| Row { budget: Budget::None, ..row(name, 0.0, contest) };
    vec![
        floor_row("keyed/floor_1", floors::<1>),
        floor_row("keyed/floor_256", floors::<256>),
        // What whoever asks takes itself: it goes through the names, and hashes each.
        floor_row("keyed/walk_10000", walks),
        // The least that any map of them could do: hash the name, fetch the one line it stands for, and write it. No name is compared.
        floor_row("keyed/memory_10000", lines),
        floor_row("keyed/floor_get_10000", floor_gets),
        floor_row("keyed/floor_take_10000", floor_takes),
        Row { beside: one_floor, ..row("keyed/get_1", 60.0, gets::<1>) },
        Row { beside: some_floor, ..row("keyed/get_256", 60.0, gets::<256>) },
        far("keyed/get_10000", get_floor, gets::<MANY>),
        // With the caches to itself, as a service has them that does little else.
        row("keyed/get_10000_alone", 60.0, || alone(gets::<MANY>())),
        Row { beside: one_floor, ..rate_1() },
        Row { beside: some_floor, ..rate_256() },
        rate_10_000(),
        row("rate_limit/keyed_10000_alone", 60.0, || alone(rates::<MANY>())),
        // Two threads that ask for one key share its bucket.
        Row {
            budget: Budget::None,
            ..rate_1().on_two_threads(
                "rate_limit/keyed_1_2_threads",
                const { &[super::one_word("rate_limit/keyed_1", "the TAT of the key")] },
            )
        },
        Row {
            budget: Budget::None,
            ..rate_256().on_two_threads(
                "rate_limit/keyed_256_2_threads",
                const { &[super::one_word("rate_limit/keyed_256", "the TATs of the keys")] },
            )
        },
        rate_10_000().on_two_threads(
            "rate_limit/keyed_10000_2_threads",
            const { &[scales_as("rate_limit/keyed_10000")] },
        ),
        // The tier is in what is asked, and none of it is looked up.
        Row {
            beside: const { &[Beside { row: "rate_limit/keyed_256", bound: Bound::Over(10.0) }] },
            ..row("rate_limit/keyed_tier_256", 60.0, tiers::<256>)
        },
        Row { beside: one_floor, ..row("breaker/keyed_1", 60.0, breakers::<1>) },
        Row { beside: some_floor, ..row("breaker/keyed_256", 60.0, breakers::<256>) },
        far("breaker/keyed_10000", const { &[floor("keyed/floor_get_10000")] }, breakers::<MANY>),
    ]
}

/// No peer, which would take the caches in between.
fn alone(contest: Contest) -> Contest {
    Contest { peers: Vec::new(), ..contest }
}

/// More keys than the nearest caches hold, with what they stand for.
const MANY: usize = 10_000;

const fn at_most(times: f64, row: &'static str) -> Beside {
    Beside { row, bound: Bound::AtMost(times) }
}

/// The same keys in the same kind of table, with nothing around it but a lock.
fn floors<const N: usize>() -> Contest {
    let mut table: HashMap<String, u64> = HashMap::with_capacity(N);
    table.extend(names(N).into_iter().map(|name| (name, 0)));
    let table = Mutex::new(table);
    Contest {
        ours: walk(N, move |name| {
            let mut table = table.lock().unwrap_or_else(PoisonError::into_inner);
            table.get_mut(name).map(|count| *count += 1).is_some()
        }),
        peers: Vec::new(),
    }
}

fn walks() -> Contest {
    let hasher = foldhash::fast::FixedState::with_seed(11);
    Contest { ours: walk(MANY, move |name| hasher.hash_one(name) != 0), peers: Vec::new() }
}

/// What a key has, in a line of cache of its own.
#[repr(align(64))]
#[derive(Default)]
struct Line(AtomicU64);

/// One line for each key, anywhere among them, and one atomic addition to it, as there is one to a bucket or to a count of references.
fn lines() -> Contest {
    let lines: Box<[Line]> = (0..MANY).map(|_| Line::default()).collect();
    let hasher = foldhash::fast::FixedState::with_seed(11);
    Contest {
        ours: walk(MANY, move |name| {
            let at = usize::try_from(hasher.hash_one(name) % MANY as u64).unwrap_or(0);
            lines[at].0.fetch_add(1, Ordering::Relaxed) < u64::MAX
        }),
        peers: Vec::new(),
    }
}

/// All that asking for a value takes, and nothing besides: the coarse clock, a lock, the place in the table, the text of the key, the
/// count of references to the value.
fn floor_gets() -> Contest {
    let table: HashMap<String, Arc<u64>> = names(MANY).into_iter().map(|name| (name, Arc::new(7))).collect();
    let (table, clock) = (Mutex::new(table), Clock::system());
    Contest {
        ours: walk(MANY, move |name| {
            black_box(clock.now_coarse());
            let found = table.lock().unwrap_or_else(PoisonError::into_inner).get(name).map(Arc::clone);
            found.is_some()
        }),
        peers: Vec::new(),
    }
}

/// All that a decision by the bucket of a key takes: the coarse clock, a lock, the place in the table, the text of the key, and the
/// seven words of a bucket, of which one is written.
fn floor_takes() -> Contest {
    type Bucket = [AtomicU64; 7];
    let table: HashMap<String, Box<Bucket>> =
        names(MANY).into_iter().map(|name| (name, Box::default())).collect();
    let (table, clock) = (Mutex::new(table), Clock::system());
    Contest {
        ours: walk(MANY, move |name| {
            black_box(clock.now_coarse());
            let table = table.lock().unwrap_or_else(PoisonError::into_inner);
            table.get(name).is_some_and(|bucket| {
                let sum: u64 = bucket.iter().map(|word| word.load(Ordering::Relaxed)).sum();
                bucket[0].compare_exchange(sum, sum + 1, Ordering::Relaxed, Ordering::Relaxed).is_ok()
            })
        }),
        peers: Vec::new(),
    }
}

/// A value that somebody will hold for a while.
fn gets<const N: usize>() -> Contest {
    let ours: KeyedMap<String, u64> = Keyed::max(2 * N).build().expect("valid");
    let theirs: DashMap<String, Arc<u64>> = DashMap::new();
    for name in names(N) {
        ours.get_or_insert_with(name.as_str(), || 7).expect("room");
        theirs.insert(name, Arc::new(7));
    }
    Contest {
        ours: walk(N, move |name| ours.get(name.as_str()).is_some()),
        // It knows no bound, and forgets nothing by itself.
        peers: vec![(
            "dashmap",
            walk(N, move |name| theirs.get(name).map(|found| Arc::clone(&found)).is_some()),
        )],
    }
}

fn rates<const N: usize>() -> Contest {
    let keys = Keyed::max(2 * N);
    let ours = Rate::per_second(PER_SECOND.into()).burst(PER_SECOND.into()).keyed(keys);
    let ours = ours
        .tier("premium", Rate::per_second(PER_SECOND.into()).burst(PER_SECOND.into()))
        .build::<String>()
        .expect("valid");
    let rate = NonZeroU32::new(PER_SECOND).expect("not zero");
    let theirs = RateLimiter::keyed(Quota::per_second(rate).allow_burst(rate));
    for name in names(N) {
        assert!(ours.check(name.as_str()).is_ok() && theirs.check_key(&name).is_ok(), "there is a burst");
    }
    Contest {
        ours: walk(N, move |name| ours.check(name.as_str()).is_ok()),
        peers: vec![("governor", walk(N, move |name| theirs.check_key(name).is_ok()))],
    }
}

/// Keys of another tier than the default one. governor has no tiers: whoever wants them takes a limiter for each.
fn tiers<const N: usize>() -> Contest {
    let burst = || Rate::per_second(PER_SECOND.into()).burst(PER_SECOND.into());
    let ours = burst().keyed(Keyed::max(2 * N)).tier("premium", burst()).build::<String>().expect("valid");
    let premium = ours.tier("premium").expect("it was named");
    let rate = NonZeroU32::new(PER_SECOND).expect("not zero");
    let theirs = RateLimiter::keyed(Quota::per_second(rate).allow_burst(rate));
    for name in names(N) {
        assert!(
            ours.check_in(premium, name.as_str()).is_ok() && theirs.check_key(&name).is_ok(),
            "there is a burst"
        );
    }
    Contest {
        ours: walk(N, move |name| ours.check_in(premium, name.as_str()).is_ok()),
        peers: vec![("governor", walk(N, move |name| theirs.check_key(name).is_ok()))],
    }
}

/// The circuit of a key, and a call through it.
fn breakers<const N: usize>() -> Contest {
    let ours = Breaker::consecutive(5).build().expect("valid");
    let ours = ours.keyed::<String>(Keyed::max(2 * N).idle(secs(3_600))).expect("valid");
    for name in names(N) {
        ours.get(name.as_str()).expect("room");
    }
    let ours = walk(N, move |name| {
        ours.get(name.as_str()).is_ok_and(|breaker| breaker.call_blocking(|_| answer(super::INPUT)).is_ok())
    });
    Contest { ours, peers: Vec::new() }
}

/// The names of users, in the order in which they were first seen.
pub(super) fn names(count: usize) -> Vec<String> {
    (0..count).map(|at| format!("user-{:010}", at * 7_919)).collect()
}

/// The same in the order in which they come from now on: any, and the same in each run. They stand side by side, so that the
/// memory that is waited for is that of whoever looks them up.
fn names_in_turn(count: usize) -> Vec<String> {
    let mut names = names(count);
    let order = foldhash::fast::FixedState::with_seed(7);
    names.sort_by_key(|name| order.hash_one(name));
    // Copied in that order, since what is sorted are the pointers.
    names.clone()
}

/// Each thread goes its own way through the names.
pub(super) fn walk(count: usize, ask: impl Fn(&String) -> bool + Send + Sync + 'static) -> Loop {
    let (names, next) = (names_in_turn(count), AtomicU64::new(0));
    looped_with(
        move || start(&next, count),
        move |at: &mut usize, input| {
            *at = if *at + 1 < count { *at + 1 } else { 0 };
            if ask(&names[*at]) { Ok(input) } else { Err(()) }
        },
    )
}

/// Threads begin half a round apart.
fn start(next: &AtomicU64, count: usize) -> usize {
    if next.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) { 0 } else { count / 2 }
}
