//! What a retry makes of refusals further in, and of what budgets and callees say: what only its numbers show.
#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

use core_errors::{Delivery, Error};
use core_policy::{
    Admit, Attempt, ByClass, CallError, Cx, Name, Next, Outcome, Policy, PolicyKind, Reason, Rejection,
    Stack, Why,
};
use core_retry::{Budget, Builder, Retry};
use core_time::{Clock, Instant, ManualClock, ms, secs};

const NOW: Instant = Instant::from_nanos(3_600_000_000_000);

/// Refuses every attempt from `from` on, and says when to come back.
#[derive(Debug)]
struct Refuses {
    from: u32,
    why: Reason,
    clock: Clock,
    asked: std::cell::Cell<u32>,
}

impl Policy for Refuses {
    type State = ();

    fn clock(&self) -> &Clock {
        &self.clock
    }

    fn begin(&self) {}

    fn admit(&self, (): &mut (), _: &mut Cx<'_>) -> Admit {
        self.asked.set(self.asked.get() + 1);
        if self.asked.get() < self.from {
            return Admit::Run;
        }
        let rejection = Rejection::new(PolicyKind::RateLimit, Name::UNNAMED, self.why);
        Admit::Refuse(rejection.with_retry_after(ms(5)))
    }

    fn settle(&self, (): &mut (), _: &Outcome<'_>, _: &mut Cx<'_>) -> Next {
        Next::Finish
    }

    fn abandon(&self, (): &mut ()) {}
}

fn exact(attempts: u32) -> Builder {
    Retry::fixed(ms(10)).no_jitter().attempts(attempts)
}

/// How often a policy that refuses from attempt `from` on was asked, under a call that always fails.
fn asked(builder: Builder, from: u32, why: Reason) -> u32 {
    let time = ManualClock::new();
    let retry = builder.clock(time.clock()).build().unwrap();
    let refuses = Refuses { from, why, clock: time.clock(), asked: std::cell::Cell::new(0) };
    let stack = Stack::new(&retry, &refuses);
    let fails = |_: Attempt| Err::<(), _>(Error::network("gone"));
    assert!(core_policy::call_blocking(stack, fails, &ByClass, None).is_err());
    refuses.asked.get()
}

#[test]
fn rt_7_what_ran_out_of_time_is_retried_and_what_can_never_be_is_not() {
    assert_eq!(asked(exact(3), 1, Reason::TimedOut), 3, "it was at work");
    assert_eq!(asked(exact(3), 1, Reason::RateLimited), 1, "nobody asked for that");
    assert_eq!(asked(exact(3).retry_refusals(true), 1, Reason::RateLimited), 3);
    for never in [Reason::Impossible, Reason::DeadlineExceeded] {
        assert_eq!(asked(exact(3).retry_refusals(true), 1, never), 1, "{never:?}");
    }
}

#[test]
fn bg_5_a_retry_that_is_refused_further_in_is_given_back_and_one_that_timed_out_is_not() {
    for (why, paid) in [(Reason::RateLimited, 0), (Reason::TimedOut, 5)] {
        let budget = Budget::costs(100).unwrap();
        assert_eq!(asked(exact(2).budget(&budget), 2, why), 2);
        let is = budget.available(NOW);
        assert!((is - f64::from(100 - paid)).abs() < 1e-9, "{why:?}: {is}");
    }
}

#[test]
fn bg_5_a_deposit_is_given_back_too() {
    let budget = Budget::deposit(0.0, 5, secs(1)).unwrap();
    let paid = budget.take(false, || NOW).unwrap();
    assert!((budget.available(NOW) - 4.0).abs() < 1e-9);
    budget.refund(paid, || NOW);
    assert!((budget.available(NOW) - 5.0).abs() < 1e-9);
}

#[test]
fn bg_a_budget_says_whether_a_retry_would_be_made() {
    let costs = Budget::costs(5).unwrap();
    assert!(costs.is_open(NOW), "just enough for one");
    costs.take(false, || NOW).unwrap();
    assert!(!costs.is_open(NOW));
    let in_flight = Budget::in_flight(0.0, 1).unwrap();
    assert!(in_flight.is_open(NOW));
    in_flight.take(false, || NOW).unwrap();
    assert!(!in_flight.is_open(NOW));
}

