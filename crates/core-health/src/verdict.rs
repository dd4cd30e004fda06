//! From checks to probes. Pure; its tests are the table of the contract.

use crate::health::Probe;
use crate::outcome::Status;
use crate::report::Phase;
use crate::state::{Role, Standing};

/// What each probe answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// What a person sees.
    pub(crate) overall: Status,
    /// Which probes pass, in the order of [`Probe`].
    passing: [bool; 4],
}

/// `started` is whether start-up was complete before: it stays so.
pub(crate) fn evaluate(checks: &[Standing], draining: bool, started: bool) -> Verdict {
    let live = !checks.iter().any(|check| check.role == Role::Liveness && check.status == Status::Unhealthy);
    let pending = checks.iter().any(|check| check.pending && check.role != Role::Optional);
    let gates =
        checks.iter().filter(|check| matches!(check.role, Role::Liveness | Role::Local | Role::Gating));
    let blocked = gates.clone().any(|check| check.status == Status::Unhealthy);
    let unknown = gates.clone().any(|check| check.status == Status::Unknown);
    let ungated = checks.iter().any(|check| check.role != Role::Optional && is_bad(check.status));

    let overall = if checks.is_empty() || (pending && !blocked) || (unknown && !blocked) {
        Status::Unknown
    } else if blocked {
        Status::Unhealthy
    } else if checks.iter().any(|check| check.status != Status::Healthy && !check.pending) {
        Status::Degraded
    } else {
        Status::Healthy
    };
    let serving = !blocked && !unknown && !pending;
    let startup = started || (serving && !ungated);
    let ready = serving && !draining;
    Verdict { overall, passing: [ready, live, ready, startup || draining] }
}

/// Where a service stands in its life.
pub(crate) fn phase(draining: bool, started: bool) -> Phase {
    match (draining, started) {
        (true, _) => Phase::Draining,
        (false, true) => Phase::Ready,
        (false, false) => Phase::Starting,
    }
}

fn is_bad(status: Status) -> bool {
    matches!(status, Status::Unhealthy | Status::Unknown)
}

impl Verdict {
    pub(crate) fn passes(self, probe: Probe) -> bool {
        self.passing[probe as usize]
    }
}

#[cfg(test)]
mod tests;
