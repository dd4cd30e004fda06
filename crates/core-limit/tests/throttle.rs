//! Holding back from a callee that refuses.
#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

use core_errors::{Category, Classify, Error, Reason, Verdict};
use core_limit::{Bulkhead, Throttle};
use core_policy::{Permit, Stack};
use core_time::{ManualClock, ms, secs};

fn throttle(time: &ManualClock) -> Throttle {
    Throttle::builder().window(secs(10)).clock(time.clock()).seed(7).name("payments").build().unwrap()
}

/// So many calls in a window, of which the callee accepts `accepts` in ten.
fn load(throttle: &Throttle, time: &ManualClock, calls: u32, accepts: u32) -> u32 {
    let mut refused = 0;
    for n in 0..calls {
        let answer = || if n % 10 < accepts { Ok(()) } else { Err(Error::unavailable("busy")) };
        let out = throttle.call_blocking(|_| answer());
        refused += u32::from(out.is_err_and(|error| error.rejection().is_some()));
        time.advance(secs(10) / calls);
    }
    refused
}

#[test]
fn th_1_a_callee_that_accepts_half_is_left_alone() {
    let time = ManualClock::new();
    let throttle = throttle(&time);
    for _ in 0..5 {
        assert_eq!(load(&throttle, &time, 1_000, 6), 0);
    }
    assert!(throttle.snapshot().share.abs() < f64::EPSILON);
}

#[test]
fn th_1_what_it_counted_is_what_it_did() {
    let time = ManualClock::new();
    let throttle = throttle(&time);
    let refused = load(&throttle, &time, 1_000, 0) + load(&throttle, &time, 1_000, 0);
    assert!(refused > 500, "{refused}");
    assert_eq!(throttle.snapshot().refused, u64::from(refused));
    assert_eq!(throttle.name().as_str(), "payments");
}

#[test]
fn th_1_a_callee_that_is_down_gets_few_requests_and_is_found_again() {
    let time = ManualClock::new();
    let throttle = throttle(&time);
    load(&throttle, &time, 1_000, 10);
    load(&throttle, &time, 1_000, 0);
    let held_back = load(&throttle, &time, 1_000, 0);
    assert!((900..1_000).contains(&held_back), "{held_back}");
    assert!((throttle.snapshot().share - 0.95).abs() < 1e-6, "the rest looks for it");
    let rejection = throttle.acquire_refused();
    assert_eq!((rejection.reason(), rejection.name().as_str()), (Reason::Throttled, "payments"));
    assert_eq!(
        (rejection.verdict(), Classify::category(&rejection)),
        (Verdict::Ignore, Category::Unavailable)
    );
    // It is well again: the share falls by itself, until nothing is held back.
    for _ in 0..8 {
        load(&throttle, &time, 1_000, 10);
    }
    assert_eq!(load(&throttle, &time, 1_000, 10), 0);
}

trait Refused {
    fn acquire_refused(&self) -> core_errors::Rejection;
}

impl Refused for Throttle {
    /// A refusal, of which there is one soon.
    fn acquire_refused(&self) -> core_errors::Rejection {
        std::iter::repeat_with(|| Permit::acquire(self)).find_map(Result::err).unwrap()
    }
}

#[test]
fn th_1_answers_are_accepted_even_if_they_are_errors_that_are_not_about_load() {
    let time = ManualClock::new();
    let throttle = throttle(&time);
    for _ in 0..2_000 {
        let _ = throttle.call_blocking(|_| Err::<(), _>(Error::validation("no such order")));
        time.advance(ms(10));
    }
    assert!(throttle.snapshot().share.abs() < f64::EPSILON);
}

#[test]
fn pl_3_calls_that_a_policy_further_in_refused_or_that_were_dropped_say_nothing() {
    let time = ManualClock::new();
    let throttle = throttle(&time);
    let full = Bulkhead::max(1).clock(time.clock()).build().unwrap();
    let _held = full.acquire().unwrap();
    for _ in 0..2_000 {
        assert_eq!(Permit::acquire(Stack::new(&throttle, &full)).unwrap_err().reason(), Reason::BulkheadFull);
        drop(Permit::acquire(&throttle));
        time.advance(ms(10));
    }
    assert!(throttle.snapshot().share.abs() < f64::EPSILON);
}

