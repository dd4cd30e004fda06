//! How long a line can become: whatever is logged, it is JSON, at most 64 KiB of it, and says when it is not all.

mod common;

use std::error::Error as StdError;
use std::fmt;

use common::{logged, parse};
use core_context::Context;
use core_context::w3c::TraceContext;
use core_log::{Format, Log, Logger, Sink};
use proptest::prelude::*;
use serde_json::json;
use tracing_subscriber::layer::SubscriberExt;

const LINE_MAX: usize = 64 * 1024;
const VALUE_MAX: usize = 16 * 1024;

/// The only line, whose length was looked at, with its line break.
fn one(run: impl FnOnce()) -> common::Object {
    let lines = logged(Format::Json, |_| run());
    assert_eq!(lines.len(), 1);
    assert!(lines[0].len() < LINE_MAX, "{} bytes", lines[0].len());
    parse(&lines[0])
}

fn is_cut(line: &common::Object) -> bool {
    line.0.get("truncated") == Some(&json!(true))
}

#[test]
fn long_text_is_cut_between_characters_and_says_so() {
    let line = one(|| tracing::info!(long = "é".repeat(10_000), short = "é".repeat(8_192), "m"));
    assert_eq!(line.text("long"), "é".repeat(8_192) + "…");
    assert_eq!(line.text("short"), "é".repeat(8_192));
    assert!(is_cut(&line));
}

#[test]
fn text_is_measured_as_it_stands_in_the_line() {
    let line = one(|| tracing::info!(escapes = "\u{1}".repeat(10_000), "m"));
    assert_eq!(line.text("escapes"), "\u{1}".repeat(VALUE_MAX / 6) + "…");
    assert!(is_cut(&line));
}

#[test]
fn what_formats_for_ever_ends() {
    struct Endless;
    impl fmt::Debug for Endless {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            loop {
                f.write_str("and so on ")?;
            }
        }
    }
    let line = one(|| tracing::info!(endless = ?Endless, after = 1, "m"));
    assert!(line.text("endless").ends_with('…'));
    assert_eq!(line.0["after"], json!(1));
}

#[test]
fn a_line_is_bounded_however_much_its_spans_hold_and_keeps_its_ids() {
    let text = "x".repeat(9_000);
    let context = Context::builder().user("u-7").build();
    let line = one(|| {
        let _entered = context.enter();
        let spans: Vec<_> = (0..40).map(|_| tracing::info_span!("s", a = text, b = text).entered()).collect();
        tracing::info!(one = text, two = text, three = text, four = text, five = text, "m");
        drop(spans);
    });
    assert!(is_cut(&line));
    assert_eq!([line.text("user_id"), line.text("service")], ["u-7", "orders"]);
    assert_eq!(line.text("correlation_id"), context.correlation_id().as_str());
}

#[test]
fn a_span_keeps_no_more_than_a_line_holds_and_not_a_value_that_was_replaced() {
    let line = one(|| {
        let span = tracing::info_span!("s", a = "", b = "", c = "", d = "", e = "");
        for (key, letter) in [("a", "1"), ("b", "2"), ("c", "3"), ("d", "4"), ("e", "5"), ("a", "6")] {
            span.record(key, letter.repeat(16_000));
        }
        span.in_scope(|| tracing::info!("m"));
    });
    let starts = ["a", "b", "c"].map(|key| line.text(key)[..1].to_owned());
    assert_eq!(starts, ["6", "2", "3"]);
    assert!(is_cut(&line), "the rest does not fit");
}

#[test]
fn an_id_of_two_megabytes_is_cut_also_where_a_field_has_the_name_of_another() {
    let context = Context::builder().user("x\u{1}".repeat(1_000_000)).build();
    for user_first in [true, false] {
        let line = one(|| {
            let _entered = context.enter();
            if user_first {
                tracing::info!("m");
            } else {
                tracing::info!(correlation_id = "mine", "m");
            }
        });
        assert!(line.text("user_id").len() <= 1_024 + "…".len());
        assert!(line.text("user_id").ends_with("x…"), "{}", line.text("user_id"));
        assert!(is_cut(&line));
    }
}

#[test]
fn the_names_of_a_service_are_cut_once() {
    let (sink, lines) = Sink::memory();
    let log = Log::builder().lookup(|_| None).service("s".repeat(100_000)).format(Format::Json).sink(sink);
    let (layer, _) = log.layer().expect("it is right");
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || tracing::info!("m"));
    assert_eq!(parse(&lines.lines()[0]).text("service"), "s".repeat(256) + "…");
}

