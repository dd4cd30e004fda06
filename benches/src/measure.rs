//! Samples in turn, and the median of them.
//!
//! A median of samples is known to within its [margin](Median::margin): what lies between two that are closer than that is noise. A
//! row that missed something is measured again, and what does not come again was noise too.

use std::hint::black_box;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::miss::misses;
use crate::together::together;
use crate::{Beside, Bound, Comes, Loop, Row, rows};

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
    /// How well that is known.
    pub ours_margin_ns: f64,
    /// The middle half of the samples of ours lies in so much of the median: how quiet the machine was.
    pub spread: f64,
    /// How often the row was measured before this came of it.
    pub measured: u32,
    /// What we allow ourselves, in all; `None` if nobody has said.
    pub budget_ns: Option<f64>,
    /// Whether we keep to it, and to the bounds of [`beside`](Self::beside).
    pub within_budget: bool,
    /// Rows of ours that it is held against.
    pub beside: Vec<Other>,
    /// Allocations of ours for one operation.
    pub allocations: f64,
    /// How many we allow ourselves.
    pub allocations_max: f64,
    /// The fastest peer, where there is one.
    pub peer: Option<&'static str>,
    /// What it takes.
    pub peer_ns: Option<f64>,
    /// Ours over the fastest peer's.
    pub ratio: Option<f64>,
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
    /// How well that is known.
    pub margin_ns: f64,
    /// Ours over theirs.
    pub ratio: f64,
    /// Allocations for one operation.
    pub allocations: f64,
}

/// What another row of ours took, measured in turn with this one.
#[derive(Clone, Debug, Serialize)]
pub struct Other {
    /// Which.
    pub row: &'static str,
    /// Nanoseconds for one operation on one thread, median.
    pub ns: f64,
    /// This row over the other.
    pub ratio: f64,
    /// How large that may be, on a machine whose cores do not slow each other down; `None` if there is no bound on it.
    pub ratio_max: Option<f64>,
    /// What the bare call takes on the threads of this row, over what it takes on those of the other: 1 where each thread has a
    /// core, nearly 2 where two are halves of one. The bound is as many times larger.
    pub machine: f64,
    /// How many nanoseconds this row may take above the other; `None` if there is no bound on them.
    pub over_max_ns: Option<f64>,
    /// Why there is no bound.
    pub why: Option<&'static str>,
    /// Whether it is kept.
    pub is_met: bool,
    /// Whether it would be kept if both were at that end of their margins which is better for us.
    pub may_be_met: bool,
}

/// The middle of the samples.
#[derive(Clone, Copy, Debug)]
struct Median {
    ns: f64,
    /// The notch of a box plot (McGill, Tukey and Larsen 1978): 1.57 times the range of the middle half over the root of how many
    /// samples there are. Two medians whose notches do not overlap are different ones. Other processes only ever make samples
    /// slower, so the range is twice that of the quarter below the median, which tells the loop from the machine.
    margin: f64,
    /// The range of the middle half over the median, with what other processes do.
    spread: f64,
}

/// One loop, and what it took.
struct Contestant {
    who: &'static str,
    run: Loop,
    threads: usize,
    comes: Comes,
    calls: u64,
    times: Vec<f64>,
}

/// How long one sample takes, about.
const SAMPLE: Duration = Duration::from_micros(1_500);

/// How often a loop may be tried out on a busy machine.
const CALIBRATIONS: u32 = 50;

/// One in so many samples is enough, if the machine is too busy for the others.
const SAMPLES_MIN: usize = 3;

/// A row that misses something is measured so often in all.
pub const TIMES_MAX: u32 = 3;

/// Measures a row, and again if it misses anything for certain: what comes each time is no accident. `None` if the machine had no core
/// for each of its threads.
///
/// # Panics
/// If a call comes to something else than the row says: then nothing was measured.
#[must_use]
pub fn row(row: &Row, samples: usize) -> Option<Line> {
    let mut line = once(row, samples)?;
    while line.measured < TIMES_MAX && misses(&line).iter().any(|miss| miss.is_certain) {
        let Some(again) = once(row, samples) else { break };
        line = Line { measured: line.measured + 1, ..again };
    }
    Some(line)
}

