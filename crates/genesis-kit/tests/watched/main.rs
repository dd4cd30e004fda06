//! What stands by itself, and what there is one of for each key, in the metrics.

mod bench;
mod keys;
mod policies;
