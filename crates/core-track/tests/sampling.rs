//! Which executions are kept.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use core_context::Context;
use core_errors::Error;
use core_time::{ManualClock, ms};
use core_track::{Kept, SampleRate, Summary, Tracker};
use proptest::prelude::*;

/// A tracker that samples this share, on a clock of its own.
fn tracker(rate: f64, clock: &ManualClock) -> Tracker {
    Tracker::builder().sample_rate(rate).clock(clock.clock()).build().expect("a tracker")
}

#[test]
fn s_1_one_id_is_always_decided_the_same_way() {
    let rate = SampleRate::new(0.1).unwrap();
    for id in ["", "order-17", "ünïcødé", "!?\"\\\n\0", &"x".repeat(1000)] {
        let first = rate.keeps(id);
        assert!((0..10).all(|_| rate.keeps(id) == first), "{id:?}");
        assert!(SampleRate::ALL.keeps(id) && !SampleRate::NONE.keeps(id));
    }
}

#[test]
fn s_1_any_rate_is_exact() {
    const IDS: u32 = 1_000_000;
    let ids: Vec<_> = (0..IDS).map(|n| format!("request-{n}")).collect();
    for rate in [0.0, 0.001, 0.0005, 0.01, 0.1, 0.155, 0.5, 0.999, 1.0] {
        let sampler = SampleRate::new(rate).unwrap();
        let kept = ids.iter().filter(|id| sampler.keeps(id)).count();
        let expected = f64::from(IDS) * rate;
        // Five standard deviations of as many draws.
        let off = 5.0 * (f64::from(IDS) * rate * (1.0 - rate)).sqrt();
        let kept = f64::from(u32::try_from(kept).unwrap());
        assert!((kept - expected).abs() <= off, "{kept} of {IDS} at {rate}");
    }
}

#[test]
fn the_decision_is_the_same_in_every_process() {
    let kept: Vec<_> =
        (0..100).filter(|n| SampleRate::new(0.1).unwrap().keeps(&format!("order-{n}"))).collect();
    assert_eq!(kept, KEPT, "services that share ids keep the same ones");
}

/// Of `order-0` to `order-99`, at 10 %, as another language computes it.
const KEPT: [i32; 8] = [10, 20, 31, 37, 49, 59, 68, 95];

proptest! {
    #[test]
    fn who_is_kept_at_a_rate_is_kept_at_a_higher_one(id in any::<String>(), a in 0.0_f64..=1.0, b in 0.0_f64..=1.0) {
        let (low, high) = (SampleRate::new(a.min(b))?, SampleRate::new(a.max(b))?);
        prop_assert!(!low.keeps(&id) || high.keeps(&id));
    }
}

#[test]
fn what_is_no_share_is_refused() {
    for rate in [-0.1, 1.1, f64::NAN, f64::INFINITY, 10.0] {
        let error = Tracker::builder().sample_rate(rate).build().unwrap_err();
        assert!(error.to_string().contains("from 0 to 1"), "{error}");
    }
    assert!(Tracker::builder().window(ms(0)).build().is_err());
    assert!(Tracker::builder().window_short(ms(0)).build().is_err());
    let windows = Tracker::builder().window(ms(60_000)).build().unwrap_err();
    assert_eq!(windows.to_string(), "window_short is 60s and window 60s: the short one is shorter");
    assert!(Tracker::builder().slow_over(ms(0)).build().is_err());
}

#[test]
fn failures_are_kept_at_any_rate_with_all_of_their_stages() {
    let clock = ManualClock::new();
    let tracker = tracker(0.0, &clock);
    tracker.run("op", "fine", || Ok::<_, Error>(())).unwrap();
    tracker.run("op", "failed", || Err::<(), _>(Error::internal("it broke"))).unwrap_err();
    let execution = tracker.start("op", "stage failed");
    drop(execution.stage("fine"));
    execution.stage("broken").fail_text("it broke");
    execution.finish();
    let kept: Vec<_> = tracker.kept().iter().map(|summary| (summary.id.clone(), summary.kept)).collect();
    assert_eq!(kept, [("failed".into(), Some(Kept::Failed)), ("stage failed".into(), Some(Kept::Failed))]);
    let summary = tracker.summary("stage failed").unwrap();
    assert_eq!((summary.stage_count(), summary.success()), (2, true));
    assert_eq!(summary.failed_stages()[0].stage_id, "2_BROKEN");
    assert_eq!(summary.failed_stages()[0].error_message.as_deref(), Some("it broke"));
    let error_type = tracker.summary("failed").unwrap().error_type;
    assert_eq!(error_type, Some("core_errors::error::Error"));
}

