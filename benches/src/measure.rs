//! Samples in turn, and the median of them.

use std::hint::black_box;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::together::together;
use crate::{Comes, Loop, Row, rows};

/// What came of a row.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// The situation.
    pub name: &'static str,
    /// Threads at once.
    pub threads: usize,
    /// The call itself, without any policy.
    pub bare_ns: f64,
    /// Ours, nanoseconds for one operation on one thread, median.
    pub ours_ns: f64,
    /// What we allow ourselves, in all.
    pub budget_ns: f64,
    /// Whether we keep to it.
    pub within_budget: bool,
    /// Allocations of ours for one operation.
    pub allocations: f64,
    /// How many we allow ourselves.
    pub allocations_max: f64,
    /// The fastest peer.
    pub peer: &'static str,
    /// What it takes.
    pub peer_ns: f64,
    /// Ours over the fastest peer's.
    pub ratio: f64,
    /// All peers, the fastest first.
    pub peers: Vec<Peer>,
}

/// What a peer took.
#[derive(Clone, Debug, Serialize)]
pub struct Peer {
    /// Who.
    pub peer: &'static str,
    /// Nanoseconds for one operation on one thread, median.
    pub ns: f64,
    /// Ours over theirs.
    pub ratio: f64,
    /// Allocations for one operation.
    pub allocations: f64,
}

/// One loop, and what it took.
struct Contestant {
    who: &'static str,
    run: Loop,
    calls: u64,
    times: Vec<f64>,
}

/// How long one sample takes, about.
const SAMPLE: Duration = Duration::from_micros(1_500);

/// How often a loop may be tried out on a busy machine.
const CALIBRATIONS: u32 = 50;

/// One in so many samples is enough, if the machine is too busy for the others.
const SAMPLES_MIN: usize = 3;

/// Measures a row. `None` if the machine had no core for each of its threads.
///
/// # Panics
/// If a call comes to something else than the row says: then nothing was measured.
#[must_use]
pub fn row(row: &Row, samples: usize) -> Option<Line> {
    let contest = (row.contest)();
    let loops = [("the bare call", rows::bare()), ("ours", contest.ours)].into_iter().chain(contest.peers);
    let mut all: Vec<Contestant> =
        loops.map(|(who, run)| Contestant::new(who, run, row)).collect::<Option<_>>()?;
    for _ in 0..samples {
        for contestant in &mut all {
            contestant.sample(row);
        }
    }
    if all.iter().any(|contestant| contestant.times.len() < samples.div_ceil(SAMPLES_MIN)) {
        return None;
    }
    let (bare_ns, ours_ns) = (all[0].median(), all[1].median());
    let allocations = all[1].allocations();
    let mut peers: Vec<Peer> = all.iter_mut().skip(2).map(|peer| peer.result(ours_ns)).collect();
    peers.sort_by(|a, b| a.ns.total_cmp(&b.ns));
    let best = peers.first().expect("every row has a peer");
    let budget_ns = rounded(row.budget.total(bare_ns), 2);
    Some(Line {
        name: row.name,
        threads: row.threads,
        bare_ns,
        ours_ns,
        budget_ns,
        within_budget: ours_ns <= budget_ns,
        allocations,
        allocations_max: row.allocations_max.into(),
        peer: best.peer,
        peer_ns: best.ns,
        ratio: best.ratio,
        peers,
    })
}

// === impl Contestant ===

impl Contestant {
    fn new(who: &'static str, run: Loop, row: &Row) -> Option<Self> {
        let mut this = Self { who, run, calls: 1_000, times: Vec::new() };
        // As many calls as fill a sample.
        loop {
            let took = (0..CALIBRATIONS).find_map(|_| this.time(row))? * to_f64(this.calls);
            let sample = to_f64(SAMPLE.as_nanos());
            if took >= sample / 2.0 {
                this.calls = to_u64(sample / took * to_f64(this.calls)).max(1_000);
                return Some(this);
            }
            this.calls *= 2;
        }
    }

    fn sample(&mut self, row: &Row) {
        self.times.extend(self.time(row));
    }

    /// Nanoseconds for one operation on one thread.
    fn time(&self, row: &Row) -> Option<f64> {
        let work = || {
            // The allocator does not count meanwhile, as that would slow down those who allocate.
            allocation_counter::opt_out(|| self.check(row, (self.run)(black_box(self.calls))));
        };
        let took = if row.threads == 1 {
            let start = Instant::now();
            work();
            start.elapsed()
        } else {
            // What is set up once for each thread is not measured.
            together(row.threads, || self.warm_up(), work)?
        };
        Some(to_f64(took.as_nanos()) / to_f64(self.calls))
    }

    fn check(&self, row: &Row, answered: u64) {
        // Whoever refuses, the bare call is answered.
        let comes = if self.who == "the bare call" { Comes::Answered } else { row.comes };
        let (who, calls) = (self.who, self.calls);
        assert!(
            answered == comes.answered(calls),
            "{}, {who}: {answered} of {calls} calls were answered",
            row.name
        );
    }

    fn warm_up(&self) {
        black_box((self.run)(100));
    }

    /// Allocations for one operation, in the steady state.
    fn allocations(&self) -> f64 {
        const CALLS: u64 = 1_000;
        let run = |calls| {
            black_box((self.run)(calls));
        };
        let count = |calls| allocation_counter::measure(|| run(calls)).count_total;
        count(CALLS);
        // What the loop itself allocates is in both.
        let (once, twice) = (count(CALLS), count(2 * CALLS));
        rounded(to_f64(twice.saturating_sub(once)) / to_f64(CALLS), 2)
    }

    fn median(&mut self) -> f64 {
        self.times.sort_by(f64::total_cmp);
        rounded(self.times[self.times.len() / 2], 2)
    }

    fn result(&mut self, ours: f64) -> Peer {
        let ns = self.median();
        Peer { peer: self.who, ns, ratio: rounded(ours / ns, 3), allocations: self.allocations() }
    }
}

fn rounded(value: f64, places: i32) -> f64 {
    let scale = 10_f64.powi(places);
    (value * scale).round() / scale
}

/// Counts and nanoseconds of a sample are far below 2^53.
fn to_f64(count: impl TryInto<u32>) -> f64 {
    count.try_into().map_or(f64::INFINITY, f64::from)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count of calls, a million at most"
)]
fn to_u64(count: f64) -> u64 {
    count as u64
}
