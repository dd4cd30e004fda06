use std::hint::black_box;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use core_context::Context;
use core_context::w3c::TraceContext;
use core_log::{Format, Log, Queue, Redaction, Sink};
use slog::Drain;
use tracing::level_filters::LevelFilter;
use tracing::span::EnteredSpan;
use tracing::subscriber::DefaultGuard;
use tracing::{Dispatch, Span};
use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::Registry;
use tracing_subscriber::layer::SubscriberExt;

use super::floor;
use crate::{Budget, Comes, Contest, Loop, Row, looped_with};

pub(super) fn rows() -> Vec<Row> {
    let row = |name, ns, contest| Row {
        name,
        threads: 1,
        budget: Budget::Total(ns),
        beside: &[],
        comes: Comes::Answered,
        allocations_max: 0,
        contest,
    };
    vec![
        // The same text by hand: what is left when there are no spans, no levels, no filter and no bounds.
        Row { budget: Budget::None, ..row("log/floor", 0.0, by_hand) },
        // A message and four fields in two spans of two fields.
        Row { beside: const { &[floor("log/floor")] }, ..row("log/line", 600.0, line) },
        // The same with the ids of a request, and with secrets looked for.
        Row { beside: const { &[floor("log/floor")] }, ..row("log/line_full", 600.0, line_full) },
        // More than the loop around it.
        Row { budget: Budget::OverBare(1.0), ..row("log/disabled", 0.0, disabled) },
        // New, entered, left and closed, with two fields: the registry makes the span, and its extensions take memory.
        Row { allocations_max: 4, ..row("log/span", 400.0, span) },
        // The line is handed to a thread that writes it.
        // Its two buffers grow to the size that they need.
        Row { allocations_max: 1, ..row("log/async", 800.0, queued) },
    ]
}

/// Takes what is written, and looks at it.
#[derive(Clone, Copy)]
struct Nowhere;

impl io::Write for Nowhere {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        black_box(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn ours(change: impl FnOnce(core_log::Builder) -> core_log::Builder) -> Dispatch {
    let sink = Sink::new(|line: &[u8]| {
        black_box(line);
        Ok(())
    });
    let log =
        Log::builder().lookup(|_| None).service("orders").levels("info").format(Format::Json).sink(sink);
    let (layer, _) = change(log).layer().expect("the log is right");
    Dispatch::new(Registry::default().with(layer))
}

fn bare() -> Dispatch {
    ours(|log| log.redaction(Redaction::off()).source(false))
}

fn subscriber() -> Dispatch {
    let layer = tracing_subscriber::fmt::layer().json().with_writer(|| Nowhere);
    Dispatch::new(Registry::default().with(LevelFilter::INFO).with(layer))
}

fn json_subscriber() -> Dispatch {
    let layer = json_subscriber::layer().with_writer(|| Nowhere);
    Dispatch::new(Registry::default().with(LevelFilter::INFO).with(layer))
}

fn stackdriver() -> Dispatch {
    let layer = tracing_stackdriver::layer().with_writer(|| Nowhere);
    Dispatch::new(Registry::default().with(LevelFilter::INFO).with(layer))
}

fn slog_logger() -> slog::Logger {
    // It writes a line in many small pieces: this is what stands between them and a file, as it does in std's stdout. Behind a buffer that
    // keeps lines back until it is full it takes less than half as long.
    let drain = Mutex::new(slog_json::Json::default(io::LineWriter::new(Nowhere))).map(slog::Fuse);
    slog::Logger::root(drain.filter_level(slog::Level::Info).fuse(), slog::o!())
}

/// What a loop is in; left from the inside out.
struct Inside {
    _inner: EnteredSpan,
    _outer: EnteredSpan,
    _log: DefaultGuard,
}

/// Two spans, one in the other.
fn spans(log: &Dispatch) -> [Span; 2] {
    tracing::dispatcher::with_default(log, || {
        let outer = tracing::info_span!("charge", order = "A-1", amount = 12);
        let inner = outer.in_scope(|| tracing::info_span!("call", step = 3, host = "bank"));
        [outer, inner]
    })
}

fn inside(log: &Dispatch, [outer, inner]: &[Span; 2]) -> Inside {
    let guard = tracing::dispatcher::set_default(log);
    let outer = outer.clone().entered();
    Inside { _inner: inner.clone().entered(), _outer: outer, _log: guard }
}

fn event(input: u64) -> Result<u64, ()> {
    tracing::info!(text = "some text", number = input, flag = true, rate = 0.25, "charged the card");
    Ok(input)
}

fn lines(log: Dispatch) -> Loop {
    let spans = spans(&log);
    looped_with(move || inside(&log, &spans), |_, input| event(input))
}

fn slog_lines() -> Loop {
    let root = slog_logger();
    looped_with(
        move || {
            root.new(slog::o!("order" => "A-1", "amount" => 12)).new(slog::o!("step" => 3, "host" => "bank"))
        },
        |log, input| {
            slog::info!(log, "charged the card"; "text" => "some text", "number" => input, "flag" => true, "rate" => 0.25);
            Ok::<_, ()>(input)
        },
    )
}

/// The keys and values of `log/line`, for serde.
#[derive(serde::Serialize)]
struct ByHand<'a> {
    timestamp: &'a str,
    level: &'a str,
    message: &'a str,
    target: &'a str,
    span: &'a str,
    text: &'a str,
    number: u64,
    flag: bool,
    rate: f64,
    step: u64,
    host: &'a str,
    order: &'a str,
    amount: u64,
    service: &'a str,
}

/// Into a buffer that is there, with the time of day as six digits behind a second that is written already.
fn by_hand() -> Contest {
    let ours = looped_with(
        || Vec::with_capacity(1_024),
        |buffer: &mut Vec<u8>, number| {
            let micros = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.subsec_micros());
            let mut timestamp = *b"2026-01-01T00:00:00.000000Z";
            let mut left = micros;
            for digit in timestamp[20..26].iter_mut().rev() {
                *digit = b'0' + u8::try_from(left % 10).unwrap_or_default();
                left /= 10;
            }
            let line = ByHand {
                timestamp: std::str::from_utf8(&timestamp).unwrap_or_default(),
                level: "INFO",
                message: "charged the card",
                target: module_path!(),
                span: "call",
                text: "some text",
                number,
                flag: true,
                rate: 0.25,
                step: 3,
                host: "bank",
                order: "A-1",
                amount: 12,
                service: "orders",
            };
            buffer.clear();
            serde_json::to_writer(&mut *buffer, black_box(&line)).map_err(drop)?;
            buffer.push(b'\n');
            black_box(&buffer);
            Ok::<_, ()>(number)
        },
    );
    Contest { ours, peers: Vec::new() }
}

