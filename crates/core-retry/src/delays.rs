use std::iter::FusedIterator;
use std::time::Duration;

use crate::backoff::Backoff;

/// The delays of a [`Backoff`], one for each retry, without end. Made by [`Backoff::delays`].
#[derive(Clone, Debug)]
pub struct Delays<D> {
    backoff: Backoff,
    draw: D,
    retry: u32,
    previous: Duration,
}

// === impl Delays ===

impl<D: FnMut() -> f64> Delays<D> {
    pub(crate) fn new(backoff: Backoff, draw: D) -> Self {
        Self { backoff, draw, retry: 0, previous: Duration::ZERO }
    }

    /// Begins anew with the first delay, as after a callee has said when to come back (rule RT-4).
    pub fn restart(&mut self) {
        self.retry = 0;
        self.previous = Duration::ZERO;
    }
}

impl<D: FnMut() -> f64> Iterator for Delays<D> {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        self.retry = self.retry.saturating_add(1);
        let delay = self.backoff.delay(self.retry, self.previous, (self.draw)());
        self.previous = self.backoff.carry(self.previous, delay);
        Some(delay)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::MAX, None)
    }
}

impl<D: FnMut() -> f64> FusedIterator for Delays<D> {}
