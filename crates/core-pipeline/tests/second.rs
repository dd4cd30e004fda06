//! What a second reader broke, and what holds since.

use std::time::Duration;

use core_breaker::{Breaker, Decay, State};
use core_context::Context;
use core_errors::{Criticality, Error, Reason};
use core_limit::{Bulkhead, Rate};
use core_pipeline::{Builder, Pipeline};
use core_policy::Keyed;
use core_time::{ManualClock, ms, secs};

fn text(builder: Builder) -> String {
    builder.build().err().map(|error| error.to_string()).unwrap_or_default()
}

#[test]
fn keys_begin_anew_whatever_state_the_pipeline_they_are_made_from_resumed() {
    let bad = Breaker::consecutive(1).name("api").build().unwrap();
    bad.acquire().unwrap().failure();
    let breaker = Breaker::consecutive(1).resume(bad.save(), Duration::ZERO);
    let hosts = Pipeline::named("api").breaker(breaker).build().unwrap();
    assert_eq!(hosts.breaker().unwrap().state(), State::Open);
    let hosts = hosts.keyed::<String>(Keyed::max(10)).unwrap();
    assert_eq!(hosts.get("db-1").unwrap().breaker().unwrap().state(), State::Closed);
}

#[test]
fn a_seed_makes_keys_the_same_in_every_run_and_not_the_same_as_each_other() {
    let open_times = || {
        let time = ManualClock::new();
        let breaker = Breaker::consecutive(1).open_for(secs(10)).seed(7);
        let api = Pipeline::named("api").breaker(breaker).clock(time.clock()).build().unwrap();
        let hosts = api.keyed::<String>(Keyed::max(10)).unwrap();
        ["a", "b", "c"].map(|host| {
            let host = hosts.get(host).unwrap();
            host.breaker().unwrap().acquire().unwrap().failure();
            host.breaker().unwrap().snapshot().open_left.unwrap()
        })
    };
    let [a, b, c] = open_times();
    assert!(a != b && b != c && a != c, "they would probe in step");
    assert_eq!(open_times(), [a, b, c]);
}

#[test]
fn pl_1_a_breaker_that_the_rate_limit_keeps_from_ever_opening_is_refused() {
    let never = |breaker| text(Pipeline::named("api").limit(Rate::per_minute(1)).breaker(breaker));
    for breaker in [
        Breaker::rate(0.5),
        Breaker::rate(0.5).or_failures(20),
        Breaker::failures(5),
        Breaker::failures(5).slow_over(secs(1)),
    ] {
        let text = never(breaker);
        assert!(text.contains("it would never open") && text.contains("lets 1 "), "{text}");
    }
    for breaker in [
        Breaker::rate(0.5).min_calls(1),
        Breaker::rate(0.5).or_consecutive(5),
        Breaker::rate(0.5).or_average(0.5, Decay::Calls(10)),
        Breaker::rate(0.5).window(secs(1_140)),
        Breaker::rate(0.5).window_of_calls(100),
        Breaker::rate(0.5).or_failures(1),
    ] {
        assert_eq!(never(breaker), "");
    }
    let bursty =
        |count| Pipeline::named("api").limit(Rate::per_minute(count).bursty()).breaker(Breaker::rate(0.5));
    assert!(text(bursty(6)).contains("lets 15 "), "two periods at once, and half of one");
    assert_eq!(text(bursty(10)), "");
    let zero = Pipeline::named("api").limit(Rate::per(1, Duration::ZERO)).breaker(Breaker::rate(0.5));
    assert!(text(zero).contains("the period is zero"), "what is wrong by itself is said first");
}

#[test]
fn pl_1_a_call_that_is_cut_off_before_it_is_slow_is_refused() {
    let slow = |over| {
        let breaker = Breaker::rate(0.5).slow_over(over);
        text(Pipeline::named("api").attempt_timeout(secs(1)).breaker(breaker))
    };
    assert_eq!(slow(ms(999)), "");
    for over in [secs(1), secs(2), Duration::MAX] {
        assert!(slow(over).contains("none would ever be slow"), "{over:?}");
    }
    assert!(slow(Duration::ZERO).contains("slow_over is zero"));
}

#[test]
fn rt_retrying_on_what_is_never_retried_is_refused() {
    use core_errors::Category::{Network, Timeout};
    let retry = |never: &[_]| {
        let retry = core_retry::Retry::fixed(ms(1)).only_on(&[Network, Timeout]).never_on(never);
        text(Pipeline::named("api").retry(retry))
    };
    assert!(retry(&[Network, Timeout]).contains("nothing would be retried"));
    assert_eq!(retry(&[Network]), "");
}

#[tokio::test]
async fn al_6_a_pipeline_sheds_what_its_caller_says_can_be_shed() {
    let bulkhead = Bulkhead::max(2).share(Criticality::Sheddable, 0.5).by_context();
    let api = Pipeline::named("api").bulkhead(bulkhead).build().unwrap();
    let _one = api.admit().unwrap();
    let asked = |criticality| {
        let call = api.call(|_| async { Ok::<_, Error>("found") });
        Context::builder().criticality(criticality).build().scope(call)
    };
    let shed = asked(Criticality::Sheddable).await.unwrap_err();
    assert_eq!(shed.rejection().unwrap().reason(), Reason::Shed);
    assert_eq!(asked(Criticality::Critical).await.unwrap(), "found");
}