fn line_peers() -> Vec<(&'static str, Loop)> {
    vec![
        ("tracing-subscriber json", lines(subscriber())),
        ("json-subscriber", lines(json_subscriber())),
        ("tracing-stackdriver", lines(stackdriver())),
        ("slog-json", slog_lines()),
    ]
}

fn line() -> Contest {
    Contest { ours: lines(bare()), peers: line_peers() }
}

fn line_full() -> Contest {
    let context =
        Context::builder().trace(TraceContext::generate(true)).request("POST", "/orders").user("u-7").build();
    let full = lines(ours(|log| log));
    let in_request: Loop = Arc::new(move |calls| context.sync_scope(|| full(calls)));
    Contest { ours: in_request, peers: line_peers() }
}

fn disabled() -> Contest {
    let quiet = |log: Dispatch| {
        looped_with(
            move || tracing::dispatcher::set_default(&log),
            |_, input| {
                tracing::debug!(text = "some text", number = input, "not written");
                Ok::<_, ()>(input)
            },
        )
    };
    let slog = slog_logger();
    Contest {
        ours: quiet(ours(|log| log)),
        peers: vec![(
            "slog",
            looped_with(
                move || slog.clone(),
                |log, input| {
                    slog::debug!(log, "not written"; "text" => "some text", "number" => input);
                    Ok::<_, ()>(input)
                },
            ),
        )],
    }
}

fn span() -> Contest {
    let spans = |log: Dispatch| {
        looped_with(
            move || tracing::dispatcher::set_default(&log),
            |_, input| {
                let span = tracing::info_span!("call", step = input, host = "bank");
                Ok::<_, ()>(span.in_scope(|| black_box(input)))
            },
        )
    };
    Contest {
        ours: spans(ours(|log| log)),
        peers: vec![
            ("tracing-subscriber json", spans(subscriber())),
            ("json-subscriber", spans(json_subscriber())),
            ("tracing-stackdriver", spans(stackdriver())),
        ],
    }
}

fn queued() -> Contest {
    let (writer, worker) = tracing_appender::non_blocking(Nowhere);
    let layer = tracing_subscriber::fmt::layer().json().with_writer(writer);
    let appender = Dispatch::new(Registry::default().with(LevelFilter::INFO).with(layer));
    Contest {
        ours: lines(ours(|log| log.redaction(Redaction::off()).source(false).queue(Queue::new()))),
        peers: vec![("tracing-subscriber json, tracing-appender", kept(lines(appender), worker))],
    }
}

/// The thread of the appender lives as long as the loop.
fn kept(run: Loop, worker: WorkerGuard) -> Loop {
    let worker = Mutex::new(worker);
    Arc::new(move |calls| {
        black_box(&worker);
        run(calls)
    })
}
