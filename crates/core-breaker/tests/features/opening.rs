//! For how long it opens, how calls come back, and what probes know, by the IDs of the rules.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use crate::bench::Bench;
use core_breaker::{Breaker, Builder, Decay, Hints, Opening, Progression, State};
use core_errors::{Error, Reason, Verdict};
use core_time::{ms, secs};

fn one(builder: Builder) -> Bench {
    Bench::new(builder.probes(1).successes(1))
}

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

// === hints ===

fn asked(bench: &Bench, hint: Duration) {
    bench.permit().record_verdict(Verdict::Overload(Some(hint)));
}

#[test]
fn what_the_callee_asks_for_makes_the_open_time_longer_and_never_shorter() {
    let bench = one(Breaker::consecutive(1));
    asked(&bench, secs(30));
    assert_eq!(bench.open_left(), secs(30));
    bench.breaker.close("test").unwrap();
    asked(&bench, secs(1));
    assert_eq!(bench.open_left(), secs(5));
}

#[test]
fn what_the_callee_asks_for_is_capped() {
    let bench = one(Breaker::consecutive(1).hint_max(secs(60)));
    asked(&bench, Duration::MAX);
    assert_eq!(bench.open_left(), secs(60));
}

#[test]
fn what_the_callee_asks_for_may_be_obeyed_or_ignored() {
    let obeys = one(Breaker::consecutive(1).hints(Hints::Obey));
    asked(&obeys, secs(1));
    assert_eq!(obeys.open_left(), secs(1));
    let ignores = one(Breaker::consecutive(1).hints(Hints::Ignore));
    asked(&ignores, secs(30));
    assert_eq!(ignores.open_left(), secs(5));
}

#[test]
fn the_callees_newest_word_counts_also_from_before_the_failure_that_trips() {
    let bench = one(Breaker::consecutive(3));
    asked(&bench, secs(100));
    asked(&bench, secs(20));
    bench.time.advance(secs(2));
    bench.play("F");
    assert_eq!(bench.open_left(), secs(18));
    bench.time.advance(secs(18));
    asked(&bench, secs(40));
    assert_eq!(bench.open_left(), secs(40), "of a probe as well");
    bench.time.advance(secs(40));
    bench.play("SFFF");
    assert_eq!(bench.open_left(), secs(5), "forgotten when it closed");
}

#[test]
fn a_fleet_that_was_told_the_same_does_not_come_back_in_step() {
    let left = |seed| {
        let bench = Bench::with(Breaker::consecutive(1).open_for(secs(10)).seed(seed));
        asked(&bench, secs(30));
        bench.open_left()
    };
    let all: Vec<_> = (0..50).map(left).collect();
    assert!(all.iter().all(|left| (secs(30)..=secs(35)).contains(left)), "{all:?}");
    assert!(all.iter().max().unwrap().saturating_sub(*all.iter().min().unwrap()) > secs(2));
}

#[test]
fn the_retry_after_of_an_error_reaches_the_open_time() {
    let bench = one(Breaker::consecutive(1));
    let failed = || Error::rate_limit("slow down").with_retry_after(secs(45));
    let _ = bench.breaker.call_blocking(|_| Err::<(), _>(failed()));
    assert_eq!(bench.open_left(), secs(45));
}

// === ramp-up ===

/// A breaker that has just closed, with a ramp from a tenth over 10 s.
fn ramping() -> Bench {
    let bench = one(Breaker::consecutive(3).ramp_up(0.1, secs(10)));
    bench.play("FFF");
    bench.time.advance(secs(5));
    assert_eq!(bench.play("S"), State::Closed);
    bench
}

fn admitted(bench: &Bench, calls: u32) -> u32 {
    (0..calls).map(|_| u32::from(bench.breaker.acquire().map(core_policy::Permit::success).is_ok())).sum()
}

#[test]
fn cb_38_calls_come_back_bit_by_bit() {
    let bench = ramping();
    for (share, expected) in [(0.1, 100), (0.19, 190), (0.28, 280), (0.37, 370)] {
        assert!((bench.breaker.snapshot().ramp_up.unwrap() - share).abs() < 1e-9);
        let passed = admitted(&bench, 1_000);
        assert!(passed.abs_diff(expected) <= 12, "{passed} of 1000 at {share}");
        bench.time.advance(secs(1));
    }
    bench.time.advance(secs(6));
    assert_eq!((admitted(&bench, 100), bench.breaker.snapshot().ramp_up), (100, None));
}

#[test]
fn cb_38_of_any_few_calls_about_the_right_number_passes() {
    let bench = ramping();
    bench.time.advance(secs(1));
    let passes: Vec<bool> =
        (0..2_000).map(|_| bench.breaker.acquire().map(core_policy::Permit::success).is_ok()).collect();
    for window in passes.windows(100) {
        let count = window.iter().filter(|passes| **passes).count();
        assert!((13..=25).contains(&count), "{count} of 100 at 19 %");
    }
    assert!(passes[0], "the first call passes");
}

