//! What a second reader broke, and what holds since.
#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

use std::time::Duration;

use core_errors::{Error, Reason, Verdict};
use core_limit::Criticality::{Critical, Sheddable};
use core_limit::{Adaptive, Bulkhead, Rate, SlidingWindow, Throttle};
use core_policy::{ByClass, Call, Keyed, Permit, Stack};
use core_time::{Clock, ManualClock, ms, secs};

/// A call that the callee answers after so long.
fn answered(limit: &Adaptive, time: &ManualClock, after: Duration) -> bool {
    let permit = limit.acquire();
    time.advance(after);
    permit.is_ok_and(|permit| {
        permit.success();
        true
    })
}

/// Calls that the callee answers now.
fn end(held: Vec<Permit<&Adaptive>>) {
    for permit in held {
        permit.success();
    }
}

/// A call that the callee drops.
fn dropped(limit: &Adaptive, time: &ManualClock) {
    limit.acquire().unwrap().record_verdict(Verdict::Overload(None));
    time.advance(ms(1));
}

// === shares of small limits ===

#[test]
fn al_6_a_share_of_few_slots_is_one_slot_and_never_none() {
    let bulkhead = Bulkhead::max(2).share(Sheddable, 0.3).build().unwrap();
    let batch = bulkhead.with_criticality(Sheddable);
    let held = batch.acquire().expect("nothing is in use");
    assert_eq!(batch.acquire().unwrap_err().reason(), Reason::Shed);
    assert!(bulkhead.acquire().is_ok(), "the rest is for what is more important");
    drop(held);
    bulkhead.resize(1).unwrap();
    assert!(batch.acquire().is_ok(), "of one slot a share is that slot");
    let never = Bulkhead::max(2).share(Sheddable, 0.0).build().unwrap();
    assert!(never.with_criticality(Sheddable).acquire().is_err(), "no share is none");
}

#[test]
fn al_6_a_limit_that_fell_to_one_is_found_again_by_calls_with_a_share() {
    for share in [0.5, 0.3, 0.1] {
        let time = ManualClock::new();
        let limit = Adaptive::vegas().share(Sheddable, share).sample_every(ms(0)).window(ms(0));
        let limit = limit.clock(time.clock()).build().unwrap();
        for _ in 0..40 {
            dropped(&limit, &time);
        }
        assert_eq!(limit.snapshot().limit, 1);
        let batch = limit.with_criticality(Sheddable);
        for _ in 0..500 {
            let held: Vec<_> = std::iter::from_fn(|| batch.acquire().ok()).collect();
            assert!(
                !held.is_empty(),
                "share {share}: nobody passes any more, and nobody learns that it is well"
            );
            time.advance(ms(10));
            end(held);
        }
        let found = limit.snapshot().limit;
        assert!(found >= 20, "share {share}: to where it began");
        assert!(
            found == 20 || share >= 0.5,
            "share {share}: no further by calls that cannot fill it: {found}"
        );
    }
}

#[test]
fn al_3_calls_that_come_in_batches_are_seen_to_fill_the_limit() {
    for limit in [Adaptive::gradient(), Adaptive::vegas(), Adaptive::aimd(secs(5))] {
        let time = ManualClock::new();
        let limit = limit.clock(time.clock()).build().unwrap();
        for _ in 0..200 {
            let held: Vec<_> = std::iter::from_fn(|| limit.acquire().ok()).collect();
            time.advance(ms(20));
            end(held);
        }
        // The one that is measured is the first of each batch.
        assert!(limit.snapshot().limit > 30, "{:?}", limit.snapshot());
    }
}

// === what counts as a drop ===

#[test]
fn al_2_a_call_over_the_time_is_a_drop_also_if_it_was_not_measured() {
    let time = ManualClock::new();
    let limit = Adaptive::aimd(ms(100)).initial(100).clock(time.clock()).build().unwrap();
    let quick = limit.acquire().unwrap();
    let slow: Vec<_> = (0..9).map(|_| limit.acquire().unwrap()).collect();
    quick.success();
    time.advance(secs(1));
    end(slow);
    assert_eq!((limit.snapshot().limit, limit.snapshot().dropped), (90, 9), "together they are one event");
}

#[test]
fn al_2_a_call_within_the_time_is_no_drop_where_the_clock_is_coarse() {
    let time = ManualClock::lagging(ms(4));
    let limit = Adaptive::aimd(ms(100)).initial(100).clock(time.clock()).build().unwrap();
    for over in [ms(0), ms(96), ms(100)] {
        let held: Vec<_> = (0..3).map(|_| limit.acquire().unwrap()).collect();
        time.advance(over);
        end(held);
    }
    assert_eq!((limit.snapshot().limit, limit.snapshot().dropped), (100, 0));
}

// === clocks that go back (rule W-5) ===

#[test]
fn w_5_an_adaptive_limit_goes_on_learning_when_the_clock_has_gone_back() {
    let time = ManualClock::new();
    let limit = Adaptive::aimd(secs(5)).min(1).initial(10).clock(time.clock()).build().unwrap();
    dropped(&limit, &time);
    assert_eq!(limit.snapshot().limit, 9);
    assert!(answered(&limit, &time, ms(2)), "measured: the next is, after a millisecond");
    time.set(time.now() - secs(1_800));
    dropped(&limit, &time);
    assert_eq!(limit.snapshot().limit, 8, "a drop");
    for _ in 0..2 {
        let busy: Vec<_> = (0..6).map(|_| limit.acquire().unwrap()).collect();
        time.advance(ms(2));
        let measured = limit.acquire().unwrap();
        time.advance(ms(2));
        measured.success();
        drop(busy);
    }
    assert!(limit.snapshot().limit > 8, "a sample");
}