#[test]
fn pl_1_a_call_whose_deadline_comes_before_it_is_slow_is_refused() {
    let slow = |over| {
        let breaker = Breaker::failures(5).slow_over(over);
        text(Pipeline::named("api").deadline(secs(2)).breaker(breaker))
    };
    assert_eq!(slow(ms(1_999)), "");
    assert!(slow(secs(2)).contains("none would ever be slow"), "{}", slow(secs(2)));
    assert!(
        slow(secs(2)).ends_with("or the deadline longer"),
        "there is no attempt timeout: {}",
        slow(secs(2))
    );
    let longer = Pipeline::named("api").deadline(secs(9)).breaker(Breaker::failures(5).slow_over(secs(2)));
    let error = longer.build().unwrap().reconfigure(|c| c.deadline(secs(2))).unwrap_err().to_string();
    assert!(error.contains("cut off after 2s"), "{error}");
}

#[test]
fn pl_1_a_hedge_for_which_there_is_no_slot_beside_the_first_attempt_is_refused() {
    use core_retry::{Budget, Hedge, HedgeBuilder};
    let hedged = |slots: u32, hedge: HedgeBuilder| {
        let plain = Pipeline::named("api").bulkhead(Bulkhead::max(slots).max_wait(ms(5))).build().unwrap();
        plain.hedged(hedge.budget(&Budget::default()))
    };
    for (never, has) in [
        (hedged(1, Hedge::after(ms(30))), "2 attempts at once and the bulkhead has 1 slots"),
        (hedged(1, Hedge::after_p95()), "2 attempts at once and the bulkhead has 1 slots"),
        (hedged(2, Hedge::after(ms(30)).max(2)), "3 attempts at once and the bulkhead has 2 slots"),
    ] {
        let error = never.map(drop).unwrap_err().to_string();
        assert!(error.contains(has) && error.contains("Hedge::on_failure()"), "{error}");
    }
    assert!(hedged(1, Hedge::on_failure()).is_ok(), "the first attempt has left its slot");
    let two = hedged(2, Hedge::after(ms(30))).unwrap();
    assert!(two.pipeline().reconfigure(|c| c.bulkhead(1)).is_err(), "nor is it changed to that");
    assert!(two.reconfigure(|c| c.hedge(|hedge| hedge.max(2))).is_err());
    assert!(two.reconfigure(|c| c.bulkhead(3).hedge(|hedge| hedge.max(2))).is_ok());
}

#[test]
fn pl_1_a_key_is_not_forgotten_before_what_it_used_of_its_rate_is_there_again() {
    let keyed = |rate, idle| {
        let api = Pipeline::named("api").limit(rate).build().unwrap();
        api.keyed::<String>(Keyed::max(10).idle(idle))
    };
    for (rate, full) in [
        (Rate::per_hour(10), secs(3_600)),
        (Rate::per_minute(6).burst(12), secs(120)),
        (Rate::per_minute(6).bursty(), secs(60)),
    ] {
        let error = keyed(rate.clone(), full.saturating_sub(ms(1))).map(drop).unwrap_err().to_string();
        assert!(error.contains("what it used would be there at once"), "{error}");
        assert!(keyed(rate, full).is_ok());
    }
    let fine = keyed(Rate::per_minute(6), secs(60)).unwrap();
    assert!(fine.reconfigure(|c| c.limit(Rate::per_hour(6))).is_err(), "nor is it changed to that");
}

#[test]
fn what_was_kept_for_long_and_let_go_has_used_its_rate_and_its_circuit_is_open_still() {
    let time = ManualClock::new();
    let builder = Pipeline::named("api").clock(time.clock()).limit(Rate::per_minute(2).burst(2));
    let api = builder.breaker(Breaker::consecutive(1).open_for(secs(30))).build().unwrap();
    let keys = api.keyed::<u64>(Keyed::max(10).idle(secs(60))).unwrap();
    // As a connection that stays, or a layer of tower.
    let [fine, down] = [1, 2].map(|key| Pipeline::clone(&keys.get(&key).unwrap()));
    time.advance(secs(600));
    assert!(fine.call_blocking(|_| Ok::<_, Error>(())).is_ok());
    assert!(down.call_blocking(|_| Err::<(), _>(Error::unavailable("no"))).is_err());
    drop((fine, down));
    keys.get(&3).unwrap();
    assert_eq!(keys.evict_idle(), 0);
    let first = keys.get(&1).unwrap();
    assert_eq!(first.limit().unwrap().balance(), 1);
    assert_eq!(keys.get(&2).unwrap().breaker().unwrap().state(), State::Open);
    drop(first);
    time.advance(secs(60));
    assert_eq!((keys.evict_idle(), keys.stats().len), (3, 0), "all that was used is there again");
}
