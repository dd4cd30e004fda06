//! What a breaker tells of itself: its last changes, its statistics as others have them, and what each number counts.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, SystemTime};

use crate::bench::Bench;
use core_breaker::{Breaker, Event, History, State, Trigger};
use core_errors::Error;
use core_policy::CallError;
use core_time::{ms, secs};

#[test]
fn x_8_a_change_is_kept_with_what_it_was_and_is_when_and_what_had_been_counted() {
    let history = History::new();
    assert!(history.last().is_none() && history.changes().is_empty());
    let bench = Bench::new(Breaker::consecutive(3).probes(1).successes(1).on_change(history.recorder()));
    let start = bench.time.now();
    bench.play("SSFFF-----S");
    let kept = history.changes();
    let changes: Vec<_> = kept.iter().map(|it| (it.from, it.to, it.at)).collect();
    let due = start + secs(5);
    let expected = [
        (State::Closed, State::Open, start),
        (State::Open, State::HalfOpen, due),
        (State::HalfOpen, State::Closed, due),
    ];
    assert_eq!(changes, expected);
    assert_eq!(kept[0].trigger, Trigger::Consecutive { failures: 3 });
    let counted: Vec<_> = kept.iter().map(|it| (it.totals.successes, it.totals.failures)).collect();
    assert_eq!(counted, [(2, 3), (2, 3), (3, 3)]);
    assert_eq!(history.last().map(|it| it.generation), Some(4));
}

/// One of the originals had 750 after 500 calls.
#[test]
fn x_8_n_of_any_number_of_changes_the_last_ten_are_kept() {
    let history = History::new();
    let bench = Bench::new(Breaker::consecutive(1).probes(1).successes(1).on_change(history.recorder()));
    for _ in 0..250 {
        bench.play("F-----S");
        assert!(history.changes().len() <= History::MAX);
    }
    let kept: Vec<_> = history.changes().iter().map(|it| it.generation).collect();
    let newest = bench.breaker.snapshot().generation;
    assert_eq!(newest, 751);
    assert_eq!(kept, ((newest - 9)..=newest).collect::<Vec<_>>());
}

#[test]
fn f_87_statistics_have_the_shape_that_was_promised() {
    let bench = Bench::new(Breaker::consecutive(2).probes(1).successes(1));
    let now = SystemTime::UNIX_EPOCH + Duration::from_millis(1_795_245_028_123);
    let fresh = bench.breaker.snapshot().stats(now);
    assert_eq!((fresh.total_calls, fresh.success_rate, fresh.last_failure_time), (0, None, None));
    bench.play("SSSFF--");
    assert!(bench.breaker.acquire().is_err());
    let stats = bench.breaker.snapshot().stats(now);
    assert_eq!((stats.name, stats.state), ("payments", State::Open));
    assert_eq!((stats.failure_count, stats.success_count, stats.total_calls), (2, 3, 5));
    assert_eq!((stats.success_rate, stats.rejected_calls, stats.fallbacks), (Some(0.6), 1, 0));
    assert_eq!(stats.last_failure_time.as_deref(), Some("2026-11-21T07:10:26.123Z"));
}

#[cfg(feature = "serde")]
#[test]
fn f_80_f_87_statistics_are_json() {
    let bench = Bench::new(Breaker::consecutive(1).probes(1).successes(1));
    bench.play("SF-----");
    drop(bench.permit());
    let json =
        serde_json::to_value(bench.breaker.snapshot().stats(SystemTime::UNIX_EPOCH + secs(6))).unwrap();
    let expected = serde_json::json!({
        "name": "payments", "state": "half_open", "failure_count": 1, "success_count": 1, "total_calls": 2,
        "success_rate": 0.5, "last_failure_time": "1970-01-01T00:00:01.000Z", "rejected_calls": 0, "fallbacks": 0,
    });
    assert_eq!(json, expected);
}

