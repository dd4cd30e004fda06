//! Lines that were lost, until the log has said so: for one that writes where it is logged.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What is still to be said.
#[derive(Default)]
pub(crate) struct Losses {
    lost: AtomicU64,
    /// Whether somebody says it just now. A writer that logs leads to lines inside of that one: those say nothing.
    saying: AtomicBool,
}

// === impl Losses ===

impl Losses {
    pub(crate) fn add(&self, lines: u64) {
        self.lost.fetch_add(lines, Ordering::Relaxed);
    }

    /// Has `say` write how many lines were lost, if any were. Costs a load where none was. What could not be said is said later.
    pub(crate) fn report(&self, say: impl FnOnce(u64) -> bool) {
        if self.lost.load(Ordering::Relaxed) > 0 {
            self.report_some(say);
        }
    }

    #[cold]
    fn report_some(&self, say: impl FnOnce(u64) -> bool) {
        // Nothing else is read or written under it: the counter is one of itself.
        if self.saying.swap(true, Ordering::Relaxed) {
            return;
        }
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if lost > 0 && !say(lost) {
            self.add(lost);
        }
        self.saying.store(false, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_said_is_said_later_and_once() {
        let losses = Losses::default();
        losses.add(2);
        losses.report(|_| false);
        losses.add(1);
        let mut said = Vec::new();
        for _ in 0..3 {
            losses.report(|lost| {
                said.push(lost);
                true
            });
        }
        assert_eq!(said, [3]);
    }

    #[test]
    fn inside_of_a_report_nothing_is_reported() {
        let losses = Losses::default();
        losses.add(1);
        losses.report(|_| {
            losses.add(5);
            losses.report(|_| unreachable!("one says it already"));
            true
        });
        let mut said = 0;
        losses.report(|lost| {
            said = lost;
            true
        });
        assert_eq!(said, 5);
    }
}
