//! How often, counted over a window that slides.

mod config;
mod counter;
mod policy;

pub use config::Builder;
pub use policy::SlidingWindow;
