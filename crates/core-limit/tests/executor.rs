//! What an executor promises. Threads are real here, and wait for each other, never for a time.
#![expect(clippy::unwrap_used, reason = "a helper of a test may panic")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Barrier};
use std::thread;

use core_context::Context;
use core_errors::{Category, Classify, PolicyKind, Reason};
use core_limit::{Executor, ExecutorBuilder, Job, JobError};
use core_time::{ms, secs};

fn build(builder: ExecutorBuilder) -> Executor {
    builder.build().unwrap()
}

/// A job that goes on until it is told to end, and has begun when this returns.
fn busy(executor: &Executor) -> (Job<()>, SyncSender<()>) {
    let (begun, has_begun) = sync_channel(1);
    let (end, is_over): (_, Receiver<()>) = sync_channel(1);
    let job = executor.run(move || {
        begun.send(()).unwrap();
        let _ = is_over.recv();
    });
    has_begun.recv().unwrap();
    (job.unwrap(), end)
}

#[test]
fn f_100_jobs_run_on_threads_with_names() {
    let io = build(Executor::io());
    let name = io.run(|| thread::current().name().map(str::to_owned)).unwrap().join().unwrap().unwrap();
    assert!(name.starts_with("io_worker"), "{name}");
    assert_eq!(io.snapshot().threads, 10);
    let cpu = build(Executor::cpu().threads(4));
    let name = cpu.run(|| thread::current().name().map(str::to_owned)).unwrap().join().unwrap().unwrap();
    assert!(name.starts_with("cpu_worker"), "{name}");
    assert_eq!((cpu.snapshot().threads, cpu.name().as_str()), (4, "cpu_worker"));
}

#[tokio::test]
async fn a_result_is_awaited_or_joined() {
    let cpu = build(Executor::cpu().threads(2));
    assert_eq!(cpu.run(|| 6 * 7).unwrap().await, Ok(42));
    assert_eq!(cpu.run(|| 6 * 7).unwrap().join(), Ok(42));
    assert_eq!(cpu.run(|| 6 * 7).unwrap().join_within(secs(60)).unwrap(), Ok(42));
    let (job, end) = busy(&cpu);
    let job = job.join_within(ms(1)).unwrap_err();
    assert!(!job.is_done());
    drop(end);
    job.await.unwrap();
}

#[test]
fn all_threads_work_at_once() {
    let io = build(Executor::io().threads(8).queue(0));
    let together = Arc::new(Barrier::new(8));
    let jobs: Vec<_> = (0..8)
        .map(|n| {
            let together = Arc::clone(&together);
            io.run(move || {
                together.wait();
                n
            })
        })
        .collect();
    let done: Vec<usize> = jobs.into_iter().map(|job| job.unwrap().join().unwrap()).collect();
    assert_eq!(done, (0..8).collect::<Vec<_>>());
}

#[test]
fn bh_1_when_all_is_full_a_job_is_refused_at_once() {
    let io = build(Executor::named("legacy").threads(1).queue(2));
    let (running, end) = busy(&io);
    let waiting = [io.run(|| 1).unwrap(), io.run(|| 2).unwrap()];
    let refused = io.run(|| 3).unwrap_err();
    assert_eq!((refused.policy(), refused.reason()), (PolicyKind::Bulkhead, Reason::BulkheadFull));
    assert_eq!(refused.name().as_str(), "legacy");
    assert_eq!(io.snapshot().to_string(), "legacy: 1 of 1 threads busy, 2 of 2 waiting");
    drop(end);
    running.join().unwrap();
    assert_eq!(waiting.map(|job| job.join().unwrap()), [1, 2]);
    assert_eq!((io.snapshot().refused, io.snapshot().panicked), (1, 0));
}

#[test]
fn one_executor_that_is_full_does_not_touch_another() {
    let (slow, fast) = (build(Executor::io().threads(1).queue(0)), build(Executor::cpu().threads(1)));
    let (_job, _end) = busy(&slow);
    assert!(slow.run(|| ()).is_err());
    assert_eq!(fast.run(|| 7).unwrap().join(), Ok(7));
}

#[test]
fn a_panic_of_a_job_is_its_own_affair() {
    let io = build(Executor::io().threads(1));
    let job = io.run(|| -> u32 { panic!("no such row") }).unwrap();
    let error = job.join().unwrap_err();
    assert_eq!(error, JobError::Panicked("no such row".into()));
    assert_eq!(
        (error.category(), error.to_string()),
        (Category::Internal, "the job panicked: no such row".into())
    );
    let answer = 7;
    assert_eq!(
        io.run(move || -> u32 { panic!("row {answer}") }).unwrap().join(),
        Err(JobError::Panicked("row 7".into()))
    );
    assert_eq!(io.run(|| 7).unwrap().join(), Ok(7), "the thread goes on");
    assert_eq!((io.snapshot().panicked, io.snapshot().threads), (2, 1));
}

