//! What a breaker can do beside opening and closing, by the IDs of the rules, in virtual time.
#![expect(clippy::unwrap_used, reason = "a helper of a test may panic")]

mod bench;
mod calls;
mod closed;
mod extremes;
mod fallback;
mod fleet;
mod fleet_exchange;
mod fleet_limits;
mod held;
mod hints;
mod hostile;
mod keyed;
mod opening;
mod operator;
mod probes;
mod ramp;
mod rounds;
mod saved;
mod told;
mod trips;
mod went_back;
