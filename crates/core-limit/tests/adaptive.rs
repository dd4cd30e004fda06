//! What an adaptive limit promises of calls, in virtual time. Its algorithms are tested beside them.
#![expect(clippy::unwrap_used, reason = "a helper of a test may panic")]

use std::future::pending;
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

use core_errors::{Error, Name, PolicyKind, Reason, Rejection, Verdict};
use core_limit::Criticality::{Critical, CriticalPlus, Sheddable, SheddablePlus};
use core_limit::{Adaptive, AdaptiveBuilder, Bulkhead, Criticality};
use core_policy::{Admit, Cx, Next, Outcome, Permit, Policy, Stack};
use core_time::{Clock, ManualClock, ms, secs};

fn under(builder: AdaptiveBuilder) -> (ManualClock, Adaptive) {
    let time = ManualClock::new();
    let limit = builder
        .name("search")
        .sample_every(Duration::ZERO)
        .window(Duration::ZERO)
        .clock(time.clock())
        .build()
        .unwrap();
    (time, limit)
}

/// A limit of ten that grows by one for each success.
fn ten() -> (ManualClock, Adaptive) {
    under(Adaptive::aimd(secs(5)).min(1).initial(10))
}

fn hold(limit: &Adaptive, n: usize) -> Vec<Permit<&Adaptive>> {
    (0..n).map(|_| limit.acquire().unwrap()).collect()
}

fn reason<T>(asked: Result<T, Rejection>) -> Option<Reason> {
    asked.err().map(|rejection| rejection.reason())
}

fn counts(limit: &Adaptive) -> (u32, u32) {
    let snapshot = limit.snapshot();
    (snapshot.limit, snapshot.in_flight)
}

#[test]
fn above_the_limit_a_call_is_refused_at_once() {
    let (_time, limit) = ten();
    let held = hold(&limit, 10);
    let refused = limit.acquire().unwrap_err();
    assert_eq!((refused.policy(), refused.reason()), (PolicyKind::Adaptive, Reason::LimitReached));
    assert_eq!((refused.name().as_str(), counts(&limit)), ("search", (10, 10)));
    let late = limit.call_blocking(|_| -> Result<(), Error> { unreachable!("it was refused") });
    assert!(late.is_err());
    drop(held);
    assert_eq!((counts(&limit), limit.snapshot().admitted, limit.snapshot().refused), ((10, 0), 10, 2));
}

#[test]
fn al_2_the_limit_grows_with_successes_and_falls_with_drops() {
    let (time, limit) = ten();
    let mut held = hold(&limit, 6);
    time.advance(ms(10));
    held.pop().unwrap().success();
    assert_eq!(limit.snapshot().limit, 11);
    time.advance(secs(5));
    held.pop().unwrap().success();
    assert_eq!(limit.snapshot().limit, 9, "later than it may be is dropped");
}

#[test]
fn al_4_what_says_nothing_changes_nothing() {
    let (time, limit) = ten();
    for verdict in [Verdict::Ignore, Verdict::Permanent, Verdict::Transient(None), Verdict::Retriable] {
        let mut held = hold(&limit, 10);
        time.advance(ms(10));
        held.pop().unwrap().record_verdict(verdict);
        drop(held);
        assert_eq!(counts(&limit), (10, 0), "{verdict:?}");
    }
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _ = limit.call_blocking(|_| -> Result<(), Error> { panic!("boom") });
    }));
    assert!(panicked.is_err());
    let mut call = pin!(limit.run(pending::<Result<(), Error>>()));
    assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    assert_eq!(counts(&limit), (10, 1));
    call.set(limit.run(pending()));
    assert_eq!((counts(&limit), limit.snapshot().dropped), ((10, 0), 0));
}

#[test]
fn al_4_overload_and_timeouts_are_drops() {
    let (time, limit) = ten();
    limit.acquire().unwrap().record_verdict(Verdict::Overload(None));
    assert_eq!((limit.snapshot().limit, limit.snapshot().dropped), (9, 1));
    time.advance(ms(1));
    assert!(limit.call_blocking(|_| Err::<(), _>(Error::timeout("no answer"))).is_err());
    assert_eq!((limit.snapshot().limit, limit.snapshot().dropped), (8, 2));
}