#[test]
fn what_is_slower_than_nearly_all_is_kept() {
    let clock = ManualClock::new();
    let tracker = tracker(0.0, &clock);
    let run = |took| {
        let execution = tracker.start("op", "any");
        clock.advance(took);
        execution.finish();
    };
    for n in 0..128 {
        run(ms(10 + n % 2));
    }
    assert_eq!(tracker.kept_total(), 0);
    run(ms(11));
    assert_eq!(tracker.kept_total(), 0, "as slow as many");
    run(ms(40));
    assert_eq!(tracker.kept()[0].kept, Some(Kept::Slow));
}

#[test]
fn what_is_slower_than_allowed_is_kept_from_the_first() {
    let clock = ManualClock::new();
    let tracker =
        Tracker::builder().sample_rate(0.0).slow_over(ms(100)).clock(clock.clock()).build().unwrap();
    for took in [100, 101] {
        let execution = tracker.start("op", "any");
        clock.advance(ms(took));
        execution.finish();
    }
    assert_eq!(tracker.kept().len(), 1);
}

#[test]
fn whoever_asks_is_kept() {
    let tracker = tracker(0.0, &ManualClock::new());
    let execution = tracker.start("op", "asked");
    assert!(!execution.is_sampled());
    execution.keep();
    assert!(execution.is_sampled());
    execution.finish();
    assert_eq!(tracker.kept()[0].kept, Some(Kept::Forced));
}

#[test]
fn an_operation_may_have_a_rate_of_its_own() {
    let builder = || Tracker::builder().sample_rate(0.0).sample_rate_of("checkout", 1.0);
    let tracker = builder().build().unwrap();
    for operation in ["checkout", "other"] {
        let execution = tracker.start(operation, "any");
        assert_eq!(execution.is_sampled(), operation == "checkout");
        execution.finish();
    }
    let names: Vec<&'static str> = (0..130).map(|n| &*format!("name-{n}").leak()).collect();
    for name in &names {
        tracker.start(name, "any").finish();
    }
    assert_eq!(tracker.kept_total(), 1);
    let late = Tracker::builder().sample_rate(0.0).sample_rate_of("name-late", 1.0).build().unwrap();
    for name in &names {
        late.start(name, "any").finish();
    }
    assert!(late.start("name-late", "any").is_sampled(), "also one without figures of its own");
    let twice = builder().sample_rate_of("checkout", 0.5).build().unwrap_err();
    assert_eq!(twice.to_string(), "checkout has two sample rates: it takes one");
    assert!(builder().sample_rate_of("else", 1.5).build().is_err());
}

#[test]
fn whose_context_asks_is_kept() {
    let tracker = tracker(0.0, &ManualClock::new());
    let asked = Context::builder().extension(core_track::Keep).build();
    let execution = asked.sync_scope(|| tracker.start("op", "asked"));
    assert!(execution.is_sampled());
    execution.finish();
    tracker.start("op", "not asked").finish();
    assert_eq!(tracker.kept().iter().map(|summary| summary.kept).collect::<Vec<_>>(), [Some(Kept::Forced)]);
}

#[test]
fn a_sink_is_told_in_the_context_of_the_execution_also_while_a_panic_unwinds() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = {
        let seen = Arc::clone(&seen);
        move |summary: &Summary| {
            seen.lock().unwrap().push((summary.correlation_id.clone(), Context::current_correlation_id()));
            panic!("a sink of somebody");
        }
    };
    let tracker = Tracker::builder().sample_rate(1.0).sink(sink).build().unwrap();
    let context = Context::new();
    let execution = context.sync_scope(|| tracker.start("op", "elsewhere"));
    Context::new().sync_scope(|| execution.finish());
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _execution = context.sync_scope(|| tracker.start("op", "panicked"));
        panic!("in the execution");
    }));
    assert!(panicked.is_err());
    tracker.start("op", "alone").finish();
    let seen = seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    assert_eq!((seen.len(), tracker.sink_panics()), (3, 3));
    assert!(seen.iter().all(|(told, current)| told.is_some() && told == current));
    assert!(seen[..2].iter().all(|(told, _)| told.as_ref() == Some(context.correlation_id())));
    assert_eq!(Context::current_correlation_id(), None);
}

