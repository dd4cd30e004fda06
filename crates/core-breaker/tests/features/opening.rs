//! For how long it opens, by the rules and by a function, by the IDs of the rules.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use crate::bench::{Bench, one};
use core_breaker::{Breaker, Builder, Opening, Progression, State};
use core_errors::Reason;
use core_time::{ms, secs};

/// The open times of so many openings in a row.
fn times(bench: &Bench, openings: usize) -> Vec<u64> {
    (0..openings)
        .map(|_| {
            bench.play("F");
            let left = bench.open_left();
            bench.time.advance(left);
            left.as_secs()
        })
        .collect()
}

#[test]
fn cb_29_the_open_time_may_grow_evenly_or_not_at_all() {
    let linear = one(Breaker::consecutive(1).open_for(secs(30)).open_max(secs(300)));
    linear.breaker.reconfigure(|builder| builder.progression(Progression::Linear)).unwrap();
    assert_eq!(times(&linear, 12), [30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 300, 300]);
    let constant = one(Breaker::consecutive(1).progression(Progression::Constant));
    assert_eq!(times(&constant, 3), [5, 5, 5]);
}

#[test]
fn cb_29_the_number_of_attempts_grows_with_each_round_and_starts_anew() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&seen);
    let bench = one(Breaker::consecutive(1).open_by(move |opening: &Opening| {
        sink.lock().unwrap().push(opening.half_open_attempts);
        secs(1)
    }));
    bench.play("F-F-F-F-F-S");
    bench.play("F-F-F");
    assert_eq!(*seen.lock().unwrap(), [0, 1, 2, 3, 4, 0, 1, 2]);
}

#[test]
fn cb_30_equal_jitter_is_half_the_time_and_a_draw_of_the_other_half() {
    let twin = core_policy::Rng::from_seed(7);
    let bench = Bench::with(Breaker::consecutive(1).open_for(secs(8)).seed(7));
    bench.play("F");
    assert_eq!(bench.open_left(), secs(4) + secs(4).mul_f64(twin.next_unit()));
}

#[test]
fn cb_31_a_function_says_how_long_and_knows_why() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&seen);
    let builder = Breaker::rate(0.5).min_calls(4).open_by(move |opening| {
        sink.lock().unwrap().push(*opening);
        ms(1_500)
    });
    let bench = Bench::new(builder.probes(2).successes(2));
    bench.play("SFSF");
    assert_eq!(bench.open_left(), ms(1_500), "neither jitter nor progression");
    bench.time.advance(ms(1_500));
    bench.play("SF");
    let seen = seen.lock().unwrap();
    assert_eq!((seen[0].failure_rate, seen[0].failures, seen[0].half_open_attempts), (Some(0.5), 2, 0));
    assert_eq!((seen[1].failure_rate, seen[1].failures, seen[1].half_open_attempts), (Some(0.5), 1, 1));
    assert_eq!((seen[0].open_for, seen[1].open_for), (secs(5), secs(10)));
}

#[test]
fn cb_31_a_function_is_told_how_many_probes_failed() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&seen);
    let builder = Breaker::consecutive(3).open_by(move |opening| {
        sink.lock().unwrap().push(opening.failures);
        secs(1)
    });
    let bench = Bench::new(builder.probes(4).successes(3));
    bench.play("FFF");
    bench.time.advance(secs(1));
    bench.play("SFF");
    assert_eq!(*seen.lock().unwrap(), [3, 2]);
}

#[test]
fn cb_31_an_overflow_is_for_ever_and_an_operator_ends_it() {
    let bench = one(Breaker::consecutive(1).open_by(|_| Duration::MAX));
    bench.play("F");
    bench.time.advance(Duration::from_secs(365 * 24 * 3600));
    assert_eq!(bench.breaker.acquire().unwrap_err().reason(), Reason::CircuitOpen);
    bench.breaker.close("enough").unwrap();
    assert_eq!(bench.play("S"), State::Closed);
}

#[test]
fn cb_31_a_function_that_panics_is_replaced_by_the_rules() {
    let bench = one(Breaker::consecutive(1).open_by(|_| panic!("a bug")));
    bench.play("F");
    assert_eq!(bench.open_left(), secs(5));
}

#[test]
fn cb_31_a_function_may_use_the_breaker() {
    let slot: Arc<Mutex<Option<Breaker>>> = Arc::default();
    let inner = Arc::clone(&slot);
    let bench = one(Breaker::consecutive(1).open_by(move |_| {
        let breaker = inner.lock().unwrap().clone().unwrap();
        secs(1 + u64::from(breaker.snapshot().generation))
    }));
    *slot.lock().unwrap() = Some(bench.breaker.clone());
    bench.play("F");
    assert_eq!(bench.open_left(), secs(2), "under a lock it would hang here");
    bench.time.advance(secs(2));
    bench.play("F");
    assert_eq!(bench.open_left(), secs(4));
}