fn once(row: &Row, samples: usize) -> Option<Line> {
    let contest = (row.contest)();
    let here = |who, run| Contestant::new(who, run, row.threads, row.comes);
    // Whoever refuses, the bare call is answered.
    let mut all = vec![Contestant::new("the bare call", rows::bare(), row.threads, Comes::Answered)?];
    all.push(here("ours", contest.ours)?);
    for (who, run) in contest.peers {
        all.push(here(who, run)?);
    }
    let others = all.len();
    for beside in row.beside {
        let other = rows::named(beside.row);
        all.push(Contestant::new(other.name, (other.contest)().ours, other.threads, other.comes)?);
        all.push(Contestant::new("the bare call", rows::bare(), other.threads, Comes::Answered)?);
    }
    for _ in 0..samples {
        for contestant in &mut all {
            contestant.sample(row.name);
        }
    }
    if all.iter().any(|contestant| contestant.times.len() < samples.div_ceil(SAMPLES_MIN)) {
        return None;
    }
    let medians: Vec<Median> = all.iter_mut().map(Contestant::median).collect();
    let (bare_ns, ours) = (medians[0].ns, medians[1]);
    let ours_ns = ours.ns;
    let allocations = all[1].allocations();
    let mut peers: Vec<Peer> = all[2..others].iter_mut().map(|peer| peer.result(ours_ns)).collect();
    peers.sort_by(|a, b| a.ns.total_cmp(&b.ns));
    let besides = row.beside.iter().zip(medians[others..].chunks_exact(2));
    let beside: Vec<Other> = besides
        .map(|(other, taken)| Other::new(*other, taken[0], ours, (bare_ns / taken[1].ns).max(1.0)))
        .collect();
    let budget_ns = row.budget.total(bare_ns).map(|budget| rounded(budget, 2));
    let best = peers.first();
    Some(Line {
        name: row.name,
        threads: row.threads,
        bare_ns,
        ours_ns,
        ours_margin_ns: ours.margin,
        spread: ours.spread,
        measured: 1,
        budget_ns,
        within_budget: budget_ns.is_none_or(|budget| ours_ns <= budget)
            && beside.iter().all(|other| other.is_met),
        beside,
        allocations,
        allocations_max: row.allocations_max.into(),
        peer: best.map(|best| best.peer),
        peer_ns: best.map(|best| best.ns),
        ratio: best.map(|best| best.ratio),
        peers,
    })
}

// === impl Other ===

impl Other {
    fn new(beside: Beside, theirs: Median, ours: Median, machine: f64) -> Self {
        let ratio = rounded(ours.ns / theirs.ns, 3);
        let (ratio_max, over_max_ns, why) = match beside.bound {
            Bound::AtMost(max) => (Some(max), None, None),
            Bound::Over(max) => (None, Some(max), None),
            Bound::Told(why) => (None, None, Some(why)),
        };
        let is_kept = |ours: f64, ns: f64| match beside.bound {
            Bound::AtMost(max) => rounded(ours / ns, 3) <= max * machine,
            Bound::Over(max) => ours - ns <= max,
            Bound::Told(_) => true,
        };
        Self {
            row: beside.row,
            ns: theirs.ns,
            ratio,
            ratio_max,
            machine: rounded(machine, 2),
            over_max_ns,
            why,
            is_met: is_kept(ours.ns, theirs.ns),
            may_be_met: is_kept(ours.ns - ours.margin, theirs.ns + theirs.margin),
        }
    }
}

// === impl Contestant ===

