//! What rate limits by key promise, in virtual time.
#![expect(clippy::unwrap_used, reason = "a helper of a test may panic")]

use std::sync::atomic::{AtomicU64, Ordering};

use core_errors::{Error, PolicyKind, Reason};
use core_limit::{KeyedRate, KeyedRateBuilder, Rate, RateBuilder};
use core_policy::Keyed;
use core_time::{ManualClock, ms, secs};

fn under(
    rate: RateBuilder,
    max: usize,
    more: impl FnOnce(KeyedRateBuilder) -> KeyedRateBuilder,
) -> (ManualClock, KeyedRate<String>) {
    let time = ManualClock::new();
    let keyed = rate.name("api").clock(time.clock()).keyed(Keyed::max(max).idle(secs(60)));
    let limits = more(keyed).build().unwrap();
    (time, limits)
}

#[test]
fn each_key_has_a_limit_of_its_own() {
    let (time, limits) = under(Rate::per_second(2), 10, |keyed| keyed);
    for user in ["a", "b"] {
        assert!(limits.check(user).is_ok() && limits.check(user).is_ok());
        let refused = limits.check(user).unwrap_err();
        assert_eq!((refused.policy(), refused.reason()), (PolicyKind::RateLimit, Reason::RateLimited));
        assert_eq!((refused.name().as_str(), refused.retry_after()), ("api", Some(ms(500))));
    }
    time.advance(ms(500));
    limits.check("a").unwrap();
    let default = limits.tier("default").unwrap();
    assert_eq!((limits.peek_in(default, "a").remaining, limits.peek_in(default, "b").remaining), (0, 1));
    assert_eq!(limits.peek_in(default, "nobody").remaining, 2);
    assert_eq!((limits.stats(default).allowed, limits.stats(default).refused), (5, 2));
    assert_eq!(limits.keys().len, 2, "a look makes no key");
}

#[test]
fn f_102_premium_users_have_more() {
    let premium = |keyed: KeyedRateBuilder| keyed.tier("premium", Rate::per_minute(1_000).burst(200));
    let (_time, limits) = under(Rate::per_minute(100).burst(20), 10, premium);
    let (default, premium) = (limits.tier("default").unwrap(), limits.tier("premium").unwrap());
    assert_eq!(limits.take_in(default, "a", 20).unwrap().remaining, 0);
    assert_eq!(limits.take_in(premium, "b", 20).unwrap().remaining, 180);
    assert_eq!(limits.take_in(default, "a", 21).unwrap_err().reason(), Reason::Impossible);
    assert!(limits.tier("gold").is_none(), "a tier that nobody made is not made by asking");
    assert!(limits.check_in(default, "a").is_err() && limits.check_in(premium, "b").is_ok());
    assert_eq!((limits.stats(premium).allowed, limits.stats(default).allowed), (21, 20));
}

#[test]
fn a_key_that_changes_its_tier_has_used_what_it_had_used() {
    let premium = |keyed: KeyedRateBuilder| keyed.tier("premium", Rate::per_second(100));
    let (time, limits) = under(Rate::per_second(10), 10, premium);
    let (default, premium) = (limits.tier("default").unwrap(), limits.tier("premium").unwrap());
    assert_eq!(limits.take_in(default, "a", 8).unwrap().remaining, 2);
    assert_eq!(limits.take_in(premium, "a", 2).unwrap().remaining, 90);
    time.advance(ms(50));
    assert_eq!(limits.take_in(premium, "a", 0).unwrap().remaining, 95);
    assert_eq!(limits.take_in(default, "a", 0).unwrap().remaining, 5);
    assert_eq!(limits.keys().len, 1);
}

