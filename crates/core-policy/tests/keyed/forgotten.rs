//! Which keys are forgotten for being idle.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use core_time::{ms, secs};

use super::{ask, keys, map};

#[test]
fn a_key_goes_once_nobody_has_asked_for_it_in_the_idle_time() {
    let (time, map) = map(10);
    ask(&map, "old", 0);
    time.advance(ms(1));
    ask(&map, "young", 0);
    time.advance(ms(59_998));
    assert_eq!(map.evict_idle(), 0, "a millisecond early");
    time.advance(ms(1));
    assert_eq!((map.evict_idle(), keys(&map).join(",")), (1, "young".into()));
    assert!(map.get("young").is_some());
    time.advance(ms(59_999));
    assert_eq!(map.evict_idle(), 0, "asking made it young again");
    assert!(map.peek("young").is_some());
    time.advance(ms(1));
    assert_eq!((map.evict_idle(), map.len(), map.stats().idle), (1, 0, 2), "and a look did not");
}

#[test]
fn new_keys_see_to_it_that_idle_ones_go() {
    let (time, map) = map(1_000);
    for key in 0..500 {
        ask(&map, &format!("old-{key}"), 0);
    }
    time.advance(secs(60));
    for key in 0..500 {
        ask(&map, &format!("new-{key}"), 0);
    }
    let stats = map.stats();
    assert_eq!((stats.idle + stats.len as u64, stats.displaced), (1_000, 0));
    assert!(stats.idle >= 450, "each looks at two: {stats:?}");
}

#[test]
fn a_sweep_forgets_all_that_is_idle_wherever_the_hand_stands() {
    for kept in 0..40_u32 {
        let (time, map) = map(64);
        for key in 0..40_u32 {
            ask(&map, &format!("{key}"), key);
        }
        time.advance(secs(30));
        ask(&map, &format!("{kept}"), 0);
        time.advance(secs(30));
        ask(&map, "moves the hand", 0);
        map.evict_idle();
        assert_eq!(map.len(), 2, "{:?}", keys(&map));
    }
}

#[test]
fn a_clock_that_goes_back_forgets_nothing() {
    let (time, map) = map(10);
    ask(&map, "a", 7);
    time.set(time.now() - secs(600));
    assert_eq!((map.evict_idle(), ask(&map, "a", 8)), (0, 7));
}

#[test]
fn a_key_in_use_is_never_forgotten() {
    let (time, map) = map(2);
    let held = map.get_or_insert_with("held", || 1_u32).unwrap();
    time.advance(secs(600));
    assert_eq!(map.evict_idle(), 0);
    for number in 0..100 {
        ask(&map, &format!("other-{number}"), 0);
    }
    assert!(Arc::ptr_eq(&held, &map.get("held").unwrap()));
    drop(held);
    ask(&map, "x", 0);
    ask(&map, "y", 0);
    assert!(map.get("held").is_none(), "and is like any other once it is free");
}

#[test]
fn a_key_that_is_to_be_kept_outlives_its_idle_time_and_a_full_map() {
    let (time, map) = map::<AtomicU32>(2);
    let map = map.keep_if(|number| number.load(Ordering::Relaxed) > 0);
    let number = |key: &str| map.get_or_insert_with(key, AtomicU32::default);
    number("kept").unwrap().store(1, Ordering::Relaxed);
    time.advance(secs(60));
    assert_eq!(map.evict_idle(), 0);
    number("b").unwrap();
    number("c").unwrap();
    assert_eq!(keys(&map), ["c", "kept"], "the one that may go went");
    number("c").unwrap().store(1, Ordering::Relaxed);
    assert!(number("d").is_err(), "there is no room");
    map.peek("kept").unwrap().store(0, Ordering::Relaxed);
    time.advance(secs(60));
    assert_eq!((map.evict_idle(), keys(&map)), (1, vec!["c".to_owned()]));
    assert!(map.remove("c").is_some(), "whoever asks for it to go is obeyed");
}

#[test]
fn a_key_that_was_found_in_use_is_idle_from_then_on() {
    for is_swept in [true, false] {
        let (time, map) = map::<u32>(10);
        let held = map.get_or_insert_with("held", || 7).unwrap();
        time.advance(secs(60));
        if is_swept {
            assert_eq!(map.evict_idle(), 0);
        } else {
            ask(&map, "in passing", 0);
        }
        drop(held);
        time.advance(secs(60).saturating_sub(ms(1)));
        map.evict_idle();
        assert!(map.peek("held").is_some());
        time.advance(ms(1));
        map.evict_idle();
        assert!(map.peek("held").is_none());
    }
}

#[test]
fn a_key_that_is_found_in_use_before_its_idle_time_is_over_keeps_its_place() {
    let (time, map) = map::<u32>(2);
    let first = map.get_or_insert_with("first", || 7).unwrap();
    time.advance(secs(1));
    ask(&map, "second", 8);
    time.advance(secs(1));
    assert_eq!(map.evict_idle(), 0);
    drop(first);
    ask(&map, "third", 9);
    assert_eq!(keys(&map), ["second", "third"], "a look alone is no question");
}

#[test]
fn a_value_that_does_not_rest_outlives_its_idle_time_and_not_a_full_map() {
    let (time, map) = map::<u64>(2);
    // It rests from that second on.
    let map = map.rest_if(|since, now| now.as_nanos() / 1_000_000_000 >= *since);
    let start = time.now().as_nanos() / 1_000_000_000;
    map.get_or_insert_with("busy", || start + 100).unwrap();
    time.advance(secs(99));
    assert_eq!(map.evict_idle(), 0);
    time.advance(secs(1));
    assert_eq!(map.evict_idle(), 1, "its idle time was over long ago");
    map.get_or_insert_with("busy", || u64::MAX).unwrap();
    time.advance(secs(600));
    for key in ["a", "b"] {
        map.get_or_insert_with(key, || 0).unwrap();
    }
    assert_eq!((map.peek("busy"), map.stats().displaced), (None, 1));
}
