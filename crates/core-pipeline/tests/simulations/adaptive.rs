//! Limits that find out how many calls a callee can take at once, while that number changes: at a step, in a ramp, and not at all.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use core_context::JoinSet;
use core_errors::Error;
use core_limit::Adaptive;
use core_policy::Rng;
use core_time::{Clock, Instant, ms, secs};

use crate::alone::has_run_elsewhere;
use crate::history::History;
use crate::picture::Picture;

/// A callee that works on so many calls at once; others queue.
struct Workers {
    clock: Clock,
    state: Mutex<Queue>,
}

struct Queue {
    workers: usize,
    /// When each worker is free. Workers that are too many leave when they are.
    free_at: BinaryHeap<Reverse<Instant>>,
}

struct Run {
    /// The limit, each tenth of a second.
    limit: Vec<f64>,
    answered: History,
}

const SECONDS: u32 = 120;
const CALLS_PER_SECOND: u32 = 1_000;
const WORK: Duration = ms(100);
const MANY: u32 = 60;
const FEW: u32 = 20;

/// How many workers there are: a step down, a step up, and a ramp from the many to half of them.
fn workers(second: u32) -> u32 {
    match second {
        30..60 => FEW,
        90..120 => MANY - (second - 90),
        _ => MANY,
    }
}

// === impl Workers ===

impl Workers {
    fn new(clock: &Clock) -> Self {
        Self { clock: clock.clone(), state: Mutex::new(Queue { workers: 0, free_at: BinaryHeap::new() }) }
    }

    fn set(&self, workers: u32) {
        let mut state = self.state.lock().unwrap();
        state.workers = workers as usize;
        while state.free_at.len() < state.workers {
            state.free_at.push(Reverse(self.clock.now()));
        }
    }

    async fn ask(&self, draw: f64) -> Result<(), Error> {
        // Half to one and a half times the mean.
        let work = WORK.mul_f64(0.5 + draw);
        let done = {
            let mut state = self.state.lock().unwrap();
            while state.free_at.len() > state.workers {
                state.free_at.pop();
            }
            let Reverse(free) = state.free_at.pop().unwrap();
            let done = free.max(self.clock.now()) + work;
            state.free_at.push(Reverse(done));
            done
        };
        self.clock.sleep_until(done).await;
        Ok(())
    }
}

async fn run(limit: core_limit::AdaptiveBuilder) -> Run {
    let clock = Clock::system();
    let start = clock.now();
    let limit = limit.initial(20).min(5).max(300).build().unwrap();
    let callee = Arc::new(Workers::new(&clock));
    let answered = Arc::new(Mutex::new(History::from(start)));
    let (gaps, draws) = (Rng::from_seed(11), Rng::from_seed(12));
    let mut callers = JoinSet::new();
    let (mut next, mut limits) = (start, Vec::new());
    while next < start + secs(SECONDS.into()) {
        clock.sleep_until(next).await;
        let elapsed = next - start;
        callee.set(workers(u32::try_from(elapsed.as_secs()).unwrap()));
        while limits.len() < usize::try_from(elapsed.as_millis() / 100).unwrap() {
            limits.push(f64::from(limit.snapshot().limit));
        }
        let (limit, callee, answered, clock, draw) =
            (limit.clone(), Arc::clone(&callee), Arc::clone(&answered), clock.clone(), draws.next_unit());
        callers.spawn(async move {
            if limit.call(|_| callee.ask(draw)).await.is_ok() {
                answered.lock().unwrap().count(clock.now());
            }
        });
        while callers.try_join_next().is_some() {}
        next = next + (Duration::from_secs(1) / CALLS_PER_SECOND).mul_f64(0.5 + gaps.next_unit());
    }
    while callers.join_next().await.is_some() {}
    let answered = answered.lock().unwrap().clone();
    Run { limit: limits, answered }
}

// === impl Run ===

impl Run {
    fn mean(&self, from: u32, to: u32) -> f64 {
        let part = self.part(from, to);
        part.iter().sum::<f64>() / f64::from(u32::try_from(part.len()).unwrap())
    }

    /// How far the limit swings, over its mean.
    fn swing(&self, from: u32, to: u32) -> f64 {
        let part = self.part(from, to);
        let (least, most) = part.iter().fold((f64::MAX, 0.0_f64), |(a, b), x| (a.min(*x), b.max(*x)));
        (most - least) / self.mean(from, to)
    }

    fn part(&self, from: u32, to: u32) -> &[f64] {
        &self.limit[from as usize * 10..(to as usize * 10).min(self.limit.len())]
    }

    /// The share of what the callee could have answered.
    fn use_of(&self, from: u32, to: u32) -> f64 {
        let could: u32 = (from..to).map(|second| workers(second) * 10).sum();
        self.answered.rate(from, to) * f64::from(to - from) / f64::from(could)
    }
}

#[tokio::test(start_paused = true)]
async fn al_a_limit_finds_a_step_follows_a_ramp_and_does_not_swing() {
    if has_run_elsewhere("adaptive::al_a_limit_finds_a_step_follows_a_ramp_and_does_not_swing") {
        return;
    }
    let gradient = run(Adaptive::gradient()).await;
    let vegas = run(Adaptive::vegas()).await;
    let aimd = run(Adaptive::aimd(ms(400))).await;
    // The last ten seconds of each: before the step, at its bottom, after it, and at the end of the ramp.
    for (from, to) in [(20, 30), (50, 60), (80, 90), (110, 120)] {
        for (name, run) in [("gradient", &gradient), ("vegas", &vegas), ("aimd", &aimd)] {
            let (used, swing) = (run.use_of(from, to), run.swing(from, to));
            assert!(used > 0.85, "{name}, {from} s: {used:.2} of what the callee can do");
            // AIMD is a saw by its rule: it grows until calls come late, and each time that they do it gives a tenth back.
            let most = if name == "aimd" { 0.6 } else { 0.4 };
            assert!(swing < most, "{name}, {from} s: swings by {swing:.2} of its mean");
        }
        // Vegas keeps a queue of a few; the others allow whatever they have grown used to.
        let (limit, room) = (vegas.mean(from, to), f64::from(workers(to - 1)));
        assert!((0.85 * room..2.5 * room).contains(&limit), "vegas, {from} s: {limit:.0} for {room}");
    }
    for (name, run) in [("gradient", &gradient), ("vegas", &vegas), ("aimd", &aimd)] {
        let (before, down, up) = (run.mean(20, 30), run.mean(50, 60), run.mean(80, 90));
        assert!(down < 0.75 * before && up > 1.2 * down, "{name}: {before:.0}, {down:.0}, {up:.0}");
    }
    let capacity = (0..SECONDS * 10).map(|step| f64::from(workers(step / 10))).collect();
    Picture {
        title: "How many calls at once: what the callee can work on, and what three limits allow",
        unit: "1000 calls a second are made; a call takes 100 ms where it does not queue",
        seconds: SECONDS,
        trigger: ("20 workers", 30, 60),
        lines: vec![
            ("gradient", gradient.limit.clone()),
            ("vegas", vegas.limit.clone()),
            ("aimd, 400 ms", aimd.limit.clone()),
            ("workers", capacity),
        ],
    }
    .check("adaptive-limits.svg");
}
