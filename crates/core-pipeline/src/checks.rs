//! What contradicts what (rule PL-1). Each policy has checked itself; here they are held against each other.

use std::time::Duration;

use core_breaker::Span;
use core_retry::HedgeBuilder;

use crate::builder::Builder;
use crate::error::{ConfigError, Kind};

pub(crate) fn check(builder: &Builder) -> Result<(), ConfigError> {
    attempt_fits_total(builder)?;
    wait_fits_total(builder)?;
    window_holds_attempts(builder)?;
    slow_within_attempt(builder)?;
    lease_holds_attempt(builder)?;
    rate_reaches_min_calls(builder)?;
    first_retry_fits_total(builder)
}

fn attempt_fits_total(builder: &Builder) -> Result<(), ConfigError> {
    match (builder.attempt_timeout, builder.deadline) {
        (Some(attempt), Some(total)) if attempt > total => {
            Err(ConfigError(Kind::AttemptOverTotal { attempt, total }))
        }
        _ => Ok(()),
    }
}

fn wait_fits_total(builder: &Builder) -> Result<(), ConfigError> {
    let Some(total) = builder.deadline else { return Ok(()) };
    let of_limit = builder.limit.as_ref().map(|limit| ("its turn under the rate limit", limit.wait()));
    let of_bulkhead = builder.bulkhead.as_ref().map(|bulkhead| ("a slot of the bulkhead", bulkhead.wait()));
    let too_long = of_limit.into_iter().chain(of_bulkhead).find(|(_, wait)| *wait > total);
    too_long.map_or(Ok(()), |(whose, wait)| Err(ConfigError(Kind::WaitOverTotal { whose, wait, total })))
}

/// An attempt that times out is counted when it ends: a window that is not much longer forgets it at once.
fn window_holds_attempts(builder: &Builder) -> Result<(), ConfigError> {
    let Some(rules) = builder.breaker.as_ref().map(core_breaker::Builder::rules) else { return Ok(()) };
    let Some(attempt) = builder.attempt_timeout else { return Ok(()) };
    match rules.span {
        // The rate of slow calls has a default, which is not in the unchecked rules.
        Span::Time { len, .. }
            if (rules.failure_rate.is_some() || rules.failures.is_some() || rules.slow_over.is_some())
                && len < attempt.saturating_mul(2) =>
        {
            Err(ConfigError(Kind::WindowUnderAttempts { window: len, attempt }))
        }
        _ => Ok(()),
    }
}

/// An attempt that is cut off before it is slow, by its own limit or by that of the whole call, is a failure, and never a slow call.
fn slow_within_attempt(builder: &Builder) -> Result<(), ConfigError> {
    let over = builder.breaker.as_ref().and_then(|breaker| breaker.rules().slow_over);
    let own = builder.attempt_timeout.map(|attempt| (attempt, "attempt timeout"));
    match (over, own.or(builder.deadline.map(|total| (total, "deadline")))) {
        (Some(over), Some((attempt, limit))) if over >= attempt => {
            Err(ConfigError(Kind::SlowOverAttempt { over, attempt, limit }))
        }
        _ => Ok(()),
    }
}

/// A probe that loses its permit while it is still under way makes room for one more, and its answer is not heard: only for a lease
/// that was chosen, as the default lasts as long as the caller waits.
fn lease_holds_attempt(builder: &Builder) -> Result<(), ConfigError> {
    let Some(rules) = builder.breaker.as_ref().map(core_breaker::Builder::rules) else { return Ok(()) };
    let Some(attempt) = builder.attempt_timeout else { return Ok(()) };
    // It has the permit while it waits for its turn further in.
    let of_limit = builder.limit.as_ref().map(core_limit::RateBuilder::wait).unwrap_or_default();
    let of_bulkhead = builder.bulkhead.as_ref().map(core_limit::BulkheadBuilder::wait).unwrap_or_default();
    let wait = of_limit.saturating_add(of_bulkhead);
    // The whole call is the most that it can take.
    let takes = wait.saturating_add(attempt).min(builder.deadline.unwrap_or(Duration::MAX));
    if rules.lease_by_caller || rules.lease >= takes {
        return Ok(());
    }
    Err(ConfigError(Kind::LeaseUnderAttempt { lease: rules.lease, takes }))
}

/// A breaker that goes by rates in a window alone never opens if the rate limit further in does not let that many calls through.
fn rate_reaches_min_calls(builder: &Builder) -> Result<(), ConfigError> {
    let (Some(rules), Some(limit)) =
        (builder.breaker.as_ref().map(core_breaker::Builder::rules), &builder.limit)
    else {
        return Ok(());
    };
    let Span::Time { len, .. } = rules.span else { return Ok(()) };
    let needed = match (rules.failures, rules.failure_rate.or(rules.slow_over.map(|_| 1.0))) {
        _ if rules.consecutive.is_some() || rules.average.is_some() => return Ok(()),
        (Some(failures), None) => failures,
        (Some(failures), Some(_)) => failures.min(rules.min_calls),
        (None, _) => rules.min_calls,
    };
    match limit.most_within(len) {
        Some(most) if most < u64::from(needed) => {
            Err(ConfigError(Kind::RateUnderMinCalls { most, needed, window: len }))
        }
        _ => Ok(()),
    }
}

/// By the least that the first delay can be: jitter from zero may always fit.
fn first_retry_fits_total(builder: &Builder) -> Result<(), ConfigError> {
    let (Some(retry), Some(total)) = (&builder.retry, builder.deadline) else { return Ok(()) };
    // Of all draws zero gives the least.
    let shortest = retry.backoff().delay(1, Duration::ZERO, 0.0);
    let least = retry.least_attempt_time();
    if retry.total_attempts() == 1 || shortest < total && shortest.saturating_add(least) <= total {
        return Ok(());
    }
    Err(ConfigError(if least.is_zero() {
        Kind::RetryNeverFits { delay: shortest, total }
    } else {
        Kind::RetryWithoutTime { delay: shortest, least, total }
    }))
}

/// What could never be made. A failure leads to a hedge at any time; but who waits for that says so.
pub(crate) fn check_hedge(plan: &Builder, hedge: &HedgeBuilder) -> Result<(), ConfigError> {
    let slots = plan.bulkhead.as_ref().map(core_limit::BulkheadBuilder::max);
    if let Some(slots) = slots.filter(|slots| !hedge.is_on_failure() && *slots <= hedge.hedges().into()) {
        return Err(ConfigError(Kind::HedgeWithoutSlot { slots, attempts: u32::from(hedge.hedges()) + 1 }));
    }
    // Only where the delay is certain: a quantile adapts.
    let Some(delay) = hedge.fixed_delay() else { return Ok(()) };
    let last_after = delay.saturating_mul(hedge.hedges().into());
    let least = hedge.least_attempt_time();
    match (plan.deadline, plan.attempt_timeout) {
        (Some(total), _) if last_after >= total || last_after.saturating_add(least) > total => {
            Err(ConfigError(Kind::HedgesOverTotal { after: last_after, least, total }))
        }
        (_, Some(attempt)) if delay >= attempt => {
            Err(ConfigError(Kind::HedgeAfterAttempt { delay, attempt }))
        }
        _ => Ok(()),
    }
}
