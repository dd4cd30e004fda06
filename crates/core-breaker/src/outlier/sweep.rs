//! What happens at the end of an interval.

use std::sync::Arc;

use core_time::Instant;

use super::engine::{Engine, Ledger, nanos};
use super::event::Spared;
use super::health::{Ejection, Health};
use super::judge::{Found, Sample, by_failure_percentage, by_success_rate};

/// Makes the sweeps that are due at `now`: one that judges what the hosts have answered, and in those after it, where nothing was
/// asked, hosts return and ejections are forgotten. The outcome is that of sweeps on time.
pub(super) fn run(engine: &Engine, ledger: &mut Ledger, hosts: &[Arc<Health>], now: Instant) {
    let interval = nanos(ledger.rules.interval).max(1);
    let due = nanos(now - ledger.since) / interval;
    let first = ledger.since + ledger.rules.interval;

    let mut in_service = Vec::with_capacity(hosts.len());
    let mut samples = Vec::with_capacity(hosts.len());
    for host in hosts {
        let sample = host.take_interval();
        match host.ejection() {
            None => {
                in_service.push(host);
                samples.push(sample);
            }
            // It was ejected until now, so what it answered is no reason.
            Some(Ejection::Until(until)) if until <= first => engine.put_back(ledger, host, first, None),
            Some(_) => {}
        }
    }
    judge(engine, ledger, &in_service, &samples, first);
    for host in in_service.into_iter().filter(|host| !host.is_ejected()) {
        forgive(host, 1);
    }
    if due > 1 {
        catch_up(engine, ledger, hosts, (due, interval));
    }
    let passed = std::time::Duration::from_nanos(due.saturating_mul(interval));
    ledger.since = ledger.since + passed;
}

fn judge(engine: &Engine, ledger: &mut Ledger, hosts: &[&Arc<Health>], samples: &[Sample], at: Instant) {
    let mut is_full = vec![false; hosts.len()];
    let mut eject = |found: Vec<Found>, enforce: f64, ledger: &mut Ledger| {
        for (place, finding) in found {
            // One that another rule has ejected, or for which there was no room, is not found twice.
            if !hosts[place].is_ejected() && !is_full[place] {
                let spared = engine.eject_found(ledger, hosts[place], finding, enforce, at);
                is_full[place] = spared == Err(Spared::MaxEjected);
            }
        }
    };
    if let Some(rule) = ledger.rules.success_rate {
        eject(by_success_rate(rule, samples), rule.enforce, ledger);
    }
    if let Some(rule) = ledger.rules.failure_percentage {
        eject(by_failure_percentage(rule, samples), rule.enforce, ledger);
    }
}

/// The sweeps from the second on.
fn catch_up(engine: &Engine, ledger: &mut Ledger, hosts: &[Arc<Health>], (due, interval): (u64, u64)) {
    let since = ledger.since;
    let mut returns = Vec::new();
    for host in hosts {
        match host.ejection() {
            // In service since the first of them, if it was not returned in it.
            None => forgive(host, due - 1),
            Some(Ejection::Until(until)) => {
                let number = nanos(until - since).div_ceil(interval).max(2);
                if number <= due {
                    returns.push((number, host));
                }
            }
            Some(Ejection::Forced) => {}
        }
    }
    returns.sort_by_key(|(number, _)| *number);
    for (number, host) in returns {
        let at = since + std::time::Duration::from_nanos(number.saturating_mul(interval));
        engine.put_back(ledger, host, at, None);
        forgive(host, due - number);
    }
}

/// So many intervals were healthy.
fn forgive(host: &Health, intervals: u64) {
    let mut books = host.books();
    books.times = books.times.saturating_sub(u32::try_from(intervals).unwrap_or(u32::MAX));
}
