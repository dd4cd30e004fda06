//! The sums of all keys while keys come and go.

use std::future::ready;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use core_breaker::{Breaker, State};
use core_errors::Error;
use core_limit::Rate;
use core_pipeline::{HedgedPipeline, KeyedPipeline, Pipeline};
use core_policy::{Attempt, Keyed};
use core_retry::{Budget, Hedge, Retry};
use core_time::{Clock, ManualClock, ms, secs};

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
        for call in calls {
            call.join().unwrap();
        }
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

#[tokio::test(start_paused = true)]
async fn of_one_key_the_sums_are_its_own_counts() {
    let builder = Pipeline::named("shards")
        .deadline(ms(900))
        .retry(Retry::fixed(ms(1)).attempts(2))
        .breaker(Breaker::consecutive(4))
        .limit(Rate::per_hour(20))
        .bulkhead(1)
        .attempt_timeout(ms(500));
    let keys: KeyedPipeline<u64> = builder.build().unwrap().keyed(Keyed::max(2).idle(secs(3_600))).unwrap();
    let shard = keys.get(&7).unwrap();
    // An attempt times out, and the deadline stops the next; another times out, and the next succeeds; a pause is too long to be followed; four failures open the circuit.
    let takes = |seconds: [u64; 2]| {
        shard.call(move |at| async move {
            Clock::system().sleep(secs(seconds[usize::from(at.is_retry())])).await;
            Ok::<_, Error>(())
        })
    };
    assert!(takes([2, 2]).await.is_err());
    assert!(takes([2, 0]).await.is_ok());
    let busy = || Error::unavailable("busy").with_retry_after(secs(3_600));
    for _ in 0..5 {
        assert!(shard.call_or(|_| ready(Err(busy())), async |_| Ok(())).await.is_ok());
    }
    let (breaker, slots) = (shard.breaker().unwrap(), shard.bulkhead().unwrap().snapshot());
    let shown = keys.summary();
    assert_eq!(shown.circuits.unwrap().of(State::Open), 1);
    assert_eq!((shown.breaker, shown.retry), (Some(breaker.totals()), Some(shard.retry().unwrap().stats())));
    let (totals, retry) = (shown.breaker.unwrap(), shown.retry.unwrap());
    assert!(totals.fallbacks > 0 && totals.rejected != totals.inconclusive, "{totals:?}");
    assert!(retry.hints_discarded > 0, "{retry:?}");
    assert_eq!(shown.limit, Some(shard.limit().unwrap().stats()));
    assert_eq!(shown.bulkhead.unwrap().admitted, slots.admitted);
    let fired = [shard.deadline(), shard.attempt_timeout()].map(|limit| Some(limit.unwrap().stats().fired));
    assert_eq!([shown.calls_timed_out, shown.attempts_timed_out], fired);
    assert_ne!(fired[0], fired[1], "or they could stand in each other's place");
}

#[tokio::test]
async fn hedges_are_summed_up_also_those_of_keys_that_were_forgotten() {
    let plain = Pipeline::named("shards").bulkhead(9).build().unwrap();
    let hedged = plain.hedged(Hedge::on_failure().budget(&Budget::default())).unwrap();
    let keys: KeyedPipeline<u64, HedgedPipeline> = hedged.keyed(Keyed::max(2).idle(secs(60))).unwrap();
    let first_fails = |at: Attempt| ready(if at.is_hedge() { Ok(()) } else { Err(Error::network("gone")) });
    for key in 0..5 {
        let shard = keys.get(&key).unwrap();
        shard.call(first_fails).await.unwrap();
        shard.call(|_| ready(Err::<(), _>(Error::internal("wrong")))).await.unwrap_err();
    }
    let shown = keys.summary();
    let hedge = shown.hedge.unwrap();
    assert_eq!((keys.stats().displaced, shown.bulkhead.unwrap().admitted), (3, 15));
    assert_eq!((hedge.succeeded, hedge.won, hedge.failed, hedge.hedges), (5, 5, 5, 5));
    // The hedge that they were made of took no part, and where there is none there are no counts of it.
    assert_eq!(hedged.hedge().stats().succeeded, 0);
    let plain: KeyedPipeline<u64> = plain.keyed(Keyed::max(2)).unwrap();
    assert_eq!(plain.summary().hedge, None);
}
