//! What limits have got wrong elsewhere, and must not here: the mistakes 1, 7, 9, 10, 20 and 25 of the project's list, of every limit.
#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use core_errors::{Error, Verdict};
use core_limit::{
    Adaptive, Bulkhead, Criticality, KeyedRate, Rate, RateLimit, SlidingWindow, Throttle, Tier,
};
use core_policy::{ByClass, Keyed, Permit, Policy};
use core_time::{Clock, ManualClock, ms, secs};
use proptest::prelude::*;

/// One of each limit, by one clock.
struct All {
    time: ManualClock,
    even: RateLimit,
    bursty: RateLimit,
    window: SlidingWindow,
    bulkhead: Bulkhead,
    adaptive: Adaptive,
    throttle: Throttle,
    keyed: KeyedRate<u8>,
    tier: Tier,
}

impl All {
    fn new() -> Self {
        let time = ManualClock::new();
        let clock = || time.clock();
        let keyed = Rate::per_second(5).clock(clock()).keyed(Keyed::max(9).idle(secs(3_600)));
        let keyed = keyed.tier("premium", Rate::per_second(50)).build().unwrap();
        let adaptive = Adaptive::vegas().initial(5).share(Criticality::Sheddable, 0.5).partition("live", 0.5);
        Self {
            even: Rate::per_second(5).max_wait(secs(2)).clock(clock()).build().unwrap(),
            bursty: Rate::per_second(5).bursty().max_wait(secs(2)).clock(clock()).build().unwrap(),
            window: SlidingWindow::per(5, secs(1)).clock(clock()).build().unwrap(),
            bulkhead: Bulkhead::max(3).share(Criticality::Sheddable, 0.4).clock(clock()).build().unwrap(),
            adaptive: adaptive.sample_every(ms(1)).window(ms(50)).clock(clock()).build().unwrap(),
            throttle: Throttle::builder().window(secs(10)).seed(7).clock(clock()).build().unwrap(),
            tier: keyed.tier("premium").unwrap(),
            keyed,
            time,
        }
    }

    /// Asks everything that only asks.
    fn look(&self) {
        for rate in [&self.even, &self.bursty] {
            let _ = (rate.peek(), rate.balance(), rate.stats(), rate.rate(), rate.burst(), rate.max_wait());
        }
        let _ = (self.window.peek(), self.window.limit(), self.window.stats());
        let _ = (self.bulkhead.snapshot(), self.bulkhead.snapshot().to_string());
        let _ = (self.adaptive.snapshot(), self.adaptive.partitions().count());
        let _ = self.throttle.snapshot();
        for key in 0..6 {
            let _ = (self.keyed.peek_in(self.tier, &key), self.keyed.stats(self.tier), self.keyed.keys());
        }
        let _ = (self.keyed.tier("default"), self.keyed.tiers().count());
    }

    /// Does something, and says what came of it.
    fn step(&self, what: u8, n: u8) -> String {
        let (key, n) = (n % 5, u64::from(n));
        let judged = |answer: Result<Permit<&Adaptive>, _>| {
            answer.map(|permit| {
                self.time.advance(ms(n));
                permit.record_verdict(if n.is_multiple_of(5) {
                    Verdict::Overload(None)
                } else {
                    Verdict::Success
                });
            })
        };
        match what {
            0 => format!("{:?} {:?}", self.even.take(n), self.bursty.take(n)),
            1 => format!("{} {}", self.even.take_at_most(n), self.bursty.take_at_most(n)),
            2 => {
                let reserve = |rate: &RateLimit| rate.reserve(n).map(|reserved| reserved.wait());
                format!("{:?} {:?}", reserve(&self.even), reserve(&self.bursty))
            }
            3 => format!("{:?}", self.window.take(n)),
            4 => format!("{:?}", self.bulkhead.acquire().map(drop)),
            5 => format!("{:?}", judged(self.adaptive.acquire())),
            6 => {
                let call = self
                    .throttle
                    .call_blocking(|_| if n < 6 { Err(Error::unavailable("busy")) } else { Ok(()) });
                format!("{call:?}")
            }
            7 => format!("{:?}", self.keyed.take_in(self.tier, &key, 1 + n / 3)),
            _ => format!("{:?}", self.keyed.check(&key)),
        }
    }
}

