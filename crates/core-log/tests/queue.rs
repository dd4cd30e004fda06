//! Lines that a thread writes: none torn, none lost without a word, and nobody waits longer than the policy says.
#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod common;

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use common::parse;
use core_log::{Format, Level, Lines, Log, LogHandle, Queue, Sink, WhenFull, WriteLine};
use core_time::Clock;
use serde_json::Value;
use tracing::Dispatch;
use tracing_subscriber::layer::SubscriberExt;

fn log(format: Format, queue: Queue, sink: Sink) -> (Dispatch, LogHandle) {
    let log =
        Log::builder().lookup(|_| None).project("p").levels("trace").format(format).sink(sink).queue(queue);
    let (layer, handle) = log.layer().unwrap();
    (Dispatch::new(tracing_subscriber::registry().with(layer)), handle)
}

/// Writes into memory while it is open, and stalls while it is not.
#[derive(Clone, Default)]
struct Gate(Arc<(Mutex<bool>, Condvar)>, Lines);

impl Gate {
    fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }
}

impl WriteLine for Gate {
    fn write_line(&self, line: &[u8]) -> io::Result<()> {
        let open = self.0.0.lock().unwrap();
        drop(self.0.1.wait_while(open, |open| !*open).unwrap());
        self.1.write_line(line)
    }
}

struct TempFile(PathBuf);

impl TempFile {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("core-log-{name}-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        Self(path)
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

const THREADS: u8 = 8;
const EACH: u64 = 50_000;

fn storm(dispatch: &Dispatch, each: u64) {
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || {
                tracing::dispatcher::with_default(dispatch, || {
                    for n in 0..each {
                        tracing::info!(thread, n, "line");
                    }
                });
            });
        }
    });
}

/// How many lines each thread has, in its order, and how many the log says it lost.
fn audit(text: &str) -> (u64, u64) {
    let (mut seen, mut reported) = (0, 0);
    let mut last = vec![None; usize::from(THREADS)];
    assert!(text.ends_with('\n'));
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        if let Some(lost) = line["lost"].as_u64() {
            reported += lost;
            continue;
        }
        let (thread, n) =
            (usize::try_from(line["thread"].as_u64().unwrap()).unwrap(), line["n"].as_u64().unwrap());
        assert!(last[thread].is_none_or(|last| last < n), "out of order");
        last[thread] = Some(n);
        seen += 1;
    }
    (seen, reported)
}

#[test]
fn of_eight_times_fifty_thousand_lines_none_is_torn_and_none_is_lost() {
    let file = TempFile::new("block");
    let queue = Queue::new().bytes(1024 * 1024).when_full(WhenFull::Block(Duration::from_secs(30)));
    let (dispatch, handle) = log(Format::Json, queue, Sink::file(&file.0).unwrap());
    storm(&dispatch, EACH);
    assert!(handle.flush(Duration::from_secs(30)));
    assert_eq!(audit(&std::fs::read_to_string(&file.0).unwrap()), (u64::from(THREADS) * EACH, 0));
    assert_eq!(handle.lost(), 0);
}

#[test]
fn what_finds_no_room_is_reported_to_the_line() {
    let file = TempFile::new("drop");
    let (dispatch, handle) = log(Format::Json, Queue::new().bytes(128 * 1024), Sink::file(&file.0).unwrap());
    storm(&dispatch, EACH / 5);
    assert!(handle.flush(Duration::from_secs(30)));
    let (seen, reported) = audit(&std::fs::read_to_string(&file.0).unwrap());
    assert_eq!((seen + reported, reported), (u64::from(THREADS) * EACH / 5, handle.lost()));
}

#[test]
fn a_writer_that_stalls_costs_a_caller_nothing_and_each_schema_says_what_was_lost() {
    for format in [Format::Json, Format::Gcp, Format::StreamBus, Format::Ecs, Format::Otel, Format::Console] {
        let gate = Gate::default();
        let (dispatch, handle) = log(format, Queue::new().bytes(128 * 1024), Sink::new(gate.clone()));
        let clock = Clock::system();
        let start = clock.now();
        tracing::dispatcher::with_default(&dispatch, || {
            for n in 0..6_000 {
                tracing::info!(n, "line");
            }
        });
        // The gate stays shut until it is opened below: who waited for it would wait for ever.
        assert!(clock.now() - start < Duration::from_secs(10), "{:?}", clock.now() - start);
        assert!(handle.lost() > 0 && !handle.flush(Duration::from_millis(1)), "the gate is shut");
        gate.open();
        assert!(handle.flush(Duration::from_secs(30)));
        let lines = gate.1.lines();
        let reports: Vec<u64> = lines
            .iter()
            .filter(|line| line.contains("log lines were lost"))
            .map(|line| said(format, line))
            .collect();
        assert!(!reports.is_empty());
        let written = (lines.len() - reports.len()) as u64;
        assert_eq!((reports.iter().sum(), written + handle.lost()), (handle.lost(), 6_000), "{format}");
    }
}

