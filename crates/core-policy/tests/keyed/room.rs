//! How a full map makes room for a new key, and which go.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use core_policy::{Keyed, KeyedMap, KeysFull};
use core_time::{ms, secs};

use super::{ask, keys, map};

#[test]
fn as_many_keys_as_there_is_room_for_are_all_kept() {
    for max in [1, 2, 15, 16, 17, 31, 32, 256, 1_000] {
        let (_time, map) = map(max);
        for round in 0..3 {
            for key in 0..max {
                ask(&map, &format!("key-{key}"), round);
            }
        }
        let stats = map.stats();
        assert_eq!((stats.len, stats.inserted, stats.displaced), (max, max as u64, 0), "of {max}");
    }
}

#[test]
fn of_a_full_map_the_key_that_was_asked_for_longest_ago_goes() {
    let (_time, map) = map(3);
    for key in ["a", "b", "c"] {
        ask(&map, key, 0);
    }
    assert!(map.get("a").is_some() && map.peek("b").is_some(), "a look is no question");
    ask(&map, "d", 0);
    assert_eq!(keys(&map), ["a", "c", "d"]);
    ask(&map, "e", 0);
    assert_eq!(keys(&map), ["a", "d", "e"]);
    assert_eq!((map.stats().displaced, map.stats().idle), (2, 0));
}

#[test]
fn a_map_full_of_values_that_never_rest_refuses_no_key() {
    for max in [1, 16, 17, 1_000] {
        let (time, map) = map::<usize>(max);
        let map = map.rest_if(|_, _| false);
        for key in 0..3 * max {
            assert!(map.get_or_insert_with(&*key.to_string(), || key).is_ok());
            time.advance(secs(61));
        }
        assert_eq!(map.evict_idle(), 0);
        let stats = map.stats();
        assert_eq!((stats.len, usize::try_from(stats.displaced), stats.refused), (max, Ok(2 * max), 0));
    }
}

#[test]
fn if_every_key_is_in_use_a_new_one_is_refused() {
    for max in [1, 2, 100] {
        let (_time, map) = map(max);
        let held: Vec<_> =
            (0..max).map(|key| map.get_or_insert_with(&format!("{key}"), || 0_u32).unwrap()).collect();
        let full: KeysFull = map.get_or_insert_with("new", || 1).unwrap_err();
        assert_eq!(full.to_string(), format!("all {max} keys there is room for are in use"));
        assert_eq!((map.len(), map.stats().refused), (max, 1));
        let again = map.get_or_insert_with("0", || 1).unwrap();
        assert!(Arc::ptr_eq(&again, &held[0]), "those that are there go on");
        drop(again);
        drop(held);
        assert_eq!(ask(&map, "new", 1), 1);
        assert_eq!((map.len(), map.stats().displaced), (max, 1));
    }
}

#[test]
fn a_shard_that_is_all_in_use_takes_room_from_another() {
    let (_time, map) = map(512);
    let mut held = Vec::new();
    // All but one of 512 are held: whichever shard a new key falls into, it finds the one.
    for key in 0..512 {
        let value = map.get_or_insert_with(&format!("{key}"), || 0_u32).unwrap();
        if key != 300 {
            held.push(value);
        }
    }
    for key in 0..64 {
        assert_eq!(ask(&map, &format!("new-{key}"), key), key);
    }
    assert_eq!((map.len(), map.stats().displaced, map.stats().refused), (512, 64, 0));
}

#[test]
fn who_was_asked_for_since_a_key_was_new_is_later_than_it_also_if_the_clock_stands_still() {
    let (time, map) = map(3);
    for back in [ms(0), ms(0), secs(3_600)] {
        time.set(time.now() - back);
        for key in ["a", "b", "c"] {
            map.remove(key);
            ask(&map, key, 0);
        }
        for new in ["d", "e", "f"] {
            assert!(map.get("a").is_some() && map.get("c").is_some());
            ask(&map, new, 0);
            assert_eq!(keys(&map), ["a", "c", new]);
        }
        map.remove("f");
    }
}

#[test]
fn a_new_key_looks_at_512_others_at_most_and_the_next_look_at_others() {
    static LOOKS: AtomicU32 = AtomicU32::new(0);
    static FREE: AtomicU32 = AtomicU32::new(u32::MAX);
    const KEYS: u32 = 20_000;
    let (_time, map) = map::<u32>(KEYS as usize);
    let map = map.keep_if(|value| {
        LOOKS.fetch_add(1, Ordering::Relaxed);
        *value != FREE.load(Ordering::Relaxed)
    });
    for key in 0..KEYS {
        ask(&map, &format!("{key}"), key);
    }
    let mut refused_in_all = 0;
    // Wherever the one stands that may go.
    for free in (12_345..).take(8) {
        FREE.store(free, Ordering::Relaxed);
        let (new, mut refused) = (format!("new instead of {free}"), 0);
        loop {
            LOOKS.store(0, Ordering::Relaxed);
            let is_in = map.get_or_insert_with(&*new, || KEYS).is_ok();
            // Two are looked at in passing.
            assert!((1..=514).contains(&LOOKS.load(Ordering::Relaxed)), "{LOOKS:?}");
            if is_in {
                break;
            }
            refused += 1;
            assert!(refused < 4 * KEYS / 512, "one of them may go, and is never found");
        }
        refused_in_all += refused;
        let free = free.to_string();
        assert!(map.get(&free).is_none() && map.get(&new).is_some() && map.len() == KEYS as usize);
    }
    assert_eq!(map.stats().refused, u64::from(refused_in_all));
}

#[test]
fn all_values_are_shown_once_and_a_map_that_is_full_takes_new_keys_meanwhile() {
    let map: KeyedMap<u32, u32> = Keyed::max(256).build().unwrap();
    (0..256).for_each(|key| drop(map.get_or_insert_with(&key, || key).unwrap()));
    let (mut seen, mut next, mut shards) = (Vec::new(), 256, 0);
    map.for_each_value(|value| {
        seen.push(*value);
        shards += 1;
        if shards == 1 {
            // Of this shard all are in use.
            (0..20).for_each(|_| {
                map.get_or_insert_with(&next, || next).unwrap();
                next += 1;
            });
        }
    });
    let old: std::collections::BTreeSet<_> = seen.iter().filter(|value| **value < 256).collect();
    assert!(old.len() >= 236, "only those that made room are missing: {}", old.len());
    assert_eq!(map.stats().max, 256);
    assert_eq!((map.len(), map.stats().refused), (256, 0));
}
