//! What a key finds, and what a map is made from.

use std::sync::{Arc, Mutex};

use core_policy::{Keyed, KeyedError, KeyedMap};
use core_time::{ManualClock, secs};

use super::{ask, map};

#[test]
fn all_values_are_there_without_their_keys() {
    let (_time, map) = map(100);
    for n in 0..50 {
        ask(&map, &n.to_string(), n);
    }
    let mut values: Vec<u32> = map.values().iter().map(|value| **value).collect();
    values.sort_unstable();
    assert_eq!(values, (0..50).collect::<Vec<_>>());
}

#[test]
fn the_same_key_has_the_same_value() {
    let (_time, map) = map(10);
    assert!(map.get("a").is_none());
    assert_eq!((ask(&map, "a", 1), ask(&map, "b", 2), ask(&map, "a", 3)), (1, 2, 1));
    assert!(Arc::ptr_eq(&map.get("a").unwrap(), &map.peek("a").unwrap()));
    assert_eq!((map.len(), map.stats().inserted), (2, 2));
}

#[test]
fn numbers_are_keys_too() {
    let map: KeyedMap<u64, u64> = Keyed::max(100_000).build().unwrap();
    for key in 0..100_000_u64 {
        map.get_or_insert_with(&key, || key * 2).unwrap();
    }
    assert_eq!(map.len(), 100_000);
    assert!((0..100_000_u64).all(|key| map.get(&key).is_some_and(|value| *value == key * 2)));
}

#[test]
fn a_value_that_is_removed_goes_on_for_who_holds_it() {
    let (_time, map) = map(2);
    let held = map.get_or_insert_with("a", || 1_u32).unwrap();
    assert!(Arc::ptr_eq(&map.remove("a").unwrap(), &held));
    assert!(map.remove("a").is_none());
    assert_eq!((map.len(), ask(&map, "a", 2), *held), (0, 2, 1));
}

#[test]
fn a_value_that_cannot_be_made_leaves_nothing() {
    let (_time, map) = map::<u32>(2);
    let failed: Result<_, Box<dyn std::error::Error>> = map.get_or_try_insert_with("a", || Err("no".into()));
    assert_eq!(failed.unwrap_err().to_string(), "no");
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _ = map.get_or_insert_with("b", || panic!("boom"));
    }));
    assert!(panicked.is_err() && map.is_empty());
    assert_eq!(ask(&map, "b", 3), 3);
}

#[test]
fn no_lock_is_held_while_a_value_is_made_or_dropped() {
    struct UsesTheMap(Arc<Mutex<Vec<String>>>, Arc<KeyedMap<String, UsesTheMap>>);
    impl Drop for UsesTheMap {
        fn drop(&mut self) {
            let _ = self.1.get("a");
            self.0.lock().unwrap().push(format!("{} left", self.1.len()));
        }
    }
    let seen = Arc::new(Mutex::new(Vec::new()));
    let time = ManualClock::new();
    let map = Arc::new(Keyed::max(1).idle(secs(60)).clock(time.clock()).build().unwrap());
    let value = || {
        assert!(map.get("nobody").is_none());
        UsesTheMap(Arc::clone(&seen), Arc::clone(&map))
    };
    map.get_or_insert_with("a", value).unwrap();
    map.get_or_insert_with("b", value).unwrap();
    time.advance(secs(60));
    assert_eq!(map.evict_idle(), 1);
    map.get_or_insert_with("c", value).unwrap();
    time.advance(secs(60));
    map.get_or_insert_with("d", value).unwrap();
    drop(map.remove("d"));
    assert_eq!(seen.lock().unwrap().len(), 4, "by room, by sweep, in passing and by hand");
}

#[test]
fn settings_that_make_no_sense_are_refused_with_a_reason() {
    let build = |keyed: Keyed| keyed.build::<u8, ()>().unwrap_err();
    assert_eq!(build(Keyed::max(0)), KeyedError::NoKeys);
    assert_eq!(build(Keyed::max((1 << 24) + 1)), KeyedError::TooManyKeys((1 << 24) + 1));
    assert_eq!(build(Keyed::max(1).idle(secs(0))), KeyedError::NoIdleTime);
    for (keyed, text) in [
        (Keyed::max(0), "at least 1"),
        (Keyed::max(usize::MAX), "at most 16777216"),
        (Keyed::max(1).idle(secs(0)), "take a minute"),
    ] {
        assert!(build(keyed.clone()).to_string().contains(text), "{keyed:?}");
    }
    let map = Keyed::max(1 << 24).build::<u8, ()>().unwrap();
    assert_eq!((map.max(), map.idle()), (1 << 24, secs(600)), "ten minutes unless it is said");
}

#[test]
fn settings_say_what_they_are_and_a_map_whether_it_is_empty() {
    let settings = Keyed::max(7).idle(secs(9));
    assert_eq!((settings.keys(), settings.idle_time()), (7, secs(9)));
    let (_time, map) = map(10);
    assert!(map.is_empty());
    ask(&map, "a", 1);
    assert!(!map.is_empty());
}
