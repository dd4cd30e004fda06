use std::collections::{BTreeMap, BTreeSet};

use super::Settings;
use crate::State;
use crate::share::{Peer, Report};

/// What an instance knows of its own breaker.
#[derive(Clone, Copy, Debug)]
pub(super) struct Local<'a> {
    pub(super) report: &'a Report,
    /// Failures of its own.
    pub(super) failures: u64,
    /// Whether calls ran since the last exchange.
    pub(super) has_traffic: bool,
    /// An operator holds it open.
    pub(super) is_isolated: bool,
}

/// What follows from what others say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Advice {
    None,
    /// So many others have opened theirs.
    Open {
        instances: u32,
    },
    /// Another has found the callee well.
    Probe,
    /// It is time to ask who probes.
    Lease,
}

/// What follows for a breaker. Pure.
///
/// Others can open it only by a quorum of distinct instances, each of which counts once whatever its traffic, and only if
/// there is nothing here that speaks against it.
pub(super) fn of(
    settings: &Settings,
    local: &Local<'_>,
    peers: &[&Peer],
    known: &BTreeMap<String, u64>,
) -> Advice {
    if local.is_isolated {
        return Advice::None;
    }
    match local.report.state {
        State::Closed => {
            let open = distinct(peers.iter().filter(|peer| is_open(peer)));
            let witnesses =
                distinct(peers.iter().filter(|peer| is_open(peer) || is_well(peer, settings.traffic_min)));
            let agrees = local.failures >= settings.failures_min || !local.has_traffic;
            if agrees && open >= needed(settings, witnesses) {
                Advice::Open { instances: open }
            } else {
                Advice::None
            }
        }
        State::Open => {
            let has_recovered = |peer: &&&Peer| {
                // Of an instance that is new it is not known what it found before.
                peer.state == State::Closed
                    && known.get(&peer.instance).is_some_and(|recoveries| peer.recoveries > *recoveries)
            };
            let left = local.report.open_left.unwrap_or_default();
            if peers.iter().any(|peer| has_recovered(&peer)) {
                Advice::Probe
            } else if left <= settings.interval.saturating_mul(2) {
                Advice::Lease
            } else {
                Advice::None
            }
        }
        State::HalfOpen | State::ForcedOpen | State::ForcedClosed | State::Disabled | State::Shadow => {
            Advice::None
        }
    }
}

fn is_open(peer: &Peer) -> bool {
    matches!(peer.state, State::Open | State::HalfOpen)
}

/// Whether it has traffic, and would have opened if that had failed. One that an operator holds in a state says nothing.
fn is_well(peer: &Peer, traffic_min: u64) -> bool {
    peer.state == State::Closed && peer.window.calls >= traffic_min
}

/// How many instances it takes.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a number of instances is one"
)]
fn needed(settings: &Settings, witnesses: u32) -> u32 {
    ((f64::from(witnesses) * settings.quorum).ceil() as u32).max(settings.instances_min)
}

fn distinct<'a>(peers: impl Iterator<Item = &'a &'a Peer>) -> u32 {
    let names: BTreeSet<_> = peers.map(|peer| &peer.instance).collect();
    u32::try_from(names.len()).unwrap_or(u32::MAX)
}