#[test]
fn rt_5_an_attempt_needs_its_time_before_the_deadline_as_well() {
    // A sleep of 10 ms and an attempt of 20 ms: 30 ms are enough, and a nanosecond less is not.
    for (within, attempts) in [(ms(30), 2), (ms(30).saturating_sub(std::time::Duration::from_nanos(1)), 1)] {
        let time = ManualClock::new();
        let retry = exact(2).min_attempt_time(ms(20)).clock(time.clock()).build().unwrap();
        let mut calls = 0;
        let fails = |_: Attempt| {
            calls += 1;
            Err::<(), _>(Error::network("gone"))
        };
        let deadline = Some(time.clock().now() + within);
        let error = core_policy::call_blocking(&retry, fails, &ByClass, deadline).unwrap_err();
        assert_eq!(calls, attempts, "{within:?}");
        if attempts == 1 {
            assert!(matches!(error, CallError::Exhausted { why: Why::DeadlineWouldExceed, .. }), "{error:?}");
        }
    }
}

#[test]
fn rt_9_what_the_callee_asks_for_is_heard_there_too_up_to_the_longest_pause() {
    for (hint, slept) in [(secs(1), secs(1)), (secs(9), ms(0))] {
        let time = ManualClock::new();
        let builder = exact(3).retry_after_max(secs(2)).clock(time.clock());
        let retry = builder.build().unwrap();
        let mut calls = 0;
        let refused_once = retry.call_blocking(|_| {
            calls += 1;
            let refused =
                Error::rate_limit("busy").with_delivery(Delivery::NotProcessed).with_retry_after(hint);
            if calls == 1 { Err(refused) } else { Ok(()) }
        });
        assert!(refused_once.is_ok());
        assert_eq!(time.elapsed(), slept, "{hint:?}");
    }
}

#[test]
fn pl_2_what_is_left_alone_when_rules_change_stays() {
    use core_errors::Category::{Network, Timeout};
    let changed = |builder: Builder, clock: Clock| {
        let retry = builder.clock(clock).build().unwrap();
        retry.reconfigure(|rules| rules.attempts(3)).unwrap();
        retry
    };
    let time = ManualClock::new();
    let jitter = core_retry::Jitter::PlusMinus { fraction: 0.5 };
    let builder = Retry::exponential(ms(7)..secs(9)).jitter(jitter);
    let backoff = *builder.backoff();
    assert_eq!(changed(builder, time.clock()).backoff(), backoff);

    // How often a call that fails so is made, by a retry of one attempt that has become one of three.
    let calls = |builder: Builder, error: fn() -> Error, time: &ManualClock, within| {
        let retry = changed(builder, time.clock());
        let mut calls = 0;
        let fails = |_: Attempt| {
            calls += 1;
            Err::<(), _>(error())
        };
        let deadline = Some(time.clock().now() + within);
        assert!(core_policy::call_blocking(&retry, fails, &ByClass, deadline).is_err());
        calls
    };
    let lost = || Error::network("gone");
    let slow = || Error::timeout("slow");
    assert_eq!(calls(exact(1), lost, &time, secs(60)), 3);
    assert_eq!(calls(exact(1).not_idempotent(), lost, &time, secs(60)), 1);
    assert_eq!(calls(exact(1).only_on(&[Timeout]), lost, &time, secs(60)), 1);
    assert_eq!(calls(exact(1).only_on(&[Timeout]), slow, &time, secs(60)), 3);
    assert_eq!(calls(exact(1).never_on(&[Network]), lost, &time, secs(60)), 1);
    assert_eq!(calls(exact(1).min_attempt_time(ms(20)), lost, &time, ms(25)), 1);
    let later = || Error::unavailable("later").with_retry_after(secs(9));
    let time = ManualClock::new();
    assert_eq!(calls(exact(1).retry_after_max(secs(2)), later, &time, secs(60)), 3);
    assert_eq!(time.elapsed(), ms(20), "nine seconds are longer than it follows");

    let retry = changed(exact(1).retry_refusals(true), time.clock());
    let (clock, asked) = (time.clock(), std::cell::Cell::new(0));
    let refuses = Refuses { from: 1, why: Reason::RateLimited, clock, asked };
    let stack = Stack::new(&retry, &refuses);
    assert!(core_policy::call_blocking(stack, |_: Attempt| Ok::<_, Error>(()), &ByClass, None).is_err());
    assert_eq!(refuses.asked.get(), 3);
}

#[test]
fn a_retry_says_what_it_was_made_with() {
    let budget = Budget::default();
    let retry = exact(2).budget(&budget).build().unwrap();
    assert!(retry.is_idempotent() && retry.budget().is_some());
    let careful = exact(2).not_idempotent().build().unwrap();
    assert!(!careful.is_idempotent() && careful.budget().is_none());
}

