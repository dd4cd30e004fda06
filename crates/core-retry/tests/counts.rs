//! What was counted stays when rules change (rule PL-2).
#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

use core_errors::{Delivery, Error};
use core_policy::ByClass;
use core_retry::{Budget, Builder, Hedge, Retry, Stats};
use core_time::{Clock, Instant, ManualClock, ms, secs};

const NOW: Instant = Instant::from_nanos(3_600_000_000_000);

fn gone() -> Error {
    Error::network("gone")
}

/// A retry that has counted something of everything.
fn counted(time: &ManualClock, budget: &Budget) -> Retry {
    let retry =
        Retry::fixed(ms(10)).no_jitter().attempts(2).budget(budget).clock(time.clock()).build().unwrap();
    let fail = |error: fn() -> Error| drop(retry.call_blocking(|_| Err::<(), _>(error())));
    retry.call_blocking(|_| Ok::<_, Error>(())).unwrap();
    fail(|| Error::validation("bad"));
    fail(gone);
    fail(|| gone().with_retry_after(secs(301)));
    let mut calls = 0;
    let anew = retry.call_blocking(|_| {
        calls += 1;
        if calls == 1 { Err(gone().with_delivery(Delivery::NeverSent)) } else { Ok(()) }
    });
    anew.unwrap();
    let soon = Some(time.now() + ms(5));
    drop(core_policy::call_blocking(&retry, |_| Err::<(), _>(gone()), &ByClass, soon));
    while retry.stats().out_of_budget == 0 {
        fail(gone);
    }
    retry
}

#[test]
fn pl_2_a_retry_counts_on_when_its_rules_change() {
    let (time, budget) = (ManualClock::new(), Budget::new(10, 0.1).unwrap());
    let retry = counted(&time, &budget);
    let before = retry.stats();
    let Stats { succeeded, failed, retries, out_of_attempts, .. } = before;
    let Stats { out_of_budget, out_of_time, hints_discarded, transparent, .. } = before;
    let all = [
        succeeded,
        failed,
        retries,
        out_of_attempts,
        out_of_budget,
        out_of_time,
        hints_discarded,
        transparent,
    ];
    assert!(all.iter().all(|count| *count > 0), "or nothing would be seen: {before:?}");
    let changes: [fn(Builder) -> Builder; 3] = [
        |rules| rules.attempts(5),
        |rules| rules.jitter(core_retry::Jitter::Equal).retry_after_max(secs(9)),
        |rules| rules.attempts(0),
    ];
    for (at, change) in changes.into_iter().enumerate() {
        assert_eq!(retry.reconfigure(change).is_ok(), at < 2);
        assert_eq!(retry.stats(), before);
    }
    retry.clone().call_blocking(|_| Ok::<_, Error>(())).unwrap();
    assert_eq!(retry.stats().succeeded, before.succeeded + 1);
}

#[test]
fn pl_2_a_budget_counts_on_when_its_numbers_change() {
    let (time, budget) = (ManualClock::new(), Budget::new(10, 0.1).unwrap());
    counted(&time, &budget);
    budget.refund(budget.take(false, || NOW).unwrap(), || NOW);
    let before = budget.stats();
    let all = [before.deposited, before.withdrawn, before.refunded, before.refused];
    assert!(all.iter().all(|count| *count > 0), "or nothing would be seen: {before:?}");
    budget.reconfigure(&Budget::new(20, 0.5).unwrap()).unwrap();
    assert!(budget.reconfigure(&Budget::costs(50).unwrap()).is_err());
    assert_eq!(budget.stats(), before);
    budget.succeeded(core_retry::Paid::NOTHING, || NOW);
    assert_eq!(budget.stats().deposited, before.deposited + 1);
}

#[tokio::test(start_paused = true)]
async fn pl_2_a_hedge_counts_on_when_its_settings_change() {
    let hedge = Hedge::after(ms(10)).budget(&Budget::default()).build().unwrap();
    for takes in [ms(50), ms(1)] {
        let call = hedge.call(|attempt| async move {
            Clock::system().sleep(if attempt.is_hedge() { ms(1) } else { takes }).await;
            Ok::<_, Error>(())
        });
        call.await.unwrap();
    }
    hedge.call(|_| async { Err::<(), _>(Error::internal("wrong")) }).await.unwrap_err();
    let before = hedge.stats();
    assert_eq!((before.succeeded, before.won, before.failed, before.hedges), (2, 1, 1, 1));
    hedge.reconfigure(|hedge| hedge.after(ms(20)).max(3)).unwrap();
    assert!(hedge.reconfigure(|hedge| hedge.max(0)).is_err());
    assert_eq!(hedge.stats(), before);
    hedge.call(|_| async { Ok::<_, Error>(()) }).await.unwrap();
    assert_eq!(hedge.stats().succeeded, 3);
}
