use std::fmt;
use std::num::NonZeroU32;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use core_errors::{Category, Name, PolicyKind, Reason, Rejection, Verdict};
use core_policy::sync::{AtomicU64, Mutex, MutexGuard};
use core_policy::{Admit, Counters, Cx, Next, Outcome, Permit, Policy, Role};
use core_time::{Clock, Instant};

use super::config::Builder;
use super::engine::Engine;
use super::flights::{Asked, Flights};
use super::window::Flown;
use crate::Criticality;
use crate::importance::Importance;

/// A limit on concurrent calls that is found out from how long they take, and from what the callee drops. Cheap to clone; clones
/// share the limit.
///
/// Reach for it where nobody knows how much a callee can take, or that changes: it has more asked for until calls begin to
/// queue, and less when they do. Where a contract or a pool says how many there may be, a [`Bulkhead`](crate::Bulkhead) is
/// simpler. Nobody waits: a call above the limit is refused at once.
///
/// | | looks at | begins with, at least, at most | take it |
/// |---|---|---|---|
/// | [`gradient`](Self::gradient) | the time of a call against its long average | 20, 20, 200 | if in doubt |
/// | [`vegas`](Self::vegas) | the time of a call against the shortest | 20, 1, 1000 | where times are even and queues must be short |
/// | [`aimd`](Self::aimd) | drops and timeouts alone | 20, 20, 200 | where a callee says clearly that it is too much |
///
/// ```
/// use core_errors::Error;
/// use core_limit::{Adaptive, Criticality};
///
/// let limit = Adaptive::gradient().share(Criticality::Sheddable, 0.5).name("search").build()?;
/// assert!(limit.call_blocking(|_| Ok::<_, Error>("found")).is_ok());
/// let prefetch = limit.with_criticality(Criticality::Sheddable);   // shed once half of the limit is in flight
/// assert!(prefetch.call_blocking(|_| Ok::<_, Error>("found")).is_ok());
/// assert_eq!(limit.snapshot().limit, 20);
/// # Ok::<(), core_limit::ConfigError>(())
/// ```
///
/// # What is learned from
/// A success is a sample: its time without what it waited for further in. Overload and timeouts are drops: the limit falls,
/// once for all calls that were under way together. Any other failure says nothing, since one that comes fast would make all
/// others look slow (rule AL-5); nor do panics, calls that a policy further in refused, and permits that were dropped (rule
/// AL-4).
///
/// Before a limit moves because of the time that calls take, the last 32 samples are asked whether throughput still grows
/// with what is in flight. Where it surely does, calls are slow for another reason than load: the limit does not fall, and
/// Vegas comes to take the new time for the normal one. Where it surely does not, the limit does not rise.
#[derive(Clone)]
pub struct Adaptive {
    inner: Arc<Inner>,
    importance: Importance,
    partition: Option<u8>,
    is_bypass: bool,
}

struct Inner {
    rules: Rules,
    flights: Flights,
    /// When the next call is measured, in nanoseconds.
    next_sample: AtomicU64,
    /// Locked for samples and drops, never to admit.
    engine: Mutex<Engine>,
    counts: Counters<4>,
}

#[derive(Debug)]
pub(super) struct Rules {
    pub(super) name: Name,
    pub(super) algorithm: Algorithm,
    /// In nanoseconds.
    pub(super) sample_every: u64,
    /// The same, and what the readings of threads may differ by.
    pub(super) sample_slack: u64,
    pub(super) names: Box<[Name]>,
    pub(super) clock: Clock,
}

/// How a limit is found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Algorithm {
    /// TCP Vegas: a little queue is right.
    Vegas,
    /// Additive increase, multiplicative decrease.
    Aimd {
        /// A call that takes longer counts as dropped.
        timeout: Duration,
    },
    /// The time of a call against its long average.
    Gradient,
}

/// What an adaptive limit remembers of a call.
#[derive(Debug, Default)]
pub struct Flight {
    /// Coarse, but where the call is measured.
    started: Option<Instant>,
    /// How many were in flight then, the call among them, and how important it is; `None` where it is not measured. One word, as
    /// whatever a call remembers is copied.
    measured: Option<Measured>,
}

/// The lowest two bits are how important the call is, the others how many were in flight.
#[derive(Clone, Copy, Debug)]
struct Measured(NonZeroU32);

/// An adaptive limit at a moment, and what it has counted since it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// The name.
    pub name: Name,
    /// How the limit is found out.
    pub algorithm: Algorithm,
    /// How many calls may be in flight.
    pub limit: u32,
    /// How many are: of the handle's partition, if it has one.
    pub in_flight: u32,
    /// How long a call takes that meets no queue, as far as that is known.
    pub baseline: Option<Duration>,
    /// Calls that were admitted.
    pub admitted: u64,
    /// Calls that were refused at the limit.
    pub refused: u64,
    /// Calls that were refused for what is more important.
    pub shed: u64,
    /// Calls that the callee dropped.
    pub dropped: u64,
}