#[test]
fn al_4_calls_that_were_under_way_together_are_one_drop() {
    let (time, limit) = ten();
    let held = hold(&limit, 10);
    time.advance(ms(10));
    for permit in held {
        permit.record_verdict(Verdict::Overload(None));
    }
    assert_eq!((limit.snapshot().limit, limit.snapshot().dropped), (9, 10));
}

#[test]
fn al_4_so_are_calls_within_one_tick_of_a_coarse_clock() {
    let time = ManualClock::lagging(ms(4));
    let limit = Adaptive::aimd(secs(5)).min(1).initial(10).clock(time.clock()).build().unwrap();
    for _ in 0..5 {
        time.advance(Duration::from_micros(100));
        limit.acquire().unwrap().record_verdict(Verdict::Overload(None));
    }
    assert_eq!((limit.snapshot().limit, limit.snapshot().dropped), (9, 5));
}

#[test]
fn al_5_fast_failures_do_not_teach_what_is_normal() {
    let (time, limit) = under(Adaptive::vegas());
    limit
        .call_blocking(|_| {
            time.advance(ms(10));
            Ok::<_, Error>(())
        })
        .unwrap();
    for _ in 0..100 {
        assert!(limit.call_blocking(|_| Err::<(), _>(Error::unavailable("down"))).is_err());
    }
    assert_eq!(limit.snapshot().baseline, Some(ms(10)));
}

#[test]
fn what_a_call_waits_for_further_in_is_not_the_callees_time() {
    let time = ManualClock::new();
    let limit = Adaptive::vegas()
        .sample_every(Duration::ZERO)
        .window(Duration::ZERO)
        .clock(time.clock())
        .build()
        .unwrap();
    let slots = Bulkhead::max(1).max_wait(secs(9)).clock(time.clock()).build().unwrap();
    let stack = Stack::new(&limit, &slots);
    let held = slots.acquire().unwrap();
    let op = |_| std::future::ready(Ok::<_, Error>(()));
    let mut call = pin!(core_policy::Call::new(stack, op, core_policy::ByClass));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(call.as_mut().poll(&mut cx).is_pending());
    time.advance(secs(3));
    drop(held);
    assert!(call.as_mut().poll(&mut cx).is_ready());
    assert!(limit.snapshot().baseline.is_some_and(|baseline| baseline < ms(1)), "{:?}", limit.snapshot());
}

#[test]
fn one_call_in_a_while_is_measured_and_others_are_not() {
    let time = ManualClock::new();
    let limit =
        Adaptive::vegas().sample_every(ms(50)).window(Duration::ZERO).clock(time.clock()).build().unwrap();
    let takes = |millis| {
        let call = limit.call_blocking(|_| {
            time.advance(ms(millis));
            Ok::<_, Error>(())
        });
        call.unwrap();
        limit.snapshot().baseline
    };
    assert_eq!(takes(10), Some(ms(10)));
    assert_eq!(takes(5), Some(ms(10)), "within 50 ms of the last");
    time.advance(ms(35));
    assert_eq!(takes(5), Some(ms(5)));
}

#[test]
fn al_6_who_is_less_important_is_refused_before_who_is_more_so_at_every_load() {
    let shares = Adaptive::gradient().share(Critical, 0.9).share(SheddablePlus, 0.6).share(Sheddable, 0.3);
    let (_time, limit) = under(shares);
    let top = limit.with_criticality(CriticalPlus);
    let mut held = Vec::new();
    for load in 0..=20 {
        let refused = Criticality::ALL.map(|class| limit.with_criticality(class).acquire().is_err());
        assert_eq!(refused, [load >= 20, load >= 18, load >= 12, load >= 6], "at {load}");
        held.extend(top.acquire().ok());
    }
    assert_eq!(reason(limit.with_criticality(Sheddable).acquire()), Some(Reason::Shed));
    assert_eq!(reason(top.acquire()), Some(Reason::LimitReached));
    assert!(limit.snapshot().shed > 0);
}