/// How many lines a report says were lost.
fn said(format: Format, line: &str) -> u64 {
    if format == Format::Console {
        return line.rsplit_once("lost=").unwrap().1.parse().unwrap();
    }
    if format == Format::Otel {
        return common::record(line).text("lost").parse().unwrap();
    }
    let report = parse(line);
    let fields = report.0.get("fields").and_then(Value::as_object);
    fields.map_or_else(|| &report.0["lost"], |fields| &fields["lost"]).as_u64().unwrap()
}

#[test]
fn who_blocks_waits_as_long_as_was_said_and_not_longer() {
    let gate = Gate::default();
    let queue = Queue::new().bytes(128 * 1024).when_full(WhenFull::Block(Duration::from_millis(30)));
    let (dispatch, handle) = log(Format::Json, queue, Sink::new(gate.clone()));
    tracing::dispatcher::with_default(&dispatch, || {
        while handle.lost() == 0 {
            tracing::info!("line");
        }
        let clock = Clock::system();
        let start = clock.now();
        tracing::info!("one more");
        let took = clock.now() - start;
        assert!((Duration::from_millis(29)..Duration::from_secs(5)).contains(&took), "{took:?}");
    });
    assert_eq!(handle.lost(), 2);
    gate.open();
    assert!(handle.flush(Duration::from_secs(30)));
}

#[test]
fn the_last_quarter_is_for_lines_that_matter() {
    let gate = Gate::default();
    let queue = Queue::new().bytes(128 * 1024).when_full(WhenFull::DropBelow(Level::Warn));
    let (dispatch, handle) = log(Format::Json, queue, Sink::new(gate.clone()));
    tracing::dispatcher::with_default(&dispatch, || {
        while handle.lost() == 0 {
            tracing::info!("chatter");
        }
        for _ in 0..100 {
            tracing::warn!("matters");
        }
        assert_eq!(handle.lost(), 1, "there was room for a hundred warnings");
    });
    gate.open();
    assert!(handle.flush(Duration::from_secs(30)));
    assert_eq!(gate.1.lines().iter().filter(|line| line.contains("matters")).count(), 100);
}

#[test]
fn a_sink_that_fails_loses_lines_by_number() {
    let (dispatch, handle) =
        log(Format::Json, Queue::new(), Sink::new(|_: &[u8]| Err::<(), _>(io::Error::other("disk full"))));
    tracing::dispatcher::with_default(&dispatch, || (0..7).for_each(|n| tracing::info!(n, "m")));
    handle.flush(Duration::from_millis(300));
    assert_eq!(handle.lost(), 7);
}

#[test]
fn a_log_that_is_dropped_has_written_what_it_took() {
    let (sink, lines) = Sink::memory();
    let (dispatch, handle) = log(Format::Json, Queue::new(), sink);
    let guard = handle.flush_guard(Duration::from_secs(1));
    tracing::dispatcher::with_default(&dispatch, || tracing::info!("m"));
    drop(dispatch);
    assert_eq!(lines.lines().len(), 1);
    drop(guard);
}

/// Writes one batch for each step that it is allowed.
#[derive(Clone, Default)]
struct Steps(Arc<(Mutex<Progress>, Condvar)>, Lines);

#[derive(Default)]
struct Progress {
    allowed: usize,
    begun: usize,
}

impl Steps {
    fn allow(&self, steps: usize) {
        self.0.0.lock().unwrap().allowed += steps;
        self.0.1.notify_all();
    }

    /// Waits until so many batches were begun.
    fn begun(&self, steps: usize) {
        drop(self.0.1.wait_while(self.0.0.lock().unwrap(), |progress| progress.begun < steps).unwrap());
    }
}

impl WriteLine for Steps {
    fn write_line(&self, lines: &[u8]) -> io::Result<()> {
        let mut progress = self.0.0.lock().unwrap();
        progress.begun += 1;
        self.0.1.notify_all();
        self.0.1.wait_while(progress, |progress| progress.allowed == 0).unwrap().allowed -= 1;
        String::from_utf8_lossy(lines).lines().for_each(|line| self.1.write_line(line.as_bytes()).unwrap());
        Ok(())
    }

    fn takes_many(&self) -> bool {
        true
    }
}

/// A line of 60 KB.
fn long_line() {
    let text = "x".repeat(15_000);
    tracing::info!(a = text, b = text, c = text, d = text, "m");
}

