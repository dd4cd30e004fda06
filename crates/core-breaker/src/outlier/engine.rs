//! The decisions about a set of hosts. Pure: time, results and draws go in, decisions come out.

use std::sync::atomic::{AtomicBool, AtomicU64 as PlainU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use core_errors::Name;
use core_policy::Rng;
use core_time::Instant;

use super::config::Settings;
use super::event::{Finding, HostChange, OutlierEvent, Spared};
use super::health::{Ejection, Health};
use super::rules::{OutlierRules, is_panic};
use super::snapshot::OutlierTotals;
use super::sweep;
use crate::event::Outbox;
use crate::sync::{Mutex, MutexGuard};

/// The hosts of a set, whatever their keys are.
pub(super) trait Hosts: Send + Sync {
    /// How many there are.
    fn len(&self) -> usize;

    /// All of them, but for those that nobody has asked for in the idle time, which are forgotten.
    fn all(&self) -> Vec<Arc<Health>>;
}

/// Calls read the words; whatever ejects or returns a host happens under the lock of the ledger.
pub(super) struct Engine {
    name: Name,
    hosts: Arc<dyn Hosts>,
    /// When the next sweep is due.
    due: PlainU64,
    /// The time from one sweep to the next, in nanoseconds.
    interval: PlainU64,
    /// So many failures in a row are too many; [`NEVER`] if nobody asks.
    run_max: PlainU64,
    /// As the rules have it, in bits.
    panic_under: PlainU64,
    count_panics: PlainU64,
    ejected: PlainU64,
    serials: PlainU64,
    /// A call is at a sweep in passing; others need not be.
    is_sweeping: AtomicBool,
    ledger: Mutex<Ledger>,
    rng: Rng,
}

/// What only sweeps, ejections and operators need.
#[cfg_attr(genesis_mutant, derive(Clone))]
pub(super) struct Ledger {
    pub(super) rules: OutlierRules,
    /// What the rules were made of, and how often that was changed.
    pub(super) settings: (Settings, u64),
    /// When the present interval began.
    pub(super) since: Instant,
    pub(super) totals: OutlierTotals,
    pub(super) outbox: Outbox<OutlierEvent>,
}

const NEVER: u64 = u64::MAX;

// === impl Engine ===

impl Engine {
    pub(super) fn new(
        name: Name,
        hosts: Arc<dyn Hosts>,
        rules: OutlierRules,
        settings: Settings,
        rng: Rng,
        now: Instant,
    ) -> Self {
        let (totals, outbox) = (OutlierTotals::default(), Outbox::default());
        let ledger = Ledger { rules, settings: (settings, 0), since: now, totals, outbox };
        let zero = || PlainU64::new(0);
        let engine = Self {
            name,
            hosts,
            due: zero(),
            interval: zero(),
            run_max: zero(),
            panic_under: zero(),
            count_panics: zero(),
            ejected: zero(),
            serials: zero(),
            is_sweeping: AtomicBool::new(false),
            ledger: Mutex::new(ledger),
            rng,
        };
        engine.publish(&engine.ledger());
        engine
    }

    pub(super) fn name(&self) -> Name {
        self.name
    }

    /// When the next sweep is due.
    #[inline]
    pub(super) fn due(&self) -> Instant {
        Instant::from_nanos(self.due.load(Ordering::Relaxed))
    }

    #[inline]
    pub(super) fn is_run(&self, failures: u64) -> bool {
        failures >= self.run_max.load(Ordering::Relaxed)
    }

    pub(super) fn count_panics(&self) -> bool {
        self.count_panics.load(Ordering::Relaxed) != 0
    }

    pub(super) fn ejected(&self) -> usize {
        usize::try_from(self.ejected.load(Ordering::Relaxed)).unwrap_or(usize::MAX)
    }

    pub(super) fn known(&self) -> usize {
        // A host that is about to be forgotten may be ejected still.
        self.hosts.len().max(self.ejected())
    }

    /// Whether so few hosts are in service that ejections are ignored.
    pub(super) fn is_panicking(&self) -> bool {
        let ejected = self.ejected();
        let under = f64::from_bits(self.panic_under.load(Ordering::Relaxed));
        ejected > 0 && is_panic(under, self.known(), ejected)
    }

    pub(super) fn serial(&self) -> u64 {
        self.serials.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        // Nothing under the lock can panic half-way; a poisoned lock is only a lock.
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The right to sweep in passing, unless another thread has it.
    pub(super) fn claim(&self) -> Option<Claim<'_>> {
        let is_taken = self.is_sweeping.swap(true, Ordering::Acquire);
        (!is_taken).then_some(Claim(&self.is_sweeping))
    }

    /// At which sweep a host returns that is ejected until then.
    pub(super) fn returns_at(&self, until: Instant) -> Instant {
        let (due, interval) = (self.due(), self.interval.load(Ordering::Relaxed).max(1));
        let after = (until - due).as_nanos().div_ceil(u128::from(interval));
        let after = u64::try_from(after).unwrap_or(NEVER).saturating_mul(interval);
        due + Duration::from_nanos(after)
    }

    /// Makes all sweeps that are due. Whether there is something to tell.
    pub(super) fn sweep(&self, now: Instant) -> bool {
        if now < self.due() {
            return false;
        }
        // Keys that are forgotten run code of the user's, so under no lock.
        let mut hosts = self.hosts.all();
        hosts.sort_unstable_by_key(|host| host.serial);
        let mut ledger = self.ledger();
        if now >= ledger.since + ledger.rules.interval {
            hosts.retain(|host| !host.books().is_gone);
            sweep::run(self, &mut ledger, &hosts, now);
            self.publish(&ledger);
        }
        ledger.outbox.is_waiting()
    }

    /// So many failures in a row were seen: ejects the host, if nobody else has seen them. Whether there is something to tell.
    pub(super) fn found_run(&self, host: &Health, now: Instant) -> bool {
        self.sweep(now);
        let mut ledger = self.ledger();
        if let Some(rule) = ledger.rules.consecutive
            && !host.is_ejected()
            && !host.books().is_gone
            && let Some(failures) = host.take_run(rule.failures.into())
        {
            let finding = Finding::ConsecutiveFailures { failures };
            let _ = self.eject_found(&mut ledger, host, finding, rule.enforce, now);
        }
        ledger.outbox.is_waiting()
    }

    /// Ejects a host that a rule has found, unless it must not be: then why.
    pub(super) fn eject_found(
        &self,
        ledger: &mut Ledger,
        host: &Health,
        finding: Finding,
        enforce: f64,
        now: Instant,
    ) -> Result<(), Spared> {
        ledger.totals.found(&finding);
        let spared = if !ledger.rules.has_room(self.known(), self.ejected()) {
            ledger.totals.over_max += 1;
            Some(Spared::MaxEjected)
        } else if enforce < 1.0 && self.rng.next_unit() >= enforce {
            ledger.totals.not_enforced += 1;
            Some(Spared::NotEnforced)
        } else {
            None
        };
        if let Some(why) = spared {
            self.tell(ledger, host, now, HostChange::Spared { finding, why });
            return Err(why);
        }
        let times = {
            let mut books = host.books();
            books.times = books.times.saturating_add(1).min(ledger.rules.times_max());
            books.times
        };
        let draw = if ledger.rules.jitter.is_zero() { 0.0 } else { self.rng.next_unit() };
        let time = ledger.rules.ejection_time(times, draw);
        self.eject(ledger, host, Ejection::Until(now + time));
        self.tell(ledger, host, now, HostChange::Ejected { finding, time: Some(time), times });
        Ok(())
    }

    /// Ejects a host until an operator returns it.
    pub(super) fn force_out(&self, ledger: &mut Ledger, host: &Health, reason: Arc<str>, now: Instant) {
        let finding = Finding::Operator { reason };
        ledger.totals.found(&finding);
        let times = host.books().times;
        self.eject(ledger, host, Ejection::Forced);
        self.tell(ledger, host, now, HostChange::Ejected { finding, time: None, times });
    }

    /// Has a host begin anew.
    pub(super) fn force_in(&self, ledger: &mut Ledger, host: &Health, reason: Arc<str>, now: Instant) {
        host.books().times = 0;
        if host.is_ejected() {
            self.put_back(ledger, host, now, Some(reason));
        } else {
            self.release(host);
        }
    }

    fn eject(&self, ledger: &mut Ledger, host: &Health, ejection: Ejection) {
        // One that an operator keeps out who was out already is not ejected twice.
        if !host.is_ejected() {
            self.ejected.fetch_add(1, Ordering::Relaxed);
            host.books().ejections += 1;
            ledger.totals.ejected += 1;
        }
        host.set(Some(ejection));
    }

    /// Has a host get calls again. What it answered until now does not count against it.
    pub(super) fn put_back(&self, ledger: &mut Ledger, host: &Health, at: Instant, reason: Option<Arc<str>>) {
        self.release(host);
        ledger.totals.returned += 1;
        self.tell(ledger, host, at, HostChange::Returned { reason });
    }

    /// It is not ejected any longer, or no host of the set.
    pub(super) fn release(&self, host: &Health) {
        if host.is_ejected() {
            self.ejected.fetch_sub(1, Ordering::Relaxed);
        }
        host.take_interval();
        host.forget_run();
        host.set(None);
    }

    /// Goes by other rules, after a sweep of those there were. The one that is next is due now, if it would have been by now.
    pub(super) fn reconfigure(
        &self,
        ledger: &mut Ledger,
        rules: OutlierRules,
        settings: (Settings, u64),
        now: Instant,
    ) {
        ledger.since = ledger.since.max(now - rules.interval);
        ledger.rules = rules;
        ledger.settings = settings;
        self.publish(ledger);
    }

    /// Writes what calls read.
    fn publish(&self, ledger: &Ledger) {
        let rules = &ledger.rules;
        let run_max = rules.consecutive.map_or(NEVER, |rule| rule.failures.into());
        self.due.store((ledger.since + rules.interval).as_nanos(), Ordering::Relaxed);
        self.interval.store(nanos(rules.interval), Ordering::Relaxed);
        self.run_max.store(run_max, Ordering::Relaxed);
        self.panic_under.store(rules.panic_under.to_bits(), Ordering::Relaxed);
        self.count_panics.store(rules.count_panics.into(), Ordering::Relaxed);
    }

    fn tell(&self, ledger: &mut Ledger, host: &Health, at: Instant, change: HostChange) {
        let (hosts, ejected) = (self.known(), self.ejected());
        let host = Arc::clone(host.key());
        ledger.outbox.push(OutlierEvent { name: self.name, host, at, change, hosts, ejected, lost: 0 });
    }
}

/// The right to sweep in passing. Given back when it is dropped.
pub(super) struct Claim<'a>(&'a AtomicBool);

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

pub(super) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(NEVER)
}