#[test]
fn x_3_what_a_fallback_answered_is_counted() {
    let bench = Bench::new(Breaker::consecutive(3));
    let answer = |works: bool| {
        bench.breaker.call_or_blocking(
            |_| if works { Ok("fresh") } else { Err(Error::network("gone")) },
            |_: CallError<Error>| Ok("cached"),
        )
    };
    assert_eq!((0..3).map(|_| answer(false).unwrap()).collect::<Vec<_>>(), ["cached"; 3]);
    assert_eq!(
        (bench.breaker.state(), answer(true).unwrap()),
        (State::Open, "cached"),
        "the fourth is blocked"
    );
    let totals = bench.breaker.snapshot().totals;
    assert_eq!((totals.failures, totals.rejected, totals.fallbacks), (3, 1, 4));
    bench.breaker.close("test").unwrap();
    assert_eq!(answer(true).unwrap(), "fresh");
    assert_eq!(bench.breaker.snapshot().totals.fallbacks, 4);
}

#[test]
fn cb_26_a_probe_that_lost_its_slot_is_inconclusive_and_late_if_it_ends_after_all() {
    let bench = Bench::new(Breaker::consecutive(1).probes(1).successes(1).probe_lease(secs(30)));
    bench.play("F-----");
    let stuck = bench.permit();
    bench.time.advance(secs(30));
    let next = bench.permit();
    let told = || {
        let totals = bench.breaker.snapshot().totals;
        (totals.inconclusive, totals.late, totals.successes)
    };
    assert_eq!(told(), (1, 0, 0));
    stuck.success();
    assert_eq!(told(), (1, 1, 0));
    next.success();
    assert_eq!((told(), bench.breaker.state()), ((1, 1, 1), State::Closed));
}

#[test]
fn cb_26_four_probes_that_never_end_open_it_again_for_as_long_as_before() {
    let bench = Bench::new(Breaker::consecutive(1).probes(2).successes(2).probe_lease(secs(30)));
    // A failed round before: the second open time is 10 s, and that is what comes again.
    bench.play("F-----F");
    assert_eq!(bench.open_left(), secs(10));
    bench.time.advance(secs(10));
    for _ in 0..2 {
        std::mem::forget((bench.permit(), bench.permit()));
        assert_eq!(bench.breaker.state(), State::HalfOpen);
        bench.time.advance(secs(30));
    }
    let refused = bench.breaker.acquire().unwrap_err();
    assert_eq!((bench.breaker.state(), refused.retry_after()), (State::Open, Some(secs(10))));
    assert_eq!(bench.events.lock().unwrap().last().unwrap().trigger, Trigger::ProbesInconclusive);
}

#[test]
fn cb_25_so_many_as_was_said_may_be_inconclusive() {
    for max in [1, 3, 7] {
        let bench = Bench::new(Breaker::consecutive(1).probes(2).successes(2).inconclusive_max(max));
        bench.play("F-----");
        for _ in 1..max {
            drop(bench.permit());
            assert_eq!(bench.breaker.state(), State::HalfOpen);
        }
        drop(bench.permit());
        assert_eq!(bench.breaker.state(), State::Open, "after {max}");
    }
}

#[test]
fn cb_21_every_change_of_state_clears_what_was_counted() {
    let bench = Bench::new(Breaker::rate(0.5).min_calls(4).window(secs(100)).probes(2).successes(1));
    let held = || {
        let snapshot = bench.breaker.snapshot();
        (snapshot.window.calls, snapshot.consecutive_failures)
    };
    bench.play("SSF");
    assert_eq!(held(), (3, 1));
    bench.play("F");
    assert_eq!((bench.breaker.state(), held()), (State::Open, (0, 0)));
    bench.play("-----");
    let probe = bench.permit();
    assert_eq!((bench.breaker.state(), held()), (State::HalfOpen, (0, 0)));
    probe.success();
    assert_eq!((bench.breaker.state(), held()), (State::Closed, (0, 0)));
}