/// One caller of as many as take turns. The multiples of the golden ratio alone come back nearly to where they were after 89 and 610 of
/// them: such a caller would be refused, or admitted, hundreds of times on end.
#[test]
fn cb_38_no_caller_that_calls_in_turn_with_others_is_refused_for_long() {
    for every in [8, 21, 89, 233, 610] {
        let bench = ramping();
        bench.time.advance(ms(4_444));
        let (mut admitted, mut run, mut runs_max) = (0_u32, 0_u32, 0_u32);
        for call in 0..400 * every {
            let passes = bench.breaker.acquire().map(core_policy::Permit::success).is_ok();
            if call % every == every - 1 {
                admitted += u32::from(passes);
                run = if passes { 0 } else { run + 1 };
                runs_max = runs_max.max(run);
            }
        }
        assert!(runs_max < 40, "one of {every}: {runs_max} in a row at a share of one half");
        assert!((150..=250).contains(&admitted), "one of {every}: {admitted} of 400 at a share of one half");
    }
}

#[test]
fn cb_38_a_refusal_says_when_the_ramp_has_come_to_its_place() {
    let bench = ramping();
    bench.time.advance(secs(3));
    let refused = std::iter::repeat_with(|| bench.breaker.acquire()).find_map(Result::err).unwrap();
    // The second place is the golden ratio, 0.618: the share is that after 5.756 s.
    let after = refused.retry_after().unwrap();
    assert!(after.abs_diff(ms(2_756)) < ms(1), "{after:?}");
    assert_eq!((refused.reason(), refused.reason().code().as_str()), (Reason::RampUp, "CIRCUIT_RAMP_UP"));
    assert_eq!(bench.breaker.snapshot().totals.rejected, 1);
}

#[test]
fn cb_38_those_who_are_refused_come_back_evenly_over_what_is_left_of_the_ramp() {
    let bench = ramping();
    bench.time.advance(secs(4));
    let refusals = (0..2_000).filter_map(|_| bench.breaker.acquire().map(core_policy::Permit::success).err());
    let mut after: Vec<_> = refusals.map(|refused| refused.retry_after().unwrap()).collect();
    after.sort_unstable();
    assert!(*after.first().unwrap() > Duration::ZERO && *after.last().unwrap() <= secs(6));
    for (tenth, chunk) in (0..).zip(after.chunks(after.len() / 10)).take(10) {
        let middle = chunk[chunk.len() / 2];
        assert!(
            middle.abs_diff(ms(300 + 600 * tenth)) < ms(150),
            "the {tenth}th tenth comes back after {middle:?}"
        );
    }
}

#[test]
fn cb_38_it_trips_while_it_ramps_up_and_ends_without_an_event() {
    let bench = ramping();
    let fail = || std::iter::repeat_with(|| bench.breaker.acquire()).find_map(Result::ok).unwrap().failure();
    (0..2).for_each(|_| fail());
    assert_eq!(bench.breaker.state(), State::Closed);
    fail();
    assert_eq!((bench.breaker.state(), bench.open_left()), (State::Open, secs(5)), "it had closed");
    let calm = ramping();
    let told = calm.changes().len();
    calm.time.advance(secs(10));
    calm.play("FF");
    calm.play("F");
    assert_eq!(calm.changes().len(), told + 1, "the end of the ramp keeps the run, and is no change");
}

#[test]
fn cb_38_without_a_ramp_and_by_an_operator_all_calls_come_back_at_once() {
    let bench = ramping();
    bench.breaker.close("the operator knows better").unwrap();
    assert_eq!(admitted(&bench, 100), 100);
    let plain = one(Breaker::consecutive(1));
    plain.play("F-----S");
    assert_eq!(admitted(&plain, 100), 100);
}

// === probes ===

#[test]
fn cb_40_a_permit_says_whether_it_is_a_probe_and_how_long_to_wait() {
    let bench = one(Breaker::consecutive(1).probe_timeout(ms(200)));
    let permit = bench.permit();
    assert!(!permit.state().is_probe());
    assert_eq!(permit.state().suggested_timeout(), None);
    permit.failure();
    bench.time.advance(secs(5));
    let probe = bench.permit();
    assert!(probe.state().is_probe());
    assert_eq!(probe.state().suggested_timeout(), Some(ms(200)));
    drop(probe);
    let seen = bench.breaker.call_blocking(|attempt| Ok::<_, Error>(attempt.remaining()));
    assert_eq!(seen.unwrap(), Some(ms(200)), "a call sees it as its limit");
    let seen = bench.breaker.call_blocking(|attempt| Ok::<_, Error>(attempt.remaining()));
    assert_eq!(seen.unwrap(), None, "closed again");
}

