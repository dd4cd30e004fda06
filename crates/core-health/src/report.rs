use std::fmt;
use std::sync::Arc;

use core_context::Identity;
use core_time::Instant;
use serde::Serialize;

use crate::health::Probe;
use crate::outcome::{Code, Status};
use crate::state::{Role, Standing};
use crate::verdict::{Verdict, phase};

/// Where a service stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Start-up is not complete.
    Starting,
    /// It serves.
    Ready,
    /// It finishes what it has and takes nothing new.
    Draining,
}

/// How everything stood when something last changed.
#[derive(Debug)]
#[non_exhaustive]
pub struct Snapshot {
    /// Counts up with each snapshot.
    pub sequence: u64,
    /// Where the service stands in its life.
    pub phase: Phase,
    /// All checks in one word.
    pub status: Status,
    /// The checks, in the order in which they were registered.
    pub checks: Vec<CheckReport>,
    /// When one of the results becomes stale.
    pub(crate) valid_until: Instant,
    /// What the probes answer, in the order of [`Probe`].
    pub(crate) answers: [(bool, Arc<str>); 4],
}

/// How one check stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckReport {
    /// Its name.
    pub name: Arc<str>,
    /// What hangs on it.
    pub role: Role,
    /// How it is, after damping.
    pub status: Status,
    /// Why, if it is not healthy.
    pub code: Option<Code>,
    /// Since when it is so.
    pub since: Instant,
    /// When it last ran.
    pub last_run: Option<Instant>,
    /// Failures in a row, also those that are damped away.
    pub consecutive_failures: u32,
}

/// The body of a probe.
#[derive(Serialize)]
struct Body<'a> {
    status: &'static str,
    phase: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    checks: Option<Vec<CheckBody<'a>>>,
}

#[derive(Serialize)]
struct CheckBody<'a> {
    name: &'a str,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
}

// === impl Phase ===

impl Phase {
    /// The word in bodies and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Draining => "draining",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

// === impl Snapshot ===

impl Snapshot {
    /// Whether a probe is told 200.
    #[must_use]
    pub fn passes(&self, probe: Probe) -> bool {
        self.answers[probe as usize].0
    }

    pub(crate) fn new(
        sequence: u64,
        names: &[Arc<str>],
        standings: &[Standing],
        verdict: Verdict,
        flags: (bool, bool),
        valid_until: Instant,
    ) -> Self {
        let phase = phase(flags.0, flags.1);
        let checks: Vec<CheckReport> = names
            .iter()
            .zip(standings)
            .map(|(name, standing)| CheckReport {
                name: Arc::clone(name),
                role: standing.role,
                status: standing.status,
                code: standing.code,
                since: standing.since,
                last_run: standing.last_run,
                consecutive_failures: standing.bad_row,
            })
            .collect();
        let answer = |probe, when_it_passes, checks| {
            let passes = verdict.passes(probe);
            // A code of 503 and the word "healthy" do not go together: a service that drains is not to be used, however well.
            let status = match verdict.overall {
                _ if passes => when_it_passes,
                Status::Unknown if phase != Phase::Draining => Status::Unknown,
                _ => Status::Unhealthy,
            };
            (passes, render(status, phase, checks))
        };
        let probe = |probe| answer(probe, Status::Healthy, None);
        let health = answer(Probe::Health, verdict.overall, Some(&checks));
        let answers = [health, probe(Probe::Live), probe(Probe::Ready), probe(Probe::Startup)];
        Self { sequence, phase, status: verdict.overall, checks, valid_until, answers }
    }
}

fn render<'a>(status: Status, phase: Phase, checks: Option<&'a [CheckReport]>) -> Arc<str> {
    let identity = checks.and_then(|_| Identity::get());
    let body = Body {
        status: status.as_str(),
        phase: phase.as_str(),
        service: identity.map(|identity| short(&identity.service, 100)),
        version: identity.map(|identity| short(&identity.version, 100)),
        checks: checks.map(|checks| {
            let body = |check: &'a CheckReport| CheckBody {
                name: short(&check.name, 63),
                status: check.status.as_str(),
                code: check.code.map(|code| short(code.as_str(), 32)),
            };
            checks.iter().map(body).collect()
        }),
    };
    let text = serde_json::to_string(&body).unwrap_or_else(|_| format!("{{\"status\":\"{status}\"}}"));
    text.into()
}

/// Words of the user's must not make a probe large: a kubelet reads 10 KiB.
fn short(word: &str, len: usize) -> &str {
    &word[..word.floor_char_boundary(len)]
}
