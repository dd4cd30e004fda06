use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::event::Event;

/// The last changes of a breaker, or of several: for whoever wants to see what came before.
///
/// A breaker tells its changes and keeps none. This keeps [ten](Self::MAX), the newest, however many there are. Cheap to clone; clones
/// share it.
///
/// ```
/// use core_breaker::{Breaker, History, State};
///
/// let history = History::new();
/// let breaker = Breaker::consecutive(1).on_change(history.recorder()).build()?;
/// breaker.acquire()?.failure();
/// let last = history.last().expect("it has opened");
/// assert_eq!((last.from, last.to, last.totals.failures), (State::Closed, State::Open, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct History(Arc<Mutex<VecDeque<Event>>>);

// === impl History ===

impl History {
    /// As many changes as are kept.
    pub const MAX: usize = 10;

    /// One that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What keeps changes here: for [`Builder::on_change`](crate::Builder::on_change).
    pub fn recorder(&self) -> impl Fn(&Event) + Send + Sync + use<> {
        let history = self.clone();
        move |event| history.keep(event)
    }

    /// The changes that are kept, the oldest first.
    #[must_use]
    pub fn changes(&self) -> Vec<Event> {
        self.lock().iter().cloned().collect()
    }

    /// The newest change.
    #[must_use]
    pub fn last(&self) -> Option<Event> {
        self.lock().back().cloned()
    }

    fn keep(&self, event: &Event) {
        let event = event.clone();
        let mut kept = self.lock();
        let oldest = if kept.len() == Self::MAX { kept.pop_front() } else { None };
        kept.push_back(event);
        drop(kept);
        // What it holds is dropped under no lock.
        drop(oldest);
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Event>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