#[test]
fn a_key_that_goes_back_and_forth_between_tiers_gets_no_more_than_one_of_them_gives() {
    let premium = |keyed: KeyedRateBuilder| keyed.tier("premium", Rate::per_second(100));
    let (time, limits) = under(Rate::per_second(10), 10, premium);
    let (default, premium) = (limits.tier("default").unwrap(), limits.tier("premium").unwrap());
    let mut granted = 0;
    for _ in 0..10 {
        while limits.check_in(premium, "a").is_ok() {
            granted += 1;
        }
        assert!(limits.check_in(default, "a").is_err(), "what was used of the one is all of the other");
        assert_eq!(limits.peek_in(premium, "a").remaining, 0);
    }
    assert_eq!(granted, 100);
    // What was used is there again when it would have been had the key stayed.
    time.advance(ms(500));
    assert_eq!(limits.peek_in(premium, "a").remaining, 50);
    assert_eq!((limits.take_in(default, "a", 5).unwrap().remaining, limits.keys().len), (0, 1));
    assert_eq!(limits.peek_in(premium, "a").remaining, 50, "or 90, if it had come from nowhere");
    time.advance(secs(1));
    assert_eq!(limits.peek_in(premium, "a").remaining, 100);
    // A clock that goes back keeps no key from what it would have.
    limits.take_in(premium, "a", 100).unwrap();
    assert!(limits.check_in(default, "a").is_err());
    time.set(time.now() - secs(1_000));
    assert!(limits.check_in(default, "a").is_err());
    assert_eq!(limits.peek_in(premium, "a").remaining, 90);
}

#[test]
fn nor_does_one_of_bursty_tiers_and_none_locks_it_out_of_the_other() {
    let premium = |keyed: KeyedRateBuilder| keyed.tier("premium", Rate::per_second(100).bursty());
    let (time, limits) = under(Rate::per_second(10).bursty(), 10, premium);
    let (default, premium) = (limits.tier("default").unwrap(), limits.tier("premium").unwrap());
    for _ in 0..3 {
        let mut granted = 0;
        for part in [60, 40, 1, 1] {
            granted += limits.take_in(premium, "a", part).map_or(0, |_| part);
            assert_eq!(limits.check_in(default, "a").unwrap_err().retry_after(), Some(secs(1)));
        }
        assert_eq!(granted, 100);
        time.advance(secs(1));
        assert_eq!(limits.peek_in(premium, "a").remaining, 100);
        assert_eq!(limits.take_in(default, "a", 10).unwrap().remaining, 0);
        assert_eq!(limits.peek_in(premium, "a").remaining, 90);
        time.advance(secs(1));
    }
}

#[test]
fn rl_8_the_rate_of_a_tier_changes_for_all_its_keys() {
    let premium = |keyed: KeyedRateBuilder| keyed.tier("premium", Rate::per_second(100));
    let (_time, limits) = under(Rate::per_second(10), 10, premium);
    let (default, premium) = (limits.tier("default").unwrap(), limits.tier("premium").unwrap());
    limits.take_in(default, "a", 8).unwrap();
    limits.take_in(premium, "b", 8).unwrap();
    limits.set_rate(default, &Rate::per_second(20)).unwrap();
    assert_eq!(limits.take_in(default, "a", 0).unwrap().remaining, 12);
    assert_eq!(limits.take_in(default, "new", 0).unwrap().remaining, 20);
    assert_eq!(limits.take_in(premium, "b", 0).unwrap().remaining, 92);
    for (rate, text) in [
        (Rate::per_second(0), "the rate is zero"),
        (Rate::per_second(5).bursty(), "another limit"),
        (Rate::per_hour(100), "let them be idle for that long"),
    ] {
        let error = limits.set_rate(default, &rate).unwrap_err().to_string();
        assert!(error.contains(text), "{error:?} should say {text:?}");
    }
    assert_eq!(limits.take_in(default, "a", 0).unwrap().remaining, 12, "and nothing has changed");
}

