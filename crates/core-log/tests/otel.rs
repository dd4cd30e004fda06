//! The form for OpenTelemetry: read as collectors read it, and with what the conventions ask for.
#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod common;

use std::collections::BTreeMap;
use std::error::Error as StdError;

use common::{logged, record};
use core_context::Context;
use core_context::w3c::TraceContext;
use core_errors::{Code, Error};
use core_log::{Format, Log, Sampling, Sink};
use opentelemetry_proto::tonic::common::v1::{AnyValue, any_value::Value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, LogsData};
use tracing_subscriber::layer::SubscriberExt;

/// The one record of a line, as the types of OTLP read it, and the attributes of the resource.
fn read(line: &str) -> (LogRecord, BTreeMap<String, Option<Value>>) {
    // The connector that reads lines from the output of containers looks for this.
    assert!(line.starts_with(r#"{"resourceLogs":["#), "{line}");
    let data: LogsData = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    let [of_resource] = &data.resource_logs[..] else { panic!("one resource in {line}") };
    let [of_scope] = &of_resource.scope_logs[..] else { panic!("one scope in {line}") };
    let [record] = &of_scope.log_records[..] else { panic!("one record in {line}") };
    let resource = of_resource.resource.clone().unwrap();
    let pairs = resource.attributes.into_iter().map(|pair| (pair.key.clone(), pair.value.and_then(of)));
    (record.clone(), pairs.collect())
}

fn of(value: AnyValue) -> Option<Value> {
    value.value
}

#[expect(clippy::unnecessary_wraps, reason = "it stands beside values that may not be there")]
fn text(text: &str) -> Option<Value> {
    Some(Value::StringValue(text.to_owned()))
}

fn attributes(record: &LogRecord) -> BTreeMap<String, Option<Value>> {
    let pairs = record.attributes.iter().map(|pair| (pair.key.clone(), pair.value.clone().and_then(of)));
    let all: BTreeMap<_, _> = pairs.collect();
    assert_eq!(all.len(), record.attributes.len(), "a key is there once");
    all
}

#[test]
fn a_line_is_a_request_of_otlp_with_the_resource_the_trace_and_values_of_their_types() {
    let trace = TraceContext::parse(b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03").unwrap();
    let context = Context::builder().trace(trace).user("u-7 \"x\"").build();
    let lines = logged(Format::Otel, |_| {
        let _entered = context.enter();
        let _span = tracing::info_span!("charge", order = "A-1", debug = ?[1]).entered();
        tracing::info!(
            target: "orders",
            below = -3,
            above = u64::MAX,
            rate = 0.5,
            odd = f64::NAN,
            paid = true,
            huge = 1_u128 << 70,
            bytes = &b"\x01\xff"[..],
            "charged \"{}\"",
            7
        );
    });
    let (record, resource) = read(&lines[0]);
    let want = [
        ("service.name", "orders"),
        ("service.version", "0.0.0"),
        ("deployment.environment.name", "development"),
    ];
    assert_eq!(resource, want.map(|(key, value)| (key.to_owned(), text(value))).into());
    assert!(lines[0].contains(r#""scope":{"name":"orders"}"#), "{}", lines[0]);
    assert_eq!((record.severity_number, &*record.severity_text), (9, "INFO"));
    assert_eq!(record.body.clone().and_then(of), text("charged \"7\""));
    assert_eq!(record.trace_id, 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c_u128.to_be_bytes());
    assert_eq!(record.span_id, 0xb7ad_6b71_6920_3331_u64.to_be_bytes());
    assert_eq!(record.flags, 3, "sampled, and random");
    assert!(record.time_unix_nano > 1_700_000_000_000_000_000);
    let all = attributes(&record);
    assert_eq!(all["below"], Some(Value::IntValue(-3)));
    assert_eq!(all["above"], text("18446744073709551615"), "more than 63 bits");
    assert_eq!(all["rate"], Some(Value::DoubleValue(0.5)));
    assert_eq!(all["odd"], None);
    assert_eq!(all["paid"], Some(Value::BoolValue(true)));
    assert_eq!([&all["huge"], &all["bytes"]], [&text("1180591620717411303424"), &text("01ff")]);
    assert_eq!(
        [&all["order"], &all["debug"], &all["span.name"]],
        [&text("A-1"), &text("[1]"), &text("charge")]
    );
    assert_eq!(all["user_id"], text("u-7 \"x\""));
    assert_eq!(all["correlation_id"], text(context.correlation_id().as_str()));
    assert!(!all.contains_key("trace_id") && !all.contains_key("span_id"), "they are members of the record");
    assert_eq!(all["code.file.path"], text("crates/core-log/tests/otel.rs"));
    assert!(matches!(all["code.line.number"], Some(Value::IntValue(1..))));
}

#[test]
fn every_level_has_the_number_of_its_range_and_the_numbers_grow() {
    let lines = logged(Format::Otel, |_| {
        tracing::trace!("m");
        core_log::debug!("m");
        core_log::info!("m");
        core_log::notice!("m");
        core_log::warn!("m");
        core_log::error!("m");
        core_log::critical!("m");
        core_log::alert!("m");
        tracing::error!(severity = "EMERGENCY", "m");
    });
    let levels: Vec<(i32, String)> = lines
        .iter()
        .map(|line| read(line).0)
        .map(|record| (record.severity_number, record.severity_text))
        .collect();
    let want = [
        (1, "TRACE"),
        (5, "DEBUG"),
        (9, "INFO"),
        (10, "NOTICE"),
        (13, "WARN"),
        (17, "ERROR"),
        (21, "CRITICAL"),
        (23, "ALERT"),
        (24, "EMERGENCY"),
    ];
    assert_eq!(levels, want.map(|(number, name)| (number, name.to_owned())));
    assert_eq!(record(&lines[0]).text("severityText"), "TRACE");
}

#[test]
fn an_error_has_the_attributes_of_an_exception_wherever_it_is_recorded() {
    let error = Error::network("payments cannot be reached")
        .with_code(const { Code::new("PAYMENTS_LOST") })
        .cause(std::io::Error::other("reset"));
    let plain = std::io::Error::other("disk full");
    let lines = logged(Format::Otel, |_| {
        tracing::error!(error = &error as &dyn StdError, "m");
        tracing::info_span!("s", error = &error as &dyn StdError).in_scope(|| tracing::info!("m"));
        tracing::error!(error = &plain as &dyn StdError, cause = &plain as &dyn StdError, "m");
        tracing::error!(error = %plain, "exception.type" = "mine", "m");
        core_log::info!(logger: core_log::Logger::empty().with("error", "late"), "m");
    });
    let all: Vec<_> = lines.iter().map(|line| attributes(&read(line).0)).collect();
    for all in &all[..2] {
        assert_eq!(all["exception.message"], text("payments cannot be reached: reset"));
        assert_eq!([&all["exception.type"], &all["error.type"]], [&text("PAYMENTS_LOST"), &text("network")]);
    }
    assert_eq!([&all[2]["exception.message"], &all[2]["cause"]], [&text("disk full"), &text("disk full")]);
    assert!(!all[2].contains_key("exception.type"), "nothing is known of it");
    assert_eq!(all[3]["exception.message"], text("disk full"));
    assert_eq!(all[3]["field_exception.type"], text("mine"));
    assert_eq!(all[4]["exception.message"], text("late"));
}

#[test]
fn a_line_says_in_its_attributes_what_it_lacks() {
    let (sink, lines) = Sink::memory();
    let log = Log::builder().lookup(|_| None).format(Format::Otel).sink(sink).source(false);
    let (layer, _) = log.sampling(Sampling { first: 1, then_every: 3 }).layer().unwrap();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        for _ in 0..4 {
            tracing::info!(long = "x".repeat(20_000));
        }
    });
    let last = read(lines.lines().last().unwrap()).0;
    let all = attributes(&last);
    assert_eq!(all["suppressed"], Some(Value::IntValue(2)));
    assert_eq!(all["truncated"], Some(Value::BoolValue(true)));
    assert_eq!((last.body, all.contains_key("code.file.path")), (None, false));
}

#[test]
fn a_message_that_comes_after_fields_is_the_body_all_the_same() {
    // The macros record it first; a bridge from another facade may not.
    let lines = logged(Format::Otel, |_| tracing::info!(a = 1, message = "late", b = 2));
    let (record, _) = read(&lines[0]);
    assert_eq!((record.body.clone().and_then(of), attributes(&record).len()), (text("late"), 4));
}

#[test]
fn the_form_is_chosen_by_name_and_the_names_are_said_where_none_fits() {
    let env = |name: &str| (name == "GENESIS_LOG_FORMAT").then(|| "OTel".to_owned());
    let (sink, lines) = Sink::memory();
    let (layer, _) = Log::builder().lookup(env).sink(sink).layer().unwrap();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || tracing::info!("m"));
    assert_eq!(read(&lines.lines()[0]).0.severity_number, 9);
    let error = "otlp".parse::<Format>().unwrap_err().to_string();
    assert!(error.contains("`otel`"), "{error}");
}
