//! Breakers of one service in many instances, which tell one another what they find.

mod advice;
mod bell;
mod config;
mod within;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use core_policy::Rng;
use core_time::{Clock, Instant};

use self::advice::{Advice, Local};
use self::within::within;
use crate::State;
use crate::breaker::Breaker;
use crate::engine::Count;
use crate::error::{ConfigError, Kind};
use crate::share::{Lease, Leased, Peer, Report, Share, ShareError};

pub(crate) use bell::Bell;
pub use config::FleetBuilder;
pub(crate) use config::Settings;

/// Lets the breakers of this instance and those of others advise one another through a [`Share`].
///
/// Each breaker goes on deciding by itself: nothing here is on the path of a call. In the background it
///
/// * opens a circuit when enough other instances have opened theirs, and this one has seen failures too or nothing at
///   all. One bad instance opens nobody else's.
/// * asks for the fleet's right to probe before the open time of a circuit is over. While another instance has it, this
///   one stays open.
/// * sends its own probes when another instance has found the callee well.
///
/// A change of state here is told at once, and not only at the next exchange; many changes together are told together.
///
/// When the store is lost, everything goes on locally, [`status`](Self::status) says so, and probes come a little later than they
/// would, each instance at a time of its own.
pub struct Fleet<S> {
    share: S,
    instance: String,
    settings: Settings,
    clock: Clock,
    rng: Rng,
    members: Mutex<Vec<Member>>,
    /// Rung by each change of state of a breaker that takes part.
    bell: Arc<Bell>,
    status: Mutex<FleetStatus>,
}

/// How the exchange goes.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct FleetStatus {
    /// When reports were last exchanged.
    pub exchanged_at: Option<Instant>,
    /// Since when the store has been lost; `None` while it answers.
    pub lost_since: Option<Instant>,
    /// What it said last when it failed.
    pub last_error: Option<ShareError>,
    /// How many exchanges failed.
    pub failures: u64,
}

/// A breaker that takes part.
struct Member {
    breaker: Breaker,
    seq: u64,
    /// Calls that had run when it last reported.
    calls: u64,
    /// Recoveries of others, as far as they are known.
    known: BTreeMap<String, u64>,
    /// The lease it has, and until when.
    lease: Option<(Lease, Instant)>,
    /// The generation whose probes were put off since the store could not be asked.
    put_off: Option<u32>,
    /// The generation in which another was said to probe, and since when.
    held_back: Option<(u32, Instant)>,
}

/// More instances than this are not listened to.
const PEERS_MAX: usize = 4_096;

/// No instance has a longer name.
const INSTANCE_MAX: usize = 128;

/// For so many leases one after the other others may probe; then a circuit does so by itself, whatever the store says.
const TURNS_MAX: u32 = 4;

/// A tick takes no longer than so many questions that are not answered.
const ASKS_MAX: u32 = 4;

/// More breakers than this do not take part.
const MEMBERS_MAX: usize = 10_000;

// === impl Fleet ===

impl<S: Share> Fleet<S> {
    /// A fleet of which this instance is one; its name must be its own. See [`FleetBuilder`] for what can be set.
    pub fn builder(share: S, instance: impl Into<String>) -> FleetBuilder<S> {
        FleetBuilder::new(share, instance.into())
    }

    pub(crate) fn of(share: S, instance: String, settings: Settings, clock: Clock, rng: Rng) -> Self {
        let (members, status) = (Mutex::default(), Mutex::default());
        Self { share, instance, settings, clock, rng, members, bell: Arc::default(), status }
    }

    /// Lets a breaker take part. Breakers of the same name in other instances are its peers.
    ///
    /// # Errors
    /// If one of that name does already, or there are 10 000.
    pub fn add(&self, breaker: &Breaker) -> Result<(), ConfigError> {
        let mut members = self.members();
        if members.iter().any(|member| member.breaker.name() == breaker.name()) {
            return Err(ConfigError(Kind::Duplicate { name: breaker.name().to_string() }));
        }
        if members.len() >= MEMBERS_MAX {
            return Err(ConfigError(Kind::Full { max: MEMBERS_MAX }));
        }
        members.push(Member::new(breaker.clone()));
        breaker.ring_on_change(&self.bell);
        Ok(())
    }

    /// How the exchange goes.
    #[must_use]
    pub fn status(&self) -> FleetStatus {
        self.lock_status().clone()
    }

    /// Exchanges reports now and then, and at once when a breaker here changes its state, for ever: for a task of its own. Of a tenth
    /// of the [interval](FleetBuilder::interval) all changes are told together.
    ///
    /// # Cancel safety
    /// It may be dropped at any point. A right to probe runs out by itself then.
    pub async fn run(&self) {
        loop {
            self.tick().await;
            // A fifth earlier or later, so that a fleet does not ask in step.
            let pause = self.settings.interval.mul_f64(0.8 + 0.4 * self.rng.next_unit());
            let least = self.settings.interval / 10;
            self.clock.sleep(least).await;
            let _ = within(self.bell.rung(), self.clock.sleep(pause.saturating_sub(least))).await;
        }
    }