#[test]
fn what_was_cut_off_is_neither_success_nor_failure() {
    let tracker = tracker(0.0, &ManualClock::new());
    drop(tracker.start("op", "cancelled"));
    tracker.start("op", "failed").fail_text("it broke");
    let total = &tracker.stats()[0].total;
    assert!(
        total.success_rate.abs() < 1e-9 && (total.count, total.failures, total.cancelled) == (1, 1, 1),
        "{total:?}"
    );
}

#[test]
fn a_sink_sees_what_is_kept_and_may_panic() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = {
        let seen = Arc::clone(&seen);
        move |summary: &Summary| {
            seen.lock().unwrap().push(summary.id.clone());
            assert_ne!(&*summary.id, "b", "a sink of somebody");
        }
    };
    let tracker = Tracker::builder().sample_rate(1.0).sink(sink).build().unwrap();
    for id in ["a", "b", "c"] {
        tracker.start("op", id).finish();
    }
    assert_eq!(*seen.lock().unwrap(), ["a", "b", "c"].map(Box::<str>::from));
    assert_eq!((tracker.sink_panics(), tracker.kept().len()), (1, 3));
}

#[test]
fn s_1_f_168_a_tenth_is_kept_unless_somebody_says_otherwise() {
    let tracker = Tracker::builder().clock(ManualClock::new().clock()).build().unwrap();
    let sampled = (0..10_000).filter(|n| {
        let execution = tracker.start("op", &format!("request-{n}"));
        let is_sampled = execution.is_sampled();
        execution.finish();
        is_sampled
    });
    let sampled = sampled.count();
    assert!((800..1200).contains(&sampled), "{sampled} of 10 000");
    assert_eq!((tracker.kept_total(), tracker.stats()[0].total.count), (sampled as u64, 10_000));
}

#[test]
fn what_was_cancelled_is_kept_where_it_was_slow_and_does_not_teach_what_is() {
    let clock = ManualClock::new();
    let tracker = tracker(0.0, &clock);
    let run = |took| {
        let execution = tracker.start("op", "any");
        clock.advance(ms(took));
        execution
    };
    (0..128).for_each(|_| run(10).finish());
    (0..1000).for_each(|_| drop(run(5)));
    assert_eq!(tracker.kept_total(), 0);
    drop(run(500));
    let kept = tracker.kept();
    assert_eq!((kept[0].kept, kept[0].outcome), (Some(Kept::Slow), Some(core_track::Outcome::Cancelled)));
    (0..1000).for_each(|_| drop(run(500)));
    (0..64).for_each(|_| run(10).finish());
    let before = tracker.kept_total();
    run(40).finish();
    assert_eq!(tracker.kept_total(), before + 1, "a normal execution takes 10 ms still");
}

/// Panics when it is dropped.
struct Again;

impl Drop for Again {
    fn drop(&mut self) {
        panic!("and again");
    }
}

#[test]
fn a_sink_may_panic_with_what_panics_again() {
    let sink = |_: &Summary| std::panic::panic_any(Again);
    let tracker = Tracker::builder().sample_rate(1.0).sink(sink).build().unwrap();
    tracker.start("op", "any").finish();
    assert_eq!((tracker.sink_panics(), tracker.kept().len()), (1, 1));
}

#[test]
fn a_sink_may_run_executions_and_is_not_told_of_them() {
    static TRACKER: OnceLock<Tracker> = OnceLock::new();
    static TOLD: AtomicU32 = AtomicU32::new(0);
    let sink = |_: &Summary| {
        if TOLD.fetch_add(1, Ordering::Relaxed) < 100 {
            TRACKER.get().unwrap().start("export", "of a summary").finish();
        }
    };
    let tracker = TRACKER.get_or_init(|| Tracker::builder().sample_rate(1.0).sink(sink).build().unwrap());
    for told in 1..3 {
        tracker.start("op", "any").finish();
        assert_eq!(TOLD.load(Ordering::Relaxed), told);
    }
    let operations: Vec<_> = tracker.kept().iter().map(|summary| summary.operation).collect();
    assert_eq!(operations, ["export", "op", "export", "op"]);
    assert!(tracker.stats().iter().all(|operation| operation.total.count == 2));
}