#[test]
fn rl_8_a_tier_of_another_limit_is_refused_and_changes_nothing() {
    let premium = |keyed: KeyedRateBuilder| keyed.tier("premium", Rate::per_second(100));
    let (_time, limits) = under(Rate::per_second(10), 10, premium);
    let (_time, others) = under(Rate::per_second(10), 10, premium);
    for name in ["default", "premium"] {
        let theirs = others.tier(name).unwrap();
        assert_eq!(limits.take_in(theirs, name, 0).unwrap().remaining, 10, "to ask for, it is the default");
        let error = limits.set_rate(theirs, &Rate::per_second(50)).unwrap_err().to_string();
        assert_eq!(error, "the tier is one of another limit: take one that `tier` of `api` has found");
        let ours = limits.clone().tier(name).unwrap();
        assert!(limits.set_rate(ours, &Rate::per_second(10)).is_ok(), "that of a clone is the same limit's");
    }
}

#[test]
fn forgetting_an_idle_key_gives_nobody_more() {
    let (time, limits) = under(Rate::per_minute(60), 10, |keyed| keyed);
    let default = limits.tier("default").unwrap();
    limits.take_in(default, "a", 60).unwrap();
    time.advance(secs(59));
    limits.evict_idle();
    assert_eq!((limits.keys().len, limits.peek_in(default, "a").remaining), (1, 59));
    time.advance(secs(1));
    limits.evict_idle();
    assert_eq!((limits.keys().len, limits.peek_in(default, "a").remaining), (0, 60), "it was full again");
}

#[test]
fn what_was_used_long_after_its_key_was_asked_for_is_not_given_again() {
    for rate in [Rate::per_minute(60), Rate::per_minute(60).bursty()] {
        let (time, limits) = under(rate, 10, |keyed| keyed);
        let default = limits.tier("default").unwrap();
        let held = limits.of(default, "a").unwrap();
        time.advance(secs(180));
        assert!(held.call_blocking(|_| Ok::<_, Error>(())).is_ok());
        drop(held);
        // In passing, and by a sweep.
        limits.check("b").unwrap();
        limits.evict_idle();
        assert_eq!((limits.keys().len, limits.peek_in(default, "a").remaining), (2, 59));
        time.advance(secs(60));
        limits.evict_idle();
        assert_eq!((limits.keys().len, limits.peek_in(default, "a").remaining), (0, 60));
    }
}

#[test]
fn mistake_10_of_the_originals_keys_are_bounded() {
    let (_time, limits) = under(Rate::per_second(2), 100, |keyed| keyed);
    for user in 0..10_000 {
        assert!(limits.check(&*format!("{user}")).is_ok());
    }
    let keys = limits.keys();
    assert_eq!((keys.len, keys.inserted, keys.displaced, keys.refused), (100, 10_000, 9_900, 0));
}

#[test]
fn a_call_runs_under_the_limit_of_its_key_which_is_in_use_meanwhile() {
    let (_time, limits) = under(Rate::per_second(1), 1, |keyed| keyed);
    let default = limits.tier("default").unwrap();
    let ann = limits.of(default, "ann").unwrap();
    assert!(ann.call_blocking(|_| Ok::<_, Error>(())).is_ok());
    let refused = ann.call_blocking(|_| -> Result<(), Error> { unreachable!("over the limit") }).unwrap_err();
    assert_eq!(refused.rejection().unwrap().reason(), Reason::RateLimited);
    assert_eq!(
        limits.check("bob").unwrap_err().reason(),
        Reason::TooManyKeys,
        "the one key there is is in use"
    );
    drop(ann);
    limits.check("bob").unwrap();
}

