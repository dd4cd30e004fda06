//! Work handed to a thread that waits for it, and its answer.
//!
//! What takes time here is waking a thread, which the system does. So there are two situations: one job after the other, which is
//! two wakings, and [`AHEAD`] jobs on their way at once, where threads find work without being woken and what remains is the queue.

use std::collections::VecDeque;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;

use core_limit::{Executor, Job};
use rayon::{ThreadPool, ThreadPoolBuilder};
use tokio::runtime::Handle;

use super::{Answer, answer, floor};
use crate::{Budget, Comes, Contest, Loop, Row, looped_with};

pub(super) fn rows() -> Vec<Row> {
    // No budget: what there is to hold them against is a channel to a thread, and the peers.
    let row = |name, allocations_max, contest| Row {
        name,
        threads: 1,
        budget: Budget::None,
        beside: &[],
        comes: Comes::Answered,
        allocations_max,
        contest,
    };
    vec![
        row("executor/floor", 1, channel::<1>),
        row("executor/floor_32", 1, channel::<AHEAD>),
        // The job, and what it and its handle share; now and then a piece of the queue.
        Row { beside: const { &[floor("executor/floor")] }, ..row("executor/one", 2, jobs::<1>) },
        Row { beside: const { &[floor("executor/floor_32")] }, ..row("executor/ahead_32", 3, jobs::<AHEAD>) },
    ]
}

/// So many jobs on their way at once.
const AHEAD: usize = 32;

/// Threads of each pool.
const THREADS: usize = 1;

fn jobs<const N: usize>() -> Contest {
    let ours = Executor::named("bench").threads(THREADS).queue(2 * AHEAD).build().expect("valid");
    let pool = ThreadPoolBuilder::new().num_threads(THREADS).build().expect("threads");
    Contest {
        ours: ahead(
            N,
            move |input| ours.run(move || answer(input)).ok(),
            |job: Job<Answer>| job.join().is_ok_and(|answer| answer.is_ok()),
        ),
        peers: vec![("tokio spawn_blocking", spawn_blocking(N)), ("rayon", rayon(N, pool))],
    }
}

fn spawn_blocking(jobs: usize) -> Loop {
    let runtime = Handle::current();
    let waiting = runtime.clone();
    ahead(
        jobs,
        move |input| Some(runtime.spawn_blocking(move || answer(input))),
        move |job| waiting.block_on(job).is_ok_and(|answer| answer.is_ok()),
    )
}

/// It gives no handle to what was spawned: a channel brings the answer.
fn rayon(jobs: usize, pool: ThreadPool) -> Loop {
    ahead(
        jobs,
        move |input| {
            let (answers, waiting) = mpsc::sync_channel(1);
            pool.spawn(move || answers.send(answer(input)).unwrap_or_default());
            Some(waiting)
        },
        |waiting: Receiver<Answer>| waiting.recv().is_ok_and(|answer| answer.is_ok()),
    )
}

/// A thread that answers what comes through one channel by another.
fn channel<const N: usize>() -> Contest {
    let make = || {
        let (ask, asked) = mpsc::sync_channel::<u64>(2 * AHEAD);
        let (answers, answered) = mpsc::sync_channel::<Answer>(2 * AHEAD);
        // It ends when nobody can ask any more.
        thread::spawn(move || asked.into_iter().try_for_each(|input| answers.send(answer(input))));
        Channel { ask, answered, ahead: 0 }
    };
    let ours = looped_with(make, |own: &mut Channel, input| {
        own.ask.send(input).map_err(drop)?;
        own.ahead += 1;
        if own.ahead < N {
            return Ok(input);
        }
        own.ahead -= 1;
        own.answered.recv().map_err(drop)?.map_err(drop)
    });
    Contest { ours, peers: Vec::new() }
}

/// Both ends of the two channels, and how much is between them.
struct Channel {
    ask: SyncSender<u64>,
    answered: Receiver<Answer>,
    ahead: usize,
}

/// Hands a job over, and waits for that which was handed over so many before.
fn ahead<J: 'static>(
    jobs: usize,
    begin: impl Fn(u64) -> Option<J> + Send + Sync + 'static,
    end: impl Fn(J) -> bool + Send + Sync + 'static,
) -> Loop {
    looped_with(
        move || VecDeque::with_capacity(jobs + 1),
        move |begun: &mut VecDeque<J>, input| {
            begun.push_back(begin(input).ok_or(())?);
            if begun.len() < jobs {
                return Ok(input);
            }
            let oldest = begun.pop_front().ok_or(())?;
            if end(oldest) { Ok(input) } else { Err(()) }
        },
    )
}