proptest! {
    /// Whatever happens, it happens as it would had nobody looked.
    #[test]
    fn mistake_25_w_6_looking_at_a_limit_changes_nothing(
        steps in prop::collection::vec((0_u64..400_000_000, 0_u8..10, 0_u8..9), 1..120),
    ) {
        let (seen, unseen) = (All::new(), All::new());
        for (pause, what, n) in steps {
            for all in [&seen, &unseen] {
                all.time.advance(Duration::from_nanos(pause));
                if what == 9 {
                    // The clock goes back.
                    all.time.set(core_time::Instant::from_nanos(all.time.now().as_nanos() / 2));
                }
            }
            seen.look();
            prop_assert_eq!(seen.step(what, n), unseen.step(what, n));
            seen.look();
        }
        prop_assert_eq!(seen.even.stats(), unseen.even.stats());
        prop_assert_eq!(seen.throttle.snapshot(), unseen.throttle.snapshot());
        prop_assert_eq!(seen.adaptive.snapshot(), unseen.adaptive.snapshot());
        prop_assert_eq!(seen.keyed.keys(), unseen.keyed.keys());
    }
}

#[test]
fn mistake_25_w_6_a_key_that_is_only_looked_at_goes_as_if_it_were_not() {
    let time = ManualClock::new();
    let keyed = Rate::per_second(5).clock(time.clock()).keyed(Keyed::max(3).idle(secs(60)));
    let limits = keyed.build::<u8>().unwrap();
    let tier = limits.tier("default").unwrap();
    for key in [1, 2, 3] {
        limits.check(&key).unwrap();
        time.advance(ms(1));
    }
    let left = |key| limits.peek_in(tier, &key).remaining;
    assert_eq!([1, 2, 3].map(left), [4, 4, 4]);
    limits.check(&4).unwrap();
    assert_eq!([1, 2, 3, 4].map(left), [5, 4, 4, 4], "the first was asked for longest ago");
    time.advance(secs(59));
    assert_eq!([2, 3, 4].map(left), [5, 5, 5]);
    time.advance(secs(1));
    limits.evict_idle();
    assert_eq!(limits.keys().len, 0);
}

/// Two calls are inside at once, and do with the limit all that can be done: a lock that a call held would stop them.
#[track_caller]
fn holds_no_lock<P: Policy + Sync>(policy: &P, inside: impl Fn() + Sync) {
    let both = Barrier::new(2);
    let call = || {
        let within = core_policy::call_blocking(
            policy,
            |_| {
                both.wait();
                inside();
                both.wait();
                Ok::<_, Error>(())
            },
            &ByClass,
            None,
        );
        assert!(within.is_ok(), "{within:?}");
    };
    thread::scope(|scope| {
        scope.spawn(call);
        call();
    });
}

#[test]
fn mistake_7_no_limit_holds_a_lock_during_the_call() {
    let all = All::new();
    for rate in [&all.even, &all.bursty] {
        let is_bursty = std::ptr::eq(rate, &raw const all.bursty);
        holds_no_lock(rate, || {
            let _ = (rate.check(), rate.take_at_most(1), rate.reserve(1).map(drop));
            let faster = Rate::per_second(6);
            rate.set_rate(if is_bursty { faster.bursty() } else { faster }).unwrap();
            rate.settle(1, 1);
        });
    }
    holds_no_lock(&all.window, || {
        let _ = all.window.check();
        all.window.set_limit(6).unwrap();
    });
    holds_no_lock(&all.bulkhead, || {
        assert!(all.bulkhead.acquire().is_ok() || all.bulkhead.snapshot().in_use == 3);
        all.bulkhead.resize(3).unwrap();
    });
    holds_no_lock(&all.adaptive, || {
        all.adaptive.acquire().unwrap().record_verdict(Verdict::Success);
        assert!(all.adaptive.snapshot().in_flight >= 2);
    });
    holds_no_lock(&all.throttle, || assert!(Permit::acquire(&all.throttle).is_ok()));
    let of_key = all.keyed.of(all.tier, &1).unwrap();
    holds_no_lock(&of_key, || {
        all.keyed.check_in(all.tier, &1).unwrap();
        all.keyed.set_rate(all.tier, &Rate::per_second(60)).unwrap();
        all.keyed.evict_idle();
        // Other keys come and go.
        (10..30).for_each(|key| all.keyed.check(&key).unwrap());
    });
}