#[test]
fn threads_together_get_the_burst_of_each_key_and_no_more() {
    let (_time, limits) = under(Rate::per_minute(100), 100, |keyed| keyed);
    let admitted = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for n in 0..4_000 {
                    let user = ["a", "b", "c", "d"][n % 4];
                    admitted.fetch_add(u64::from(limits.check(user).is_ok()), Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(admitted.into_inner(), 400);
}

#[test]
fn what_makes_no_sense_is_refused_with_a_reason() {
    let keys = || Keyed::max(10).idle(secs(60));
    for (builder, text) in [
        (Rate::per_second(0).keyed(keys()), "the rate is zero"),
        (Rate::per_second(1).keyed(Keyed::max(0)), "the keys: there is room for no key"),
        (Rate::per_hour(10).keyed(keys()), "let them be idle for that long"),
        (Rate::per_second(1).max_wait(ms(1)).keyed(keys()), "nobody waits there"),
        (Rate::per_second(1).keyed(keys()).tier("default", Rate::per_second(2)), "`default` is there twice"),
        (Rate::per_second(1).keyed(keys()).tier("b", Rate::per_second(2).bursty()), "another limit"),
        (Rate::per_second(1).keyed(keys()).tier("", Rate::per_second(2)), "cannot be a name"),
        (Rate::per_second(1).name("").keyed(keys()), "cannot be a name"),
        (
            (0..64).fold(Rate::per_second(1).keyed(keys()), |all, n| {
                all.tier(format!("{n}"), Rate::per_second(2))
            }),
            "there may be 64",
        ),
    ] {
        let error = builder.build::<String>().unwrap_err().to_string();
        assert!(error.contains(text), "{error:?} should say {text:?}");
    }
}

#[test]
fn all_tiers_are_named_the_default_one_first() {
    let (_, limit) = under(Rate::per_second(10), 10, |keyed| keyed.tier("premium", Rate::per_second(100)));
    let tiers: Vec<_> = limit.tiers().collect();
    assert_eq!(tiers.iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>(), ["default", "premium"]);
    assert!(tiers.iter().all(|(tier, name)| limit.tier(name.as_str()) == Some(*tier)));
    assert_eq!(limit.keys().max, 10);
}

#[test]
fn rl_8_tiers_whose_rates_were_changed_are_told_apart() {
    let premium = |keyed: KeyedRateBuilder| keyed.tier("premium", Rate::per_second(100));
    let (_time, limits) = under(Rate::per_second(10), 10, premium);
    let (default, premium) = (limits.tier("default").unwrap(), limits.tier("premium").unwrap());
    for changes in 1..=2 {
        limits.set_rate(default, &Rate::per_second(20 * changes)).unwrap();
        limits.set_rate(premium, &Rate::per_second(200 * changes)).unwrap();
        let key = changes.to_string();
        assert_eq!(limits.take_in(default, &key, 5).unwrap().remaining, 20 * changes - 5);
        assert_eq!(limits.take_in(premium, &key, 0).unwrap().remaining, 200 * changes - 5, "{changes}");
    }
}

#[test]
fn rl_8_a_key_that_slept_through_changes_of_its_rate_has_the_last_one() {
    let (_time, limits) = under(Rate::per_second(10), 10, |keyed| keyed);
    let default = limits.tier("default").unwrap();
    let left = |key| limits.take_in(default, key, 0).unwrap().remaining;
    assert_eq!((left("sleeps"), left("wakes")), (10, 10));
    for rate in [20, 40] {
        limits.set_rate(default, &Rate::per_second(rate)).unwrap();
        assert_eq!(left("wakes"), rate);
    }
    assert_eq!(left("sleeps"), 40);
}

#[test]
fn there_are_up_to_64_tiers_and_names_and_idle_times_to_the_last() {
    let with = |tiers: usize| {
        let keyed = Rate::per_second(1).name("api").keyed(Keyed::max(10).idle(secs(60)));
        (1..tiers)
            .fold(keyed, |keyed, n| keyed.tier(format!("tier-{n}"), Rate::per_second(1)))
            .build::<String>()
    };
    let limits = with(64).unwrap();
    assert_eq!(limits.name().as_str(), "api");
    assert!(with(65).is_err());
    let default = limits.tier("default").unwrap();
    limits.set_rate(default, &Rate::per_minute(1).burst(1)).unwrap();
    assert!(limits.set_rate(default, &Rate::per(1, secs(61))).is_err());
}

#[test]
fn a_look_says_what_would_be_given_also_in_another_tier_and_at_a_new_rate() {
    let premium = |keyed: KeyedRateBuilder| keyed.tier("premium", Rate::per_second(100));
    let (_time, limits) = under(Rate::per_second(10), 10, premium);
    let (default, premium) = (limits.tier("default").unwrap(), limits.tier("premium").unwrap());
    limits.take_in(default, "a", 4).unwrap();
    let looks = |tier| limits.peek_in(tier, "a").remaining;
    assert_eq!((looks(default), looks(premium), looks(default)), (6, 96, 6));
    assert_eq!(limits.take_in(premium, "a", 0).unwrap().remaining, 96);
    limits.set_rate(premium, &Rate::per_second(200)).unwrap();
    assert_eq!((looks(premium), looks(default)), (196, 6));
    assert_eq!(limits.take_in(premium, "a", 0).unwrap().remaining, 196);
}

#[test]
fn rl_8_a_key_that_slept_through_changes_keeps_to_a_rate_that_it_could_not_have_been_changed_to() {
    let (time, limits) = under(Rate::per_second(10), 10, |keyed| keyed);
    let default = limits.tier("default").unwrap();
    limits.take_in(default, "sleeps", 0).unwrap();
    // In steps each of which is kept to within 1 %. In whole nanoseconds, as the first rate has them, the last is not.
    for rate in [3_000_000, 300_000_000] {
        limits.set_rate(default, &Rate::per_second(rate).burst(1_000)).unwrap();
        limits.take_in(default, "wakes", 0).unwrap();
    }
    for key in ["sleeps", "wakes"] {
        assert_eq!(limits.take_in(default, key, 1_000).unwrap().remaining, 0);
        time.advance(std::time::Duration::from_micros(3));
        let left = limits.take_in(default, key, 0).unwrap().remaining;
        assert!((700..=900).contains(&left), "{key}: {left}: never faster than asked for");
    }
}

/// Interval and burst of one bucket never stay those of two rates, and no call is told what only a mix of two could say.
#[test]
fn rl_8_threads_that_change_tiers_and_rates_leave_each_key_with_one_of_them() {
    let premium = |keyed: KeyedRateBuilder| keyed.tier("premium", Rate::per_second(1_000));
    let (time, limits) = under(Rate::per_second(10), 10, premium);
    let (default, premium) = (limits.tier("default").unwrap(), limits.tier("premium").unwrap());
    let admitted = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for tier in [default, premium, default] {
            let (limits, admitted) = (&limits, &admitted);
            scope.spawn(move || {
                for n in 0..3_000 {
                    let key = ["a", "b"][n % 2];
                    admitted.fetch_add(u64::from(limits.check_in(tier, key).is_ok()), Ordering::Relaxed);
                    assert!(limits.peek_in(tier, key).remaining <= 2_000);
                }
            });
        }
        for n in 1..=300 {
            limits.set_rate(default, &Rate::per_second(10 + n % 2 * 10)).unwrap();
            limits.set_rate(premium, &Rate::per_second(1_000 + n % 2 * 1_000)).unwrap();
        }
    });
    let allowed: u64 = limits.tiers().map(|(tier, _)| limits.stats(tier).allowed).sum();
    assert_eq!(allowed, admitted.into_inner());
    time.advance(secs(30));
    for key in ["a", "b"] {
        for (tier, burst) in [(default, 10), (premium, 1_000), (default, 10)] {
            assert_eq!(limits.take_in(tier, key, burst).unwrap().remaining, 0, "{key}");
            time.advance(ms(500));
            assert_eq!(limits.peek_in(tier, key).remaining, burst / 2, "{key}");
            time.advance(secs(1));
        }
    }
}