#[test]
fn cb_32_of_a_breaker_that_is_disabled_nobody_is_told_and_in_one_that_is_forced_open_nothing_is_counted() {
    let bench = Bench::new(Breaker::rate(0.5).or_consecutive(1).min_calls(1));
    let early = [bench.permit(), bench.permit()];
    bench.breaker.disable("test").unwrap();
    bench.play("FFFSF");
    assert_eq!(bench.changes(), [(State::Closed, State::Disabled)]);
    bench.breaker.force_open("test").unwrap();
    for permit in early {
        permit.failure();
    }
    assert!(bench.breaker.acquire().is_err());
    let snapshot = bench.breaker.snapshot();
    assert_eq!((snapshot.totals.calls(), snapshot.window.calls, snapshot.last_failure_age), (0, 0, None));
    assert_eq!(bench.changes().len(), 2);
}

#[test]
fn cb_32_calls_pass_whatever_fails_forced_closed_disabled_and_in_shadow() {
    let bench = Bench::new(Breaker::consecutive(1));
    bench.breaker.disable("held closed").unwrap();
    bench.play(&"F".repeat(50));
    assert_eq!((bench.breaker.state(), bench.breaker.snapshot().totals.failures), (State::Disabled, 0));
    bench.breaker.shadow("held closed, and counted").unwrap();
    bench.play(&"F".repeat(50));
    let snapshot = bench.breaker.snapshot();
    assert_eq!(
        (snapshot.state, snapshot.totals.failures, snapshot.consecutive_failures),
        (State::Shadow, 50, 50)
    );
    assert_eq!(snapshot.totals.rejected, 0);
    bench.breaker.force_closed("held closed, counted, and nobody told").unwrap();
    let told = bench.changes().len();
    assert_eq!(bench.play(&"F".repeat(50)), State::ForcedClosed);
    assert_eq!((bench.changes().len(), bench.breaker.snapshot().totals.failures), (told, 100));
}

#[test]
fn cb_35_what_opened_it_is_told_with_its_cause_and_for_how_long() {
    let bench = Bench::new(Breaker::consecutive(1).open_for(ms(1_500)));
    let _ = bench.breaker.call_blocking(|_| Err::<(), _>(Error::timeout("slow")));
    let told = bench.events.lock().unwrap().last().cloned().unwrap();
    assert_eq!(told.cause.map(|cause| cause.category), Some(core_errors::Category::Timeout));
    assert_eq!((told.open_for, told.at), (Some(ms(1_500)), bench.time.now()));
}

/// Generations and losses of what was told.
type Told = Arc<Mutex<Vec<(u32, u64)>>>;

/// A breaker whose subscriber gives it an order at each of the first thousand events, and what it was told.
fn obeying(order: impl Fn(&Breaker, &Event) + Send + Sync + 'static) -> (Breaker, Told) {
    let (told, its_own) = (Told::default(), Arc::<OnceLock<Breaker>>::default());
    let (seen, breaker) = (Arc::clone(&told), Arc::clone(&its_own));
    let obey = move |event: &Event| {
        seen.lock().unwrap().push((event.generation, event.lost));
        if seen.lock().unwrap().len() < 1_000 {
            order(breaker.get().unwrap(), event);
        }
    };
    let breaker = Breaker::consecutive(1).on_change(obey).build().unwrap();
    its_own.set(breaker.clone()).unwrap();
    (breaker, told)
}

#[test]
fn cb_35_who_undoes_each_change_holds_nobody_for_ever_and_what_is_left_is_told_next() {
    let (breaker, told) = obeying(|breaker, event| match event.to {
        State::ForcedOpen => breaker.close("it is well").unwrap(),
        State::Closed => breaker.force_open("it is not").unwrap(),
        _ => {}
    });
    breaker.force_open("the first").unwrap();
    assert_eq!(told.lock().unwrap().len(), 128, "the call has come back");
    breaker.disable("let it be").unwrap();
    let told = told.lock().unwrap();
    assert_eq!(told.len(), 256);
    assert!(told.iter().copied().eq((2..258).map(|generation| (generation, 0))), "each once, in order");
}

