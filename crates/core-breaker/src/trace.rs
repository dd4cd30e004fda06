//! Changes of state as `tracing` events.

use crate::State;
use crate::event::Event;

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
