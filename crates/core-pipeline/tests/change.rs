//! Pipelines that change while calls go on (rule PL-2), and pipelines for many keys.

use std::cell::RefCell;
use std::future::pending;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier, Mutex};

use core_breaker::{Breaker, State};
use core_errors::{Error, Reason};
use core_limit::{Bulkhead, Rate};
use core_pipeline::{Builder, Pipeline};
use core_policy::Keyed;
use core_retry::{Budget, Hedge, Retry};
use core_time::{Clock, ManualClock, ms, secs};

fn all_of_them() -> Builder {
    Pipeline::named("payments")
        .deadline(secs(2))
        .retry(Retry::fixed(ms(10)).no_jitter().attempts(3))
        .breaker(Breaker::consecutive(5).open_for(secs(5)).jitter(false))
        .limit(Rate::per_second(100).burst(10).max_wait(ms(50)))
        .bulkhead(Bulkhead::max(4))
        .attempt_timeout(ms(300))
}

async fn fails(_: core_policy::Attempt) -> Result<(), Error> {
    Err(Error::network("gone"))
}

/// What a pipeline says of itself, without its name.
fn layers(pipeline: &Pipeline) -> Vec<String> {
    pipeline.describe().layers.into_iter().map(|layer| layer.text).collect()
}

#[tokio::test(start_paused = true)]
async fn pl_2_everything_changes_together_and_what_was_learned_is_kept() {
    let pipeline = all_of_them().build().unwrap();
    let slot = pipeline.admit().unwrap();
    pipeline.call(fails).await.unwrap_err();
    let before = pipeline.breaker().unwrap().snapshot();
    assert_eq!(before.totals.failures, 3);

    pipeline
        .reconfigure(|c| {
            c.deadline(secs(1))
                .retry(|retry| retry.attempts(2))
                .breaker(|breaker| breaker.or_consecutive(6))
                .limit(Rate::per_second(50).burst(5))
                .bulkhead(2)
                .attempt_timeout(ms(200))
        })
        .unwrap();
    let texts = layers(&pipeline);
    for (text, part) in texts.iter().zip(["1s", "2 attempts", "6", "50", "2 slots", "200ms"]) {
        assert!(text.contains(part), "{text} has no {part}");
    }
    let after = pipeline.breaker().unwrap().snapshot();
    assert_eq!((after.state, after.totals.failures), (State::Closed, 3), "the circuit remembers");
    pipeline.call(fails).await.unwrap_err();
    assert_eq!(pipeline.breaker().unwrap().snapshot().totals.failures, 5, "two attempts more");
    let clock = Clock::system();
    let start = clock.now();
    pipeline.call(|_| pending::<Result<(), Error>>()).await.unwrap_err();
    // The sixth failure in a row opens it: no second attempt.
    assert_eq!((clock.now() - start, pipeline.breaker().unwrap().state()), (ms(210), State::Open));
    // The slot that was taken before counts still, and goes back.
    assert_eq!(pipeline.bulkhead().unwrap().snapshot().in_use, 1);
    drop(slot);
    assert_eq!(pipeline.bulkhead().unwrap().snapshot().in_use, 0);
}

#[test]
fn pl_2_a_change_that_fails_changes_nothing() {
    let pipeline = all_of_them().build().unwrap();
    let before = layers(&pipeline);
    let bad = [
        ("deadline", pipeline.reconfigure(|c| c.bulkhead(9).deadline(ms(100)))),
        ("slots", pipeline.reconfigure(|c| c.attempt_timeout(ms(100)).bulkhead(0))),
        ("rate", pipeline.reconfigure(|c| c.retry(|r| r.attempts(9)).limit(Rate::per_second(5).bursty()))),
        ("budget", pipeline.reconfigure(|c| c.breaker(|b| b.probes(3)).retry(|r| r.budget(&<_>::default())))),
        ("name", pipeline.reconfigure(|c| c.bulkhead(9).breaker(|b| b.name("other")))),
        (
            "factor",
            pipeline.reconfigure(|c| c.retry(|r| r.jitter(core_retry::Jitter::PlusMinus { fraction: 7.0 }))),
        ),
    ];
    for (what, result) in bad {
        assert!(result.is_err(), "{what}");
        assert_eq!(layers(&pipeline), before, "{what}: {result:?}");
    }
    let probes = pipeline.breaker().unwrap().snapshot().rules.probes;
    assert_eq!(
        probes,
        all_of_them().build().unwrap().breaker().unwrap().snapshot().rules.probes,
        "taken back"
    );
}

#[test]
fn pl_2_a_policy_that_is_not_there_is_named() {
    let pipeline = Pipeline::named("bare").attempt_timeout(ms(100)).build().unwrap();
    let error = pipeline.reconfigure(|c| c.attempt_timeout(ms(50)).bulkhead(3)).unwrap_err();
    assert!(error.to_string().contains("there is no bulkhead"), "{error}");
    assert_eq!(pipeline.attempt_timeout().unwrap().limit(), ms(100));
}