impl Contestant {
    fn new(who: &'static str, run: Loop, threads: usize, comes: Comes) -> Option<Self> {
        let mut this = Self { who, run, threads, comes, calls: 1_000, times: Vec::new() };
        // As many calls as fill a sample.
        loop {
            let took = (0..CALIBRATIONS).find_map(|_| this.time("being tried out"))? * to_f64(this.calls);
            let sample = to_f64(SAMPLE.as_nanos());
            if took >= sample / 2.0 {
                this.calls = to_u64(sample / took * to_f64(this.calls)).max(1_000);
                return Some(this);
            }
            this.calls *= 2;
        }
    }

    fn sample(&mut self, row: &str) {
        self.times.extend(self.time(row));
    }

    /// Nanoseconds for one operation on one thread.
    fn time(&self, row: &str) -> Option<f64> {
        let work = || {
            // The allocator does not count meanwhile, as that would slow down those who allocate.
            allocation_counter::opt_out(|| self.check(row, (self.run)(black_box(self.calls))));
        };
        let took = if self.threads == 1 {
            let start = Instant::now();
            work();
            start.elapsed()
        } else {
            // What is set up once for each thread is not measured.
            together(self.threads, || self.warm_up(), work)?
        };
        Some(to_f64(took.as_nanos()) / to_f64(self.calls))
    }

    fn check(&self, row: &str, answered: u64) {
        let (who, calls) = (self.who, self.calls);
        assert!(
            answered == self.comes.answered(calls),
            "{row}, {who}: {answered} of {calls} calls were answered"
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

    fn median(&mut self) -> Median {
        self.times.sort_by(f64::total_cmp);
        Median::of(&self.times)
    }

    fn result(&mut self, ours: f64) -> Peer {
        let Median { ns, margin, .. } = self.median();
        let ratio = rounded(ours / ns, 3);
        Peer { peer: self.who, ns, margin_ns: margin, ratio, allocations: self.allocations() }
    }
}

// === impl Median ===

impl Median {
    /// Of samples in order, of which there are some.
    fn of(times: &[f64]) -> Self {
        let (ns, quarter) = (times[times.len() / 2], times.len() / 4);
        let middle = times[times.len() - 1 - quarter] - times[quarter];
        let margin = 1.57 * 2.0 * (ns - times[quarter]) / to_f64(times.len()).sqrt();
        Self { ns: rounded(ns, 2), margin: rounded(margin, 2), spread: rounded(middle / ns, 2) }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_margin_of_a_median_is_the_notch_of_a_box_plot() {
        let quiet = Median::of(&[10.0; 100]);
        assert_eq!((quiet.ns, quiet.margin, quiet.spread), (10.0, 0.0, 0.0));
        let times: Vec<f64> = (0..=100).map(f64::from).collect();
        let noisy = Median::of(&times);
        assert_eq!((noisy.ns, noisy.margin, noisy.spread), (50.0, 7.81, 1.0), "1.57 × 50 / √101");
        let disturbed: Vec<f64> =
            times.iter().map(|&time| if time > 60.0 { 1_000.0 } else { time }).collect();
        let disturbed = Median::of(&disturbed);
        assert_eq!((disturbed.ns, disturbed.margin), (50.0, 7.81), "it is as well known as before");
        assert!(disturbed.spread > 10.0, "and the machine was not quiet");
        assert_eq!(Median::of(&[3.0]).margin, 0.0, "one sample has no range");
    }

    #[test]
    fn a_bound_that_is_missed_by_less_than_the_margins_may_be_met() {
        let median = |ns, margin| Median { ns, margin, spread: 0.1 };
        let other = |ours: Median| {
            let beside = Beside { row: "other", bound: Bound::AtMost(1.0) };
            Other::new(beside, median(10.0, 0.5), ours, 1.0)
        };
        let (kept, near, missed) =
            (other(median(9.0, 0.5)), other(median(10.8, 0.5)), other(median(11.2, 0.5)));
        assert_eq!((kept.is_met, kept.may_be_met), (true, true));
        assert_eq!((near.is_met, near.may_be_met), (false, true));
        assert_eq!((missed.is_met, missed.may_be_met), (false, false));
    }
}
