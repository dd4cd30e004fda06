use std::fmt;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use core_policy::Counters;
use core_time::{Clock, Instant};

use crate::check::Run;
use crate::config::Builder;
use crate::monitor::Monitor;
use crate::outcome::CheckOutcome;
use crate::report::Snapshot;
use crate::run::Runner;
use crate::schedule::Timing;
use crate::state::{Change, CheckState, Role, Standing};
use crate::stats::{ProbeStats, Stats, Tally};
use crate::verdict::evaluate;

/// What a service needs to be well, and how that stands. Cheap to clone; clones are one.
#[derive(Clone)]
pub struct Health(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) clock: Clock,
    pub(crate) checks: Vec<Runner>,
    pub(crate) names: Vec<Arc<str>>,
    pub(crate) monitored: AtomicBool,
    /// How often each probe failed, and how often it passed.
    probed: Counters<8>,
    table: Mutex<Table>,
    snapshot: ArcSwap<Snapshot>,
}

/// What changes.
struct Table {
    states: Vec<CheckState>,
    tallies: Vec<Tally>,
    sequence: u64,
    draining: bool,
    started: bool,
}

/// A question that somebody asks from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Probe {
    /// How are you, for people: `/health`.
    Health,
    /// Should you be restarted: `/health/live`.
    Live,
    /// Should you get traffic: `/health/ready`.
    Ready,
    /// Have you started: `/health/startup`.
    Startup,
}

/// What a probe is told.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer {
    /// 200 or 503.
    pub status: u16,
    /// A JSON object, smaller than 10 KiB.
    pub body: Arc<str>,
}

// === impl Health ===

impl Health {
    /// Starts with no checks.
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(crate) fn new(
        clock: Clock,
        checks: Vec<Arc<dyn Run>>,
        names: Vec<Arc<str>>,
        states: Vec<CheckState>,
    ) -> Self {
        let tallies = vec![Tally::default(); states.len()];
        let mut table = Table { states, tallies, sequence: 0, draining: false, started: false };
        let snapshot = table.snapshot(&names, clock.now());
        let checks = checks.into_iter().map(Runner::new).collect();
        let (table, snapshot) = (Mutex::new(table), ArcSwap::from_pointee(snapshot));
        let (monitored, probed) = (AtomicBool::new(false), Counters::new());
        Self(Arc::new(Inner { clock, checks, names, monitored, probed, table, snapshot }))
    }

    /// Runs the checks in the background, until the monitor is dropped. While one monitor runs, another does nothing.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start(&self) -> Monitor {
        Monitor::start(self)
    }

    /// Answers a probe, and counts it. Costs a pointer load; runs no check.
    #[must_use]
    pub fn answer(&self, probe: Probe) -> Answer {
        let (good, body) = &self.snapshot().answers[probe as usize];
        self.0.probed.bump(place(probe, *good));
        Answer { status: if *good { 200 } else { 503 }, body: Arc::clone(body) }
    }

    /// How everything stands.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        let known = self.0.snapshot.load_full();
        match self.0.clock.reached(known.valid_until) {
            // A result has become stale since: nobody but the reader noticed.
            Ok(now) => self.0.publish(&mut self.0.table(), now),
            Err(_) => known,
        }
    }

    /// What checks have done and probes been told, since the service was set up: for metrics.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let now = self.0.clock.now();
        let table = self.0.table();
        let checks = self.0.names.iter().zip(&table.states).zip(&table.tallies);
        let checks =
            checks.map(|((name, state), tally)| tally.stats(name, state.timing.interval, now)).collect();
        drop(table);
        let probes = [Probe::Health, Probe::Live, Probe::Ready, Probe::Startup].map(|probe| ProbeStats {
            probe,
            passed: self.0.probed.get(place(probe, true)),
            failed: self.0.probed.get(place(probe, false)),
        });
        Stats { checks, probes: probes.into() }
    }

    /// The service goes away: from now on it is not ready, and still alive. There is no way back.
    pub fn drain(&self) {
        let now = self.0.clock.now();
        let mut table = self.0.table();
        table.draining = true;
        self.0.publish(&mut table, now);
        drop(table);
        tracing::info!(target: "core_health", "draining: readiness fails from now on");
    }
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Health").field(&self.0.snapshot.load()).finish()
    }
}

// === impl Inner ===

impl Inner {
    /// Takes in what a run of a check found, and how long it took; `None` where it could not run.
    pub(crate) fn record(&self, at: usize, outcome: &CheckOutcome, took: Option<Duration>) {
        let now = self.clock.now();
        let mut table = self.table();
        let change = table.states[at].record(outcome, now);
        let tally = &mut table.tallies[at];
        if let Some(took) = took {
            tally.ran(outcome, took, now);
        }
        if let Some(change) = change {
            tally.changed(change);
        }
        self.publish(&mut table, now);
        drop(table);
        if let Some(change) = change {
            tell(&self.names[at], change, outcome);
        }
    }

    /// What hangs on a check, and when it runs.
    pub(crate) fn timing(&self, at: usize) -> (Role, Timing) {
        let state = &self.table().states[at];
        (state.role, state.timing)
    }

    fn publish(&self, table: &mut Table, now: Instant) -> Arc<Snapshot> {
        let snapshot = Arc::new(table.snapshot(&self.names, now));
        self.snapshot.store(Arc::clone(&snapshot));
        snapshot
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // No code of others runs while it is locked.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Table ===

impl Table {
    fn snapshot(&mut self, names: &[Arc<str>], now: Instant) -> Snapshot {
        let standings: Vec<Standing> = self.states.iter().map(|state| state.at(now)).collect();
        let verdict = evaluate(&standings, self.draining, self.started);
        self.started |= verdict.passes(Probe::Startup) && !self.draining;
        self.sequence += 1;
        let fresh = self.states.iter().filter_map(CheckState::stale_at).filter(|at| *at > now);
        let valid_until = fresh.min().unwrap_or(Instant::NEVER);
        Snapshot::new(self.sequence, names, &standings, verdict, (self.draining, self.started), valid_until)
    }
}

/// Where the answers to a probe are counted.
fn place(probe: Probe, passed: bool) -> usize {
    2 * probe as usize + usize::from(passed)
}

/// Outside the lock: a subscriber may take its time.
fn tell(name: &str, Change { from, to }: Change, outcome: &CheckOutcome) {
    let code = outcome.code().map(crate::outcome::Code::as_str);
    let (from, to) = (from.as_str(), to.as_str());
    if to == "healthy" {
        tracing::info!(target: "core_health", check = name, from, to, "health check changed");
    } else {
        tracing::warn!(target: "core_health", check = name, from, to, code, reason = outcome.text(), "health check changed");
    }
}
