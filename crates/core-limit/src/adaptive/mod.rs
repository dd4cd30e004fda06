//! How many at once, found out from how long calls take.

mod aimd;
mod config;
mod engine;
mod flights;
mod gradient;
mod guard;
mod policy;
mod vegas;
mod window;

#[cfg(test)]
mod numbers;
#[cfg(test)]
mod tests;

pub use config::Builder;
pub use policy::{Adaptive, Algorithm, Flight, PartitionSnapshot, Snapshot};
