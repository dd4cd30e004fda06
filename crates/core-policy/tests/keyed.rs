//! What a map of keys promises.
#![expect(clippy::unwrap_used, reason = "a helper of a test may panic")]

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use core_policy::{Keyed, KeyedError, KeyedMap, KeysFull, Rng};
use core_time::{ManualClock, ms, secs};

fn map<V>(max: usize) -> (ManualClock, KeyedMap<String, V>) {
    let time = ManualClock::new();
    let map = Keyed::max(max).idle(secs(60)).clock(time.clock()).build().unwrap();
    (time, map)
}

/// Asks for a key, whose value is the number of the question where it is new.
fn ask(map: &KeyedMap<String, u32>, key: &str, number: u32) -> u32 {
    *map.get_or_insert_with(key, || number).unwrap()
}

fn keys<V>(map: &KeyedMap<String, V>) -> Vec<String> {
    let mut keys: Vec<_> = map.entries().into_iter().map(|(key, _)| key).collect();
    keys.sort();
    keys
}

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
fn a_key_that_is_asked_for_is_found_in_use_before_its_idle_time_is_over_and_keeps_its_place() {
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

/// A key that two tests below know how to go wrong with.
#[derive(Clone, Debug, PartialOrd, Ord)]
struct Odd(u32);

thread_local! {
    static BOOM: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

impl PartialEq for Odd {
    fn eq(&self, other: &Self) -> bool {
        assert!(!BOOM.get(), "boom");
        self.0 == other.0
    }
}

impl Eq for Odd {}

impl std::hash::Hash for Odd {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        assert!(!(BOOM.get() && self.0 == 1_000), "boom");
        // All meet.
        7.hash(state);
    }
}

#[test]
fn a_key_that_panics_when_it_is_compared_leaves_the_map_as_it_was() {
    let map: KeyedMap<Odd, u32> = Keyed::max(4).build().unwrap();
    let value = |key: u32| map.get_or_insert_with(&Odd(key), || key).map(|value| *value);
    assert_eq!((value(1), value(2), value(3)), (Ok(1), Ok(2), Ok(3)));
    let booms = |ask: &dyn Fn()| {
        BOOM.set(true);
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(ask)).is_err();
        BOOM.set(false);
        panicked
    };
    for key in [1, 2, 9, 1_000] {
        assert!(booms(&|| drop(map.get(&Odd(key)))), "{key}");
        assert!(booms(&|| drop(map.peek(&Odd(key)))), "{key}");
        assert!(booms(&|| drop(map.remove(&Odd(key)))), "{key}");
        assert!(booms(&|| assert!(value(key).is_ok())), "{key}");
    }
    // It is compared once more when it is put in, where all are locked out.
    let set_off = || map.get_or_insert_with(&Odd(4), || BOOM.replace(true).into());
    assert!(booms(&|| {
        BOOM.set(false);
        drop(set_off());
    }));
    assert_eq!((map.len(), map.entries().len(), map.stats().inserted), (3, 3, 3));
    assert_eq!((value(4), value(1), value(2), value(3)), (Ok(4), Ok(1), Ok(2), Ok(3)));
    assert_eq!((value(5), map.len(), map.stats().displaced), (Ok(5), 4, 1), "there is room for four still");
}

#[test]
fn room_that_was_made_for_a_key_that_panics_is_there_for_the_next() {
    // All keys fall into one shard of many, and all of that are in use.
    let map: KeyedMap<Odd, u32> = Keyed::max(64).build().unwrap();
    let held: Vec<_> = (0..63).map(|key| map.get_or_insert_with(&Odd(key), || key).unwrap()).collect();
    for _ in 0..100 {
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _ = map.get_or_insert_with(&Odd(99), || u32::from(BOOM.replace(true)));
        }));
        BOOM.set(false);
        assert!(panicked.is_err());
    }
    let last = map.get_or_insert_with(&Odd(63), || 63).unwrap();
    assert_eq!((map.len(), map.stats().refused), (64, 0));
    assert!(map.get_or_insert_with(&Odd(64), || 64).is_err(), "all are in use");
    drop((held, last));
    assert_eq!(*map.get_or_insert_with(&Odd(64), || 64).unwrap(), 64);
    assert_eq!(map.len(), 64);
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

#[test]
fn a_value_that_panics_when_it_is_dropped_takes_no_room_with_it() {
    struct Bomb(bool);
    impl Drop for Bomb {
        fn drop(&mut self) {
            assert!(!self.0 || std::thread::panicking(), "boom");
        }
    }
    const ROOM: u32 = 64;
    let map: KeyedMap<u32, Bomb> = Keyed::max(ROOM as usize).build().unwrap();
    let ask = |key: u32, is_bomb| map.get_or_insert_with(&key, || Bomb(is_bomb));
    let mut held: Vec<_> = (1..ROOM).map(|key| ask(key, false).unwrap()).collect();
    let mut booms = 0;
    for key in (ROOM..).step_by(2).take(200) {
        // The only one that is not held makes room for the next, which falls into another shard as a rule.
        drop(ask(key, true));
        let next = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(ask(key + 1, false))));
        booms += u32::from(next.is_err());
        assert_eq!((map.len(), map.peek(&key).is_some()), (map.entries().len(), false));
        map.remove(&(key + 1));
    }
    assert_eq!((booms, map.len()), (200, held.len()));
    held.push(ask(0, false).unwrap());
    assert_eq!(map.len(), ROOM as usize);
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