#[test]
fn what_was_lost_last_is_reported_also_by_a_log_that_is_dropped() {
    let steps = Steps::default();
    let (dispatch, handle) = log(Format::Json, Queue::new().bytes(128 * 1024), Sink::new(steps.clone()));
    tracing::dispatcher::with_default(&dispatch, || {
        tracing::info!("first");
        steps.begun(1);
        // These wait for the first line, and are taken together: then nothing waits, and there is no room.
        long_line();
        long_line();
        steps.allow(1);
        steps.begun(2);
        long_line();
        assert_eq!(handle.lost(), 1);
    });
    std::thread::scope(|scope| {
        scope.spawn(|| drop(dispatch));
        // It is closed before the batch is written, or soon after: either way nothing is left to be said but this.
        steps.allow(2);
    });
    let lines = steps.1.lines();
    assert_eq!(
        lines.iter().filter_map(|line| parse(line).0.get("lost").and_then(Value::as_u64)).sum::<u64>(),
        1
    );
}

#[test]
fn a_flush_waits_for_what_was_before_it_and_not_for_what_is_lost_after_it() {
    let is_done_early = || {
        let steps = Steps::default();
        let (dispatch, handle) = log(Format::Json, Queue::new().bytes(128 * 1024), Sink::new(steps.clone()));
        tracing::dispatcher::with_default(&dispatch, || tracing::info!("first"));
        steps.begun(1);
        let flushed = (Mutex::new(false), Condvar::new());
        std::thread::scope(|scope| {
            let late = scope.spawn(|| {
                tracing::dispatcher::with_default(&dispatch, || {
                    while handle.lost() == 0 {
                        tracing::info!("more");
                    }
                });
                // The first line is written, and nothing else before it was said that the flush is over.
                steps.allow(1);
                let done = flushed.0.lock().unwrap();
                let patience = Duration::from_secs(2);
                let (done, _) = flushed.1.wait_timeout_while(done, patience, |done| !*done).unwrap();
                steps.allow(1_000);
                *done
            });
            assert!(handle.flush(Duration::from_secs(30)));
            *flushed.0.lock().unwrap() = true;
            flushed.1.notify_all();
            late.join().unwrap()
        })
    };
    // A machine may hold up the flush until the other thread has lost lines already.
    assert!((0..5).any(|_| is_done_early()));
}

#[test]
fn a_flush_does_not_say_that_what_the_sink_refused_is_written() {
    let fails = Sink::new(|_: &[u8]| Err::<(), _>(io::Error::other("disk full")));
    let (dispatch, handle) = log(Format::Json, Queue::new(), fails);
    tracing::dispatcher::with_default(&dispatch, || tracing::info!("m"));
    assert!(!handle.flush(Duration::from_millis(300)));
}

#[test]
fn a_line_at_critical_is_written_when_it_returns_and_finds_room_as_long_as_something_is_written() {
    let gate = Gate::default();
    let (dispatch, handle) = log(Format::Json, Queue::new().bytes(128 * 1024), Sink::new(gate.clone()));
    tracing::dispatcher::with_default(&dispatch, || {
        while handle.lost() == 0 {
            tracing::info!("chatter");
        }
        gate.open();
        tracing::error!(severity = "FATAL", "last words");
        assert!(gate.1.lines().iter().any(|line| line.contains("last words")));
    });
}

#[test]
fn a_writer_that_stalls_costs_lines_at_critical_one_short_wait_and_no_more() {
    let (dispatch, handle) = log(Format::Json, Queue::new(), Sink::new(Gate::default()));
    let clock = Clock::system();
    let start = clock.now();
    tracing::dispatcher::with_default(&dispatch, || (0..1_000).for_each(|n| core_log::critical!(n, "m")));
    assert!(clock.now() - start < Duration::from_secs(10), "{:?}", clock.now() - start);
    assert_eq!(handle.lost(), 0);
}

#[test]
fn a_queue_that_makes_no_sense_is_refused() {
    let log = || Log::builder().lookup(|_| None);
    assert!(log().queue(Queue::new().bytes(1_000)).layer().unwrap_err().to_string().contains("128k"));
    assert!(log().queue(Queue::new().when_full(WhenFull::Block(Duration::MAX))).layer().is_err());
    for text in ["drop-below-warn", "block", "drop-newest"] {
        assert_eq!(text.parse::<WhenFull>().unwrap().to_string(), text);
    }
    assert!("drop-below-loud".parse::<WhenFull>().is_err());
    let env = |name: &str| match name {
        "GENESIS_LOG_QUEUE" => Some("8 parsecs".to_owned()),
        _ => None,
    };
    assert!(Log::builder().lookup(env).layer().unwrap_err().to_string().contains("parsecs"));
    let env = |name: &str| match name {
        "GENESIS_LOG_QUEUE" => Some("1m".to_owned()),
        "GENESIS_LOG_FULL" => Some("sometimes".to_owned()),
        _ => None,
    };
    assert!(Log::builder().lookup(env).layer().is_err());
}
