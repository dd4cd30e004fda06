//! Whole systems in virtual time: many callers, one callee, and a trigger. What is claimed is what happens after the trigger
//! is gone.
//!
//! Each run draws its picture in `docs/pictures`, and fails where the committed one is another: same seeds, same history.
//! `GENESIS_BLESS=1 cargo nextest run -p core-pipeline --test simulations` draws them anew. Each has a process of its own, since the
//! clock begins with the process.
#![expect(clippy::unwrap_used, reason = "a helper of a test may panic")]

mod adaptive;
mod alone;
mod callee;
mod herd;
mod history;
mod outlier;
mod picture;
mod storm;
