//! A `Debug` that logs. Alone in its file: only the log of the process hears an event inside of another, `tracing` drops it in a
//! subscriber of one scope.

mod common;

use std::fmt;

use core_log::{Format, Log, Sink};

struct Talker;

impl fmt::Debug for Talker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        tracing::info!(inner = 1, "while formatting");
        f.write_str("talked")
    }
}

#[test]
fn a_debug_that_logs_gets_a_line_of_its_own_and_harms_no_other() {
    let (sink, lines) = Sink::memory();
    Log::builder().lookup(|_| None).format(Format::Json).sink(sink).install().expect("the first");
    let span = tracing::info_span!("s", first = ?Talker, late = tracing::field::Empty);
    span.in_scope(|| {
        span.record("late", tracing::field::debug(&Talker));
        tracing::info!(talker = ?Talker, "outer");
    });
    let lines: Vec<_> = lines.lines().iter().map(|line| common::parse(line)).collect();
    let messages: Vec<&str> = lines.iter().map(|line| line.text("message")).collect();
    assert_eq!(messages, ["while formatting", "while formatting", "while formatting", "outer"]);
    let outer = &lines[3];
    assert_eq!([outer.text("first"), outer.text("late"), outer.text("talker")], ["talked"; 3]);
    assert!(!outer.0.contains_key("inner"));
}
