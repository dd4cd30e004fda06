//! What the kernel says of this process.

use std::fs;

use crate::{Counter, Desc, Gauge, LabelNames, Registry, Scrape};

const CPU: Desc<Counter> =
    Desc::counter("process_cpu_seconds_total", "CPU time of the process, of users and system.");
const RESIDENT: Desc<Gauge> = Desc::gauge("process_resident_memory_bytes", "Memory that is in RAM.");
const VIRTUAL: Desc<Gauge> = Desc::gauge("process_virtual_memory_bytes", "Memory that is mapped.");
const OPEN_FDS: Desc<Gauge> = Desc::gauge("process_open_fds", "Files and sockets that are open.");
const MAX_FDS: Desc<Gauge> = Desc::gauge("process_max_fds", "Files and sockets that may be open.");
const THREADS: Desc<Gauge> = Desc::gauge("process_threads", "Threads of the process.");
const START: Desc<Gauge> =
    Desc::gauge("process_start_time_seconds", "When it started, in seconds since 1970.");

/// What is read from `/proc/self/stat`.
#[derive(Debug, PartialEq)]
struct Stat {
    cpu_ticks: u64,
    threads: f64,
    start_ticks: f64,
    virtual_bytes: f64,
    resident_pages: f64,
}

/// Adds the metrics `process_*` to a registry: CPU time, memory, files, threads and start, read at each scrape. Asked for again, it
/// changes nothing.
///
/// What the kernel does not tell is left out. Only Linux tells anything.
///
/// # Cost
/// Five small files, and a list of what is open, for each scrape.
pub fn register(registry: &Registry) {
    registry.collect_process(collect);
}

fn collect(scrape: &mut Scrape) {
    let stat = read("/proc/self/stat").as_deref().and_then(parse_stat);
    if let (Some(stat), Some((ticks, page))) = (stat, units()) {
        scrape.counters(&CPU, LabelNames::NONE).put_float([], float(stat.cpu_ticks) / ticks);
        gauge(scrape, &RESIDENT, stat.resident_pages * page);
        gauge(scrape, &VIRTUAL, stat.virtual_bytes);
        gauge(scrape, &THREADS, stat.threads);
        if let Some(boot) = read("/proc/stat").as_deref().and_then(parse_boot) {
            gauge(scrape, &START, boot + stat.start_ticks / ticks);
        }
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        // The list itself is one of them.
        gauge(scrape, &OPEN_FDS, float(u64::try_from(open.count().saturating_sub(1)).unwrap_or(u64::MAX)));
    }
    if let Some(max) = read("/proc/self/limits").as_deref().and_then(parse_max_fds) {
        gauge(scrape, &MAX_FDS, max);
    }
}

fn gauge(scrape: &mut Scrape, desc: &Desc<Gauge>, value: f64) {
    scrape.gauges(desc, LabelNames::NONE).put([], value);
}

fn read(path: &str) -> Option<String> {
    fs::read(path).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// Ticks in a second, and bytes in a page.
#[cfg(target_os = "linux")]
fn units() -> Option<(f64, f64)> {
    let (ticks, page) = (rustix::param::clock_ticks_per_second(), rustix::param::page_size());
    Some((float(ticks), float(u64::try_from(page).ok()?)))
}

#[cfg(not(target_os = "linux"))]
fn units() -> Option<(f64, f64)> {
    None
}

/// The name of the program stands in parentheses and may hold anything, so fields are counted from the last of them.
fn parse_stat(text: &str) -> Option<Stat> {
    let (_, after) = text.rsplit_once(')')?;
    let fields: Vec<&str> = after.split_ascii_whitespace().collect();
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    Some(Stat {
        cpu_ticks: field(14)?.checked_add(field(15)?)?,
        threads: float(field(20)?),
        start_ticks: float(field(22)?),
        virtual_bytes: float(field(23)?),
        resident_pages: float(field(24)?),
    })
}

fn parse_boot(text: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}

fn parse_max_fds(text: &str) -> Option<f64> {
    let limits = text.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    limits.split_ascii_whitespace().next()?.parse::<u64>().ok().map(float)
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53, which is 9 PB")]
fn float(n: u64) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_may_be_called_anything() {
        let text = "42 (a ) R 1) S 1 42 42 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 7 0 1234 8192000 300 1844";
        let stat = parse_stat(text).unwrap();
        assert_eq!(stat.cpu_ticks, 300);
        assert_eq!((stat.threads, stat.start_ticks), (7.0, 1234.0));
        assert_eq!((stat.virtual_bytes, stat.resident_pages), (8_192_000.0, 300.0));
    }

    #[test]
    fn what_is_cut_short_says_nothing() {
        assert_eq!(parse_stat("42 (x) S 1 2"), None);
        assert_eq!(parse_stat(""), None);
        assert_eq!(parse_boot("cpu 1\nbtime x\n"), None);
        assert_eq!(
            parse_max_fds("Max open files            unlimited            unlimited            files"),
            None
        );
        assert_eq!(
            parse_max_fds("Max open files            1024                 4096                 files"),
            Some(1024.0)
        );
    }
}
