//! Samples in turn, and the median of them.

use std::hint::black_box;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::{Budget, Loop, Row};

/// How long one sample takes, about.
const SAMPLE: Duration = Duration::from_micros(1_500);

/// One line of the result: a situation, and one peer in it.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// The situation.
    pub name: &'static str,
    /// Threads at once.
    pub threads: usize,
    /// Ours, nanoseconds for one operation, median.
    pub ours_ns: f64,
    /// Who else.
    pub peer: &'static str,
    /// Theirs.
    pub peer_ns: f64,
    /// Ours over theirs.
    pub ratio: f64,
    /// The call itself, without any policy.
    pub bare_ns: f64,
    /// What we allow ourselves, in all.
    pub budget_ns: f64,
    /// Whether we keep to it.
    pub within_budget: bool,
    /// Allocations of ours for one operation.
    pub allocations: f64,
    /// Allocations of theirs.
    pub peer_allocations: f64,
}

/// Measures a row: a line for each peer.
pub fn row(row: &Row, samples: usize) -> Vec<Line> {
    let mut loops: Vec<&Loop> = vec![&row.bare, &row.ours];
    loops.extend(row.peers.iter().map(|(_, peer)| peer));
    let iterations: Vec<u64> = loops.iter().map(|l| calibrate(l, row.threads)).collect();
    let mut times = vec![Vec::with_capacity(samples); loops.len()];
    for _ in 0..samples {
        for (at, l) in loops.iter().enumerate() {
            times[at].push(sample(l, row.threads, iterations[at]));
        }
    }
    let medians: Vec<f64> = times.iter_mut().map(|times| median(times)).collect();
    let (bare_ns, ours_ns) = (medians[0], medians[1]);
    let budget_ns = match row.budget {
        Budget::Total(ns) => ns,
        Budget::OverBare(ns) => bare_ns + ns,
    };
    let allocations = allocations(&row.ours);
    let line = |(at, (peer, l)): (usize, &(&'static str, Loop))| Line {
        name: row.name,
        threads: row.threads,
        ours_ns,
        peer,
        peer_ns: medians[at + 2],
        ratio: ours_ns / medians[at + 2],
        bare_ns,
        budget_ns,
        within_budget: ours_ns <= budget_ns,
        allocations,
        peer_allocations: self::allocations(l),
    };
    row.peers.iter().enumerate().map(line).collect()
}

/// Allocations for one operation, in the steady state.
fn allocations(l: &Loop) -> f64 {
    const OPERATIONS: u64 = 1_000;
    l(OPERATIONS);
    let once = allocation_counter::measure(|| l(OPERATIONS)).count_total;
    let twice = allocation_counter::measure(|| l(2 * OPERATIONS)).count_total;
    // What the loop itself allocates is in both.
    twice.saturating_sub(once) as f64 / OPERATIONS as f64
}

fn calibrate(l: &Loop, threads: usize) -> u64 {
    let mut iterations = 1_000;
    loop {
        let took = sample(l, threads, iterations) * iterations as f64;
        if took >= SAMPLE.as_nanos() as f64 / 2.0 {
            return (SAMPLE.as_nanos() as f64 / took * iterations as f64).max(1_000.0) as u64;
        }
        iterations *= 2;
    }
}

/// Nanoseconds for one operation on one thread.
fn sample(l: &Loop, threads: usize, iterations: u64) -> f64 {
    let timed = || {
        let start = Instant::now();
        l(black_box(iterations));
        start.elapsed().as_nanos() as f64 / iterations as f64
    };
    if threads == 1 {
        return timed();
    }
    let barrier = Barrier::new(threads);
    std::thread::scope(|scope| {
        let handles: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    l(100);
                    barrier.wait();
                    timed()
                })
            })
            .collect();
        let times: Vec<f64> = handles.into_iter().map(|h| h.join().expect("a measured loop does not panic")).collect();
        times.iter().sum::<f64>() / threads as f64
    })
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