/// Calls that end in all the ways there are, of a limit of one.
fn ends<P: Policy>(policy: &P) {
    drop(Permit::acquire(policy).unwrap());
    let panics =
        || core_policy::call_blocking(policy, |_| -> Result<(), Error> { panic!("boom") }, &ByClass, None);
    assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
    let holds = || {
        let _permit = Permit::acquire(policy).unwrap();
        panic!("boom");
    };
    assert!(catch_unwind(AssertUnwindSafe(holds)).is_err());
    assert!(
        core_policy::call_blocking(policy, |_| Err::<(), _>(Error::network("gone")), &ByClass, None).is_err()
    );
    assert!(Permit::acquire(policy).is_ok());
}

#[test]
fn mistake_1_whatever_becomes_of_a_call_its_place_is_free_again() {
    let all = All::new();
    let bulkhead = Bulkhead::max(1).clock(all.time.clock()).build().unwrap();
    let adaptive = Adaptive::aimd(secs(5)).min(1).initial(1).max(1).clock(all.time.clock()).build().unwrap();
    ends(&bulkhead);
    ends(&adaptive);
    assert_eq!((bulkhead.snapshot().in_use, adaptive.snapshot().in_flight), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn mistake_1_so_it_is_after_an_attempt_that_panics_where_it_waited() {
    let bulkhead = Bulkhead::max(1).max_wait(secs(9)).build().unwrap();
    let held = bulkhead.acquire().unwrap();
    let (waits, mut calls) = (bulkhead.clone(), core_context::JoinSet::new());
    calls.spawn(async move {
        let attempt = |_| async {
            Clock::system().sleep(ms(5)).await;
            panic!("boom");
            #[expect(unreachable_code, reason = "names the type")]
            Ok::<(), Error>(())
        };
        waits.call(attempt).await
    });
    tokio::task::yield_now().await;
    assert_eq!(bulkhead.snapshot().waiting, 1);
    drop(held);
    assert!(calls.join_next().await.unwrap().unwrap_err().is_panic());
    assert_eq!((bulkhead.snapshot().in_use, bulkhead.snapshot().waiting), (0, 0));
    assert!(bulkhead.call(|_| async { Ok::<_, Error>(()) }).await.is_ok());
}

#[test]
fn mistake_9_and_10_nothing_runs_while_nobody_asks_and_no_other_clock_is_read() {
    let all = All::new();
    // There is no runtime here, the clock stands still, and real time goes by.
    while all.even.take_at_most(1) + all.bursty.take_at_most(1) + all.window.take_at_most(1) > 0 {}
    while all.keyed.check_in(all.tier, &1).is_ok() {}
    let refused = |rate: &RateLimit| rate.check().unwrap_err().retry_after().unwrap();
    let first = (refused(&all.even), refused(&all.bursty), all.window.check().unwrap_err().retry_after());
    for _ in 0..10_000 {
        let again = (refused(&all.even), refused(&all.bursty), all.window.check().unwrap_err().retry_after());
        assert_eq!(again, first);
        assert!(all.keyed.check_in(all.tier, &1).is_err());
    }
    all.time.advance(secs(366 * 24 * 3_600));
    assert_eq!(
        (all.even.peek().remaining, all.bursty.peek().remaining, all.window.peek().remaining),
        (5, 5, 5)
    );
    assert_eq!(all.keyed.peek_in(all.tier, &1).remaining, 50);
}