/// A partition of an adaptive limit at a moment. Made by [`Adaptive::partitions`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartitionSnapshot {
    /// The name.
    pub name: Name,
    /// How many calls of it are in flight.
    pub in_flight: u32,
    /// How many of the limit, as it is now, are its own.
    pub own: u32,
}

const ADMITTED: usize = 0;
const REFUSED: usize = 1;
const SHED: usize = 2;
const DROPPED: usize = 3;

// === impl Adaptive ===

impl Adaptive {
    /// A limit by the gradient of the time that calls take.
    pub fn gradient() -> Builder {
        Builder::new(Algorithm::Gradient, 20, 200)
    }

    /// A limit that keeps the queue at the callee short.
    pub fn vegas() -> Builder {
        Builder::new(Algorithm::Vegas, 1, 1_000)
    }

    /// A limit that grows until calls are dropped, or take longer than `timeout`; 5 s is usual.
    pub fn aimd(timeout: Duration) -> Builder {
        Builder::new(Algorithm::Aimd { timeout }, 20, 200)
    }

    pub(super) fn new(rules: Rules, importance: Importance, flights: Flights, engine: Engine) -> Self {
        let (next_sample, counts) = (AtomicU64::new(0), Counters::new());
        let inner = Inner { rules, flights, next_sample, engine: Mutex::new(engine), counts };
        Self { inner: Arc::new(inner), importance, partition: None, is_bypass: false }
    }

    /// The same limit, for calls that are more or less important, see [`Builder::share`].
    #[must_use]
    pub fn with_criticality(&self, criticality: Criticality) -> Self {
        Self { importance: Importance::said(criticality), ..self.clone() }
    }

    /// The same limit, for calls of a partition. `None` if there is none of that name.
    #[must_use]
    pub fn partition(&self, name: &str) -> Option<Self> {
        let at = self.inner.rules.names.iter().position(|known| known.as_str() == name)?;
        Some(Self { partition: u8::try_from(at).ok(), ..self.clone() })
    }

    /// The same limit, for calls of no partition.
    #[must_use]
    pub fn whole(&self) -> Self {
        Self { partition: None, ..self.clone() }
    }

