use std::time::{Duration, SystemTime, UNIX_EPOCH};

use core_health::{CheckStats, DURATION_ENDS, Ended, Health, Phase, Probe, Status};
use core_metrics::{Counter, Desc, Gauge, Histogram, HistogramSnapshot, LabelNames, Registry, Scrape};

const STATUS: Desc<Gauge> = Desc::gauge("health_check_status", "1 for the status that a check is in.");
const FAILURES: Desc<Gauge> =
    Desc::gauge("health_check_consecutive_failures", "Failures of a check in a row.");
const RUNS: Desc<Counter> = Desc::counter("health_check_runs_total", "Runs of a check, by how they ended.");
const DURATION: Desc<Histogram> =
    Desc::histogram("health_check_duration_seconds", "How long runs of a check took.");
const CHANGES: Desc<Counter> =
    Desc::counter("health_check_transitions_total", "How often a check turned from one status to another.");
const LAST_RUN: Desc<Gauge> =
    Desc::gauge("health_check_last_run_timestamp_seconds", "When a check last ran, in seconds since 1970.");
const LAST_SUCCESS: Desc<Gauge> = Desc::gauge(
    "health_check_last_success_timestamp_seconds",
    "When a check last found something to work, in seconds since 1970.",
);
const INTERVAL: Desc<Gauge> =
    Desc::gauge("health_check_interval_seconds", "How long a check waits between two runs.");
const PHASE: Desc<Gauge> = Desc::gauge("health_phase", "1 for the phase that the service is in.");
const PROBE: Desc<Gauge> = Desc::gauge("health_probe_state", "1 for what a probe is told now.");
const PROBES_TOLD: Desc<Counter> =
    Desc::counter("health_probe_requests_total", "How often a probe was told what.");

const BY_STATUS: LabelNames<2> = LabelNames::new(["check", "status"]);
const BY_OUTCOME: LabelNames<2> = LabelNames::new(["check", "outcome"]);
const BY_CHANGE: LabelNames<3> = LabelNames::new(["check", "from", "to"]);
const BY_CHECK: LabelNames<1> = LabelNames::new(["check"]);
const BY_PHASE: LabelNames<1> = LabelNames::new(["phase"]);
const BY_PROBE: LabelNames<2> = LabelNames::new(["probe", "state"]);
const BY_CODE: LabelNames<2> = LabelNames::new(["probe", "code"]);

const PHASES: [Phase; 3] = [Phase::Starting, Phase::Ready, Phase::Draining];

/// What the checks found and did, and what probes are told. Nothing runs for it.
pub(crate) fn health(registry: &Registry, health: &Health) {
    let health = health.clone();
    registry.collect(move |scrape| {
        let snapshot = health.snapshot();
        let mut statuses = scrape.gauges(&STATUS, BY_STATUS);
        for check in &snapshot.checks {
            for status in Status::ALL {
                statuses.put_bool([&check.name, status.as_str()], check.status == status);
            }
        }
        let mut failures = scrape.gauges(&FAILURES, BY_CHECK);
        for check in &snapshot.checks {
            failures.put([&check.name], f64::from(check.consecutive_failures));
        }
        let mut phases = scrape.gauges(&PHASE, BY_PHASE);
        for phase in PHASES {
            phases.put_bool([phase.as_str()], snapshot.phase == phase);
        }
        let stats = health.stats();
        let mut probes = scrape.gauges(&PROBE, BY_PROBE);
        for probe in &stats.probes {
            let (word, passes) = (word(probe.probe), snapshot.passes(probe.probe));
            probes.put_bool([word, "passing"], passes);
            probes.put_bool([word, "failing"], !passes);
        }
        let mut told = scrape.counters(&PROBES_TOLD, BY_CODE);
        for probe in &stats.probes {
            told.put([word(probe.probe), "200"], probe.passed);
            told.put([word(probe.probe), "503"], probe.failed);
        }
        checks(scrape, &stats.checks);
    });
}

fn checks(scrape: &mut Scrape, checks: &[CheckStats]) {
    let mut runs = scrape.counters(&RUNS, BY_OUTCOME);
    for check in checks {
        for (how, times) in Ended::ALL.iter().zip(check.ended) {
            runs.put([&check.name, how.as_str()], times);
        }
    }
    let mut durations = scrape.histograms(&DURATION, BY_CHECK);
    for check in checks {
        let bounds = DURATION_ENDS.iter().map(Duration::as_secs_f64).collect();
        let (counts, sum) = (check.durations.to_vec(), check.duration_sum.as_secs_f64());
        durations.put([&check.name], HistogramSnapshot { bounds, counts, sum });
    }
    let mut changes = scrape.counters(&CHANGES, BY_CHANGE);
    for check in checks {
        for (from, to_each) in Status::ALL.iter().zip(check.changes) {
            for (to, times) in Status::ALL.iter().zip(to_each).filter(|(to, _)| *to != from) {
                changes.put([&check.name, from.as_str(), to.as_str()], times);
            }
        }
    }
    let mut intervals = scrape.gauges(&INTERVAL, BY_CHECK);
    for check in checks {
        intervals.put([&check.name], check.interval.as_secs_f64());
    }
    let now = wall();
    let mut moments = |desc: &Desc<Gauge>, since: fn(&CheckStats) -> Option<Duration>| {
        let mut moments = scrape.gauges(desc, BY_CHECK);
        for check in checks {
            // What never was is at the beginning of time: an alert on the age finds it.
            let moment = since(check).map_or(Duration::ZERO, |since| now.saturating_sub(since));
            moments.put([&check.name], moment.as_secs_f64());
        }
    };
    moments(&LAST_RUN, |check| check.since_last_run);
    moments(&LAST_SUCCESS, |check| check.since_last_success);
}

#[expect(clippy::disallowed_methods, reason = "for people who read when something was, and decides nothing")]
fn wall() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn word(probe: Probe) -> &'static str {
    match probe {
        Probe::Health => "health",
        Probe::Live => "live",
        Probe::Ready => "ready",
        Probe::Startup => "startup",
    }
}
