//! One value a key, in bounded memory.

mod config;
mod map;
mod room;
mod shard;

pub use config::{Keyed, KeyedError};
pub use map::{KeyedMap, KeyedStats};
pub use room::KeysFull;
