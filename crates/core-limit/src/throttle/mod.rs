//! How much to hold back from a callee that refuses: the client's side of load shedding.

mod config;
mod engine;
mod policy;

pub use config::Builder;
pub use policy::{Snapshot, Throttle};
