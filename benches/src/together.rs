//! Several threads that do the same at the same moment, and proof that they did.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// What one thread took, and when.
#[derive(Clone, Copy, Debug)]
struct Span {
    start: Instant,
    end: Instant,
}

/// Less of the time side by side than this, and threads were measured one after the other.
const SHARE_MIN: f64 = 0.85;

/// Other processes take a core now and then; if they do so each time, there is nothing to measure.
const TRIES: u32 = 20;

/// How long to leave the machine to the others before the next try.
const BREAK: Duration = Duration::from_millis(2);

/// How long a thread looks out for the others: longer than they can be kept off their core, and not for ever.
const LOOKS_MAX: u32 = 1_000_000_000;

/// Runs `work` on so many threads at once, each after its own `warm_up`, and returns the mean of what they took. `None` if
/// the machine had no core for each of them, however often it was tried.
///
/// # Panics
/// If one of them panics.
pub(crate) fn together(
    threads: usize,
    warm_up: impl Fn() + Sync,
    work: impl Fn() + Sync,
) -> Option<Duration> {
    (0..TRIES).find_map(|_| {
        let spans = once(threads, &warm_up, &work);
        let took: Duration = spans.iter().map(|span| span.end - span.start).sum();
        if side_by_side(&spans)? < SHARE_MIN {
            std::thread::sleep(BREAK);
            return None;
        }
        Some(took / u32::try_from(threads).unwrap_or(u32::MAX))
    })
}

fn once(threads: usize, warm_up: &(impl Fn() + Sync), work: &(impl Fn() + Sync)) -> Vec<Span> {
    let arrived = AtomicUsize::new(0);
    // Peers that need a runtime find the one that there is.
    let runtime = tokio::runtime::Handle::try_current().ok();
    let run = || {
        let _inside = runtime.as_ref().map(tokio::runtime::Handle::enter);
        warm_up();
        arrived.fetch_add(1, Ordering::AcqRel);
        // Whoever sleeps here is woken on the core of who woke it, and waits for that one to finish.
        for _ in 0..LOOKS_MAX {
            if arrived.load(Ordering::Acquire) >= threads {
                break;
            }
            std::hint::spin_loop();
        }
        let start = Instant::now();
        work();
        Span { start, end: Instant::now() }
    };
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        running.into_iter().map(|thread| thread.join().expect("measured work does not panic")).collect()
    })
}

/// Which share of the time all of them ran.
fn side_by_side(spans: &[Span]) -> Option<f64> {
    let (first, last) =
        (spans.iter().map(|span| span.start).min()?, spans.iter().map(|span| span.end).max()?);
    let (all_in, one_out) =
        (spans.iter().map(|span| span.start).max()?, spans.iter().map(|span| span.end).min()?);
    let all = one_out.saturating_duration_since(all_in).as_secs_f64();
    Some(all / (last - first).as_secs_f64())
}
