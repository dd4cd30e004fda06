//! Lines of the log.

use std::hint::black_box;

use core_context::Context;
use core_context::w3c::TraceContext;
use core_log::{Builder, Format, Log, Redaction, Sink};
use core_time::ManualClock;
use tracing::Dispatch;
use tracing_subscriber::Registry;
use tracing_subscriber::layer::SubscriberExt;

use super::Make;

pub(super) const ROWS: [(&str, Make); 5] = [
    ("log/line", line),
    ("log/line_full", line_full),
    ("log/line_otel", line_otel),
    ("log/disabled", disabled),
    ("log/span", span),
];

pub(super) fn log(change: impl FnOnce(Builder) -> Builder) -> Dispatch {
    let sink = Sink::new(|line: &[u8]| {
        black_box(line);
        Ok(())
    });
    let log =
        Log::builder().lookup(|_| None).service("orders").levels("info").format(Format::Json).sink(sink);
    let log = log.clock(ManualClock::new().clock());
    let (layer, _) = change(log).layer().expect("the log is right");
    Dispatch::new(Registry::default().with(layer))
}

/// Runs in two spans of two fields. What is entered is left with the process.
fn inside(log: &Dispatch, run: impl Fn() + 'static) -> Box<dyn FnMut()> {
    let guard = tracing::dispatcher::set_default(log);
    let outer = tracing::info_span!("charge", order = "A-1", amount = 12).entered();
    let inner = tracing::info_span!("call", step = 3, host = "bank").entered();
    Box::new(move || {
        black_box((&guard, &outer, &inner));
        run();
    })
}

/// A message and four fields.
fn event() {
    tracing::info!(
        text = "some text",
        number = black_box(7_u64),
        flag = true,
        rate = 0.25,
        "charged the card"
    );
}

fn line() -> Box<dyn FnMut()> {
    inside(&log(|log| log.redaction(Redaction::off()).source(false)), event)
}

/// With the ids of a request, its place in the code, and secrets looked for.
fn line_full() -> Box<dyn FnMut()> {
    let context =
        Context::builder().trace(TraceContext::generate(true)).request("POST", "/orders").user("u-7").build();
    inside(&log(|log| log), move || context.sync_scope(event))
}

/// The same for OpenTelemetry.
fn line_otel() -> Box<dyn FnMut()> {
    let context =
        Context::builder().trace(TraceContext::generate(true)).request("POST", "/orders").user("u-7").build();
    inside(&log(|log| log.format(Format::Otel)), move || context.sync_scope(event))
}

/// Made, entered, left and closed, with two fields.
fn span() -> Box<dyn FnMut()> {
    let guard = tracing::dispatcher::set_default(&log(|log| log));
    Box::new(move || {
        black_box(&guard);
        let span = tracing::info_span!("call", step = black_box(7_u64), host = "bank");
        span.in_scope(|| black_box(()));
    })
}

fn disabled() -> Box<dyn FnMut()> {
    inside(&log(|log| log), || tracing::debug!(number = black_box(7_u64), "not written"))
}
