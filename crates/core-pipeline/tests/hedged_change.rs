//! Hedged pipelines that change while calls go on, for many keys, and under a retry that follows refusals (rules PL-1, PL-2, RT-7, BG-5).
#![expect(clippy::unwrap_used, reason = "a helper of a test may panic")]

use std::cell::{Cell, RefCell};

use core_breaker::Breaker;
use core_errors::{Error, Reason};
use core_limit::Rate;
use core_pipeline::{Builder, ConfigError, HedgedPipeline, Pipeline};
use core_policy::{Attempt, CallError, Keyed, Why};
use core_retry::{Budget, Hedge, HedgeBuilder, Retry};
use core_time::{Clock, ms, secs};

fn pipeline() -> Builder {
    Pipeline::named("search")
}

fn after_30_ms() -> HedgeBuilder {
    Hedge::after(ms(30)).budget(&Budget::default())
}

async fn slow_first(attempt: Attempt) -> Result<u8, Error> {
    Clock::system().sleep(if attempt.is_hedge() { ms(5) } else { secs(1) }).await;
    Ok(attempt.hedge())
}

fn says(result: Result<(), ConfigError>, text: &str) {
    let error = result.unwrap_err().to_string();
    assert!(error.contains(text), "{error}");
}

// === PL-1, PL-2 ===

#[test]
fn pl_1_a_pipeline_is_not_changed_to_what_its_hedge_does_not_fit() {
    let plain = pipeline().deadline(secs(1)).attempt_timeout(ms(500)).bulkhead(8).build().unwrap();
    let hedged = plain.hedged(after_30_ms().max(4)).unwrap();
    let before = plain.describe();
    says(plain.reconfigure(|c| c.bulkhead(5).attempt_timeout(ms(90)).deadline(ms(100))), "120ms");
    says(plain.reconfigure(|c| c.bulkhead(5).attempt_timeout(ms(30))), "only be made after a failure");
    assert_eq!(plain.describe(), before, "all or nothing");
    plain.reconfigure(|c| c.deadline(ms(121)).attempt_timeout(ms(31))).unwrap();
    drop(hedged);
    plain.reconfigure(|c| c.attempt_timeout(ms(30))).unwrap();
}

#[test]
fn pl_1_nor_by_another_of_its_hedges() {
    let plain = pipeline().deadline(secs(1)).build().unwrap();
    let one = plain.hedged(after_30_ms()).unwrap();
    let two = plain.hedged(Hedge::after(ms(400)).budget(&Budget::default())).unwrap();
    says(one.reconfigure(|c| c.deadline(ms(300)).hedge(|hedge| hedge.after(ms(10)))), "400ms");
    assert_eq!((one.hedge().fixed_delay(), plain.deadline().unwrap().limit()), (Some(ms(30)), secs(1)));
    two.reconfigure(|c| c.deadline(ms(300)).hedge(|hedge| hedge.after(ms(299)))).unwrap();
    assert_eq!(plain.deadline().unwrap().limit(), ms(300));
}

#[tokio::test(start_paused = true)]
async fn pl_2_the_hedge_changes_with_the_rest_or_not_at_all() {
    let plain = pipeline().deadline(secs(2)).breaker(Breaker::consecutive(9)).bulkhead(4).build().unwrap();
    let hedged = plain.hedged(after_30_ms()).unwrap();
    assert_eq!(hedged.call(slow_first).await.unwrap(), 1);
    hedged.reconfigure(|c| c.bulkhead(3).hedge(|hedge| hedge.after(ms(10)).max(2))).unwrap();
    let text = hedged.describe().to_string();
    assert!(text.contains("2 more after 10ms") && text.contains("3 slots"), "{text}");
    let (clock, starts) = (Clock::system(), RefCell::new(Vec::new()));
    let start = clock.now();
    let hangs = |attempt: Attempt| {
        starts.borrow_mut().push((attempt.hedge(), Clock::system().now() - start));
        std::future::pending::<Result<(), Error>>()
    };
    assert!(hedged.call(hangs).await.unwrap_err().is_timeout());
    assert_eq!(*starts.borrow(), [(0, ms(0)), (1, ms(10)), (2, ms(20))]);
    assert_eq!(hedged.hedge().stats().hedges, 3, "and what was counted is kept");

    let before = hedged.describe();
    says(hedged.reconfigure(|c| c.bulkhead(2).hedge(|hedge| hedge.max(9))), "1 to 8");
    says(hedged.reconfigure(|c| c.bulkhead(4).hedge(|hedge| hedge.after(secs(3)))), "6s");
    says(
        hedged.reconfigure(|c| c.bulkhead(4).hedge(|hedge| hedge.budget(&Budget::default()))),
        "budget cannot",
    );
    // The hedge was changed already when the breaker says no.
    let named =
        |c: core_pipeline::Change| c.hedge(|hedge| hedge.max(1)).breaker(|breaker| breaker.name("other"));
    assert!(hedged.reconfigure(named).is_err());
    assert_eq!(hedged.describe(), before);
    says(plain.reconfigure(|c| c.hedge(|hedge| hedge.max(1))), "there is no hedge");
}

