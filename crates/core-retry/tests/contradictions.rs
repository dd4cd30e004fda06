//! What is written of delays and budgets either works as it is written or is refused with a reason: nothing is silently without effect.
#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

use std::sync::Barrier;
use std::time::Duration;

use core_errors::Error;
use core_retry::{Budget, Builder, Jitter, Retry};
use core_time::{ManualClock, ms, secs};

const PLUS: Jitter = Jitter::Plus { up_to: ms(500) };

fn refusal(builder: Builder) -> String {
    builder.build().unwrap_err().to_string()
}

/// The delays of one call whose draws are the same each time they are asked for.
fn delays(builder: Builder) -> Vec<Duration> {
    builder.seed(7).build().unwrap().delays().collect()
}

/// The cap is the last word, so where it is the first delay as well the jitter was cut off each time, and nobody said so.
#[test]
fn rt_3_a_jitter_that_has_no_room_under_the_longest_delay_is_refused() {
    for builder in [Retry::linear(secs(1)..secs(1)), Retry::exponential(secs(1)..secs(1))] {
        assert_eq!(
            refusal(builder.jitter(PLUS)),
            "the jitter adds up to 500ms to delays of which the first, 1s, is the longest there may be: nothing would ever be added; \
             let them run further, or use Retry::fixed"
        );
    }
    for builder in [Retry::linear(secs(1)..ms(1_001)), Retry::fixed(secs(1)), Retry::fixed(Duration::ZERO)] {
        let least = builder.backoff().base;
        assert!(delays(builder.jitter(PLUS)).iter().all(|delay| *delay > least));
    }
    // What draws downwards has room.
    for jitter in [Jitter::Full, Jitter::Equal, Jitter::PlusMinus { fraction: 0.25 }] {
        assert!(delays(Retry::linear(secs(1)..secs(1)).jitter(jitter)).iter().any(|delay| *delay < secs(1)));
    }
    assert_eq!(delays(Retry::linear(secs(1)..secs(1)).no_jitter()), [secs(1); 2]);
    let nothing = Jitter::Plus { up_to: Duration::ZERO };
    assert_eq!(
        refusal(Retry::fixed(secs(1)).jitter(nothing)),
        "the jitter adds up to zero: it must be able to add something, or say no_jitter()"
    );
}

#[test]
fn rt_2_delays_that_are_to_grow_do_not_begin_at_zero() {
    type Grows = fn(std::ops::Range<Duration>) -> Builder;
    let grows: [Grows; 4] = [Retry::linear, Retry::exponential, Retry::decorrelated, Retry::smooth];
    for from in grows {
        assert_eq!(
            refusal(from(Duration::ZERO..secs(9))),
            "the delays run from zero to 9s: what begins at zero stays there, however often it is multiplied; begin with a delay, or \
             say Retry::fixed(Duration::ZERO) to try again at once"
        );
        // Who says that none is longer than zero gets what he says.
        assert_eq!(delays(from(Duration::ZERO..Duration::ZERO)), [Duration::ZERO; 2]);
        assert!(from(Duration::from_nanos(1)..secs(9)).build().is_ok());
    }
}

#[test]
fn rt_3_a_jitter_with_nothing_to_spread_is_refused_where_it_was_chosen() {
    let at_once = || Retry::fixed(Duration::ZERO);
    for jitter in [Jitter::Full, Jitter::Equal, Jitter::PlusMinus { fraction: 0.1 }] {
        assert_eq!(
            refusal(at_once().jitter(jitter)),
            "the delays are zero, so the jitter has nothing to spread: give them time, leave the jitter out, or use Jitter::Plus, which \
             adds to them"
        );
    }
    // The default was not chosen.
    assert_eq!(delays(at_once()), [Duration::ZERO; 2]);
    assert_eq!(delays(at_once().no_jitter()), [Duration::ZERO; 2]);
}

#[test]
fn rt_3_delays_that_are_drawn_as_it_is_take_no_other_jitter() {
    for (growth, builder) in
        [("decorrelated", Retry::decorrelated(ms(50)..secs(1))), ("smooth", Retry::smooth(ms(50)..secs(1)))]
    {
        for jitter in [Jitter::None, Jitter::Full, Jitter::Equal, PLUS, Jitter::PlusMinus { fraction: 0.1 }] {
            let expected = format!(
                "{growth} delays are drawn at random already, and a jitter is set, which would do nothing: leave it out, or use \
                 Retry::exponential"
            );
            assert_eq!(refusal(builder.clone().jitter(jitter)), expected);
        }
        let retry = builder.build().unwrap();
        assert!(retry.reconfigure(Builder::no_jitter).is_err(), "while it runs neither");
        retry.reconfigure(|to| to.attempts(5)).unwrap();
    }
    assert_eq!(
        refusal(Retry::decorrelated(secs(1)..secs(1))),
        "decorrelated delays run from 1s to 1s: there is nothing to draw from; let them run further, or use Retry::fixed"
    );
}

