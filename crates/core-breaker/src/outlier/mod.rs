//! Which of the hosts of an upstream are outliers.

mod config;
mod engine;
mod event;
mod health;
mod host;
mod inner;
mod judge;
mod operator;
mod rules;
mod set;
mod snapshot;
mod sweep;

pub use config::OutliersBuilder;
pub use event::{Finding, HostChange, OutlierEvent, Spared};
pub use host::{Host, HostState};
pub use rules::{ConsecutiveFailures, FailurePercentage, OutlierRules, SuccessRate};
pub use set::Outliers;
pub use snapshot::{HostSnapshot, OutlierSnapshot, OutlierTotals};