/// By these a stack is advised against bad orders, metrics name a budget, and a pipeline holds a retry against its deadline.
#[test]
fn a_retry_says_what_it_is_and_a_budget_whose_it_is() {
    let roles = exact(2).build().unwrap().roles();
    assert_eq!(format!("{roles:?}"), format!("{:?}", [core_policy::Role::new(PolicyKind::Retry)]));
    assert_eq!(exact(2).min_attempt_time(ms(7)).least_attempt_time(), ms(7));
    let names = ["first", "second"].map(|name| Name::new(name).unwrap());
    let budget = Budget::costs(100).unwrap();
    assert_eq!(budget.name(), Name::UNNAMED);
    let shared = budget.clone().named(names[0]);
    assert!(shared.is_same(&budget));
    assert_eq!((budget.name(), shared.named(names[1]).name()), (names[0], names[0]));
}

#[test]
fn bg_2_a_deposit_lives_for_its_time_and_no_longer() {
    let budget = Budget::deposit(1.0, 0, secs(1)).unwrap();
    budget.succeeded(core_retry::Paid::NOTHING, || NOW);
    assert!((budget.available(NOW + ms(999)) - 1.0).abs() < 1e-9);
    assert!(budget.available(NOW + secs(1)).abs() < 1e-9);
}

#[test]
fn bg_2_a_call_leaves_its_share_once_however_often_it_fails() {
    let time = ManualClock::new();
    let budget = Budget::deposit(0.5, 10, secs(60)).unwrap();
    let retry = exact(3).budget(&budget).clock(time.clock()).build().unwrap();
    assert!(retry.call_blocking(|_| Err::<(), _>(Error::network("gone"))).is_err());
    let left = budget.available(time.now());
    assert!((left - (600.0 + 0.5 - 2.0)).abs() < 1e-9, "{left}");
}

#[test]
fn f_71_what_has_no_kind_is_of_none_that_was_chosen() {
    let time = ManualClock::new();
    for (builder, calls) in [
        (exact(3), 3),
        (exact(3).only_on(&[core_errors::Category::Timeout]), 1),
        (exact(3).not_idempotent(), 1),
    ] {
        let retry = builder.clock(time.clock()).build().unwrap();
        let made = std::cell::Cell::new(0);
        let bad = |_: &Result<(), Error>| core_errors::Verdict::Transient(None);
        let _ = retry.classify(bad).call_blocking(|_| {
            made.set(made.get() + 1);
            Ok::<_, Error>(())
        });
        assert_eq!(made.get(), calls);
    }
}

#[test]
fn bg_2_a_call_that_was_retried_and_succeeds_leaves_its_share_once() {
    let time = ManualClock::new();
    let budget = Budget::deposit(0.5, 10, secs(60)).unwrap();
    let retry = exact(3).budget(&budget).clock(time.clock()).build().unwrap();
    let second = |at: Attempt| if at.is_retry() { Ok(()) } else { Err(Error::network("gone")) };
    retry.call_blocking(second).unwrap();
    let left = budget.available(time.now());
    assert!((left - (600.0 + 0.5 - 1.0)).abs() < 1e-9, "{left}");
}

#[test]
fn bg_5_what_was_not_paid_is_not_given_back() {
    let budgets = [
        Budget::new(10, 0.1).unwrap(),
        Budget::deposit(0.5, 10, secs(1)).unwrap(),
        Budget::costs(100).unwrap(),
        Budget::in_flight(0.0, 9).unwrap(),
    ];
    for budget in budgets {
        let _ = budget.failed(true, || NOW);
        let _ = budget.take(false, || NOW).unwrap();
        let before = budget.available(NOW);
        budget.refund(core_retry::Paid::NOTHING, || NOW);
        assert!((budget.available(NOW) - before).abs() < 1e-9, "{budget:?}");
    }
}

#[test]
fn rt_7_who_was_refused_at_last_and_has_no_time_left_learns_of_the_refusal() {
    let time = ManualClock::new();
    let retry = exact(3).retry_refusals(true).clock(time.clock()).build().unwrap();
    let (why, asked) = (Reason::RateLimited, std::cell::Cell::new(0));
    let refuses = Refuses { from: 2, why, clock: time.clock(), asked };
    let fails = |_: Attempt| Err::<(), _>(Error::network("gone"));
    // The second attempt is at 10 ms, and is told to come back in 5 ms.
    let deadline = Some(time.now() + ms(12));
    let stack = Stack::new(&retry, &refuses);
    let error = core_policy::call_blocking(stack, fails, &ByClass, deadline).unwrap_err();
    let CallError::Exhausted { attempts, why, .. } = error else { panic!("{error:?}") };
    assert_eq!((attempts, why), (1, Why::Refused(PolicyKind::RateLimit, Reason::RateLimited)));
}
