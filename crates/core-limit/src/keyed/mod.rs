//! How often for each key, in tiers.

mod config;
mod limit;
mod of_key;
mod tier;

pub use config::Builder;
pub use limit::KeyedRate;
pub use of_key::OfKey;
pub use tier::Tier;
