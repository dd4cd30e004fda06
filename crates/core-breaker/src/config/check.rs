//! What is refused, and what would be right instead.

use std::time::Duration;

use crate::average::Decay;
use crate::error::{ConfigError, Kind};
use crate::rules::Rules;
use crate::window::{BUCKETS_MAX, SIZE_MAX, Span};

const PROBES_MAX: u32 = 1_000;

/// The rate of slow calls, which has a default where it is known what is slow.
pub(super) fn slow_rate(rate: Option<f64>, rules: &Rules) -> Result<Option<f64>, ConfigError> {
    match (rate, rules.slow_over) {
        (Some(_), None) => Err(ConfigError(Kind::SlowWithoutRate)),
        (rate, Some(_)) => Ok(rate.or(rules.failure_rate).or(Some(1.0))),
        (None, None) => Ok(None),
    }
}

pub(super) fn opening(rules: &Rules) -> Result<(), ConfigError> {
    if !rules.needs_window() && rules.consecutive.is_none() && rules.average.is_none() {
        return Err(ConfigError(Kind::NoRule));
    }
    if let Some(failures) = rules.consecutive {
        not_zero("the number of consecutive failures", failures)?;
    }
    if let Some(failures) = rules.failures {
        not_zero("the number of failures", failures)?;
    }
    if let Some(over) = rules.slow_over {
        not_zero_time("slow_over", over)?;
    }
    rate("the failure rate", rules.failure_rate)?;
    rate("the slow-call rate", rules.slow_rate)?;
    average(rules)?;
    not_zero("min_calls", rules.min_calls)?;
    span(rules)?;
    lumping(rules)
}

/// A NaN is not in the range either.
fn rate(what: &'static str, rate: Option<f64>) -> Result<(), ConfigError> {
    match rate.filter(|rate| !(*rate > 0.0 && *rate <= 1.0)) {
        Some(value) => Err(ConfigError(Kind::Rate { what, value })),
        None => Ok(()),
    }
}

fn average(rules: &Rules) -> Result<(), ConfigError> {
    let Some(average) = rules.average else { return Ok(()) };
    rate("the success rate on average", Some(average.success_rate))?;
    match average.decay {
        Decay::Calls(calls) => not_zero("the number of calls of the average", calls),
        Decay::Time(time) => not_zero_time("the time of the average", time),
    }
}

fn span(rules: &Rules) -> Result<(), ConfigError> {
    match rules.span {
        Span::Calls { size } => {
            not_zero("the window", size)?;
            at_most("the window of calls", size.into(), SIZE_MAX.into())?;
            match rules.failures {
                Some(failures) if failures > size => {
                    Err(ConfigError(Kind::FailuresOverWindow { failures, size }))
                }
                _ => Ok(()),
            }
        }
        Span::Time { len, buckets } => {
            not_zero_time("the window", len)?;
            not_zero("the number of buckets", buckets)?;
            at_most("the number of buckets", buckets.into(), BUCKETS_MAX.into())?;
            if len.as_nanos() < u128::from(buckets) { Err(ConfigError(Kind::BucketsTooFine)) } else { Ok(()) }
        }
    }
}

/// Where a burst counts once, a window of time holds so many failures and no more (rule PL-1).
fn lumping(rules: &Rules) -> Result<(), ConfigError> {
    let Some(interval) = rules.lumping else { return Ok(()) };
    not_zero_time("the lumping interval", interval)?;
    let Span::Time { len, .. } = rules.span else { return Ok(()) };
    let too_long = |needed: u32| interval.saturating_mul(needed.saturating_sub(1)) > len;
    match rules.failures {
        Some(needed) if too_long(needed) => {
            return Err(ConfigError(Kind::LumpedFailures { interval, needed, len }));
        }
        _ => {}
    }
    if rules.failure_rate.is_some() && too_long(rules.min_calls) {
        return Err(ConfigError(Kind::LumpedRate { interval, min_calls: rules.min_calls, len }));
    }
    Ok(())
}

pub(super) fn closing(rules: &Rules) -> Result<(), ConfigError> {
    not_zero_time("open_for", rules.open_for)?;
    for own in rules.open_times.iter() {
        not_zero_time("the open time of a rule", own)?;
    }
    not_zero_time("hint_max", rules.hint_max)?;
    not_zero_time("the lease of a probe", rules.lease)?;
    not_zero("the number of probes", rules.probes)?;
    at_most("the number of probes", rules.probes.into(), PROBES_MAX.into())?;
    not_zero("the number of successes", rules.successes)?;
    not_zero("inconclusive_max", rules.inconclusive_max)?;
    if rules.successes > rules.probes {
        return Err(ConfigError(Kind::NeverCloses { probes: rules.probes, successes: rules.successes }));
    }
    if let Some(timeout) = rules.probe_timeout {
        not_zero_time("the timeout of a probe", timeout)?;
        if timeout > rules.lease {
            return Err(ConfigError(Kind::TimeoutOverLease { timeout, lease: rules.lease }));
        }
    }
    if let Some(ramp_up) = rules.ramp_up {
        rate("the share that a ramp begins with", Some(ramp_up.from))?;
        not_zero_time("the time of the ramp", ramp_up.over)?;
    }
    if rules.open_max < rules.open_for { Err(ConfigError(Kind::OpenOrder)) } else { Ok(()) }
}

fn not_zero(what: &'static str, value: u32) -> Result<(), ConfigError> {
    if value == 0 { Err(ConfigError(Kind::Zero { what })) } else { Ok(()) }
}

fn not_zero_time(what: &'static str, value: Duration) -> Result<(), ConfigError> {
    if value.is_zero() { Err(ConfigError(Kind::Zero { what })) } else { Ok(()) }
}

pub(super) fn at_most(what: &'static str, value: u64, max: u64) -> Result<(), ConfigError> {
    if value > max { Err(ConfigError(Kind::TooMany { what, value, max })) } else { Ok(()) }
}
