//! Whoever runs for too long is warned of, once in a while.
#![cfg(feature = "tokio")]

use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex};

use core_context::Context;
use core_time::{Clock, ManualClock, ms, secs};
use core_track::Tracker;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// Writes events down, each with the correlation id of its context.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<String>>>);

struct Fields<'s>(&'s mut String);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write!(self.0, " {}={value:?}", field.name()).expect("a text takes all");
    }
}

impl Subscriber for Seen {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "core_track" && *metadata.level() == Level::WARN
    }

    fn event(&self, event: &Event<'_>) {
        let mut text = Context::current_correlation_id().map(|id| id.to_string()).unwrap_or_default();
        event.record(&mut Fields(&mut text));
        self.0.lock().expect("no panic in here").push(text);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[test]
fn each_is_warned_of_once_and_again_when_it_is_twice_as_old() {
    let clock = ManualClock::new();
    let tracker = Tracker::builder().sample_rate(0.0).clock(clock.clock()).build().unwrap();
    let context = Context::new();
    let execution = context.sync_scope(|| tracker.start("checkout", "order-17"));
    let charge = execution.stage("charge");
    let seen = Seen::default();
    let mut warned = Vec::new();
    tracing::subscriber::with_default(seen.clone(), || {
        for _ in 0..13 {
            clock.advance(secs(10));
            warned.push(tracker.warn_stuck(secs(30)));
        }
    });
    assert_eq!(warned, [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0]);
    let line = &seen.0.lock().unwrap()[1];
    assert!(line.starts_with(context.correlation_id().as_str()), "{line}");
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
    let seen = Seen::default();
    let _default = tracing::subscriber::set_default(seen.clone());
    let _stuck = tracker.start("op", "stuck");
    let watch = core_context::spawn(tracker.clone().watch(secs(4)));
    Clock::system().sleep(ms(3_900)).await;
    assert_eq!(seen.0.lock().unwrap().len(), 0);
    Clock::system().sleep(ms(1_200)).await;
    assert_eq!(seen.0.lock().unwrap().len(), 1);
    watch.abort();
}
