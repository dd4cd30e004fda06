//! How often: the generic cell rate algorithm.

mod config;
mod gcra;
mod policy;

pub use config::{Builder, Rate};
pub use gcra::Taken;
pub use policy::{RateLimit, Stats};