#[test]
fn w_5_a_window_of_an_adaptive_limit_ends_when_the_clock_has_gone_back() {
    let time = ManualClock::new();
    let limit = Adaptive::gradient().sample_every(ms(0)).clock(time.clock()).build().unwrap();
    let round = |times: u32| {
        for _ in 0..times {
            let held: Vec<_> = (0..15).map(|_| limit.acquire().unwrap()).collect();
            time.advance(ms(20));
            end(held);
        }
    };
    round(1);
    time.set(time.now() - secs(1_800));
    round(20);
    assert!(limit.snapshot().limit > 20, "{:?}", limit.snapshot());
}

#[test]
fn w_5_a_throttle_forgets_also_when_the_clock_has_gone_back() {
    let time = ManualClock::new();
    let throttle = Throttle::builder().window(secs(10)).clock(time.clock()).seed(7).build().unwrap();
    for _ in 0..1_000 {
        let _ = throttle.call_blocking(|_| Err::<(), _>(Error::unavailable("busy")));
        time.advance(ms(20));
    }
    assert!(throttle.snapshot().share > 0.9);
    time.set(time.now() - secs(1_800));
    let mut refused = 0;
    for _ in 0..2_000 {
        refused = u32::from(throttle.call_blocking(|_| Ok::<_, Error>(())).is_err());
        time.advance(ms(20));
    }
    assert!(throttle.snapshot().share.abs() < f64::EPSILON, "{:?}", throttle.snapshot());
    assert_eq!(refused, 0);
}

// === what can never work is refused ===

#[test]
fn nothing_waits_for_ever_and_nothing_that_never_learns_is_built() {
    let day = secs(86_400);
    assert!(Bulkhead::max(1).max_wait(day).build().is_ok());
    let error = Bulkhead::max(1).max_wait(Duration::MAX).build().unwrap_err().to_string();
    assert!(error.contains("at most 86400s"), "{error}");
    let hour = secs(3_600);
    assert!(Adaptive::gradient().sample_every(hour).window(hour).build().is_ok());
    let late = hour + Duration::from_nanos(1);
    for never in [Adaptive::gradient().sample_every(late), Adaptive::vegas().window(late)] {
        let error = never.build().unwrap_err().to_string();
        assert!(error.contains("at most 3600s"), "{error}");
    }
}

#[test]
fn an_error_about_a_partition_says_what_would_be_right() {
    let error = Adaptive::gradient().partition("batch", 0.0).build().unwrap_err().to_string();
    assert!(error.contains("over 0"), "{error}");
    assert!(Adaptive::gradient().partition("batch", 0.01).build().is_ok());
}

// === what is counted ===

#[test]
fn asking_for_all_there_is_does_not_spoil_the_counts() {
    let time = ManualClock::new();
    let rate = Rate::per_second(10).clock(time.clock()).build().unwrap();
    let window = SlidingWindow::per(10, secs(1)).clock(time.clock()).build().unwrap();
    for _ in 0..3 {
        let _ = (rate.take_at_most(u64::MAX), window.take_at_most(u64::MAX));
        assert!(rate.take(u64::MAX).is_err() && window.take(u64::MAX).is_err());
        rate.charge(u64::MAX);
    }
    for stats in [rate.stats(), window.stats()] {
        assert!(stats.allowed <= 100 && (1..=100).contains(&stats.refused), "{stats:?}");
    }
    let keyed = Rate::per_second(10).keyed(Keyed::max(10)).build::<u8>().unwrap();
    let default = keyed.tier("default").unwrap();
    for _ in 0..3 {
        assert!(keyed.take_in(default, &1, u64::MAX).is_err());
    }
    assert!(keyed.stats(default).refused <= 100);
    assert_eq!(Bulkhead::max(1).build().unwrap().with_criticality(Critical).snapshot().refused, 0);
}

#[test]
fn al_2_a_call_that_takes_as_long_as_is_allowed_is_no_drop() {
    for (took, drops) in [(ms(100), 0), (ms(100) + Duration::from_nanos(1), 1)] {
        let time = ManualClock::new();
        let limit = Adaptive::aimd(ms(100)).sample_every(secs(60)).clock(time.clock()).build().unwrap();
        assert!(answered(&limit, &time, ms(1)), "the one that is measured");
        assert!(answered(&limit, &time, took));
        assert_eq!(limit.snapshot().dropped, drops, "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn al_2_what_a_call_waited_further_out_is_not_the_callee_s_time_and_all_else_is() {
    for (took, drops) in [(ms(40), 0), (ms(70), 1)] {
        let limit = Adaptive::aimd(ms(60)).sample_every(ms(0)).build().unwrap();
        let one_by_one = Stack::new(Bulkhead::max(1).max_wait(secs(1)).build().unwrap(), limit.clone());
        let call = |time| {
            let attempt = move |_| async move {
                Clock::system().sleep(time).await;
                Ok::<_, Error>(())
            };
            Call::new(&one_by_one, attempt, ByClass)
        };
        let (first, second) = tokio::join!(call(ms(50)), call(took));
        assert!(first.is_ok() && second.is_ok());
        assert_eq!(limit.snapshot().dropped, drops, "it waited 50 ms and took {took:?}");
    }
}
