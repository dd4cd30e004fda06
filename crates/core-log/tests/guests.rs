//! The code of others runs while a line is written: `Debug`, `Display`, `source`, the writer. It may panic and costs its own
//! part only.

mod common;

use std::error::Error as StdError;
use std::fmt;

use common::{Object, json, logged};
use core_log::{Format, Log, Sink, WriteLine};
use serde_json::json as value;
use tracing_subscriber::layer::SubscriberExt;

fn one(run: impl FnOnce()) -> Object {
    json(|_| run()).remove(0)
}

struct Rude;

impl fmt::Debug for Rude {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("before ")?;
        panic!("rude")
    }
}

#[test]
fn a_debug_that_panics_costs_its_field_only() {
    let line = one(|| tracing::info!(rude = ?Rude, after = 1, "still here"));
    assert_eq!(line.text("rude"), "before <panic in Debug>");
    assert_eq!((line.text("message"), &line.0["after"]), ("still here", &value!(1)));
}

#[test]
fn a_debug_that_panics_in_a_span_leaves_the_other_fields() {
    let line = one(|| {
        let span = tracing::info_span!("s", order = "A-1", rude = ?Rude, late = tracing::field::Empty);
        span.record("late", tracing::field::debug(&Rude));
        span.in_scope(|| tracing::info!("m"));
    });
    assert_eq!(
        [line.text("order"), line.text("rude"), line.text("late")],
        ["A-1", "before <panic in Debug>", "before <panic in Debug>"]
    );
}

/// An error whose cause cannot be had; that of `NoDisplay` cannot be shown.
#[derive(Debug)]
struct NoSource;

#[derive(Debug)]
struct NoDisplay;

impl fmt::Display for NoSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no source")
    }
}

impl StdError for NoSource {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        panic!("source")
    }
}

impl fmt::Display for NoDisplay {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("display")
    }
}

impl StdError for NoDisplay {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&NoSource)
    }
}

#[test]
fn an_error_that_panics_is_as_much_of_an_object_as_can_be_had() {
    let line = one(|| tracing::error!(error = &NoDisplay as &dyn StdError, after = 1, "m"));
    assert_eq!(
        line.0["error"],
        value!({"message": "<panic in Debug>", "causes": ["no source", "<panic in source>"]})
    );
    assert_eq!(line.0["after"], value!(1));

    let lines =
        logged(Format::Console, |_| tracing::error!(target: "t", error = &NoSource as &dyn StdError, "m"));
    assert!(lines[0].ends_with("caused by: <panic in source>"), "{}", lines[0]);
}

#[test]
fn a_writer_that_fails_or_panics_is_counted_and_harms_nobody() {
    struct Full;
    impl WriteLine for Full {
        fn write_line(&self, _: &[u8]) -> std::io::Result<()> {
            Err(std::io::Error::other("no space"))
        }
    }
    struct Broken;
    impl WriteLine for Broken {
        fn write_line(&self, _: &[u8]) -> std::io::Result<()> {
            panic!("the disk is gone")
        }
    }
    for sink in [Sink::new(Full), Sink::new(Broken)] {
        let (layer, handle) = Log::builder().lookup(|_| None).sink(sink).layer().expect("defaults are right");
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            tracing::info!("a");
            tracing::warn!("b");
        });
        assert_eq!(handle.lost(), 2);
    }
}
