//! A key that was never seen before, while there is no room: whatever makes up names meets these.
//!
//! Ten thousand names come in turn and 256 have room, so the one that is asked for has always gone by then: it is taken in,
//! and another goes.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use core_limit::Rate;
use core_policy::{Keyed, KeyedMap};
use lru::LruCache;
use quick_cache::sync::Cache;

use super::floor;
use super::keyed::walk;
use super::limit::PER_SECOND;
use crate::{Budget, Comes, Contest, Row};

pub(super) fn rows() -> Vec<Row> {
    let row = |name, ns, contest| Row {
        name,
        threads: 1,
        budget: Budget::Total(ns),
        beside: &[],
        comes: Comes::Answered,
        // The name, and what it stands for.
        allocations_max: 2,
        contest,
    };
    let above = const { &[floor("keyed/floor_miss_256")] };
    vec![
        // Its table is made anew now and then, for what was taken out of it.
        Row { budget: Budget::None, allocations_max: 3, ..row("keyed/floor_miss_256", 0.0, floors) },
        Row { beside: above, ..row("keyed/miss_256", 400.0, gets) },
        Row { beside: above, ..row("rate_limit/keyed_miss_256", 400.0, rates) },
    ]
}

/// So many have room.
const ROOM: usize = 256;

/// So many come.
const NAMES: usize = 10_000;

/// A list in the order of use behind a lock, that displaces whoever is last, held or not, and keeps no time.
fn floors() -> Contest {
    let room = NonZeroUsize::new(ROOM).expect("not zero");
    let list: Mutex<LruCache<String, Arc<u64>>> = Mutex::new(LruCache::new(room));
    let ours = walk(NAMES, move |name| {
        let mut list = list.lock().unwrap_or_else(PoisonError::into_inner);
        **list.get_or_insert_ref(name.as_str(), || Arc::new(7)) == 7
    });
    Contest { ours, peers: Vec::new() }
}

fn gets() -> Contest {
    let ours: KeyedMap<String, u64> = Keyed::max(ROOM).build().expect("valid");
    let theirs: Cache<String, Arc<u64>> = Cache::new(ROOM);
    Contest {
        ours: walk(NAMES, move |name| ours.get_or_insert_with(name.as_str(), || 7).is_ok()),
        peers: vec![(
            "quick_cache",
            walk(NAMES, move |name| {
                theirs.get_or_insert_with(name, || Ok::<_, ()>(Arc::new(7))).is_ok_and(|found| *found == 7)
            }),
        )],
    }
}

/// A full bucket for who was never seen. governor forgets nobody by itself, so it has no such case.
fn rates() -> Contest {
    let rate = Rate::per_second(PER_SECOND.into()).burst(PER_SECOND.into());
    let ours = rate.keyed(Keyed::max(ROOM)).build::<String>().expect("valid");
    Contest { ours: walk(NAMES, move |name| ours.check(name.as_str()).is_ok()), peers: Vec::new() }
}
