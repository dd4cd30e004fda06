//! One value a thread, so that threads that count do not fight for a cache line.
//!
//! The first threads that touch any striped value get a number each, and with it a stripe that only they write: they
//! may load and store where others must add atomically (about 1 ns against 10, and against 45 with two threads).
//! Threads beyond that share one more stripe. A number is reused when its thread ends.

mod spread;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;

pub use spread::Spread;

/// A value for each thread that counts, and one more for all others.
///
/// Whatever has one in it keeps a line of cache to itself, too: what threads only read stands beside nothing that is written.
#[derive(Debug)]
#[repr(align(128))]
pub struct Stripes<T>(Lanes<T>);

/// The values, anywhere.
#[derive(Debug)]
struct Lanes<T> {
    /// That of threads which have none of their own, and then that of each number. Or none at all.
    all: Box<[Padded<T>]>,
}

/// Keeps neighbours off its cache line, and off the one that the prefetcher takes along.
#[derive(Debug)]
#[repr(align(128))]
struct Padded<T>(T);

/// A thread's stripe, and whether it is the only writer.
#[derive(Debug)]
pub struct Stripe<'a, T> {
    /// The value.
    pub value: &'a T,
    /// Whether this thread alone writes it.
    pub is_own: bool,
}

/// More stripes than this would make sums slow on very large machines.
const STRIPES_MAX: usize = 64;

/// Numbers begin with 1: the place before them is that of all who have none.
const FIRST: usize = 1;

const UNSET: usize = usize::MAX;
const SHARED: usize = usize::MAX - 1;

thread_local! {
    static NUMBER: Cell<usize> = const { Cell::new(UNSET) };
    static GIVE_BACK: GiveBack = const { GiveBack };
}

static NUMBERS: Mutex<Numbers> = Mutex::new(Numbers { free: BTreeSet::new(), next: FIRST });

struct Numbers {
    free: BTreeSet<usize>,
    next: usize,
}

/// Gives the thread's number back when the thread ends.
struct GiveBack;

// === impl Stripes ===

impl<T: Default> Stripes<T> {
    /// A value for each of twice as many threads as the machine has cores (8 to 64), and the shared one.
    #[must_use]
    pub fn new() -> Self {
        Self::with(T::default)
    }
}

impl<T: Default> Default for Stripes<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Stripes<T> {
    /// As [`new`](Self::new), for values that are made by a function.
    #[must_use]
    pub fn with(make: impl Fn() -> T) -> Self {
        Self(Lanes::with(make))
    }

    /// The stripe of this thread.
    #[inline]
    #[must_use]
    pub fn mine(&self) -> Stripe<'_, T> {
        match self.own() {
            Some(value) => Stripe { value, is_own: true },
            None => self.0.found(),
        }
    }

    /// The stripe that only this thread writes. `None` if it has none, or has not yet asked for [`mine`](Self::mine): what is
    /// counted then is counted there.
    #[inline]
    #[must_use]
    pub fn own(&self) -> Option<&T> {
        self.0.own()
    }

    /// The stripe of threads that have none of their own.
    #[inline]
    #[must_use]
    pub fn shared(&self) -> &T {
        &self.0.all[0].0
    }

    /// All of them, to add up.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter()
    }
}

// === impl Lanes ===

impl<T> Lanes<T> {
    fn with(make: impl Fn() -> T) -> Self {
        Self { all: (0..=stripes()).map(|_| Padded(make())).collect() }
    }

    fn none() -> Self {
        Self { all: Box::default() }
    }

    #[inline]
    fn own(&self) -> Option<&T> {
        // Nobody's number is that of the first.
        self.all.get(NUMBER.get()).map(|own| &own.0)
    }

    /// The stripe of a thread that had no number, or has one beyond those here.
    #[inline(never)]
    fn found(&self) -> Stripe<'_, T> {
        match self.all.get(number()) {
            Some(own) => Stripe { value: &own.0, is_own: true },
            None => Stripe { value: &self.all[0].0, is_own: false },
        }
    }

    fn iter(&self) -> impl Iterator<Item = &T> {
        self.all.iter().map(|padded| &padded.0)
    }
}

// === impl Stripe ===

impl<T> Stripe<'_, T> {
    /// Adds to a counter of the stripe. Wraps around.
    #[inline]
    pub fn add(&self, counter: &AtomicU64, n: u64) {
        self.advance(counter, n);
    }

    /// The same; what the counter is then.
    #[inline]
    pub fn advance(&self, counter: &AtomicU64, n: u64) -> u64 {
        if self.is_own {
            // Nobody else writes it, so nothing can come between the load and the store.
            let sum = counter.load(Ordering::Relaxed).wrapping_add(n);
            counter.store(sum, Ordering::Relaxed);
            sum
        } else {
            counter.fetch_add(n, Ordering::Relaxed).wrapping_add(n)
        }
    }
}

fn stripes() -> usize {
    static COUNT: OnceLock<usize> = OnceLock::new();
    // The threads of a model are one thread to the operating system, so that no stripe is anybody's own.
    if cfg!(any(genesis_loom, genesis_shuttle)) {
        return 0;
    }
    *COUNT.get_or_init(|| {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        (2 * cores).clamp(8, STRIPES_MAX)
    })
}

fn number() -> usize {
    let number = NUMBER.get();
    if number == UNSET { take_number() } else { number }
}

#[cold]
fn take_number() -> usize {
    // Registers the destructor. A thread whose locals are gone already shares.
    let number = if GIVE_BACK.try_with(|_| ()).is_ok() { Numbers::take() } else { SHARED };
    NUMBER.set(number);
    number
}

// === impl Numbers ===

impl Numbers {
    fn take() -> usize {
        // The lock also hands the stripe over: what the last owner stored is seen by the next.
        let mut numbers = NUMBERS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(free) = numbers.free.pop_first() {
            return free;
        }
        if numbers.next == FIRST + STRIPES_MAX {
            return SHARED;
        }
        numbers.next += 1;
        numbers.next - 1
    }
}

impl Drop for GiveBack {
    fn drop(&mut self) {
        // Other destructors of this thread may still count: they share from now on.
        let number = NUMBER.replace(SHARED);
        if number < FIRST + STRIPES_MAX {
            NUMBERS.lock().unwrap_or_else(PoisonError::into_inner).free.insert(number);
        }
    }
}
