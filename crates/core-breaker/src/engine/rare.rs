use std::sync::OnceLock;
use std::time::Duration;

use super::Ledger;
use crate::average::Smoothed;
use crate::sync::Mutex;
use crate::word::{Codes, Word};

/// What a circuit has no use for until it first changes its state, or has an average to keep: of a breaker for each of many
/// keys few ever do.
#[derive(Debug)]
pub(super) struct Rare {
    pub(super) ledger: Mutex<Ledger>,
    /// The names of failures that opened it, for refusals to quote.
    pub(super) codes: Codes,
    pub(super) average: Smoothed,
}

/// Made when it is first asked for. No generation ends before that, since whoever ends one needs the ledger.
#[derive(Debug, Default)]
pub(super) struct Lazy(OnceLock<Box<Rare>>);

// === impl Lazy ===

impl Lazy {
    pub(super) fn get(&self) -> Option<&Rare> {
        self.0.get().map(|rare| &**rare)
    }

    /// The same, or a new one of a circuit that opens for so long.
    pub(super) fn get_or_init(&self, open_for: impl FnOnce() -> Duration) -> &Rare {
        self.0.get_or_init(|| {
            Box::new(Rare {
                ledger: Mutex::new(Ledger::new(open_for())),
                codes: Codes::default(),
                average: Smoothed::new(Word::FIRST.generation()),
            })
        })
    }
}
