//! Pipelines for keys that change while keys are made and others change them, by closures that do what they should not (rule PL-2).
#![expect(clippy::unwrap_used, reason = "a helper of a test may panic")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use core_breaker::{Breaker, Circuits, State};
use core_pipeline::{HedgedPipeline, KeyedPipeline, Pipeline};
use core_policy::Keyed;
use core_retry::{Budget, Hedge};
use core_time::{ManualClock, ms, secs};

fn hedged() -> HedgedPipeline {
    let plain = Pipeline::named("search").deadline(secs(1)).bulkhead(4).breaker(Breaker::consecutive(1));
    plain.build().unwrap().hedged(Hedge::after(ms(500)).budget(&Budget::default())).unwrap()
}

fn keyed() -> KeyedPipeline<String, HedgedPipeline> {
    hedged().keyed(Keyed::max(100)).unwrap()
}

fn slots(keyed: &KeyedPipeline<String, HedgedPipeline>, key: &str) -> u32 {
    keyed.get(key).unwrap().pipeline().bulkhead().unwrap().snapshot().max
}

/// How often a change of all keys asks the closure of one of its policies, while there is no key.
fn asked_without_keys() -> usize {
    let asked = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&asked);
    let ask = move |breaker| {
        counting.fetch_add(1, Ordering::Relaxed);
        breaker
    };
    keyed().reconfigure(|c| c.breaker(ask)).unwrap();
    asked.load(Ordering::Relaxed)
}

#[test]
fn pl_2_keys_that_are_made_while_all_change_have_a_pipeline_each() {
    let keys = Arc::new(keyed());
    let (of_all, made): (Weak<_>, _) = (Arc::downgrade(&keys), Arc::new(Mutex::new(Vec::new())));
    let making = Arc::clone(&made);
    let make_two = move |breaker| {
        let number = making.lock().unwrap().len();
        // A key that is made follows the change as well: it need not make others.
        if number < 40 {
            for name in [format!("{number}"), format!("{number} too")] {
                making.lock().unwrap().push(name.clone());
                let _ = of_all.upgrade().unwrap().get(&name).unwrap();
            }
        }
        breaker
    };
    keys.reconfigure(|c| c.deadline(secs(10)).hedge(|hedge| hedge.after(secs(5))).breaker(make_two)).unwrap();
    let made: Vec<_> = made.lock().unwrap().iter().map(|name| keys.get(name).unwrap()).collect();
    assert!(made.len() > 2);
    for each in &made {
        let breaker = each.pipeline().breaker().unwrap();
        assert_eq!(breaker.state(), State::Closed, "a failure is one key's own");
        breaker.acquire().unwrap().failure();
        let deadline = each.pipeline().deadline().unwrap().limit();
        assert_eq!((deadline, each.hedge().fixed_delay()), (secs(10), Some(secs(5))));
    }
}

#[test]
fn pl_2_changes_come_to_a_key_in_the_order_in_which_they_were_made() {
    let (keys, before) = (keyed(), asked_without_keys());
    let key = keys.get("db-1").unwrap();
    let (at_key, waits) = sync_channel(1);
    let (go_on, goes_on) = sync_channel(1);
    let (goes_on, asked) = (Mutex::new(goes_on), AtomicUsize::new(0));
    let linger = move |breaker| {
        if asked.fetch_add(1, Ordering::Relaxed) == before {
            // The first change is at the key: the second is made meanwhile.
            at_key.send(()).unwrap();
            goes_on.lock().unwrap().recv_timeout(Duration::from_secs(20)).unwrap();
        }
        breaker
    };
    let again = &keys;
    std::thread::scope(|scope| {
        scope.spawn(move || {
            waits.recv_timeout(Duration::from_secs(20)).unwrap();
            let _may_find_it_busy = again.reconfigure(|c| c.bulkhead(20));
            go_on.send(()).unwrap();
        });
        keys.reconfigure(|c| c.bulkhead(10).breaker(linger)).unwrap();
    });
    assert_eq!(slots(&keys, "db-2"), 20, "of a key that is new");
    assert_eq!(slots(&keys, "db-1"), 20, "of one that was there");
    drop(key);
}