#[test]
fn a_job_runs_in_the_context_of_who_asked_for_it() {
    let io = build(Executor::io().threads(1));
    let tenant = || Context::current().and_then(|context| context.tenant().map(str::to_owned));
    let context = Context::builder().tenant("acme").build();
    let job = context.sync_scope(|| io.run(tenant).unwrap());
    assert_eq!(job.join().unwrap().as_deref(), Some("acme"));
    assert_eq!(io.run(tenant).unwrap().join().unwrap(), None, "and leaves nothing of it behind");
}

#[test]
fn a_job_that_is_dropped_before_it_began_is_not_done_unless_it_was_detached() {
    let io = build(Executor::io().threads(1));
    let (running, end) = busy(&io);
    let count = Arc::new(AtomicUsize::new(0));
    let add = |n| {
        let count = Arc::clone(&count);
        move || {
            count.fetch_add(n, Ordering::SeqCst);
        }
    };
    drop(io.run(add(1)).unwrap());
    io.run(add(10)).unwrap().detach();
    let last = io.run(add(100)).unwrap();
    drop(end);
    running.join().unwrap();
    last.join().unwrap();
    assert_eq!((count.load(Ordering::SeqCst), io.snapshot().cancelled), (110, 1));
}

#[test]
fn a_shutdown_lets_jobs_end_and_takes_no_more() {
    let io = build(Executor::io().threads(2).queue(10));
    let jobs: Vec<_> = (0..10).filter_map(|n| io.run(move || n).ok()).collect();
    io.shutdown(secs(60)).unwrap();
    assert!(jobs.iter().all(Job::is_done));
    assert_eq!(io.run(|| ()).unwrap_err().reason(), Reason::ShutDown);
    assert_eq!(io.snapshot().done, jobs.len() as u64);
    io.shutdown(ms(0)).unwrap();
}

#[test]
fn a_shutdown_has_a_bound() {
    let io = build(Executor::io().threads(1).queue(10));
    let (running, end) = busy(&io);
    let waiting = [io.run(|| 1).unwrap(), io.run(|| 2).unwrap()];
    let left = io.shutdown(ms(1)).unwrap_err();
    assert_eq!((left.running, left.cancelled), (1, 2));
    assert_eq!(left.to_string(), "1 jobs still run, and 2 were cancelled");
    assert_eq!(waiting.map(Job::join), [Err(JobError::Cancelled), Err(JobError::Cancelled)]);
    drop(end);
    running.join().unwrap();
    io.shutdown(secs(60)).unwrap();
}

#[tokio::test]
async fn the_last_handle_takes_what_has_not_begun_along() {
    let io = build(Executor::io().threads(1));
    let (running, end) = busy(&io);
    let waiting = io.run(|| 1).unwrap();
    let clone = io.clone();
    drop(io);
    assert!(!waiting.is_done(), "there is another handle");
    drop(clone);
    let cancelled = waiting.await.unwrap_err();
    assert_eq!((cancelled.clone(), cancelled.category()), (JobError::Cancelled, Category::Cancelled));
    drop(end);
    running.await.unwrap();
}

