//! The backtraces of errors: there where they are wanted, and bounded. Alone in its file: which errors take one is said for the
//! whole process.
#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod common;

use std::error::Error as StdError;

use common::{Object, parse, record};
use core_errors::{BacktracePolicy, Category, Error};
use core_log::{Format, Log, Sink};
use serde_json::Value;
use tracing_subscriber::layer::SubscriberExt;

fn line(format: Format, traces: bool) -> Object {
    let (sink, lines) = Sink::memory();
    let log = Log::builder().lookup(|_| None).project("p").format(format).sink(sink).traces(traces);
    let (layer, _) = log.layer().unwrap();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        let error = Error::network("payments cannot be reached").cause(std::io::Error::other("reset"));
        tracing::error!(error = &error as &dyn StdError, after = 1, "failed");
    });
    let line = &lines.lines()[0];
    if format == Format::Otel { record(line) } else { parse(line) }
}

#[test]
fn f_43_an_error_brings_its_backtrace_where_that_is_wanted_and_no_more_than_is_read() {
    BacktracePolicy::NEVER.and(Category::Network).install();
    for format in [Format::Json, Format::Gcp, Format::StreamBus, Format::Ecs, Format::Otel] {
        let trace = |line: &Object| {
            let object = match format {
                Format::StreamBus => line.0.get("stack_trace"),
                Format::Ecs => line.0.get("error.stack_trace"),
                Format::Otel => line.0.get("exception.stacktrace"),
                _ => line.0["error"].get("backtrace"),
            };
            object.and_then(Value::as_str).map(str::to_owned)
        };
        assert_eq!(trace(&line(format, false)), None, "{format}");
        let text = trace(&line(format, true)).unwrap();
        assert!(
            text.contains("0:") && text.len() <= 4_096 + "…".len() && text.len() > 100,
            "{format}: {text}"
        );
    }
    let env = |name: &str| (name == "GENESIS_LOG_TRACE").then(|| "perhaps".to_owned());
    assert!(Log::builder().lookup(env).layer().unwrap_err().to_string().contains("perhaps"));
}
