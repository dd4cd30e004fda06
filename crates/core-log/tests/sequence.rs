//! Which of two lines with the same time was written first.
#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod common;

use std::collections::BTreeSet;

use common::{Object, parse, record};
use core_log::{Format, Log, Sink};
use tracing::Dispatch;
use tracing_subscriber::layer::SubscriberExt;

const MACHINES: [Format; 5] = [Format::Json, Format::Gcp, Format::StreamBus, Format::Ecs, Format::Otel];

fn logged(format: Format, numbered: Option<bool>, run: impl FnOnce(&Dispatch)) -> Vec<Object> {
    let (sink, lines) = Sink::memory();
    let log = Log::builder().lookup(|_| None).project("p").format(format).sink(sink);
    let log = if let Some(numbered) = numbered { log.sequence(numbered) } else { log };
    let (layer, _) = log.layer().unwrap();
    run(&Dispatch::new(tracing_subscriber::registry().with(layer)));
    let parse = if format == Format::Otel { record } else { parse };
    lines.lines().iter().map(|line| parse(line)).collect()
}

/// What orders lines, as who reads them sorts by it.
fn order(format: Format, line: &Object) -> (String, String) {
    let number = |key| format!("{:020}", line.0[key].as_u64().unwrap());
    match format {
        Format::Gcp => {
            (line.text("time").to_owned(), line.text("logging.googleapis.com/insertId").to_owned())
        }
        Format::Ecs => (line.text("@timestamp").to_owned(), number("event.sequence")),
        Format::Otel => (line.text("timeUnixNano").to_owned(), line.text("log.record.uid").to_owned()),
        Format::StreamBus => {
            (line.text("timestamp").to_owned(), format!("{:020}", line.0["fields"]["seq"].as_u64().unwrap()))
        }
        _ => (line.text("timestamp").to_owned(), number("seq")),
    }
}

#[test]
fn lines_of_equal_times_sort_in_the_order_in_which_they_were_written() {
    for format in MACHINES {
        let lines = logged(format, Some(true), |dispatch| {
            tracing::dispatcher::with_default(dispatch, || (0..5_000).for_each(|n| tracing::info!(n, "m")));
        });
        let mut sorted: Vec<_> = lines.iter().map(|line| order(format, line)).collect();
        // Whatever the clock did meanwhile, equal times are what is looked at.
        let by_time = sorted.chunk_by(|a, b| a.0 == b.0).all(|equal| equal.is_sorted_by(|a, b| a.1 < b.1));
        assert!(by_time, "{format}");
        let all = sorted.len();
        sorted.sort();
        sorted.dedup();
        assert_eq!((sorted.len(), all), (5_000, 5_000), "no two lines have the same");
    }
}

#[test]
fn what_happens_after_something_of_another_thread_sorts_after_it() {
    let lines = logged(Format::Json, Some(true), |dispatch| {
        for n in 0..200 {
            std::thread::scope(|scope| {
                scope.spawn(|| tracing::dispatcher::with_default(dispatch, || tracing::info!(n, "m")));
            });
            tracing::dispatcher::with_default(dispatch, || tracing::info!(n, "m"));
        }
    });
    let keys: Vec<_> = lines.iter().map(|line| order(Format::Json, line)).collect();
    assert!(keys.chunk_by(|a, b| a.0 == b.0).all(|equal| equal.is_sorted_by(|a, b| a.1 < b.1)));
}

#[test]
fn the_id_of_a_line_of_cloud_logging_is_its_own_among_all_threads_and_has_one_length() {
    let lines = logged(Format::Gcp, None, |dispatch| {
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    tracing::dispatcher::with_default(dispatch, || {
                        (0..1_500).for_each(|n| tracing::info!(n, "m"));
                    });
                });
            }
        });
    });
    let ids: BTreeSet<&str> = lines.iter().map(|line| line.text("logging.googleapis.com/insertId")).collect();
    assert_eq!((lines.len(), ids.len()), (6_000, 6_000));
    let process = &lines[0].text("logging.googleapis.com/insertId")[..16];
    assert!(ids.iter().all(|id| id.len() == 30 && id.starts_with(process)), "{ids:?}");
}

#[test]
fn only_cloud_logging_has_it_unasked_and_the_environment_asks_too() {
    let is_numbered = |format, numbered| {
        let lines = logged(format, numbered, |dispatch| {
            tracing::dispatcher::with_default(dispatch, || tracing::info!("m"));
        });
        let text = format!("{:?}", lines[0]);
        ["insertId", "\"seq\"", "event.sequence", "log.record.uid"].iter().any(|key| text.contains(key))
    };
    for format in MACHINES {
        assert_eq!(is_numbered(format, None), format == Format::Gcp, "{format}");
        assert!(is_numbered(format, Some(true)) && !is_numbered(format, Some(false)), "{format}");
    }
    let env = |name: &str| (name == "GENESIS_LOG_SEQUENCE").then(|| "yes".to_owned());
    let (sink, lines) = Sink::memory();
    let (layer, _) = Log::builder().lookup(env).format(Format::Json).sink(sink).layer().unwrap();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        tracing::info!(seq = 1, "m");
    });
    let line = parse(&lines.lines()[0]);
    assert!(line.0["seq"].is_u64() && line.0["field_seq"] == 1, "{line:?}");
    let env = |name: &str| (name == "GENESIS_LOG_SEQUENCE").then(|| "perhaps".to_owned());
    assert!(Log::builder().lookup(env).layer().unwrap_err().to_string().contains("perhaps"));
}