#[test]
fn pl_2_a_key_that_was_busy_has_what_it_missed_with_the_next_change() {
    let keys = Arc::new(keyed());
    let key = keys.get("db-1").unwrap();
    let of_all = Arc::clone(&keys);
    let result = Arc::new(Mutex::new(None));
    let inside = Arc::clone(&result);
    let meanwhile = move |breaker| {
        *inside.lock().unwrap() = Some(of_all.reconfigure(|c| c.bulkhead(10)));
        breaker
    };
    key.reconfigure(|c| c.breaker(meanwhile)).unwrap();
    let error = result.lock().unwrap().take().unwrap().unwrap_err();
    assert!(error.to_string().contains("try again"), "{error}");
    keys.reconfigure(|c| c.deadline(secs(2))).unwrap();
    assert_eq!((slots(&keys, "db-1"), key.pipeline().deadline().unwrap().limit()), (10, secs(2)));
}

#[test]
fn pl_2_a_change_that_panics_half_way_has_changed_nothing() {
    let (pipeline, asked) = (hedged(), AtomicUsize::new(0));
    let counting = Arc::new(asked);
    let (first, second) = (Arc::clone(&counting), Arc::clone(&counting));
    let count = move |breaker| {
        first.fetch_add(1, Ordering::Relaxed);
        breaker
    };
    pipeline.reconfigure(|c| c.breaker(count)).unwrap();
    let last = counting.swap(0, Ordering::Relaxed) - 1;
    let panic_at_last = move |breaker: core_breaker::Builder| {
        assert!(second.fetch_add(1, Ordering::Relaxed) < last, "a bug of the user's");
        breaker
    };
    let before = pipeline.describe();
    let change = || pipeline.reconfigure(|c| c.hedge(|h| h.after(ms(20))).breaker(panic_at_last).bulkhead(9));
    catch_unwind(AssertUnwindSafe(change)).unwrap_err();
    assert_eq!(pipeline.describe(), before, "all or nothing");
    pipeline.reconfigure(|c| c.bulkhead(9)).unwrap();
}

#[test]
fn the_keys_there_are_can_be_listed_and_the_idle_ones_forgotten() {
    let time = ManualClock::new();
    let plain = Pipeline::named("search").clock(time.clock()).bulkhead(4).build().unwrap();
    let keys: KeyedPipeline<String> = plain.keyed(Keyed::max(9).idle(secs(60))).unwrap();
    let made = ["a", "b", "c"].map(|key| keys.get(key).unwrap());
    let mut listed = keys.entries();
    listed.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    assert!(listed.iter().map(|(key, _)| key).eq(["a", "b", "c"]));
    assert!(listed.iter().zip(&made).all(|((_, listed), made)| Arc::ptr_eq(listed, made)));
    drop((listed, made));
    assert_eq!(keys.evict_idle(), 0);
    time.advance(secs(61));
    assert_eq!((keys.evict_idle(), keys.entries().len()), (3, 0));
}

#[test]
fn circuits_of_keys_are_counted_by_their_state() {
    let keys = keyed();
    for key in ["a", "b", "c"] {
        keys.get(key).unwrap();
    }
    let circuit = |key: &str| keys.get(key).unwrap().pipeline().breaker().unwrap().clone();
    circuit("b").force_open("a drill").unwrap();
    let circuits = keys.circuits().unwrap();
    assert_eq!((circuits.of(State::Closed), circuits.of(State::ForcedOpen)), (2, 1));
    let plain = Pipeline::named("search").bulkhead(4).build().unwrap();
    assert!(plain.keyed::<String>(Keyed::max(10)).unwrap().circuits().is_none(), "there is none");
}

