//! What a map of keys promises.
#![expect(clippy::unwrap_used, reason = "a helper of a test may panic")]

mod forgotten;
mod panics;
mod room;
mod together;
mod values;

use core_policy::{Keyed, KeyedMap};
use core_time::{ManualClock, secs};

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