#[test]
fn many_threads_ask_and_no_job_is_lost() {
    let io = build(Executor::io().threads(3).queue(8));
    let (done, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for n in 0..2_000 {
                    match io.run(move || n) {
                        Ok(job) => assert_eq!(job.join(), Ok(n)),
                        Err(_) => {
                            refused.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(done.into_inner(), 8_000);
    assert_eq!(io.snapshot().refused, refused.into_inner() as u64);
}

#[test]
fn what_makes_no_sense_is_refused_with_a_reason() {
    for (builder, text) in [
        (Executor::io().threads(0), "threads is zero"),
        (Executor::io().threads(1_025), "at most 1024"),
        (Executor::io().queue(1_000_001), "at most 1000000"),
        (Executor::named(""), "cannot be a name"),
    ] {
        let error = builder.build().unwrap_err().to_string();
        assert!(error.contains(text), "{error:?} should say {text:?}");
    }
}

#[test]
fn the_longest_queue_is_built_and_an_executor_knows_its_name() {
    assert_eq!(build(Executor::named("disk").threads(1).queue(1_000_000)).name().as_str(), "disk");
}

/// What a job panics with, and what panics again when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        if !thread::panicking() {
            std::panic::panic_any(Self);
        }
    }
}

#[test]
fn a_panic_that_panics_when_it_is_dropped_is_told_and_its_thread_goes_on() {
    let one = build(Executor::named("one").threads(1));
    let job = one.run(|| std::panic::panic_any(Bomb)).unwrap();
    let told = job.join_within(secs(60)).expect("whoever waits is told");
    assert_eq!(told, Err::<(), _>(JobError::Panicked("without words".into())));
    assert_eq!(one.run(|| 7).unwrap().join_within(secs(60)).expect("the thread goes on"), Ok(7));
}

#[test]
fn a_job_that_panics_when_it_is_dropped_unrun_is_told_to_be_cancelled() {
    let one = build(Executor::named("one").threads(1));
    let (running, end) = busy(&one);
    let bomb = Bomb;
    let job = one.run(move || drop(bomb)).unwrap();
    drop(one);
    assert_eq!(job.join_within(secs(60)).expect("whoever waits is told"), Err(JobError::Cancelled));
    drop(end);
    running.join().unwrap();
}

#[test]
fn bh_1_a_job_that_is_dropped_leaves_the_queue_at_once() {
    let one = build(Executor::named("one").threads(1).queue(3));
    let (running, end) = busy(&one);
    let (first, second, third) = (one.run(|| 1).unwrap(), one.run(|| 2).unwrap(), one.run(|| 3).unwrap());
    assert_eq!(one.run(|| 4).unwrap_err().reason(), Reason::BulkheadFull);
    drop(second);
    assert_eq!((one.snapshot().waiting, one.snapshot().cancelled), (2, 1));
    let fourth = one.run(|| 4).expect("there is a place");
    assert_eq!(one.run(|| 5).unwrap_err().reason(), Reason::BulkheadFull, "one place, not two");
    drop(end);
    running.join().unwrap();
    assert_eq!([first, third, fourth].map(|job| job.join().unwrap()), [1, 3, 4]);
    assert_eq!((one.snapshot().done, one.snapshot().cancelled), (4, 1));
}

#[test]
fn what_a_dropped_job_held_is_dropped_with_it() {
    let one = build(Executor::named("one").threads(1));
    let (running, end) = busy(&one);
    let held = Arc::new(());
    let for_job = Arc::clone(&held);
    drop(one.run(move || drop(for_job)).unwrap());
    assert_eq!(Arc::strong_count(&held), 1);
    drop(end);
    running.join().unwrap();
}

#[test]
fn a_shutdown_tells_what_still_runs_apart_from_what_idles() {
    let io = build(Executor::io().threads(3).queue(10));
    let (running, end) = busy(&io);
    assert_eq!((io.snapshot().running, io.snapshot().waiting), (1, 0));
    let left = io.shutdown(ms(1)).unwrap_err();
    assert_eq!((left.running, left.cancelled), (1, 0), "two of three threads had nothing to do");
    drop(end);
    running.join().unwrap();
}

/// A wait that ends when the job does may not end before.
#[test]
fn a_wait_without_end_returns_the_result() {
    let io = build(Executor::io().threads(1));
    let (running, end) = busy(&io);
    thread::scope(|scope| {
        scope.spawn(move || drop(end));
        running.join_within(std::time::Duration::MAX).unwrap().unwrap();
    });
}

#[test]
fn bh_1_a_job_whose_awaiting_is_dropped_leaves_the_queue_and_the_one_that_runs_goes_on() {
    let io = build(Executor::io().threads(1).queue(4));
    let (running, end) = busy(&io);
    let mut waiting = Box::pin(io.run(|| 1).unwrap());
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(waiting.as_mut().poll(&mut context).is_pending());
    assert_eq!((io.snapshot().running, io.snapshot().waiting), (1, 1));
    drop(waiting);
    assert_eq!((io.snapshot().waiting, io.snapshot().cancelled), (0, 1));
    let mut running = Box::pin(running);
    assert!(running.as_mut().poll(&mut context).is_pending());
    drop(running);
    drop(end);
    io.shutdown(secs(60)).unwrap();
    assert_eq!(io.snapshot().done, 1, "what has begun comes to its end");
}

#[test]
fn a_job_that_was_cancelled_did_nothing_and_one_that_panicked_may_have() {
    assert!(!JobError::Cancelled.idempotent_only());
    let io = build(Executor::io().threads(1));
    let panicked = io.run(|| -> u32 { panic!("boom") }).unwrap().join().unwrap_err();
    assert!(panicked.idempotent_only(), "{panicked:?}");
}