#[test]
fn al_6_a_partition_has_its_share_and_what_others_leave() {
    let (_time, limit) = under(Adaptive::gradient().partition("live", 0.7).partition("batch", 0.3));
    let (live, batch) = (limit.partition("live").unwrap(), limit.partition("batch").unwrap());
    assert!(limit.partition("other").is_none());
    let spare = hold(&batch, 20);
    assert_eq!(reason(batch.acquire()), Some(Reason::LimitReached), "all there was, and its share long used");
    let own = hold(&live, 14);
    assert_eq!(
        reason(live.acquire()),
        Some(Reason::LimitReached),
        "its share is there for it still, and no more"
    );
    assert_eq!((counts(&limit), counts(&live).1, counts(&batch).1), ((20, 34), 14, 20));
    assert!(limit.acquire().is_err(), "who has no partition has no share");
    drop(spare);
    assert_eq!(hold(&batch, 6).len(), 6);
    assert_eq!(counts(&batch).1, 0);
    drop(own);
    assert_eq!((counts(&limit), counts(&live).1), ((20, 0), 0));
}

#[test]
fn al_6_who_bypasses_is_neither_refused_nor_counted() {
    let (_time, limit) = ten();
    let _held = hold(&limit, 10);
    let probe = limit.bypass();
    let permit = probe.acquire().unwrap();
    assert_eq!(counts(&limit), (10, 10));
    permit.record_verdict(Verdict::Overload(None));
    assert!(probe.call_blocking(|_| Ok::<_, Error>(())).is_ok());
    assert_eq!((counts(&limit), limit.snapshot().dropped), ((10, 10), 0));
}

#[test]
fn threads_never_exceed_the_limit_and_lose_nothing() {
    let limit = Adaptive::aimd(secs(5)).min(3).initial(3).max(3).partition("live", 0.5).build().unwrap();
    let (inside, peak) = (AtomicU32::new(0), AtomicU32::new(0));
    std::thread::scope(|scope| {
        for n in 0..6 {
            let limit = if n % 2 == 0 { limit.clone() } else { limit.partition("live").unwrap() };
            let (inside, peak) = (&inside, &peak);
            scope.spawn(move || {
                for _ in 0..4_000 {
                    let _ = limit.call_blocking(|_| {
                        peak.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        inside.fetch_sub(1, Ordering::SeqCst);
                        Ok::<_, Error>(())
                    });
                }
            });
        }
    });
    assert!(peak.into_inner() <= 5, "three, and two of the partition's own");
    assert_eq!((counts(&limit), counts(&limit.partition("live").unwrap())), ((3, 0), (3, 0)));
}

#[test]
fn what_makes_no_sense_is_refused_with_a_reason() {
    for (builder, text) in [
        (Adaptive::gradient().min(0), "smallest limit is zero"),
        (Adaptive::gradient().max(1_000_001), "at most 1000000"),
        (Adaptive::gradient().initial(10), "begins with 10, and is to stay from 20 to 200"),
        (Adaptive::gradient().min(300), "that must be a range"),
        (Adaptive::aimd(Duration::ZERO), "counts as a drop is zero"),
        (Adaptive::vegas().share(Sheddable, 2.0), "0 to 1"),
        (Adaptive::vegas().partition("a", 0.0), "over 0 and at most 1"),
        (Adaptive::vegas().partition("a", f64::NAN), "over 0 and at most 1"),
        (Adaptive::vegas().partition("a", 0.6).partition("b", 0.6), "no more than 1 in all"),
        (Adaptive::vegas().partition("a", 0.6).partition("a", 0.1), "`a` is there twice"),
        (Adaptive::vegas().partition("", 0.6), "cannot be a name"),
        (Adaptive::vegas().name(""), "cannot be a name"),
    ] {
        let error = builder.build().unwrap_err().to_string();
        assert!(error.contains(text), "{error:?} should say {text:?}");
    }
    assert_eq!(Adaptive::vegas().build().unwrap().snapshot().to_string(), "unnamed: 0 of 20 in flight");
}

