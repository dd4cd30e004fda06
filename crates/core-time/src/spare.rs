use std::cell::RefCell;
use std::pin::Pin;
use std::thread::LocalKey;

/// Boxes that a thread keeps for the next who needs one: for what a call needs only while it waits. A thread keeps 64 at most of each
/// kind, until it ends.
///
/// ```
/// use core_time::Spare;
///
/// thread_local! {
///     static KEPT: Spare<[u64; 8]> = const { Spare::new() };
/// }
///
/// let mut place = Spare::take(&KEPT);
/// place.set(Some([7; 8]));
/// Spare::give_back(&KEPT, place);                          // what is in it is dropped
/// assert!(Spare::take(&KEPT).is_none());                   // the same memory
/// ```
///
/// # Cost
/// In the steady state nothing is allocated, and each of the two steps is some ten instructions. It allocates the first times, where waits
/// begin and end by hundreds, and where many begin on one thread and end on another.
#[derive(Debug)]
pub struct Spare<T>(RefCell<Vec<Place<T>>>);

/// A box with something in it, or nothing. It does not move.
pub type Place<T> = Pin<Box<Option<T>>>;

/// So many are kept by a thread.
const KEPT_MAX: usize = 64;

// === impl Spare ===

impl<T> Spare<T> {
    /// Keeps none yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(RefCell::new(Vec::new()))
    }
}

// A thread that ends has no list any more, and whoever finds it in use, deep in an allocator, does without. In both cases memory is
// allocated and freed as anywhere else.
impl<T: 'static> Spare<T> {
    /// An empty place.
    #[must_use]
    pub fn take(of: &'static LocalKey<Self>) -> Place<T> {
        let kept = of.try_with(|kept| kept.0.try_borrow_mut().ok()?.pop());
        kept.ok().flatten().unwrap_or_else(|| Box::pin(None))
    }

    /// Drops what is in the place, and keeps the place.
    pub fn give_back(of: &'static LocalKey<Self>, mut place: Place<T>) {
        // The list is not held meanwhile: what is dropped may have places of its own.
        place.set(None);
        let _ = of.try_with(|kept| {
            let Ok(mut kept) = kept.0.try_borrow_mut() else { return };
            if kept.len() < KEPT_MAX {
                if kept.capacity() == 0 {
                    kept.reserve_exact(KEPT_MAX);
                }
                kept.push(place);
            }
        });
    }
}

impl<T> Default for Spare<T> {
    fn default() -> Self {
        Self::new()
    }
}