#[test]
fn hedges_that_are_gone_are_forgotten() {
    let plain = pipeline().deadline(secs(1)).build().unwrap();
    for n in 1..50 {
        plain.hedged(Hedge::after(ms(20 * n)).budget(&Budget::default())).unwrap();
    }
    plain.reconfigure(|c| c.deadline(ms(1))).unwrap();
}

#[test]
fn pl_1_threads_that_hedge_and_change_agree() {
    for _ in 0..50 {
        let plain = pipeline().deadline(secs(1)).build().unwrap();
        let (hedged, changed) = std::thread::scope(|scope| {
            let hedges = scope.spawn(|| plain.hedged(Hedge::after(ms(500)).budget(&Budget::default())));
            let changed = plain.reconfigure(|c| c.deadline(ms(100)));
            (hedges.join().unwrap(), changed)
        });
        assert!(hedged.is_err() || changed.is_err(), "one of them came first");
    }
}

// === keys ===

#[tokio::test(start_paused = true)]
async fn each_key_has_a_hedge_of_its_own_and_all_share_the_budget() {
    let budget = Budget::default();
    let retry = Retry::fixed(ms(1)).attempts(2).budget(&budget);
    let plain = pipeline().deadline(secs(2)).retry(retry).breaker(Breaker::consecutive(3)).build().unwrap();
    let keyed = plain.hedged(Hedge::after(ms(30))).unwrap().keyed::<String>(Keyed::max(100)).unwrap();
    let (one, two): (_, std::sync::Arc<HedgedPipeline>) =
        (keyed.get("db-1").unwrap(), keyed.get("db-2").unwrap());
    assert_eq!(one.call(slow_first).await.unwrap(), 1);
    assert_eq!((one.hedge().stats().hedges, two.hedge().stats().hedges, keyed.stats().len), (1, 0, 2));
    assert!(budget.available(Clock::system().now()) < 99.5, "out of the one there is");
    two.pipeline().breaker().unwrap().force_open("a drill").unwrap();
    assert!(two.call(slow_first).await.is_err());
    assert_eq!(one.call(slow_first).await.unwrap(), 1);

    keyed.reconfigure(|c| c.deadline(secs(1)).hedge(|hedge| hedge.max(2))).unwrap();
    assert_eq!(
        (one.hedge().max(), keyed.get("db-3").unwrap().hedge().max()),
        (2, 2),
        "also those that come later"
    );
    says(keyed.reconfigure(|c| c.deadline(ms(50))), "60ms");
    assert_eq!(one.pipeline().deadline().unwrap().limit(), secs(1));
    assert_eq!(plain.deadline().unwrap().limit(), secs(2), "that one takes no part");
}

// === refusals ===

/// A rate limit that refuses the second attempt says when to come back.
#[tokio::test(start_paused = true)]
async fn rt_7_a_retry_that_follows_refusals_follows_them_with_a_hedge_too() {
    let retry = || Retry::fixed(ms(1)).no_jitter().attempts(4).retry_refusals(true);
    let limited = |retry| pipeline().retry(retry).limit(Rate::per_second(1).burst(1)).build().unwrap();
    for hedge in [false, true] {
        let plain = limited(retry());
        let hedged = plain.hedged(Hedge::on_failure().budget(&Budget::default())).unwrap();
        let (calls, clock) = (Cell::new(0), Clock::system());
        let flaky = |_: Attempt| {
            calls.set(calls.get() + 1);
            let number = calls.get();
            async move { if number < 2 { Err(Error::timeout("late")) } else { Ok(number) } }
        };
        let start = clock.now();
        let result = if hedge { hedged.call(flaky).await } else { plain.call(flaky).await };
        // The hedge, or the retry, that comes at once is refused; the one that waits as it was told is not.
        assert_eq!((result.unwrap(), calls.get()), (2, 2), "hedged: {hedge}");
        assert_eq!((clock.now() - start).as_secs(), 1, "hedged: {hedge}");
    }
}

#[tokio::test(start_paused = true)]
async fn rt_7_one_that_does_not_gives_back_what_it_had_paid_and_says_what_failed() {
    for hedge in [false, true] {
        let budget = Budget::costs(100).unwrap();
        let plain = pipeline()
            .retry(Retry::fixed(ms(1)).attempts(4).budget(&budget))
            .breaker(Breaker::consecutive(1))
            .build()
            .unwrap();
        // A failure that closes the circuit after the only attempt.
        let hedged = plain.hedged(Hedge::after(secs(1)).when(|_| false)).unwrap();
        let fails = |_: Attempt| async { Err::<(), _>(Error::network("gone")) };
        let error = if hedge { hedged.call(fails).await } else { plain.call(fails).await }.unwrap_err();
        let CallError::Exhausted { last, attempts: 1, why: Why::Refused(_, Reason::CircuitOpen), .. } = error
        else {
            panic!("hedged: {hedge}: {error:?}")
        };
        assert_eq!(last.message(), "gone");
        assert!((budget.available(Clock::system().now()) - 100.0).abs() < 1e-9, "hedged: {hedge}");
    }
}
