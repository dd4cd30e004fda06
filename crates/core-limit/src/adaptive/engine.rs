use std::time::Duration;

use core_time::Instant;

use super::aimd::Aimd;
use super::gradient::Gradient;
use super::guard::{Guard, Load};
use super::policy::Algorithm;
use super::vegas::{Step, Vegas};
use super::window::{Flown, Window};

/// The limit, and what it was learned from. Pure: times and outcomes go in.
#[derive(Clone, Debug)]
pub(super) struct Engine {
    kind: Kind,
    window: Window,
    guard: Guard,
    limit: f64,
    min: f64,
    initial: f64,
    max: f64,
    /// Calls that began before this knew nothing of the last decrease.
    decreased: Instant,
}

#[derive(Clone, Debug)]
enum Kind {
    Vegas(Vegas),
    Aimd(Aimd),
    Gradient(Gradient),
}

// === impl Engine ===

impl Engine {
    pub(super) fn new(algorithm: Algorithm, limits: [u32; 3], window: Duration) -> Self {
        let kind = match algorithm {
            Algorithm::Vegas => Kind::Vegas(Vegas::default()),
            Algorithm::Aimd { timeout } => Kind::Aimd(Aimd::new(timeout)),
            Algorithm::Gradient => Kind::Gradient(Gradient::default()),
        };
        let ([min, initial, max], window) = (limits.map(f64::from), Window::new(window));
        let (limit, guard, decreased) = (initial, Guard::default(), Instant::ORIGIN);
        Self { kind, window, guard, limit, min, initial, max, decreased }
    }

    /// A call succeeded that began when so many were in flight, itself among them. Whether it came in time; if not, it is a drop.
    #[must_use]
    pub(super) fn sample(&mut self, rtt: Duration, flown: Flown, now: Instant) -> bool {
        if let Kind::Aimd(aimd) = &self.kind {
            // It goes by the slowest, not by the average.
            let Some(limit) = aimd.sample(self.limit, rtt.as_secs_f64(), flown.pressure.into()) else {
                return false;
            };
            self.step(Step::To(limit), rtt, flown);
        } else if let Some((rtt, flown)) = self.window.add(rtt, flown, now) {
            let (limit, rtt_secs, pressure) = (self.limit, secs(rtt), flown.pressure.into());
            let step = match &mut self.kind {
                Kind::Vegas(vegas) => vegas.sample(limit, rtt_secs, pressure),
                Kind::Gradient(gradient) => gradient.sample(limit, rtt_secs, pressure),
                Kind::Aimd(_) => return true,
            };
            self.step(step, rtt, flown);
        }
        true
    }

    fn step(&mut self, step: Step, rtt: Duration, flown: Flown) {
        let rtt = secs(rtt);
        self.guard.add(flown.in_flight.into(), rtt);
        // Calls that may fill only a share say little of a limit that they cannot reach: that it may be again what it was at first.
        let is_shared = f64::from(flown.in_flight) * 2.0 < self.limit;
        let next = match step {
            Step::DownTo(_) if is_shared => return,
            Step::To(limit) if is_shared => limit.min(self.limit.max(self.initial)),
            Step::DownTo(_) if self.guard.load() == Load::HasRoom => {
                if let Kind::Vegas(vegas) = &mut self.kind {
                    vegas.drift(rtt);
                }
                return;
            }
            Step::To(limit) if limit > self.limit && self.guard.load() == Load::Full => return,
            Step::To(limit) | Step::DownTo(limit) => limit,
        };
        self.set(next);
    }

    /// A call that began at `started` was dropped by the callee, or nobody could wait for it any longer. Calls that were
    /// under way together are one event.
    pub(super) fn dropped(&mut self, started: Instant, now: Instant) {
        // A decrease that is yet to come was noted before the clock went back (rule W-5).
        if started <= self.decreased && self.decreased <= now + JUMP {
            return;
        }
        self.decreased = now;
        let limit = match self.kind {
            Kind::Vegas(_) => Vegas::drop_of(self.limit),
            Kind::Aimd(_) => Aimd::drop_of(self.limit),
            Kind::Gradient(_) => Gradient::drop_of(self.limit),
        };
        self.set(limit);
    }

    /// How many calls may be in flight.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is between min and max, which are u32"
    )]
    pub(super) fn limit(&self) -> u32 {
        self.limit as u32
    }

    #[cfg(test)]
    pub(super) fn exact_limit(&self) -> f64 {
        self.limit
    }

    /// How long a call takes that meets no queue, as far as that is known.
    pub(super) fn baseline(&self) -> Option<Duration> {
        match &self.kind {
            Kind::Vegas(vegas) => vegas.baseline(),
            Kind::Aimd(_) => None,
            Kind::Gradient(gradient) => gradient.baseline(),
        }
    }

    fn set(&mut self, limit: f64) {
        self.limit = limit.clamp(self.min, self.max);
    }
}

/// Readings of two threads differ by a kernel tick; a clock that goes back does so by more than this.
const JUMP: Duration = Duration::from_secs(1);

/// Nothing takes no time; it is the clock that did not move.
fn secs(rtt: Duration) -> f64 {
    rtt.max(Duration::from_nanos(1)).as_secs_f64()
}