    /// What there is of each partition now, in the order in which they were named. Changes nothing.
    pub fn partitions(&self) -> impl Iterator<Item = PartitionSnapshot> + '_ {
        let Inner { rules, flights, .. } = &*self.inner;
        let all = rules.names.iter().zip(flights.partitions());
        all.map(|(name, (in_flight, own))| PartitionSnapshot { name: *name, in_flight, own })
    }

    /// The same limit, for calls that it lets pass and does not count: those of probes and operators.
    #[must_use]
    pub fn bypass(&self) -> Self {
        Self { is_bypass: true, ..self.clone() }
    }

    /// Begins a call that ends when the permit is recorded, or dropped: then it says nothing.
    ///
    /// # Errors
    /// The refusal.
    pub fn acquire(&self) -> Result<Permit<&Self>, Rejection> {
        Permit::acquire(self)
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> Name {
        self.inner.rules.name
    }

    /// Everything there is to know about it.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let Inner { rules, flights, counts, .. } = &*self.inner;
        Snapshot {
            name: rules.name,
            algorithm: rules.algorithm,
            limit: flights.limit(),
            in_flight: flights.in_flight(self.partition),
            baseline: self.engine().baseline(),
            admitted: counts.get(ADMITTED),
            refused: counts.get(REFUSED),
            shed: counts.get(SHED),
            dropped: counts.get(DROPPED),
        }
    }

    /// Whether the call that begins now is measured.
    #[inline]
    fn is_sample(&self, now: Instant) -> bool {
        let Inner { next_sample, rules, .. } = &*self.inner;
        let next = next_sample.load(Ordering::Relaxed);
        // Not yet, if 0 < next - now ≤ slack. One that is further away was set before the clock went back (rule W-5).
        if next.wrapping_sub(now.as_nanos()).wrapping_sub(1) < rules.sample_slack {
            return false;
        }
        let after = now.as_nanos().saturating_add(rules.sample_every);
        next_sample.compare_exchange(next, after, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    #[inline]
    fn refuse(&self, is_shed: bool) -> Admit {
        let (count, reason) = if is_shed { (SHED, Reason::Shed) } else { (REFUSED, Reason::LimitReached) };
        self.inner.counts.bump(count);
        Admit::Refuse(Rejection::new(PolicyKind::Adaptive, self.inner.rules.name, reason))
    }

    #[cold]
    fn sample(&self, started: Instant, measured: Measured, cx: &mut Cx<'_>) {
        let now = self.inner.rules.clock.now();
        let rtt = (now - started).saturating_sub(cx.waited());
        // Of calls that come together the first is measured, which saw nobody beside it when it began.
        let in_flight = measured.in_flight().max(self.inner.flights.in_flight(None).saturating_add(1));
        let pressure = self.inner.flights.pressure(measured.criticality(), in_flight);
        let mut engine = self.engine();
        if !engine.sample(rtt, Flown { in_flight, pressure }, now) {
            self.inner.counts.bump(DROPPED);
            engine.dropped(started, now);
        }
        self.inner.flights.set_limit(engine.limit());
    }

    #[cold]
    fn dropped(&self, started: Instant) {
        self.inner.counts.bump(DROPPED);
        let mut engine = self.engine();
        // Exactly: calls that began in the same tick of the coarse clock began before it.
        engine.dropped(started, self.inner.rules.clock.now());
        self.inner.flights.set_limit(engine.limit());
    }

    /// A call that was not measured is a drop, if it took longer than AIMD allows beyond doubt.
    #[cold]
    fn look_for_late(&self, started: Instant, timeout: Duration, cx: &mut Cx<'_>) {
        let took = (cx.now() - started).saturating_sub(cx.waited());
        // It may have begun a tick after the coarse clock said so.
        if took > timeout.saturating_add(self.inner.rules.clock.tick()) {
            self.dropped(started);
        }
    }

    fn engine(&self) -> MutexGuard<'_, Engine> {
        self.inner.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Policy for Adaptive {
    type State = Flight;

    #[inline]
    fn clock(&self) -> &Clock {
        &self.inner.rules.clock
    }

    #[inline]
    fn begin(&self) -> Flight {
        Flight::default()
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a refusal is 56 bytes, which a call would copy")]
    fn admit(&self, flight: &mut Flight, cx: &mut Cx<'_>) -> Admit {
        if self.is_bypass {
            return Admit::Run;
        }
        let criticality = self.importance.now();
        let in_flight = match self.inner.flights.ask(criticality, self.partition) {
            Asked::Admitted(in_flight) => in_flight,
            refused => return self.refuse(refused == Asked::Shed),
        };
        self.inner.counts.bump(ADMITTED);
        let now = cx.now();
        if self.is_sample(now) {
            // What it waits for further in is not the callee's time: `waited` grows by it.
            let started = Some(cx.clock().now() - cx.waited());
            *flight = Flight { started, measured: Some(Measured::new(in_flight, criticality)) };
        } else {
            *flight = Flight { started: Some(now), measured: None };
        }
        Admit::Run
    }

    #[inline]
    fn settle(&self, flight: &mut Flight, outcome: &Outcome<'_>, cx: &mut Cx<'_>) -> Next {
        let Some(started) = flight.started.take() else { return Next::Finish };
        self.inner.flights.end(self.partition);
        match outcome {
            Outcome::Judged(Verdict::Success, _) => {
                if let Some(measured) = flight.measured {
                    self.sample(started, measured, cx);
                } else if let Algorithm::Aimd { timeout } = self.inner.rules.algorithm {
                    self.look_for_late(started, timeout, cx);
                }
            }
            Outcome::Judged(Verdict::Overload(_), _) => self.dropped(started),
            Outcome::Judged(_, Some(cause)) if cause.category == Category::Timeout => {
                self.dropped(started);
            }
            Outcome::Refused(rejection) if rejection.reason() == Reason::TimedOut => {
                self.dropped(started);
            }
            // It says nothing of how long a call takes that the callee answers.
            Outcome::Judged(..) | Outcome::Panicked | Outcome::Refused(_) => {}
        }
        Next::Finish
    }

    #[inline]
    fn abandon(&self, flight: &mut Flight) {
        if flight.started.take().is_some() {
            self.inner.flights.end(self.partition);
        }
    }

    fn roles(&self) -> Vec<Role> {
        vec![Role::new(PolicyKind::Adaptive)]
    }
}

// === impl Measured ===

impl Measured {
    /// There are at least one and at most a few million in flight.
    fn new(in_flight: u32, criticality: Criticality) -> Self {
        Self(NonZeroU32::MIN.saturating_add((in_flight << 2 | criticality as u32).saturating_sub(1)))
    }

    fn in_flight(self) -> u32 {
        self.0.get() >> 2
    }

    fn criticality(self) -> Criticality {
        Criticality::ALL[(self.0.get() & 3) as usize]
    }
}

core_policy::policy_methods!(Adaptive, once);
core_policy::policy_layer!(Adaptive, once);

impl fmt::Debug for Adaptive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let now = self.snapshot();
        f.debug_struct("Adaptive")
            .field("name", &self.name())
            .field("algorithm", &now.algorithm)
            .field("limit", &now.limit)
            .field("in_flight", &now.in_flight)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} of {} in flight", self.name, self.in_flight, self.limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_measured_holds_how_many_and_which() {
        for (in_flight, criticality) in [(1, Criticality::CriticalPlus), (7, Criticality::Sheddable)] {
            let measured = Measured::new(in_flight, criticality);
            assert_eq!((measured.in_flight(), measured.criticality()), (in_flight, criticality));
        }
    }
}