#[test]
fn pl_2_one_change_at_a_time_and_none_waits_for_another() {
    let pipeline = all_of_them().build().unwrap();
    let inner = Arc::new(pipeline.clone());
    let met = Arc::new(Mutex::new(None));
    let saw = Arc::clone(&met);
    pipeline
        .reconfigure(move |c| {
            c.retry(move |retry| {
                *saw.lock().unwrap() = Some(inner.reconfigure(|c| c.bulkhead(1)));
                retry.attempts(2)
            })
        })
        .unwrap();
    let error = met.lock().unwrap().take().unwrap().unwrap_err();
    assert!(error.to_string().contains("another thread"), "{error}");
    // A change that panics ends as one.
    let panics =
        std::panic::AssertUnwindSafe(|| pipeline.reconfigure(|c| c.retry(|_| panic!("of the user's"))));
    assert!(std::panic::catch_unwind(panics).is_err());
    pipeline.reconfigure(|c| c.bulkhead(3)).unwrap();
    assert_eq!(pipeline.retry().unwrap().attempts().get(), 2);
}

#[test]
fn how_long_a_call_may_wait_stays_when_the_rate_changes() {
    let pipeline = all_of_them().build().unwrap();
    pipeline.reconfigure(|c| c.limit(Rate::per_second(10).burst(1))).unwrap();
    pipeline.reconfigure(|c| c.deadline(secs(3))).unwrap();
    let error = pipeline.reconfigure(|c| c.attempt_timeout(ms(10)).deadline(ms(20))).unwrap_err();
    assert!(error.to_string().contains("50ms for its turn under the rate limit"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn each_key_has_a_circuit_of_its_own_and_all_share_the_settings() {
    let clock = ManualClock::new();
    let template = all_of_them().clock(clock.clock()).build().unwrap();
    let hosts = template.keyed::<String>(Keyed::max(2).idle(secs(600))).unwrap();
    for _ in 0..2 {
        hosts.get("down").unwrap().call_blocking(|_| Err::<(), _>(Error::network("gone"))).unwrap_err();
    }
    assert_eq!(hosts.get("down").unwrap().breaker().unwrap().state(), State::Open);
    assert_eq!(hosts.get("up").unwrap().call_blocking(|_| Ok::<_, Error>(7)).unwrap(), 7);
    assert_eq!(template.breaker().unwrap().state(), State::Closed, "the template takes no part");

    hosts.reconfigure(|c| c.retry(|retry| retry.attempts(5))).unwrap();
    let attempts = |key: &str| hosts.get(key).unwrap().retry().unwrap().attempts().get();
    assert_eq!((attempts("down"), attempts("up")), (5, 5));
    assert_eq!(hosts.get("down").unwrap().breaker().unwrap().state(), State::Open, "kept");

    // Who is in use is not forgotten, and there are never more.
    let (down, up) = (hosts.get("down").unwrap(), hosts.get("up").unwrap());
    let full = hosts.get("third").unwrap_err();
    assert_eq!((full.reason(), full.name().as_str()), (Reason::TooManyKeys, "payments"));
    drop(up);
    assert_eq!(attempts("third"), 5, "made by the settings of now");
    assert_eq!(hosts.stats().len, 2);
    assert_eq!(down.breaker().unwrap().state(), State::Open);
}

#[test]
fn a_key_is_not_forgotten_while_its_circuit_is_open() {
    let template = all_of_them().build().unwrap();
    let error = template.keyed::<String>(Keyed::max(10).idle(secs(1))).unwrap_err();
    assert!(error.to_string().contains("forgotten while it is open"), "{error}");
    let hosts = template.keyed::<String>(Keyed::max(10).idle(secs(400))).unwrap();
    let error = hosts.reconfigure(|c| c.breaker(|b| b.open_for(secs(600)).open_max(secs(600)))).unwrap_err();
    assert!(error.to_string().contains("forgotten while it is open"), "{error}");
    let error = template.keyed::<String>(Keyed::max(0)).unwrap_err();
    assert!(error.to_string().contains("at least 1"), "{error}");
}

#[test]
fn a_change_may_be_made_of_what_is_at_hand() {
    // Closures need not be Copy, and the change is made once.
    let log = RefCell::new(Vec::new());
    let pipeline = all_of_them().build().unwrap();
    let limits = [ms(250)];
    pipeline
        .reconfigure(|c| {
            log.borrow_mut().push("made");
            c.attempt_timeout(limits[0])
        })
        .unwrap();
    assert_eq!((log.into_inner(), pipeline.attempt_timeout().unwrap().limit()), (vec!["made"], ms(250)));
}

#[test]
fn pl_2_a_change_is_checked_against_what_the_policies_are_now() {
    let pipeline = || Pipeline::named("s").attempt_timeout(ms(300)).deadline(secs(1)).build().unwrap();
    let (longer, shorter) = (pipeline(), pipeline());
    longer.attempt_timeout().unwrap().set_limit(ms(900)).unwrap();
    assert!(longer.reconfigure(|c| c.deadline(ms(500))).is_err(), "an attempt would outlast the call");
    shorter.attempt_timeout().unwrap().set_limit(ms(100)).unwrap();
    shorter.reconfigure(|c| c.deadline(ms(200))).unwrap();
    let of_key = shorter.keyed::<u8>(Keyed::max(1)).unwrap().get(&1).unwrap();
    assert_eq!(of_key.attempt_timeout().unwrap().limit(), ms(100));
}

#[test]
fn pl_2_a_key_has_one_pipeline_and_every_change_once_whoever_is_first() {
    const KEYS: u32 = 400;
    let template = Pipeline::named("s").bulkhead(1).build().unwrap();
    let keys = template.keyed::<u32>(Keyed::max(10_000)).unwrap();
    let done = AtomicBool::new(false);
    let changes = std::thread::scope(|scope| {
        let changing = scope.spawn(|| {
            let mut changes = 0;
            while !done.load(Ordering::Relaxed) {
                changes += 1;
                keys.reconfigure(|c| c.bulkhead(changes + 1)).unwrap();
            }
            changes
        });
        for key in 0..KEYS {
            let meet = Arc::new(Barrier::new(2));
            let theirs = (Arc::clone(&meet), &keys);
            let other = scope.spawn(move || {
                theirs.0.wait();
                theirs.1.get(&key).unwrap()
            });
            meet.wait();
            let mine = keys.get(&key).unwrap();
            assert!(Arc::ptr_eq(&mine, &other.join().unwrap()), "two pipelines for key {key}");
        }
        done.store(true, Ordering::Relaxed);
        changing.join().unwrap()
    });
    for (key, pipeline) in keys.entries() {
        assert_eq!(pipeline.bulkhead().unwrap().snapshot().max, changes + 1, "key {key}");
    }
}

#[test]
fn events_of_a_key_say_which_key_it_was_and_a_long_one_is_cut() {
    let (time, told) = (ManualClock::new(), Arc::new(Mutex::new(Vec::new())));
    let (of_breaker, of_retry, of_end) = (Arc::clone(&told), Arc::clone(&told), Arc::clone(&told));
    let template = Pipeline::named("hosts")
        .retry(
            Retry::fixed(ms(1))
                .attempts(2)
                .on_retry(move |event| of_retry.lock().unwrap().push(("retry", event.key.clone())))
                .on_give_up(move |event| of_end.lock().unwrap().push(("end", event.key.clone()))),
        )
        .breaker(
            Breaker::consecutive(2)
                .on_change(move |event| of_breaker.lock().unwrap().push(("breaker", event.key.clone()))),
        )
        .clock(time.clock())
        .build()
        .unwrap();
    let hosts = template.keyed::<String>(Keyed::max(4)).unwrap();
    let hedge = Hedge::on_failure().budget(&Budget::default());
    let hedged = template.hedged(hedge).unwrap().keyed::<String>(Keyed::max(4)).unwrap();
    let fails = |pipeline: &Pipeline| {
        pipeline.call_blocking(|_| Err::<(), _>(Error::network("gone"))).unwrap_err();
        std::mem::take(&mut *told.lock().unwrap())
    };
    let all = |key: Option<Arc<str>>| [("retry", key.clone()), ("breaker", key.clone()), ("end", key)];
    assert_eq!(fails(&hosts.get("db-7").unwrap()), all(Some("db-7".into())));
    assert_eq!(fails(hedged.get("db-8").unwrap().pipeline()), all(Some("db-8".into())));
    let long = "x".repeat(1_000);
    let cut = format!("{}…", "x".repeat(125));
    assert_eq!(fails(&hosts.get(&long).unwrap()), all(Some(cut.into())));
    assert_eq!(fails(&template), all(None), "the one that they were made of has none");
    // Also one that is made after a change of all.
    hosts.reconfigure(|c| c.retry(|retry| retry.attempts(2))).unwrap();
    assert_eq!(fails(&hosts.get("db-9").unwrap()), all(Some("db-9".into())));
}

#[test]
fn cb_32_a_key_that_an_operator_isolated_is_not_forgotten() {
    let time = ManualClock::new();
    let template = all_of_them().clock(time.clock()).build().unwrap();
    let hosts = template.keyed::<String>(Keyed::max(4).idle(secs(400))).unwrap();
    let held = hosts.get("db").unwrap().breaker().unwrap().isolate("maintenance").unwrap();
    hosts.get("cache").unwrap();
    time.advance(secs(401));
    assert_eq!(hosts.evict_idle(), 1);
    let refused = hosts.get("db").unwrap().call_blocking(|_| Ok::<_, Error>(())).unwrap_err();
    assert!(refused.rejection().is_some());
    drop(held);
    time.advance(secs(401));
    assert_eq!(hosts.evict_idle(), 1);
}
