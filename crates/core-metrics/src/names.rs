//! The metrics that the sources of this project name, ready to register: what an existing dashboard asks for is there.
//!
//! Those of the policies are collected by `genesis-kit`. Where the sources call one thing by two label sets, the state of a circuit
//! has a series for each state here, and is a number under its other name, [`GENESIS_CIRCUIT_BREAKER_STATE`].

use crate::{Counter, Desc, Gauge, Histogram, LabelNames};

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident: $kind:ident = $make:ident($text:literal, $help:literal);)+) => {
        $(
            $(#[$doc])*
            #[doc = concat!("`", $text, "`: ", $help)]
            pub const $name: Desc<$kind> = Desc::$make($text, $help);
        )+
    };
}

crate::labels! {
    /// Whom a request went to, how, and what came of it.
    pub struct AgentRequest { agent: &'static str, method: &'static str, status: &'static str }
}

crate::labels! {
    /// Whom a request went to, and how.
    pub struct AgentMethod { agent: &'static str, method: &'static str }
}

crate::labels! {
    /// Whom it is about.
    pub struct Agent { agent: &'static str }
}

crate::labels! {
    /// What was done.
    pub struct ByOperation { operation: &'static str }
}

crate::labels! {
    /// What came of a proposal, and why.
    pub struct Proposal { status: &'static str, category: core_errors::Category }
}

/// The label of what is counted for each service.
pub const SERVICE: LabelNames<1> = LabelNames::new(["service"]);

names! {
    /// By [`Proposal`].
    RAFT_PROPOSALS: Counter = counter("raft_proposals_total", "Proposals, by what came of them.");
    RAFT_COMMIT_INDEX: Gauge = gauge("raft_commit_index", "The last entry that is committed.");
    RAFT_LEADERSHIP_CHANGES: Counter = counter("raft_leadership_changes_total", "How often the leader changed.");
    RAFT_PROPOSAL_DURATION: Histogram =
        histogram("raft_proposal_duration_seconds", "How long proposals took.");
    METADATA_VERSION: Gauge = gauge("metadata_version", "The version of the metadata.");
    METADATA_BROKER_COUNT: Gauge = gauge("metadata_broker_count", "Brokers that are known.");
    METADATA_PARTITION_COUNT: Gauge = gauge("metadata_partition_count", "Partitions that are known.");
    /// By service and result.
    CIRCUIT_BREAKER_REQUESTS: Counter =
        counter("circuit_breaker_requests_total", "Calls that came to a circuit, by what came of them.");
    /// By [`AgentRequest`].
    GENESIS_REQUESTS: Counter = counter("genesis_requests_total", "Requests, by agent, method and status.");
    /// By [`AgentMethod`].
    GENESIS_REQUEST_DURATION: Histogram =
        histogram("genesis_request_duration_seconds", "How long requests took.");
    /// By [`SERVICE`].
    GENESIS_CIRCUIT_BREAKER_STATE: Gauge =
        gauge("genesis_circuit_breaker_state", "0 closed, 1 open, 2 half-open, 3 forced open, 4 disabled, 5 shadow, 6 forced closed.");
    /// By [`Agent`].
    GENESIS_ERROR_RATE: Gauge = gauge("genesis_error_rate", "The share of requests that fail, 0 to 1.");
    /// By [`ByOperation`].
    GENESIS_RETRY_ATTEMPTS: Counter = counter("genesis_retry_attempts_total", "Attempts after the first.");
    /// By [`Agent`].
    GENESIS_TIMEOUT_ERRORS: Counter = counter("genesis_timeout_errors_total", "Calls that were cut off.");
}
