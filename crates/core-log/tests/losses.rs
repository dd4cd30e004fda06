//! A log without a queue says what it lost, once it can.
#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod common;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use common::{parse, record};
use core_log::{Format, Lines, Log, LogHandle, Sink, WriteLine};
use tracing::Dispatch;
use tracing_subscriber::layer::SubscriberExt;

/// Takes lines while it works.
#[derive(Clone, Default)]
struct Disk {
    full: Arc<AtomicBool>,
    tried: Arc<AtomicU64>,
    lines: Lines,
}

impl WriteLine for Disk {
    fn write_line(&self, line: &[u8]) -> io::Result<()> {
        self.tried.fetch_add(1, Ordering::Relaxed);
        if self.full.load(Ordering::Relaxed) {
            Err(io::ErrorKind::StorageFull.into())
        } else {
            self.lines.write_line(line)
        }
    }
}

fn log(format: Format, sink: Sink) -> (Dispatch, LogHandle) {
    let log = Log::builder().lookup(|_| None).project("p").no_queue().format(format).sink(sink);
    let (layer, handle) = log.layer().unwrap();
    (Dispatch::new(tracing_subscriber::registry().with(layer)), handle)
}

#[test]
fn when_writing_works_again_a_line_before_the_next_says_how_many_were_lost() {
    for format in [Format::Json, Format::Gcp, Format::StreamBus, Format::Ecs, Format::Otel, Format::Console] {
        let disk = Disk::default();
        let (dispatch, handle) = log(format, Sink::new(disk.clone()));
        tracing::dispatcher::with_default(&dispatch, || {
            tracing::info!("before");
            disk.full.store(true, Ordering::Relaxed);
            (0..5).for_each(|n| tracing::info!(n, "lost"));
            disk.full.store(false, Ordering::Relaxed);
            (0..2).for_each(|n| tracing::info!(n, "after"));
        });
        let lines = disk.lines.lines();
        assert_eq!((lines.len(), handle.lost()), (4, 5), "{format}: {lines:?}");
        assert!(lines[1].contains("log lines were lost") && lines[2].contains("after"), "{lines:?}");
        let lost = match format {
            Format::Console => lines[1].rsplit_once("lost=").unwrap().1.to_owned(),
            Format::Otel => record(&lines[1]).text("lost").to_owned(),
            Format::StreamBus => parse(&lines[1]).0["fields"]["lost"].to_string(),
            _ => parse(&lines[1]).0["lost"].to_string(),
        };
        assert_eq!(lost, "5", "{format}");
    }
}

#[test]
fn while_it_fails_a_line_costs_two_attempts_and_no_more() {
    let disk = Disk::default();
    disk.full.store(true, Ordering::Relaxed);
    let (dispatch, handle) = log(Format::Json, Sink::new(disk.clone()));
    tracing::dispatcher::with_default(&dispatch, || (0..100).for_each(|n| tracing::info!(n, "m")));
    assert_eq!((disk.tried.load(Ordering::Relaxed), handle.lost()), (199, 100));
}

#[test]
fn lines_of_many_threads_are_written_or_reported() {
    let disk = Disk::default();
    let (dispatch, handle) = log(Format::Json, Sink::new(disk.clone()));
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (dispatch, disk) = (&dispatch, &disk);
            scope.spawn(move || {
                tracing::dispatcher::with_default(dispatch, || {
                    for n in 0..500 {
                        disk.full.store(n % 10 < 3, Ordering::Relaxed);
                        tracing::info!(thread, n, "m");
                    }
                });
            });
        }
    });
    disk.full.store(false, Ordering::Relaxed);
    tracing::dispatcher::with_default(&dispatch, || tracing::info!("last"));
    let lines = disk.lines.lines();
    let lost: u64 = lines.iter().filter_map(|line| parse(line).0.get("lost")?.as_u64()).sum();
    let reports = lines.iter().filter(|line| line.contains("log lines were lost")).count() as u64;
    assert_eq!((lost, lines.len() as u64 - reports + lost), (handle.lost(), 2_001));
}
