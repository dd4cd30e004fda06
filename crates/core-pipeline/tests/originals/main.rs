//! What the suites of the originals ask of retries and breakers, row by row, and their bugs, each by the behaviour that it broke.
#![expect(clippy::unwrap_used, reason = "a helper of a test may panic")]

mod bench;
mod circuit;
mod half_open;
mod retry;