#[test]
fn rt_2_only_exponential_delays_have_a_factor() {
    for (growth, builder) in [
        ("linear", Retry::linear(ms(50)..secs(1))),
        ("fixed", Retry::fixed(ms(50))),
        ("decorrelated", Retry::decorrelated(ms(50)..secs(1))),
        ("smooth", Retry::smooth(ms(50)..secs(1))),
        ("linear", Retry::conservative()),
    ] {
        let expected = format!(
            "{growth} delays have no factor, and one is set: leave it out, or use Retry::exponential"
        );
        assert_eq!(refusal(builder.factor(3.0)), expected);
    }
    let exponential = Retry::exponential(ms(10)..secs(1)).no_jitter().factor(3.0).attempts(4);
    assert_eq!(delays(exponential), [ms(10), ms(30), ms(90)]);
}

/// Delays, jitter and budget of a call that is made once are for the day on which it is made more often, and for what is no attempt.
#[test]
fn rt_1_one_attempt_switches_retries_off_whatever_else_is_said() {
    let once = Retry::exponential(ms(10)..secs(1)).attempts(1).budget(&Budget::new(1, 0.1).unwrap());
    let mut calls = 0;
    let failed = once.build().unwrap().call_blocking(|_| {
        calls += 1;
        Err::<(), _>(Error::network("gone"))
    });
    assert!(failed.is_err());
    assert_eq!(calls, 1);
}

/// Only what is built was held against its budget: who raised the attempts of a running retry had a budget that allowed none.
#[test]
fn bg_1_a_retry_and_its_budget_do_not_come_to_contradict_each_other_while_they_run() {
    const NEVER: &str = "the budget has one or two tokens";
    let small = Budget::new(2, 0.1).unwrap();
    let retry = Retry::fixed(ms(1)).attempts(1).budget(&small).build().unwrap();
    let error = retry.reconfigure(|to| to.attempts(3)).unwrap_err().to_string();
    assert!(error.starts_with(NEVER), "{error}");
    assert_eq!(retry.attempts().get(), 1, "nothing has changed");
    // Nobody retries by it yet, so it may be as small as for hedges alone.
    small.reconfigure(&Budget::new(1, 0.1).unwrap()).unwrap();
    small.reconfigure(&Budget::new(9, 0.1).unwrap()).unwrap();
    retry.reconfigure(|to| to.attempts(3)).unwrap();
    let error = small.reconfigure(&Budget::new(2, 0.1).unwrap()).unwrap_err().to_string();
    assert!(error.starts_with(NEVER), "{error}");
    small.reconfigure(&Budget::new(3, 0.1).unwrap()).unwrap();

    let served = Budget::default();
    let _retry = Retry::fixed(ms(1)).attempts(2).budget(&served).build().unwrap();
    assert!(served.reconfigure(&Budget::new(1, 0.1).unwrap()).is_err());
    // One that was not built serves nobody.
    let unserved = Budget::default();
    assert!(Retry::fixed(ms(1)).name("").budget(&unserved).build().is_err());
    unserved.reconfigure(&Budget::new(1, 0.1).unwrap()).unwrap();
}

/// Each looked at the other before either had changed anything.
#[test]
fn bg_1_a_retry_and_its_budget_do_not_come_to_contradict_each_other_at_the_same_moment() {
    let small = Budget::new(2, 0.1).unwrap();
    let once = Retry::fixed(ms(1)).attempts(1);
    let rounds: Vec<_> = std::iter::repeat_with(|| Budget::new(9, 0.1).unwrap())
        .map(|budget| (once.clone().budget(&budget).build().unwrap(), budget))
        .take(20_000)
        .collect();
    let turn = Barrier::new(2);
    let (retries, small_budgets): (Vec<_>, Vec<_>) = std::thread::scope(|scope| {
        let retrying = scope.spawn(|| {
            let each = rounds.iter().map(|(retry, _)| {
                turn.wait();
                retry.reconfigure(|to| to.attempts(3)).is_ok()
            });
            each.collect()
        });
        let shrinking = rounds.iter().map(|(_, budget)| {
            turn.wait();
            budget.reconfigure(&small).is_ok()
        });
        let shrunk = shrinking.collect();
        (retrying.join().unwrap(), shrunk)
    });
    assert!(
        retries.iter().zip(&small_budgets).all(|(retries, is_small)| retries != is_small),
        "one of the two"
    );
}

/// A callee that asks for a pause is heard up to the longest, also where that is none.
#[test]
fn rt_4_a_longest_pause_of_zero_hears_nobody() {
    let time = ManualClock::new();
    let retry =
        Retry::fixed(ms(7)).no_jitter().attempts(2).retry_after_max(Duration::ZERO).clock(time.clock());
    let busy = || Error::unavailable("busy").with_retry_after(secs(1));
    assert!(retry.build().unwrap().call_blocking(|_| Err::<(), _>(busy())).is_err());
    assert_eq!(time.elapsed(), ms(7));
}
