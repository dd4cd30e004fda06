//! What is left where keys and values panic.

use core_policy::{Keyed, KeyedMap};

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