#[test]
fn cb_39_calls_that_were_out_when_it_tripped_count_in_no_later_generation() {
    let bench = one(Breaker::consecutive(2));
    let out: Vec<_> = (0..6).map(|_| bench.permit()).collect();
    bench.play("FF");
    bench.time.advance(secs(5));
    bench.play("S");
    for permit in out {
        permit.failure();
    }
    assert_eq!(bench.breaker.state(), State::Closed);
    let snapshot = bench.breaker.snapshot();
    assert_eq!((snapshot.consecutive_failures, snapshot.totals.late), (0, 6));
}

#[test]
fn what_the_callee_asked_for_is_forgotten_when_an_operator_closes_it() {
    let bench = one(Breaker::consecutive(1));
    asked(&bench, secs(100));
    bench.breaker.close("it is back").unwrap();
    bench.play("F");
    assert_eq!(bench.open_left(), secs(5));
}

#[test]
fn cb_38_every_ramp_begins_the_same() {
    let bench = ramping();
    let passes = |bench: &Bench| -> Vec<bool> {
        (0..15).map(|_| bench.breaker.acquire().map(core_policy::Permit::success).is_ok()).collect()
    };
    let first = passes(&bench);
    bench.breaker.open_for(secs(5), "test").unwrap();
    bench.time.advance(secs(5));
    bench.play("S");
    assert_eq!(passes(&bench), first);
}

// === extremes ===

#[test]
fn times_that_never_end_are_times() {
    let never = Duration::MAX;
    let rules = || Breaker::consecutive(1).or_rate(0.5).probes(1).successes(1);
    for builder in [
        rules().open_for(never),
        rules().open_for(never).progression(Progression::Linear),
        rules().open_max(never).hint_max(never),
        rules().ramp_up(0.5, never),
        rules().ramp_up(1e-300, never),
        rules().ramp_up(1.0, never),
        rules().window(never),
        rules().lumping(ms(1)).window(never),
        rules().probe_lease(never).probe_timeout(never),
        rules().slow_over(never),
        rules().or_average(0.5, Decay::Time(never)),
        rules().or_average(1.0, Decay::Calls(u32::MAX)),
        rules().min_calls(u32::MAX).inconclusive_max(u32::MAX),
    ] {
        let bench = Bench::with(builder);
        for step in [Duration::ZERO, ms(1), secs(10), secs(100_000_000), never] {
            bench.time.advance(step);
            for _ in 0..20 {
                match bench.breaker.acquire() {
                    Ok(permit) => permit.record_verdict(Verdict::Overload(Some(step))),
                    Err(refused) => assert!(refused.retry_after().is_none_or(|after| after > Duration::ZERO)),
                }
                if let Ok(permit) = bench.breaker.acquire() {
                    permit.success();
                }
            }
            let saved = bench.breaker.save();
            let again =
                rules().name("payments").resume(saved, never).clock(bench.time.clock()).build().unwrap();
            let _ = (again.acquire().is_ok(), again.snapshot(), bench.breaker.snapshot());
            bench.breaker.probe_now("on with it").unwrap();
            bench.permit().success();
        }
    }
}

#[test]
fn cb_38_a_refusal_of_a_ramp_of_nanoseconds_is_for_a_nanosecond_at_least() {
    let bench = one(Breaker::consecutive(3).ramp_up(0.1, Duration::from_nanos(50)));
    bench.breaker.probe_now("test").unwrap();
    bench.play("S");
    let mut refused = 0;
    for _ in 0..50 {
        for _ in 0..50 {
            if let Err(rejection) = bench.breaker.acquire() {
                refused += 1;
                assert!(rejection.retry_after().unwrap() >= Duration::from_nanos(1), "{rejection:?}");
            }
        }
        bench.time.advance(Duration::from_nanos(1));
    }
    assert!(refused > 100, "{refused}");
}

#[test]
fn cb_26_nobody_is_told_when_a_round_that_is_full_has_a_place() {
    let bench = one(Breaker::consecutive(1));
    bench.breaker.probe_now("test").unwrap();
    let _probe = bench.permit();
    let refused = bench.breaker.acquire().unwrap_err();
    assert_eq!((refused.reason(), refused.retry_after()), (Reason::HalfOpenFull, None));
}

#[test]
fn cb_31_after_a_function_was_asked_other_rules_decide_a_round_at_once() {
    let bench = Bench::new(Breaker::consecutive(1).probes(2).successes(2).open_by(|_| secs(1)));
    assert_eq!(bench.play("F-F"), State::Open, "a probe failed, and the function was asked");
    assert_eq!(bench.play("-S"), State::HalfOpen);
    bench.breaker.reconfigure(|builder| builder.probes(1).successes(1)).unwrap();
    assert_eq!(bench.breaker.state(), State::Closed);
}
