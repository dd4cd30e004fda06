//! Whoever runs for too long is warned of, once in a while.
#![cfg(feature = "tokio")]

mod support;

use core_context::Context;
use core_time::{Clock, ManualClock, ms, secs};
use core_track::Tracker;
use support::Seen;
use tracing::Level;

#[test]
fn each_is_warned_of_once_and_again_when_it_is_twice_as_old() {
    let clock = ManualClock::new();
    let tracker = Tracker::builder().sample_rate(0.0).clock(clock.clock()).build().unwrap();
    let context = Context::new();
    let execution = context.sync_scope(|| tracker.start("checkout", "order-17"));
    let charge = execution.stage("charge");
    let seen = Seen::down_to(Level::WARN);
    let mut warned = Vec::new();
    tracing::subscriber::with_default(seen.clone(), || {
        for _ in 0..13 {
            clock.advance(secs(10));
            warned.push(tracker.warn_stuck(secs(30)));
        }
    });
    assert_eq!(warned, [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0]);
    let line = &seen.take()[1];
    assert!(line.starts_with(&format!("WARN of={}", context.correlation_id())), "{line}");
    for part in ["operation=\"checkout\"", "execution_id=\"order-17\"", "age_ms=80000.0", "stage=\"charge\""]
    {
        assert!(line.contains(part), "{part} is missing: {line}");
    }
    drop(charge);
    execution.finish();
    clock.advance(secs(1000));
    assert_eq!(tracker.warn_stuck(secs(30)), 0, "it has ended");
}

#[test]
fn a_round_warns_of_32_at_most_and_the_next_of_others() {
    let clock = ManualClock::new();
    let tracker = Tracker::builder().clock(clock.clock()).build().unwrap();
    let all: Vec<_> = (0..40).map(|_| tracker.start("op", "any")).collect();
    clock.advance(secs(60));
    let rounds = [(); 3].map(|()| tracker.warn_stuck(secs(30)));
    assert_eq!(rounds, [32, 8, 0]);
    all.into_iter().for_each(core_track::Execution::finish);
}

#[tokio::test(start_paused = true)]
async fn whoever_watches_warns() {
    let tracker = Tracker::builder().sample_rate(0.0).build().unwrap();
    let seen = Seen::down_to(Level::WARN);
    let _default = tracing::subscriber::set_default(seen.clone());
    let _stuck = tracker.start("op", "stuck");
    let watch = core_context::spawn(tracker.clone().watch(secs(4)));
    Clock::system().sleep(ms(3_900)).await;
    assert!(seen.take().is_empty());
    Clock::system().sleep(ms(1_200)).await;
    assert_eq!(seen.take().len(), 1);
    watch.abort();
}
