//! What operators may do to a breaker.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::breaker::Breaker;
use crate::engine::Order;
use crate::error::{ConfigError, Kind};
use crate::event::Trigger;

/// Holds a breaker open until it and all others of its kind are dropped. Made by [`Breaker::isolate`].
#[must_use = "the breaker is isolated only as long as this is held"]
pub struct Isolation {
    breaker: Breaker,
    epoch: u64,
}

// === impl Breaker ===

impl Breaker {
    /// Holds it open until an operator says otherwise: calls are refused, nothing is counted.
    ///
    /// # Errors
    /// If the reason is empty or longer than 500 bytes.
    pub fn force_open(&self, reason: &str) -> Result<(), ConfigError> {
        self.force(Order::ForceOpen, reason)
    }

    /// Opens it for so long, whatever the rules say, and then lets probes through: for maintenance whose end is known (rule CB-32). Of
    /// a circuit that is open the time begins anew. Other instances of a [`Fleet`](crate::Fleet) make it neither shorter nor longer.
    ///
    /// # Errors
    /// If the reason is empty or longer than 500 bytes, or the time is zero.
    pub fn open_for(&self, duration: Duration, reason: &str) -> Result<(), ConfigError> {
        if duration.is_zero() {
            return Err(ConfigError(Kind::Zero { what: "the time to stay open" }));
        }
        self.force(Order::Open(duration), reason)
    }

    /// Lets probes through now, from whatever state: for when it is known that the callee is well again (rule CB-33).
    ///
    /// # Errors
    /// If the reason is empty or longer than 500 bytes.
    pub fn probe_now(&self, reason: &str) -> Result<(), ConfigError> {
        self.force(Order::Probe, reason)
    }

    /// Holds it closed until an operator says otherwise: calls pass whatever fails and are counted, and nothing opens it, neither the
    /// rules nor a [`Fleet`](crate::Fleet) (rule CB-32). For when calls that fail are better than none, as while what depends on them is
    /// moved elsewhere.
    ///
    /// It tells nobody that it would have opened: that is what [`shadow`](Self::shadow) is for. To count nothing either, see
    /// [`disable`](Self::disable). What is counted meanwhile is there to be looked at and to be [saved](Self::save). The rules never act
    /// on it: as out of every state an operator chose, [`close`](Self::close) begins with an empty window and no failure in
    /// a row, and a call that began before says nothing any more.
    ///
    /// # Errors
    /// If the reason is empty or longer than 500 bytes.
    pub fn force_closed(&self, reason: &str) -> Result<(), ConfigError> {
        self.force(Order::ForceClosed, reason)
    }

    /// Takes it out until an operator says otherwise: calls pass whatever fails, nothing is counted. To go on counting, see
    /// [`force_closed`](Self::force_closed).
    ///
    /// # Errors
    /// If the reason is empty or longer than 500 bytes.
    pub fn disable(&self, reason: &str) -> Result<(), ConfigError> {
        self.force(Order::Disable, reason)
    }

    /// Puts it in shadow until an operator says otherwise: calls pass and are counted, and an
    /// [event](crate::Event::would_open) tells when it would have opened (rule CB-32).
    ///
    /// # Errors
    /// If the reason is empty or longer than 500 bytes.
    pub fn shadow(&self, reason: &str) -> Result<(), ConfigError> {
        self.force(Order::Shadow, reason)
    }

    /// Closes it and starts to count anew, from whatever state: from then on the rules act again. To have it stay closed whatever they
    /// say, see [`force_closed`](Self::force_closed).
    ///
    /// # Errors
    /// If the reason is empty or longer than 500 bytes.
    #[doc(alias = "reset")]
    #[doc(alias = "force_close")]
    pub fn close(&self, reason: &str) -> Result<(), ConfigError> {
        self.force(Order::Close, reason)
    }

    /// Holds it open as long as the handle lives; of several, until the last is dropped (rule CB-32). Then it is
    /// forced open, forced closed, disabled or in shadow if it was that before; otherwise it closes, and counts anew. What is
    /// [saved](Self::save) meanwhile is what it will be then.
    ///
    /// Whatever else an operator does to it meanwhile counts, and the handles there are mean nothing any more: a handle that was
    /// lost cannot keep a circuit open for ever.
    ///
    /// # Errors
    /// If the reason is empty or longer than 500 bytes.
    pub fn isolate(&self, reason: &str) -> Result<Isolation, ConfigError> {
        let epoch = self.engine().isolate(by_operator(reason)?, self.now());
        self.count_order();
        self.deliver();
        Ok(Isolation { breaker: self.clone(), epoch })
    }

    fn force(&self, order: Order, reason: &str) -> Result<(), ConfigError> {
        self.engine().force(order, by_operator(reason)?, self.now());
        self.count_order();
        self.deliver();
        Ok(())
    }
}

fn by_operator(reason: &str) -> Result<Trigger, ConfigError> {
    Ok(Trigger::Operator { reason: checked_reason(reason)? })
}

/// Why an operator does it, in as many words as an event has room for.
pub(crate) fn checked_reason(reason: &str) -> Result<Arc<str>, ConfigError> {
    let reason = reason.trim();
    if reason.is_empty() || reason.len() > 500 {
        return Err(ConfigError(Kind::Reason { len: reason.len() }));
    }
    Ok(reason.into())
}

// === impl Isolation ===

impl Drop for Isolation {
    fn drop(&mut self) {
        self.breaker.engine().release(self.epoch, self.breaker.now());
        self.breaker.deliver();
    }
}

impl fmt::Debug for Isolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Isolation").field("breaker", &self.breaker.name()).finish_non_exhaustive()
    }
}
