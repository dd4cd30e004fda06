//! Changes of state as `tracing` events.

use crate::State;
use crate::event::Event;
use crate::outlier::{HostChange, OutlierEvent};

/// `WARN` when it opens, or would have in shadow; `INFO` otherwise.
pub(crate) fn event(event: &Event) {
    let (name, from, to) = (event.name.as_str(), event.from.as_str(), event.to.as_str());
    let (generation, key) = (event.generation, event.key.as_deref());
    let trigger = &event.trigger;
    let cause = event.cause.map(|cause| cause.category.as_str());
    #[expect(clippy::cast_possible_truncation, reason = "an open time in milliseconds fits")]
    let open_ms = event.open_for.map(|time| time.as_millis() as u64);
    if event.would_open {
        tracing::warn!(target: "core_breaker", breaker = name, key, generation, %trigger, cause, "circuit in shadow would have opened");
    } else if matches!(event.to, State::Open | State::ForcedOpen) {
        tracing::warn!(target: "core_breaker", breaker = name, key, from, to, generation, %trigger, cause, open_ms, "circuit opened");
    } else {
        tracing::info!(target: "core_breaker", breaker = name, key, from, to, generation, %trigger, "circuit changed");
    }
}

/// `WARN` when a host is ejected, or was found and is not; `INFO` when it returns.
pub(crate) fn outlier(event: &OutlierEvent) {
    let (name, host) = (event.name.as_str(), &*event.host);
    let (hosts, ejected) = (event.hosts, event.ejected);
    match &event.change {
        HostChange::Ejected { finding, time, times } => {
            #[expect(clippy::cast_possible_truncation, reason = "an ejection in milliseconds fits")]
            let time_ms = time.map(|time| time.as_millis() as u64);
            tracing::warn!(target: "core_breaker", upstream = name, host, hosts, ejected, %finding, time_ms, times, "host ejected");
        }
        HostChange::Spared { finding, why } => {
            tracing::warn!(target: "core_breaker", upstream = name, host, hosts, ejected, %finding, ?why, "host found and not ejected");
        }
        HostChange::Returned { reason } => {
            let reason = reason.as_deref();
            tracing::info!(target: "core_breaker", upstream = name, host, hosts, ejected, reason, "host returned");
        }
    }
}