    /// Exchanges reports once, and does what follows. Takes as long as the store does, and no longer than four times the
    /// [limit](FleetBuilder::answer_within): what it had no time to ask it asks the next time, and who cannot wait for that probes by
    /// itself, a little later than it would.
    ///
    /// # Cancel safety
    /// As [`run`](Self::run).
    pub async fn tick(&self) {
        let ends = self.clock.now() + self.settings.answer_within.saturating_mul(ASKS_MAX - 1);
        let reports = self.reports();
        let Some(all) = self.asked(self.share.exchange(&reports)).await else {
            self.put_probes_off();
            return;
        };
        let (leases, over) = self.heed(&reports, &all);
        if !self.settle(leases, over, ends).await {
            self.put_probes_off();
        }
    }

    /// Gives leases back, and asks for others. Whether the store has answered all of it by then.
    async fn settle(&self, leases: Vec<Lease>, over: Vec<Lease>, ends: Instant) -> bool {
        for lease in over {
            // If it cannot be given back it runs out.
            if self.clock.reached(ends).is_ok() || self.asked(self.share.release(&lease)).await.is_none() {
                return false;
            }
        }
        for lease in leases {
            if self.clock.reached(ends).is_ok() {
                return false;
            }
            let Some(answer) = self.asked(self.share.lease(&lease)).await else { return false };
            self.leased(lease, answer);
        }
        true
    }

    /// What the store says, if it says something in time.
    async fn asked<T>(&self, ask: impl Future<Output = Result<T, ShareError>>) -> Option<T> {
        let limit = self.settings.answer_within;
        let answer = within(ask, self.clock.sleep(limit)).await;
        let answer = answer.unwrap_or_else(|| Err(ShareError::new(format!("no answer within {limit:?}"))));
        let now = self.clock.now();
        let mut status = self.lock_status();
        match answer {
            Ok(answer) => {
                status.exchanged_at = Some(now);
                let was_lost = status.lost_since.take().is_some();
                drop(status);
                if was_lost {
                    tell_found();
                }
                Some(answer)
            }
            Err(error) => {
                status.failures += 1;
                status.last_error = Some(error.clone());
                let is_new = status.lost_since.is_none();
                status.lost_since.get_or_insert(now);
                drop(status);
                if is_new {
                    tell_lost(&error);
                }
                None
            }
        }
    }

    fn reports(&self) -> Vec<Report> {
        let now = self.clock.now();
        let ttl = self.settings.interval.saturating_mul(3);
        self.members().iter_mut().map(|member| member.report(&self.instance, ttl, now)).collect()
    }

    /// Does what the others advise. The leases to ask for, and those that are not needed any more.
    fn heed(&self, reports: &[Report], all: &[Vec<Peer>]) -> (Vec<Lease>, Vec<Lease>) {
        let now = self.clock.now();
        let mut advised = Vec::new();
        let mut over = Vec::new();
        // Members only ever come, so each is where its report is.
        for (member, (report, peers)) in self.members().iter_mut().zip(reports.iter().zip(all)) {
            let others: Vec<_> =
                peers.iter().filter(|peer| self.is_other(&peer.instance)).take(PEERS_MAX).collect();
            over.extend(member.lease_that_is_over(now));
            let advice = advice::of(&self.settings, &member.local(report), &others, &member.known);
            if advice != Advice::Lease || member.lease.is_none() {
                advised.push((member.breaker.clone(), report, advice));
            }
            member.calls = member.total();
            member.known = known(&others);
        }
        // Under no lock of ours: subscribers and functions of the user's may run.
        let mut wanted = Vec::new();
        for (breaker, report, advice) in advised {
            let changed = match advice {
                Advice::None => false,
                Advice::Open { instances } => {
                    breaker.engine().follow_fleet(report.generation, instances, now)
                }
                Advice::Probe => breaker.engine().probe_early(report.generation, now),
                Advice::Lease => {
                    wanted.push(self.lease(&breaker, report));
                    false
                }
            };
            if changed {
                breaker.deliver();
            }
        }
        (wanted, over)
    }

    fn lease(&self, breaker: &Breaker, report: &Report) -> Lease {
        let probing = breaker.engine().plan().rules.lease;
        Lease {
            name: report.name,
            instance: self.instance.clone(),
            generation: report.generation,
            ttl: probing.saturating_add(report.open_left.unwrap_or_default()),
        }
    }

    fn leased(&self, lease: Lease, leased: Leased) {
        let now = self.clock.now();
        let mut members = self.members();
        let Some(member) = members.iter_mut().find(|member| member.breaker.name() == lease.name) else {
            return;
        };
        match leased {
            Leased::Ours => {
                let until = now + lease.ttl;
                member.lease = Some((lease, until));
            }
            Leased::Theirs { left } if member.stands_back(&lease, now) => {
                let spread = self.settings.interval.mul_f64(self.rng.next_unit());
                // No lease is longer than that which was asked for: a store that says so is wrong.
                let until = now + left.min(lease.ttl).saturating_add(spread);
                member.breaker.engine().postpone(lease.generation, until);
            }
            Leased::Theirs { .. } => {}
        }
    }