#[test]
fn a_line_that_is_full_has_room_for_all_that_a_schema_says_beside_its_fields() {
    let text = "\u{1}".repeat(20_000);
    let trace =
        TraceContext::parse(b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").expect("valid");
    let context = Context::builder().trace(trace).request("GET", "/").user(text.clone()).build();
    let name = &*Box::leak("n".repeat(4_000).into_boxed_str());
    let logger =
        Logger::component(text.clone()).op(text.clone()).with(name, 1).with("stack_trace", text.clone());
    for format in [Format::Json, Format::Gcp, Format::StreamBus, Format::Ecs, Format::Otel, Format::Console] {
        let (sink, lines) = Sink::memory();
        let log = Log::builder()
            .lookup(|_| None)
            .service(&*text)
            .project("p".repeat(128))
            .format(format)
            .sink(sink);
        let (layer, _) = log.layer().expect("it is right");
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            let _entered = context.enter();
            let outer = tracing::info_span!("s", component = text, error = text, x = text).entered();
            let inner = tracing::info_span!("s", operation = text, a = text, b = text, c = text).entered();
            let error = Deep::chain(20, 9_000);
            core_log::error!(logger: logger, d = text, e = text, f = text, error = &error as &dyn StdError, "{text}");
            tracing::error!(
                error = text,
                f = text,
                g = text,
                h = text,
                i = text,
                operation = text,
                component = text,
                "{text}"
            );
            drop((inner, outer));
        });
        for line in lines.lines() {
            assert!(line.len() < LINE_MAX, "{format}: {} bytes", line.len());
            let parse = if format == Format::Otel { common::record } else { parse };
            let line = (format != Format::Console).then(|| parse(&line));
            assert!(line.is_none_or(|line| is_cut(&line)));
        }
    }
}

/// An error of so many bytes, with a chain of such below it.
#[derive(Debug)]
struct Deep {
    len: usize,
    cause: Option<Box<Deep>>,
}

impl Deep {
    fn chain(depth: usize, len: usize) -> Self {
        (1..depth).fold(Self { len, cause: None }, |cause, _| Self { len, cause: Some(Box::new(cause)) })
    }
}

impl fmt::Display for Deep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&"\u{1}".repeat(self.len))
    }
}

impl StdError for Deep {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }
}

#[test]
fn a_chain_of_errors_is_one_value_and_its_root_is_not_all_there_is() {
    let error = Deep::chain(20, 9_000);
    let line = one(|| tracing::error!(error = &error as &dyn StdError, after = 1, "m"));
    let object = &line.0["error"];
    assert!(object["message"].as_str().is_some_and(|text| text.ends_with('…')), "4 KiB of it");
    assert!(object["causes"].as_array().is_some_and(|causes| (2..=4).contains(&causes.len())));
    assert_eq!(line.0["after"], json!(1));
    assert!(is_cut(&line));
}

#[test]
fn a_chain_that_is_longer_than_is_followed_says_so() {
    let cut = |depth| {
        let error = Deep::chain(depth, 1);
        let line = one(|| tracing::error!(error = &error as &dyn StdError, "m"));
        (line.0["error"]["causes"].as_array().map(Vec::len), is_cut(&line))
    };
    assert_eq!(cut(17), (Some(16), false));
    assert_eq!(cut(18), (Some(16), true));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_line_is_longer_and_none_is_silent_about_it(
        letter in prop_oneof![Just("x"), Just("é"), Just("\u{9b}"), Just("\""), Just("🦀")],
        lens in proptest::array::uniform8(0_usize..40_000),
        depth in 1_usize..20,
    ) {
        let [a, b, c, d, e, f, user, message] = lens.map(|len| letter.repeat(len / letter.len()));
        let context = Context::builder().user(&*user).build();
        let error = Deep::chain(depth, d.len());
        for format in [Format::Json, Format::Gcp, Format::StreamBus, Format::Ecs, Format::Otel, Format::Console] {
            let lines = logged(format, |_| {
                let _entered = context.enter();
                let span = tracing::info_span!("s", a, b = %b, late = tracing::field::Empty);
                span.record("late", &*c);
                span.in_scope(|| {
                    tracing::info!(error = &error as &dyn StdError, ?e, f, bytes = f.as_bytes(), "{message}");
                });
            });
            prop_assert!(lines[0].len() < LINE_MAX, "{format}: {} bytes", lines[0].len());
            if format != Format::Console {
                parse(&lines[0]);
            }
            if format == Format::Json {
                let line = parse(&lines[0]);
                let whole = ["a", "b", "late", "f", "message", "user_id"].into_iter().zip([&a, &b, &c, &f, &message, &user]);
                let all = whole.clone().all(|(key, text)| line.0.get(key) == Some(&json!(text)));
                prop_assert!(all || is_cut(&line));
            }
        }
    }
}
