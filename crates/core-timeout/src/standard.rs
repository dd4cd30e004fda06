use core_time::{ms, secs};

use crate::operation::{Operation, Spec};

/// The operations that any clustered service waits for, with the numbers of the hardening guide of `StreamBus`.
///
/// | operation | default | production | test |
/// |---|---|---|---|
/// | `proposal` | 5 s | 10 s | 1 s |
/// | `election`, longer than `heartbeat` | 10 s | 15 s | 2 s |
/// | `heartbeat` | 1 s | 1 s | 200 ms |
/// | `snapshot` | 30 s | 60 s | 5 s |
/// | `metadata_update` | 3 s | 5 s | 1 s |
/// | `sync` | 10 s | 15 s | 2 s |
/// | `rebalance` | 30 s | 60 s | 5 s |
/// | `broker_heartbeat` | 2 s | 3 s | 500 ms |
/// | `leader_election` | 15 s | 20 s | 3 s |
/// | `health_check` | 2 s | 3 s | 500 ms |
/// | `readiness` | 3 s | 5 s | 1 s |
/// | `connection` | 10 s | 15 s | 2 s |
/// | `request` | 30 s | 60 s | 5 s |
/// | `idle` | 60 s | 120 s | 10 s |
/// | `graceful_shutdown` | 30 s | 60 s | 5 s |
/// | `forced_shutdown` | 5 s | 10 s | 1 s |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Standard {
    /// A proposal to a consensus group.
    Proposal,
    /// An election in a consensus group.
    Election,
    /// A heartbeat in a consensus group.
    Heartbeat,
    /// A snapshot that is written or sent.
    Snapshot,
    /// A change of metadata.
    MetadataUpdate,
    /// A replica that catches up.
    Sync,
    /// A rebalance of partitions.
    Rebalance,
    /// A heartbeat of a broker.
    BrokerHeartbeat,
    /// An election of a partition's leader.
    LeaderElection,
    /// A health check.
    HealthCheck,
    /// A readiness check.
    Readiness,
    /// A connection that is set up.
    Connection,
    /// A whole request.
    Request,
    /// A connection that nobody uses.
    Idle,
    /// A shutdown that lets work end.
    GracefulShutdown,
    /// A shutdown that does not.
    ForcedShutdown,
}

// === impl Standard ===

impl Operation for Standard {
    const ALL: &'static [Self] = &[
        Self::Proposal,
        Self::Election,
        Self::Heartbeat,
        Self::Snapshot,
        Self::MetadataUpdate,
        Self::Sync,
        Self::Rebalance,
        Self::BrokerHeartbeat,
        Self::LeaderElection,
        Self::HealthCheck,
        Self::Readiness,
        Self::Connection,
        Self::Request,
        Self::Idle,
        Self::GracefulShutdown,
        Self::ForcedShutdown,
    ];

    fn spec(self) -> Spec {
        let (name, default, production, test) = match self {
            Self::Proposal => ("proposal", secs(5), secs(10), secs(1)),
            Self::Election => ("election", secs(10), secs(15), secs(2)),
            Self::Heartbeat => ("heartbeat", secs(1), secs(1), ms(200)),
            Self::Snapshot => ("snapshot", secs(30), secs(60), secs(5)),
            Self::MetadataUpdate => ("metadata_update", secs(3), secs(5), secs(1)),
            Self::Sync => ("sync", secs(10), secs(15), secs(2)),
            Self::Rebalance => ("rebalance", secs(30), secs(60), secs(5)),
            Self::BrokerHeartbeat => ("broker_heartbeat", secs(2), secs(3), ms(500)),
            Self::LeaderElection => ("leader_election", secs(15), secs(20), secs(3)),
            Self::HealthCheck => ("health_check", secs(2), secs(3), ms(500)),
            Self::Readiness => ("readiness", secs(3), secs(5), secs(1)),
            Self::Connection => ("connection", secs(10), secs(15), secs(2)),
            Self::Request => ("request", secs(30), secs(60), secs(5)),
            Self::Idle => ("idle", secs(60), secs(120), secs(10)),
            Self::GracefulShutdown => ("graceful_shutdown", secs(30), secs(60), secs(5)),
            Self::ForcedShutdown => ("forced_shutdown", secs(5), secs(10), secs(1)),
        };
        Spec::new(name, default).production(production).test(test)
    }

    fn longer_than(self) -> Option<Self> {
        (self == Self::Election).then_some(Self::Heartbeat)
    }
}
