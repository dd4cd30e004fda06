use core_policy::Counters;

/// What a [`Budget`](super::Budget) has counted since it was made, over all of its clones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BudgetStats {
    /// Times that a call gave something: a success for which there was room, or to [`deposit`](super::Budget::deposit) any call. To
    /// [`in_flight`](super::Budget::in_flight) none does.
    pub deposited: u64,
    /// Retries, hedges and probes that were allowed.
    pub withdrawn: u64,
    /// Of these, the ones that never started, and so gave back what they had taken.
    pub refunded: u64,
    /// Times that it said no: to [`new`](super::Budget::new) with each failure that is worth a retry, also where none would follow.
    pub refused: u64,
}

#[derive(Clone, Copy)]
pub(super) enum Count {
    Deposited,
    Withdrawn,
    Refunded,
    Refused,
}

pub(super) type Counts = Counters<4>;

// === impl BudgetStats ===

impl BudgetStats {
    pub(super) fn read(counts: &Counts) -> Self {
        let get = |count| counts.get(count as usize);
        Self {
            deposited: get(Count::Deposited),
            withdrawn: get(Count::Withdrawn),
            refunded: get(Count::Refunded),
            refused: get(Count::Refused),
        }
    }
}
