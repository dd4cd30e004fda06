//! Our hot paths beside the peers', in one process.
//!
//! Each [`Row`] is one situation: what it costs to make a call, to make it through us, and to make it through each peer
//! that can do the same. `cargo xtask compare` measures them in turn, sample by sample, so that whatever disturbs the
//! machine disturbs all of them; `cargo bench` runs the same rows under criterion.
//!
//! What keeps the comparison fair:
//!
//! * The call is the same everywhere, and so is the way it is polled: by [`ready`].
//! * Every outcome is made in full and looked at: nothing can be optimised away because nobody asked for it.
//! * A loop counts the calls that were answered, and a measurement in which one was refused, or one ran that
//!   should have been refused, is no measurement.
//! * Peers run as their documentation says they are fastest, with the same thresholds, windows and limits as ours.
#![expect(
    clippy::disallowed_methods,
    reason = "who measures the clock's users reads the clock itself, and uses theirs"
)]

pub mod behind;
pub mod measure;
pub mod miss;
pub mod rows;
pub mod table;
mod together;

use std::hint::black_box;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// One situation.
pub struct Row {
    /// What happens, `policy/situation`.
    pub name: &'static str,
    /// How many threads do it at once.
    pub threads: usize,
    /// What we allow ourselves.
    pub budget: Budget,
    /// Rows of ours that it is held against.
    pub beside: &'static [Beside],
    /// What every call comes to.
    pub comes: Comes,
    /// How many allocations each may make.
    pub allocations_max: u32,
    /// Makes what is measured.
    pub contest: fn() -> Contest,
}

/// Another row of ours, measured in turn with this one.
#[derive(Clone, Copy, Debug)]
pub struct Beside {
    /// Which.
    pub row: &'static str,
    /// What may come of it.
    pub bound: Bound,
}

/// What this row may take, as a multiple of the other.
#[derive(Clone, Copy, Debug)]
pub enum Bound {
    /// No more than so many times as much, and as many times more as the bare call takes on these threads.
    AtMost(f64),
    /// No more than so many nanoseconds above it.
    Over(f64),
    /// It is told, and why there is no bound.
    Told(&'static str),
}

/// Who is measured in a row.
pub struct Contest {
    /// The call through us.
    pub ours: Loop,
    /// The call through others; none, where nobody else can do the same.
    pub peers: Vec<(&'static str, Loop)>,
}

/// A loop that makes so many calls, and says how many of them were answered.
pub type Loop = Arc<dyn Fn(u64) -> u64 + Send + Sync>;

/// What an operation may cost on a 2 GHz core.
#[derive(Clone, Copy, Debug)]
pub enum Budget {
    /// In all, in nanoseconds.
    Total(f64),
    /// More than the bare call, in nanoseconds.
    OverBare(f64),
    /// Nobody has said; the row is held against others of ours.
    None,
}

/// What calls come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comes {
    /// They run, and succeed.
    Answered,
    /// They do not run.
    Refused,
}

// === impl Budget ===

impl Budget {
    /// The same in all, in nanoseconds.
    #[must_use]
    pub fn total(self, bare: f64) -> Option<f64> {
        match self {
            Self::Total(ns) => Some(ns),
            Self::OverBare(ns) => Some(bare + ns),
            Self::None => None,
        }
    }
}

// === impl Row ===

impl Row {
    /// The same on two threads at once, which share the policy.
    #[must_use]
    pub fn on_two_threads(self, name: &'static str, beside: &'static [Beside]) -> Self {
        Self { name, threads: 2, beside, ..self }
    }
}

// === impl Comes ===

impl Comes {
    /// How many of so many calls are answered.
    #[must_use]
    pub fn answered(self, calls: u64) -> u64 {
        match self {
            Self::Answered => calls,
            Self::Refused => 0,
        }
    }
}

/// Makes the loop of an operation.
pub fn looped<E>(op: impl Fn(u64) -> Result<u64, E> + Send + Sync + 'static) -> Loop {
    looped_with(|| (), move |(), input| op(input))
}

/// Makes the loop of an operation that needs something of each loop's own.
pub fn looped_with<S, E>(
    make: impl Fn() -> S + Send + Sync + 'static,
    op: impl Fn(&mut S, u64) -> Result<u64, E> + Send + Sync + 'static,
) -> Loop {
    Arc::new(move |calls| {
        let mut own = make();
        let mut answered = 0;
        for _ in 0..calls {
            let outcome = op(&mut own, black_box(rows::INPUT));
            black_box(&outcome);
            answered += u64::from(outcome.is_ok());
        }
        answered
    })
}

/// Runs a future that is ready at once, or as soon as another thread has given back a lock: it is polled again until
/// then, which is cheaper than any way to wait for it.
///
/// # Panics
/// If it is not ready after a thousand million polls.
#[inline]
pub fn ready<F: Future>(future: F) -> F::Output {
    let mut cx = Context::from_waker(Waker::noop());
    let mut future = pin!(future);
    for _ in 0..POLLS_MAX {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
        std::hint::spin_loop();
    }
    panic!("the measured calls wait for nothing");
}

/// Many times what the other thread needs, even if it was put to sleep with the lock in its hands.
const POLLS_MAX: u32 = 1_000_000_000;
