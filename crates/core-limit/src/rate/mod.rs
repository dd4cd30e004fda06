//! How often: the generic cell rate algorithm, and counting by periods.

mod config;
mod cycles;
mod engine;
mod gcra;
mod limit;
mod policy;
mod reservation;

pub(crate) use config::Checked;
pub use config::{Builder as RateBuilder, Rate};
pub(crate) use engine::Engine;
pub(crate) use gcra::Refused;
pub use gcra::Taken;
pub(crate) use limit::COARSE_FROM;
pub use limit::{RateLimit, Stats as RateStats};
pub use policy::Turn;
pub use reservation::Reservation;
