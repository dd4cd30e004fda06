//! Outlier detection, by the numbers of rule OD-1 and the vectors of gRPC's proposal A50 and of Envoy.
#![cfg(not(any(genesis_loom, genesis_shuttle)))]
#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

mod bench;
mod choosing;
mod config;
mod cost;
mod ejections;
mod judged;
mod model;
mod operator;
mod policy;
mod together;
