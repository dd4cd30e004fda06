//! What the driver promises to every policy, and what policies may expect of each other.
#![expect(clippy::unwrap_used, reason = "a helper of a test may panic")]

mod blocking;
mod cancel;
mod driver;
mod notify;
mod permit;
mod recorder;
mod stack;
mod time;