    /// Nobody can be asked who probes: each instance does so at a time of its own, a little later (once in a generation).
    fn put_probes_off(&self) {
        let now = self.clock.now();
        for member in self.members().iter_mut() {
            let engine = member.breaker.engine();
            let generation = engine.load().generation();
            let is_due = engine.left(crate::word::Phase::Open, now).is_some_and(|left| {
                left <= self.settings.interval.saturating_mul(2) && member.lease.is_none()
            });
            let is_due = is_due && !member.is_operators();
            if is_due && member.put_off != Some(generation) {
                member.put_off = Some(generation);
                let spread = engine.plan().rules.open_for.mul_f64(0.5 * self.rng.next_unit());
                engine.postpone(generation, engine.until() + spread);
            }
        }
    }

    fn is_other(&self, instance: &str) -> bool {
        instance != self.instance && instance.len() <= INSTANCE_MAX
    }

    fn members(&self) -> MutexGuard<'_, Vec<Member>> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_status(&self) -> MutexGuard<'_, FleetStatus> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The recoveries of each: the most, of one that is there twice.
fn known(others: &[&Peer]) -> BTreeMap<String, u64> {
    let mut known = BTreeMap::new();
    for peer in others {
        let recoveries: &mut u64 = known.entry(peer.instance.clone()).or_default();
        *recoveries = peer.recoveries.max(*recoveries);
    }
    known
}

#[cfg(feature = "tracing")]
fn tell_lost(error: &ShareError) {
    tracing::warn!(target: "core_breaker", %error, "the state of breakers is not shared any more: each instance goes on alone");
}

#[cfg(feature = "tracing")]
fn tell_found() {
    tracing::info!(target: "core_breaker", "the state of breakers is shared again");
}

#[cfg(not(feature = "tracing"))]
fn tell_lost(_: &ShareError) {}

#[cfg(not(feature = "tracing"))]
fn tell_found() {}

impl<S> std::fmt::Debug for Fleet<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fleet").field("instance", &self.instance).finish_non_exhaustive()
    }
}

// === impl Member ===

impl Member {
    fn new(breaker: Breaker) -> Self {
        let known = BTreeMap::new();
        let mut member =
            Self { breaker, seq: 0, calls: 0, known, lease: None, put_off: None, held_back: None };
        member.calls = member.total();
        member
    }

    fn report(&mut self, instance: &str, ttl: Duration, now: Instant) -> Report {
        self.seq += 1;
        let engine = self.breaker.engine();
        let word = engine.load();
        Report {
            name: self.breaker.name(),
            instance: instance.to_owned(),
            seq: self.seq,
            state: word.state(),
            generation: word.generation(),
            window: engine.tally(now),
            open_left: engine.left(crate::word::Phase::Open, now),
            recoveries: engine.ledger().recovered(),
            ttl,
        }
    }

    fn local<'a>(&self, report: &'a Report) -> Local<'a> {
        let engine = self.breaker.engine();
        let word = engine.load();
        let run = if word.phase().counts() { u64::from(word.payload()) } else { 0 };
        Local {
            report,
            failures: report.window.failures.max(run),
            has_traffic: self.total() != self.calls,
            is_isolated: word.state() == State::ForcedOpen || self.is_operators(),
        }
    }

    /// Whether an operator has opened it for a time, which is his to say.
    fn is_operators(&self) -> bool {
        let engine = self.breaker.engine();
        engine.load().state() == State::Open && engine.ledger().is_operators()
    }

    /// Its lease, if that has run out or is of an earlier round: a lease is for the probes after one open time. Nor
    /// does it keep one while an operator holds the circuit in a state in which it sends none, or has opened it for a time: the others would
    /// wait for its probes.
    fn lease_that_is_over(&mut self, now: Instant) -> Option<Lease> {
        let word = self.breaker.engine().load();
        let probes = matches!(word.state(), State::Open | State::HalfOpen) && !self.is_operators();
        let is_over = |(lease, until): &mut (Lease, Instant)| {
            !probes || now >= *until || word.generations_since(lease.generation) > 1
        };
        self.lease.take_if(is_over).map(|(lease, _)| lease)
    }

    /// Whether it lets another probe: not for ever.
    fn stands_back(&mut self, lease: &Lease, now: Instant) -> bool {
        let since = match self.held_back {
            Some((generation, since)) if generation == lease.generation => since.min(now),
            _ => now,
        };
        self.held_back = Some((lease.generation, since));
        now - since < lease.ttl.saturating_mul(TURNS_MAX)
    }

    fn total(&self) -> u64 {
        let engine = self.breaker.engine();
        engine.total(Count::Successes).wrapping_add(engine.total(Count::Failures))
    }
}