#[test]
fn an_idle_gap_forgets_what_was() {
    let time = ManualClock::new();
    let throttle = throttle(&time);
    load(&throttle, &time, 1_000, 0);
    assert!(throttle.snapshot().share > 0.5);
    time.advance(secs(3_600));
    let _ = throttle.call_blocking(|_| Ok::<_, Error>(()));
    assert!(throttle.snapshot().share < 0.5, "{:?}", throttle.snapshot());
}

#[test]
fn numbers_out_of_range_are_refused() {
    for (builder, says) in [
        (Throttle::builder().ratio(0.9), "for one that is accepted is 0.9"),
        (Throttle::builder().ratio(f64::NAN), "1 to 1000"),
        (Throttle::builder().aggression(0.0), "the aggression"),
        (Throttle::builder().share_max(1.1), "the largest share"),
        (Throttle::builder().window(ms(99)), "100 ms to one hour"),
    ] {
        let error = builder.build().unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}

/// A policy further in that waits for too long.
struct Late(core_time::Clock);

impl core_policy::Policy for Late {
    type State = ();
    fn clock(&self) -> &core_time::Clock {
        &self.0
    }
    fn begin(&self) {}
    fn admit(&self, (): &mut (), _: &mut core_policy::Cx<'_>) -> core_policy::Admit {
        let name = core_errors::Name::new("late").unwrap();
        core_policy::Admit::Refuse(core_errors::Rejection::new(
            core_errors::PolicyKind::Timeout,
            name,
            Reason::TimedOut,
        ))
    }
    fn settle(
        &self,
        (): &mut (),
        _: &core_policy::Outcome<'_>,
        _: &mut core_policy::Cx<'_>,
    ) -> core_policy::Next {
        core_policy::Next::Finish
    }
    fn abandon(&self, (): &mut ()) {}
}

#[test]
fn th_1_a_callee_that_does_not_answer_in_time_was_asked() {
    let time = ManualClock::new();
    let throttle = throttle(&time);
    for _ in 0..1_000 {
        let late = Stack::new(&throttle, Late(time.clock()));
        assert!(Permit::acquire(late).is_err());
        time.advance(ms(10));
    }
    assert!(throttle.snapshot().share > 0.5, "{:?}", throttle.snapshot());
}

#[test]
fn a_call_that_is_dropped_before_it_begins_says_nothing() {
    let time = ManualClock::new();
    let throttle = throttle(&time);
    for _ in 0..1_000 {
        drop(throttle.call(|_| async { Ok::<_, Error>(()) }));
        let _ = throttle.call_blocking(|_| Err::<(), _>(Error::unavailable("down")));
        time.advance(ms(10));
    }
    assert!(throttle.snapshot().share > 0.5, "{:?}", throttle.snapshot());
}

/// Were only those counted that went out, it would be asked for the root of what is wanted: 316 times for 1000, 632 for 4000.
#[test]
fn th_1_what_is_held_back_counts_as_a_request_so_that_a_callee_is_asked_as_much_however_much_is_wanted() {
    for wanted in [1_000, 2_000, 4_000] {
        let time = ManualClock::new();
        let throttle = Throttle::builder().share_max(0.999).window(secs(10)).clock(time.clock()).seed(7);
        let throttle = throttle.build().unwrap();
        // It accepts 50 in a window.
        let (mut room, mut asked) = (0.0, 0_u32);
        for n in 0..wanted * 8 {
            let is_last = n >= wanted * 7;
            room = f64::min(room + 50.0 / f64::from(wanted), 1.0);
            let _ = throttle.call_blocking(|_| {
                asked += u32::from(is_last);
                if room < 1.0 {
                    return Err(Error::unavailable("busy"));
                }
                room -= 1.0;
                Ok(())
            });
            time.advance(secs(10) / wanted);
        }
        assert!((40..=130).contains(&asked), "{asked} of {wanted} for 50 that are accepted");
    }
}

#[test]
fn th_1_a_request_counts_when_it_is_made_and_not_when_it_is_answered() {
    let time = ManualClock::new();
    let throttle = throttle(&time);
    let mut open = Vec::new();
    for _ in 0..1_000 {
        open.extend(Permit::acquire(&throttle).ok());
        time.advance(ms(10));
    }
    let share = throttle.snapshot().share;
    assert!(share > 0.5, "a callee that does not answer accepts nothing: {share}");
    // What it answers in the end it has accepted.
    open.into_iter().for_each(Permit::success);
    time.advance(secs(1));
    let _ = Permit::acquire(&throttle);
    assert!(throttle.snapshot().share < share);
}