/// A breaker of which one event of 129 waits to be told, since a call tells 128; and what it told. Nobody else holds it.
fn left_over() -> (Breaker, Told) {
    let (told, its_own) = (Told::default(), Arc::<Mutex<Option<Breaker>>>::default());
    let (seen, slot) = (Arc::clone(&told), Arc::clone(&its_own));
    let breaker = Breaker::consecutive(1).on_change(move |event: &Event| {
        seen.lock().unwrap().push((event.generation, event.lost));
        let breaker = slot.lock().unwrap().clone();
        if let Some(breaker) = breaker {
            match event.to {
                State::ForcedOpen => breaker.close("it is well").unwrap(),
                _ => breaker.force_open("it is not").unwrap(),
            }
        }
        assert_ne!(event.generation, 130, "whoever drops it has nothing to do with a panic here");
    });
    let breaker = breaker.build().unwrap();
    *its_own.lock().unwrap() = Some(breaker.clone());
    breaker.force_open("the first").unwrap();
    *its_own.lock().unwrap() = None;
    assert_eq!(told.lock().unwrap().len(), 128, "the call has come back");
    (breaker, told)
}

fn each_once(told: &Told) -> bool {
    told.lock().unwrap().iter().copied().eq((2..131).map(|generation| (generation, 0)))
}

#[test]
fn cb_35_what_is_left_of_a_breaker_that_is_dropped_is_told_by_whoever_drops_it() {
    let (breaker, told) = left_over();
    let other = breaker.clone();
    drop(breaker);
    assert_eq!(told.lock().unwrap().len(), 128, "somebody has it still");
    drop(other);
    assert!(each_once(&told), "{told:?}");
}

#[test]
fn cb_35_what_is_left_is_told_too_where_a_panic_drops_the_breaker() {
    let (breaker, told) = left_over();
    let bug = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
        let _breaker = breaker;
        panic!("a bug of the caller's");
    }));
    assert!(bug.is_err() && each_once(&told), "{told:?}");
}

#[test]
fn cb_35_what_is_left_of_a_key_is_told_when_it_is_forgotten_under_no_lock() {
    let (told, its_own) = (Told::default(), Arc::<OnceLock<core_breaker::KeyedBreaker<u8>>>::default());
    let (seen, keys) = (Arc::clone(&told), Arc::clone(&its_own));
    let time = core_time::ManualClock::new();
    let template = Breaker::consecutive(1).clock(time.clock()).on_change(move |event: &Event| {
        seen.lock().unwrap().push((event.generation, event.lost));
        // Whoever is told asks for the key, which takes the lock of its shard.
        let breaker = keys.get().unwrap().get(&7).unwrap();
        match event.to {
            _ if event.generation > 129 => {}
            State::Disabled => breaker.close("on").unwrap(),
            _ => breaker.disable("off").unwrap(),
        }
    });
    let keys = template.build().unwrap().keyed::<u8>(core_policy::Keyed::max(8)).unwrap();
    assert!(its_own.set(keys).is_ok());
    let keys = its_own.get().unwrap();
    keys.get(&7).unwrap().shadow("the first").unwrap();
    assert_eq!(told.lock().unwrap().len(), 128);
    assert_eq!(keys.get(&7).unwrap().state(), State::Closed);
    time.advance(secs(100_000));
    assert_eq!(keys.evict_idle(), 1);
    assert_eq!(told.lock().unwrap().last().copied(), Some((130, 0)));
}

#[test]
fn cb_35_who_causes_more_than_can_be_told_is_told_how_many_were_lost() {
    let (breaker, told) = obeying(|breaker, _| {
        breaker.force_open("again").unwrap();
        breaker.close("and again").unwrap();
    });
    breaker.force_open("the first").unwrap();
    breaker.disable("and another").unwrap();
    let told = told.lock().unwrap();
    assert_eq!(told.len(), 256);
    let mut last = 1;
    for (generation, lost) in told.iter().copied() {
        assert_eq!(u64::from(generation - last), 1 + lost, "what is not told is counted");
        last = generation;
    }
    assert!(told.iter().any(|(_, lost)| *lost > 0));
}
