//! How important a call is, brought along by its context.

use std::collections::BTreeMap;

use core_context::{Context, Propagation};
use core_errors::{Error, Reason};
use core_limit::Criticality::{self, Critical, CriticalPlus, Sheddable, SheddablePlus};
use core_limit::{Adaptive, Bulkhead};
use core_policy::Permit;
use core_time::{ManualClock, ms};

fn asked_by(criticality: Criticality) -> Context {
    Context::builder().criticality(criticality).build()
}

fn bulkhead() -> Bulkhead {
    let rules = Bulkhead::max(4).share(Critical, 0.75).share(SheddablePlus, 0.5).share(Sheddable, 0.25);
    rules.by_context().build().expect("shares that fall")
}

#[test]
fn al_6_a_bulkhead_goes_by_the_context_of_each_call() {
    let bulkhead = bulkhead();
    let mut held = Vec::new();
    for (criticality, slots) in [(Sheddable, 1), (SheddablePlus, 2), (Critical, 3), (CriticalPlus, 4)] {
        asked_by(criticality).sync_scope(|| {
            held.extend(std::iter::from_fn(|| bulkhead.acquire().ok()));
        });
        assert_eq!(held.len(), slots, "{criticality}");
    }
    assert_eq!(bulkhead.snapshot().shed, 3);
}

#[test]
fn al_6_where_the_context_says_nothing_a_call_is_critical() {
    let bulkhead = bulkhead();
    let of_none: Vec<_> = std::iter::from_fn(|| bulkhead.acquire().ok()).collect();
    assert_eq!(of_none.len(), 3);
    drop(of_none);
    let held: Vec<_> = Context::new().sync_scope(|| std::iter::from_fn(|| bulkhead.acquire().ok()).collect());
    assert_eq!(held.len(), 3);
}

#[test]
fn al_6_what_a_handle_says_counts_more_than_the_context() {
    let bulkhead = bulkhead();
    let prefetch = bulkhead.with_criticality(Sheddable);
    asked_by(CriticalPlus).sync_scope(|| {
        let _held = prefetch.acquire().expect("a quarter");
        assert_eq!(prefetch.acquire().map(drop).map_err(|refused| refused.reason()), Err(Reason::Shed));
    });
    let deaf = Bulkhead::max(2).share(Sheddable, 0.5).build().expect("it goes by its handle");
    asked_by(Sheddable).sync_scope(|| {
        assert_eq!(std::iter::from_fn(|| deaf.acquire().ok()).collect::<Vec<_>>().len(), 2);
    });
}

#[test]
fn al_6_an_adaptive_limit_goes_by_the_context_and_learns_by_it() {
    let time = ManualClock::new();
    let limit = Adaptive::gradient().share(Sheddable, 0.5).by_context().clock(time.clock()).build();
    let limit = limit.expect("a share");
    let batch = asked_by(Sheddable);
    let held: Vec<_> = batch.sync_scope(|| std::iter::from_fn(|| limit.acquire().ok()).collect());
    assert_eq!(held.len(), 10);
    time.advance(ms(5));
    // Recorded where nobody knows of the context any more.
    held.into_iter().for_each(Permit::success);
    assert_eq!((limit.snapshot().in_flight, limit.snapshot().shed), (0, 1));
}

#[tokio::test]
async fn al_6_a_call_that_waits_has_the_place_of_its_context() {
    let bulkhead = Bulkhead::max(1).queue(2).max_wait(ms(100)).by_context().build().expect("a queue");
    let held = bulkhead.acquire().expect("it is free");
    let served = std::sync::Mutex::new(Vec::new());
    let call = |criticality| {
        let (bulkhead, served) = (&bulkhead, &served);
        asked_by(criticality).scope(async move {
            let run = async {
                served
                    .lock()
                    .map(|mut served| served.push(criticality))
                    .map_err(|_| Error::internal("poisoned"))
            };
            bulkhead.run(run).await
        })
    };
    let wait = async {
        tokio::task::yield_now().await;
        drop(held);
    };
    let (late, soon, ()) = tokio::join!(call(Sheddable), call(CriticalPlus), wait);
    assert!(late.is_ok() && soon.is_ok());
    assert_eq!(*served.lock().expect("nobody panicked"), [CriticalPlus, Sheddable]);
}

#[test]
fn al_6_another_service_says_how_important_its_call_is() {
    let clock = ManualClock::new().clock();
    let mut headers = BTreeMap::new();
    Propagation::trusted().inject(&asked_by(Sheddable), &clock, |name, value| {
        headers.insert(name.to_owned(), value.to_owned());
    });
    assert_eq!(headers.get("x-request-criticality").map(String::as_str), Some("sheddable"));
    let of = |propagation: Propagation, headers: &BTreeMap<String, String>| {
        propagation.extract(headers, &clock).build().criticality()
    };
    assert_eq!(of(Propagation::trusted(), &headers), Some(Sheddable));
    assert_eq!(
        of(Propagation::untrusted(), &headers),
        None,
        "a stranger does not say who stands back for it"
    );
    headers.insert("x-request-criticality".into(), "most".into());
    assert_eq!(of(Propagation::trusted(), &headers), None, "nonsense is as if it were not there");
}
