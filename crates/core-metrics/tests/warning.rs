//! A family that is full says so once, and names what filled it.

use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};

use core_metrics::{Counter, Desc, Family, Registry};
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

core_metrics::labels! {
    /// What a user does.
    struct Action { kind: &'static str, user: u16 }
}

/// Keeps what is said, one line for each event.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, " {field}={value:?}");
    }
}

impl<S: tracing::Subscriber> Layer<S> for Heard {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        self.0.lock().expect("nobody panicked").push(line.0);
    }
}

fn heard(run: impl FnOnce()) -> Vec<String> {
    let heard = Heard::default();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(heard.clone()), run);
    heard.0.lock().expect("nobody panicked").clone()
}

#[test]
fn a_full_family_warns_once_and_names_the_label_that_has_the_most_values() {
    let registry = Registry::new();
    let actions: Family<Counter, Action> =
        registry.family(&Desc::counter("actions_total", "Actions.").series_max(10)).unwrap();
    let lines = heard(|| {
        for user in 0..100 {
            actions.with(&Action { kind: if user % 2 == 0 { "read" } else { "write" }, user }).inc();
        }
    });
    assert_eq!(lines.len(), 1, "{lines:?}");
    for part in ["WARN", "family=\"actions_total\"", "label=\"user\"", "series_max=10"] {
        assert!(lines[0].contains(part), "{part} in {}", lines[0]);
    }
}

#[cfg(feature = "facade")]
#[test]
fn a_full_family_of_others_warns_once_and_names_the_label_that_has_the_most_values() {
    let registry = Registry::new();
    let bridge = core_metrics::facade::Bridge::new(&registry);
    let lines = heard(|| {
        metrics::with_local_recorder(&bridge, || {
            for user in 0..2010 {
                let (kind, said) = (["read", "write"][user % 2], format!("\"{user}\",zone=\"{user}"));
                metrics::counter!("by_user", "kind" => kind, "user.id" => said, "zone" => "eu").increment(1);
            }
        });
    });
    assert_eq!(lines.len(), 1, "{lines:?}");
    for part in ["WARN", "family=\"by_user\"", "label=\"user_id\"", "series_max=2000"] {
        assert!(lines[0].contains(part), "{part} in {}", lines[0]);
    }
}

#[cfg(feature = "facade")]
#[test]
fn a_value_of_others_that_is_too_long_is_told_by_its_label() {
    let bridge = core_metrics::facade::Bridge::new(&Registry::new());
    let lines = heard(|| {
        metrics::with_local_recorder(&bridge, || {
            metrics::counter!("queries_total", "kind" => "read", "sql" => "x".repeat(600)).increment(1);
        });
    });
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("label=\"sql\"") && lines[0].contains("too long"), "{}", lines[0]);
    assert!(!lines[0].contains("xxx"), "the value is not told: {}", lines[0]);
}

#[cfg(feature = "prometheus")]
#[test]
fn a_family_of_another_registry_whose_name_is_taken_is_told_once() {
    let (registry, theirs) = (Registry::new(), prometheus::Registry::new());
    for name in ["orders", "free"] {
        let gauge = prometheus::Gauge::new(name, "Theirs.").expect("a gauge");
        theirs.register(Box::new(gauge)).expect("it has a name of its own");
    }
    registry.register(&Desc::<core_metrics::Gauge>::gauge("orders", "Ours.")).expect("a gauge").set(1.0);
    core_metrics::prometheus::show(&registry, &theirs);
    let lines = heard(|| (0..3).for_each(|_| drop(registry.respond(None))));
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("WARN") && lines[0].contains("family=\"orders\""), "{}", lines[0]);
}

#[test]
fn a_family_that_is_collected_as_another_kind_is_told_once() {
    const OPEN: Desc<core_metrics::Gauge> = Desc::gauge("open_total_now", "Open.");
    const ONE: core_metrics::LabelNames<1> = core_metrics::LabelNames::new(["pool"]);
    let registry = Registry::new();
    registry.collect(|scrape| scrape.gauges(&OPEN, core_metrics::LabelNames::NONE).put([], 1.0));
    registry.collect(|scrape| scrape.gauges(&OPEN, ONE).put(["a"], 1.0));
    let lines = heard(|| (0..3).for_each(|_| drop(registry.respond(None))));
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("family=\"open_total_now\""), "{}", lines[0]);
}