#[test]
fn what_all_keys_come_to_has_those_that_were_forgotten_in_it_and_never_goes_down() {
    let time = ManualClock::new();
    let shards = Pipeline::named("shards")
        .breaker(Breaker::consecutive(9))
        .limit(core_limit::Rate::per_second(100).burst(3))
        .bulkhead(1)
        .clock(time.clock());
    let shards: KeyedPipeline<u32> = shards.build().unwrap().keyed(Keyed::max(2).idle(secs(600))).unwrap();
    let before = shards.summary();
    assert_eq!((before.keys.len, before.breaker.unwrap().calls(), before.retry), (0, 0, None));
    for key in 0..5_u64 {
        let shard = shards.get(&u32::try_from(key).unwrap()).unwrap();
        shard.admit().unwrap().success();
        shard.admit().unwrap().failure();
        let shown = shards.summary();
        assert_eq!(shown.breaker.map(|it| (it.successes, it.failures)), Some((key + 1, key + 1)));
    }
    // One is in use by a clone of it: what that counts is in the sums at once, and nothing goes down when it goes.
    let kept = Pipeline::clone(&shards.get(&4).unwrap());
    time.advance(secs(601));
    assert_eq!(shards.evict_idle(), 1);
    let counted = |shown: &core_pipeline::KeyedSummary| {
        (shown.limit.unwrap().allowed, shown.bulkhead.unwrap().admitted)
    };
    assert_eq!(counted(&shards.summary()), (10, 10));
    kept.admit().unwrap().success();
    assert_eq!(counted(&shards.summary()), (11, 11));
    drop(kept);
    assert_eq!(shards.evict_idle(), 0, "it was in use when somebody looked");
    time.advance(secs(601));
    assert_eq!(shards.evict_idle(), 1);
    let last = shards.summary();
    assert_eq!(counted(&last), (11, 11));
    assert_eq!(
        (last.name.as_str(), last.circuits, last.attempts_timed_out),
        ("shards", Some(Circuits::default()), None)
    );
}

#[test]
fn mistake_25_w_6_looking_at_pipelines_of_keys_keeps_none_of_them() {
    let time = ManualClock::new();
    let plain =
        Pipeline::named("shards").breaker(Breaker::consecutive(9)).clock(time.clock()).build().unwrap();
    let shards: KeyedPipeline<u32> = plain.keyed(Keyed::max(2).idle(secs(60))).unwrap();
    let is_known = |key| shards.entries().iter().any(|(known, _)| *known == key);
    let look = || {
        let _ = (shards.summary(), shards.circuits(), shards.describe(), shards.stats(), shards.name());
        assert!(format!("{shards:?}").contains("shards"));
    };
    for key in [1, 2] {
        shards.get(&key).unwrap();
        time.advance(ms(1));
    }
    shards.get(&1).unwrap();
    time.advance(ms(1));
    look();
    shards.get(&3).unwrap();
    assert!(is_known(1) && !is_known(2) && is_known(3), "the one that was asked for longest ago went");
    time.advance(secs(60));
    look();
    assert_eq!(shards.evict_idle(), 2);
}

#[test]
fn who_holds_a_clone_of_the_pipeline_of_a_key_holds_the_key() {
    let time = ManualClock::new();
    let plain = Pipeline::named("shards").bulkhead(1).deadline(secs(9)).clock(time.clock()).build().unwrap();
    let keys: KeyedPipeline<u32> = plain.keyed(Keyed::max(1).idle(secs(60))).unwrap();
    let kept = Pipeline::clone(&keys.get(&1).unwrap());
    time.advance(secs(61));
    assert_eq!(keys.evict_idle(), 0);
    assert!(keys.get(&2).is_err(), "the only key there is room for is in use");
    let slot = kept.admit().unwrap();
    assert!(keys.get(&1).unwrap().admit().is_err(), "one key has one pipeline, and that one slot");
    drop(slot);
    drop(kept);
    time.advance(secs(61));
    assert_eq!(keys.evict_idle(), 1);

    let keys: KeyedPipeline<u32, HedgedPipeline> = hedged_keys(&time);
    let kept = keys.get(&1).unwrap().pipeline().clone();
    time.advance(secs(61));
    assert_eq!(keys.evict_idle(), 0);
    drop(kept);
    assert_eq!(keys.evict_idle(), 0, "it was in use a moment ago");
    time.advance(secs(61));
    assert_eq!(keys.evict_idle(), 1);
}

fn hedged_keys(time: &ManualClock) -> KeyedPipeline<u32, HedgedPipeline> {
    let plain = Pipeline::named("search").clock(time.clock()).build().unwrap();
    let hedged = plain.hedged(Hedge::after(ms(5)).budget(&Budget::default())).unwrap();
    hedged.keyed(Keyed::max(10).idle(secs(60))).unwrap()
}
