//! The sums of all keys while keys come and go.
#![expect(clippy::disallowed_methods, reason = "threads are what is tested, and the test waits for them")]
#![expect(clippy::unwrap_used, reason = "a helper of a test may panic")]

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use core_breaker::Breaker;
use core_limit::Rate;
use core_pipeline::{KeyedPipeline, Pipeline};
use core_policy::Keyed;
use core_time::{ManualClock, secs};

#[test]
fn while_keys_are_displaced_sums_never_go_down_and_in_the_end_nothing_is_lost() {
    const THREADS: u64 = 4;
    let time = ManualClock::new();
    let plain = Pipeline::named("shards")
        .breaker(Breaker::consecutive(9))
        .limit(Rate::per_second(1_000_000))
        .bulkhead(64)
        .clock(time.clock())
        .build()
        .unwrap();
    let keys: KeyedPipeline<u64> = plain.keyed(Keyed::max(40).idle(secs(60))).unwrap();
    let (made, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
    let sums = || {
        let shown = keys.summary();
        (shown.breaker.unwrap().successes, shown.limit.unwrap().allowed, shown.bulkhead.unwrap().admitted)
    };
    thread::scope(|scope| {
        let calls = (0..THREADS).map(|thread| {
            let (keys, made) = (&keys, &made);
            scope.spawn(move || {
                for call in 0..2_000 {
                    // Of more keys than there is room for, in another order on each thread.
                    let Ok(shard) = keys.get(&((call * (2 * thread + 1)) % 200)) else { continue };
                    shard.admit().unwrap().success();
                    made.fetch_add(1, Ordering::Release);
                }
            })
        });
        let calls: Vec<_> = calls.collect();
        let looks = scope.spawn(|| {
            let (mut before, mut looks) = (sums(), 0);
            while !is_over.load(Ordering::Relaxed) {
                let now = sums();
                assert!(now.0 >= before.0 && now.1 >= before.1 && now.2 >= before.2, "{now:?} {before:?}");
                (before, looks) = (now, looks + 1);
            }
            looks
        });
        calls.into_iter().for_each(|call| call.join().unwrap());
        is_over.store(true, Ordering::Relaxed);
        assert!(looks.join().unwrap() > 0);
    });
    let made = made.load(Ordering::Acquire);
    assert!(made > 4_000 && keys.stats().displaced > 100, "{made} {:?}", keys.stats());
    assert_eq!(sums(), (made, made, made));
    time.advance(secs(61));
    keys.evict_idle();
    assert_eq!((sums(), keys.stats().len), ((made, made, made), 0));
}