#[test]
fn al_6_what_is_the_partitions_own_is_not_for_those_who_may_not_have_all_of_the_limit() {
    let rules = Adaptive::gradient().share(Sheddable, 0.5).partition("live", 0.5);
    let (_time, limit) = under(rules);
    let live = limit.partition("live").unwrap();
    let sheddable = live.with_criticality(Sheddable);
    let others: Vec<_> = std::iter::from_fn(|| limit.acquire().ok()).collect();
    assert!(limit.acquire().is_err(), "all is in flight");
    assert_eq!(sheddable.acquire().unwrap_err().reason(), Reason::Shed, "it may only have half");
    let own: Vec<_> = std::iter::from_fn(|| live.acquire().ok()).collect();
    assert_eq!(own.len() * 2, others.len(), "critical calls find all of what is the partition's own");
    drop((own, others));
    drop(sheddable.acquire().unwrap());
}

/// Refuses, as a limit on time further in does, or another policy.
#[derive(Debug)]
struct Stops(Reason, Clock);

impl Policy for Stops {
    type State = ();

    fn clock(&self) -> &Clock {
        &self.1
    }

    fn begin(&self) {}

    fn admit(&self, (): &mut (), _: &mut Cx<'_>) -> Admit {
        Admit::Refuse(Rejection::new(PolicyKind::Timeout, Name::UNNAMED, self.0))
    }

    fn settle(&self, (): &mut (), _: &Outcome<'_>, _: &mut Cx<'_>) -> Next {
        Next::Finish
    }

    fn abandon(&self, (): &mut ()) {}
}

#[test]
fn al_4_of_refusals_further_in_only_a_limit_on_time_is_a_drop() {
    for (why, dropped) in [(Reason::TimedOut, 1), (Reason::RateLimited, 0), (Reason::CircuitOpen, 0)] {
        let (time, limit) = ten();
        let stack = Stack::new(limit.clone(), Stops(why, time.clock()));
        let refused = core_policy::call_blocking(&stack, |_| Ok::<_, Error>(()), &core_policy::ByClass, None);
        assert_eq!(refused.unwrap_err().rejection().map(Rejection::reason), Some(why));
        assert_eq!((limit.snapshot().dropped, limit.snapshot().in_flight), (dropped, 0), "{why:?}");
    }
}

#[test]
fn al_4_of_failures_only_overload_and_timeouts_are_drops() {
    let (_time, limit) = ten();
    for failure in [Error::network, Error::internal, Error::validation] {
        assert!(limit.call_blocking(|_| Err::<(), _>(failure("no"))).is_err());
        assert_eq!(limit.snapshot().dropped, 0);
    }
}

#[test]
fn the_edges_of_what_can_be_built_can_be_built() {
    let names: Vec<_> = (0..64).map(|n| format!("p{n}")).collect();
    let all = names.iter().fold(Adaptive::gradient(), |limit, name| limit.partition(name, 1.0 / 64.0));
    all.clone().build().unwrap();
    assert!(all.partition("one-more", 0.000_1).build().is_err());
    Adaptive::gradient().max(1_000_000).build().unwrap();
    assert!(Adaptive::gradient().max(1_000_001).build().is_err());
}

/// What a call waited for further out was over before this limit was asked.
#[tokio::test(start_paused = true)]
async fn what_a_call_waited_for_further_out_is_not_the_callees_time_either() {
    let rate = core_limit::Rate::per_second(1).burst(1).max_wait(secs(60)).build().unwrap();
    let limit = Adaptive::vegas().sample_every(Duration::ZERO).window(Duration::ZERO).build().unwrap();
    let stack = Stack::new(rate.clone(), limit.clone());
    for _ in 0..3 {
        let takes = |_: core_policy::Attempt| async {
            Clock::system().sleep(ms(20)).await;
            Ok::<_, Error>(())
        };
        core_policy::Call::new(&stack, takes, core_policy::ByClass).await.unwrap();
    }
    assert_eq!(limit.snapshot().baseline, Some(ms(20)));
}
