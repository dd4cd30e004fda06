//! Timeouts that arm nothing for a call that is ready.
