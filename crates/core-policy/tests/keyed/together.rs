//! What holds in any order, and with threads.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use core_policy::{Keyed, KeyedMap, Rng};

use super::map;

#[test]
fn any_history_agrees_with_a_plain_map() {
    const ROOM: usize = 16;
    let rng = Rng::from_seed(7);
    let (time, map) = map::<u32>(ROOM);
    // Key to its number, when it was asked for, and whether it is held.
    let mut model: HashMap<String, (u32, u64, Option<Arc<u32>>)> = HashMap::new();
    for turn in 0..20_000_u32 {
        let key = format!("{}", rng.next_u64() % 40);
        // Less than that, and two questions may count as one moment.
        time.advance(Duration::from_micros(2));
        match rng.next_u64() % 10 {
            0 | 1 => {
                model.entry(key.clone()).and_modify(|held| held.2 = None);
            }
            2 => {
                assert_eq!(map.remove(&*key).map(|value| *value), model.remove(&key).map(|known| known.0));
            }
            3 => assert_eq!(map.peek(&*key).map(|value| *value), model.get(&key).map(|known| known.0)),
            what => {
                let full = model.len() == ROOM;
                match (map.get_or_insert_with(&*key, || turn), model.get_mut(&key)) {
                    (Ok(value), Some(known)) => {
                        assert_eq!(*value, known.0);
                        known.1 = u64::from(turn);
                        known.2 = (what == 4).then_some(value).or(known.2.take());
                    }
                    (Ok(value), None) => {
                        assert_eq!(*value, turn);
                        if full {
                            let free = model.iter().filter(|(_, known)| known.2.is_none());
                            let oldest = free.min_by_key(|(_, known)| known.1).unwrap().0.clone();
                            model.remove(&oldest);
                            assert!(map.peek(&*oldest).is_none(), "{oldest} was the oldest");
                        }
                        model.insert(key, (turn, u64::from(turn), (what == 4).then_some(value)));
                    }
                    (Err(_), known) => {
                        assert!(known.is_none() && full && model.values().all(|known| known.2.is_some()));
                    }
                }
            }
        }
        if rng.next_u64().is_multiple_of(50) {
            // So many turns take less than the idle time.
            for known in model.values_mut() {
                known.2 = None;
            }
        }
        assert_eq!(map.len(), model.len());
    }
}

#[test]
fn threads_never_see_two_values_of_a_key_that_one_of_them_holds() {
    const ROOM: usize = 24;
    let map: KeyedMap<u64, AtomicU32> = Keyed::max(ROOM).build().unwrap();
    let longest = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for seed in 0..4 {
            let (map, longest) = (&map, &longest);
            scope.spawn(move || {
                let rng = Rng::from_seed(seed);
                for _ in 0..20_000 {
                    let key = rng.next_u64() % 60;
                    let held = map.get_or_insert_with(&key, AtomicU32::default).unwrap();
                    held.fetch_add(1, Ordering::Relaxed);
                    // Others come and displace what they can.
                    let _ = map.get_or_insert_with(&(rng.next_u64() % 60), AtomicU32::default);
                    assert!(Arc::ptr_eq(&held, &map.get(&key).unwrap()), "{key} was lost in use");
                    longest.fetch_max(map.len() as u64, Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(longest.into_inner(), ROOM as u64);
    assert_eq!((map.len(), map.entries().len()), (ROOM, ROOM));
    assert_eq!(map.stats().refused, 0, "four threads hold eight keys at most");
}

/// Threads do all there is at once, to a map that is too small for them: keys are counted right, and none is there twice.
#[test]
fn whatever_threads_do_there_are_never_more_keys_than_there_is_room_for() {
    const ROOM: usize = 40;
    let map: KeyedMap<u32, u32> = Keyed::max(ROOM).idle(Duration::from_micros(50)).build().unwrap();
    let map = &map;
    std::thread::scope(|scope| {
        for seed in 0..4 {
            scope.spawn(move || {
                let rng = Rng::from_seed(seed);
                let mut held = std::collections::VecDeque::new();
                for _ in 0..20_000 {
                    let (key, what) = (u32::try_from(rng.next_u64() % 100).unwrap(), rng.next_u64() % 100);
                    match what {
                        0..50 => held.extend(map.get_or_insert_with(&key, || key)),
                        50..70 => {
                            let now = || core_time::Clock::system().now_coarse();
                            let found = map.decide(&key, now, |_| key, |value, _| *value);
                            assert!(found.is_ok_and(|value| value == key) || found.is_err());
                        }
                        70..80 => drop(map.remove(&key)),
                        80..90 => held.extend(map.get(&key)),
                        90..95 => map.for_each_value(|value| assert!(*value < 100)),
                        95 => drop(map.evict_idle()),
                        _ => {
                            let mut keys: Vec<_> = map.entries().into_iter().map(|(key, _)| key).collect();
                            keys.sort_unstable();
                            assert!(map.len() <= ROOM && keys.len() <= 2 * ROOM, "{keys:?}");
                        }
                    }
                    held.truncate(held.len().min(12));
                    held.rotate_left(usize::from(!held.is_empty()));
                }
            });
        }
    });
    let mut keys: Vec<_> = map.entries().into_iter().map(|(key, value)| (key, *value)).collect();
    assert_eq!(keys.len(), map.len());
    keys.sort_unstable();
    keys.dedup();
    assert!(keys.len() == map.len() && keys.iter().all(|(key, value)| key == value), "{keys:?}");
}