/// Why the calls of a function were refused, if they were.
type Refusals = Arc<Mutex<Vec<Option<Reason>>>>;

/// A breaker whose function for the open time makes a call that fails, in each of the first hundred times that it is asked; how
/// often it was asked, and why its calls were refused.
fn calling(builder: Builder) -> (Bench, Arc<AtomicU32>, Refusals) {
    let (slot, asked) = (Arc::<OnceLock<Breaker>>::default(), Arc::<AtomicU32>::default());
    let refused = Refusals::default();
    let (inner, times, sink) = (Arc::clone(&slot), Arc::clone(&asked), Arc::clone(&refused));
    let bench = Bench::new(builder.probes(3).successes(2).open_by(move |_| {
        if times.fetch_add(1, Ordering::Relaxed) < 100 {
            let permit = inner.get().unwrap().acquire();
            sink.lock().unwrap().push(permit.map(core_policy::Permit::failure).err().map(|it| it.reason()));
        }
        secs(1)
    }));
    assert!(slot.set(bench.breaker.clone()).is_ok());
    (bench, asked, refused)
}

#[test]
fn cb_31_a_function_whose_own_call_fails_is_not_asked_again() {
    let (bench, asked, refused) = calling(Breaker::consecutive(2));
    assert_eq!(bench.play("FF"), State::Open);
    assert_eq!((asked.load(Ordering::Relaxed), bench.open_left()), (1, secs(1)));
    assert_eq!(*refused.lock().unwrap(), [None], "it was closed then");
    assert_eq!(bench.breaker.snapshot().totals.failures, 3);
    assert_eq!(bench.play("-SSFF"), State::Open);
    assert_eq!(asked.load(Ordering::Relaxed), 2, "another opening is another question");
}

#[test]
fn cb_31_a_function_that_makes_a_call_when_probes_failed_is_refused_and_not_asked_again() {
    let (bench, asked, refused) = calling(Breaker::consecutive(1));
    // Two of three probes fail, which is one too many, while the third is free.
    bench.play("F-FF");
    assert_eq!(asked.load(Ordering::Relaxed), 2, "when it opened, and when it opened again");
    assert_eq!(*refused.lock().unwrap(), [None, Some(Reason::HalfOpenFull)]);
    assert_eq!((bench.breaker.state(), bench.open_left()), (State::Open, secs(1)));
    assert_eq!(bench.play("-SS"), State::Closed, "it goes on as ever");
}

/// It is asked about one opening while an operator brings about another, which nobody asks about but who makes it.
#[test]
fn cb_31_a_question_about_an_earlier_round_holds_up_no_later_one() {
    let (slot, asked) = (Arc::<OnceLock<Breaker>>::default(), Arc::<AtomicU32>::default());
    let (inner, times) = (Arc::clone(&slot), Arc::clone(&asked));
    let bench =
        Bench::new(Breaker::consecutive(1).probes(2).successes(2).inconclusive_max(1).open_by(move |_| {
            if times.fetch_add(1, Ordering::Relaxed) == 0 {
                let breaker = inner.get().unwrap();
                breaker.probe_now("test").unwrap();
                let probe = breaker.acquire().unwrap();
                drop(probe);
                assert_eq!(
                    breaker.state(),
                    State::Open,
                    "decided, though somebody asks about what was before"
                );
                breaker.close("test").unwrap();
            }
            secs(7)
        }));
    assert!(slot.set(bench.breaker.clone()).is_ok());
    assert_eq!(bench.play("F"), State::Closed, "as the operator said last");
    assert_eq!(asked.load(Ordering::Relaxed), 2);
    assert_eq!(bench.play("F"), State::Open);
    assert_eq!(bench.open_left(), secs(7));
}

#[test]
fn cb_31_after_a_function_was_asked_other_rules_decide_a_round_at_once() {
    let bench = Bench::new(Breaker::consecutive(1).probes(2).successes(2).open_by(|_| secs(1)));
    assert_eq!(bench.play("F-F"), State::Open, "a probe failed, and the function was asked");
    assert_eq!(bench.play("-S"), State::HalfOpen);
    bench.breaker.reconfigure(|builder| builder.probes(1).successes(1)).unwrap();
    assert_eq!(bench.breaker.state(), State::Closed);
}
