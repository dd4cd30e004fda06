//! How often: the generic cell rate algorithm, and counting by periods.

mod config;
mod cycles;
mod engine;
mod gcra;
mod limit;
mod policy;
mod reservation;

pub use config::{Builder, Rate};
pub(crate) use gcra::Refused;
pub use gcra::Taken;
pub use limit::{RateLimit, Stats as RateStats};
pub use policy::Turn;
pub use reservation::Reservation;
