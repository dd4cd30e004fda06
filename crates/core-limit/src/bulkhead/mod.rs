//! How many at once: slots, and a bounded queue for them.

mod config;
mod policy;
mod presets;
mod queue;
mod slots;

pub use config::Builder;
pub use policy::{Bulkhead, Snapshot, WaitState};
