use std::fmt;
use std::time::Duration;

use core_errors::NameError;
use core_policy::KeyedError;

/// Why a breaker was not built, or not changed.
#[derive(Clone, PartialEq)]
pub struct ConfigError(pub(crate) Kind);

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    Name(NameError),
    NoRule,
    Rate { what: &'static str, value: f64 },
    Zero { what: &'static str },
    TooLong { what: &'static str, time: Duration, max: Duration },
    TooMany { what: &'static str, value: u64, max: u64 },
    FailuresOverWindow { failures: u32, size: u32 },
    LumpedFailures { interval: Duration, needed: u32, len: Duration },
    LumpedRate { interval: Duration, min_calls: u32, len: Duration },
    TimeoutOverLease { timeout: Duration, lease: Duration },
    IdleUnderOpen { idle: Duration, open_max: Duration },
    Keyed(KeyedError),
    Instance { len: usize },
    Fixed { what: &'static str },
    Saved { what: String, right: &'static str },
    NeverCloses { probes: u32, successes: u32 },
    SlowWithoutRate,
    OpenOrder,
    BucketsTooFine,
    Reason { len: usize },
    Unknown { name: String, near: Vec<&'static str> },
    Duplicate { name: String },
    Full { max: usize },
    NoOutlierRule,
    UnknownHost,
    Share { what: &'static str, value: f64, over: &'static str },
    HostsOverRoom { rule: &'static str, hosts: u32, room: usize },
    Stdevs { stdevs: f64, furthest: f64 },
    EjectionOrder,
    IdleUnderInterval { idle: Duration, interval: Duration },
}

// === impl ConfigError ===

impl ConfigError {
    /// Whether a registry does not know the name, or a set of hosts not the key.
    #[must_use]
    pub fn is_unknown_name(&self) -> bool {
        matches!(self.0, Kind::Unknown { .. } | Kind::UnknownHost)
    }
}

impl From<NameError> for ConfigError {
    fn from(error: NameError) -> Self {
        Self(Kind::Name(error))
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Name(error) => error.fmt(f),
            Kind::NoRule => f.write_str(
                "the breaker can never open: give it a failure rate, a slow-call rate, or a number of consecutive failures",
            ),
            Kind::TooLong { what, time, max } => {
                write!(f, "{what} is {time:?}: it must be at most {max:?}")
            }
            Kind::Rate { what, value } => {
                write!(f, "{what} is {value}: it must be over 0 and at most 1 (1 trips when every call fails)")
            }
            Kind::Zero { what } => write!(f, "{what} is zero: it must be at least 1"),
            Kind::TooMany { what, value, max } => write!(f, "{what} is {value}: it must be at most {max}"),
            Kind::FailuresOverWindow { failures, size } => write!(
                f,
                "the breaker can never open: {failures} failures are asked for in a window of {size} calls; make the window \
                 as long, or longer"
            ),
            Kind::LumpedFailures { interval, needed, len } => write!(
                f,
                "the breaker can never open: failures within {interval:?} count once, so {needed} of them take longer than \
                 the window of {len:?}; make the window longer, the lumping interval shorter, or ask for fewer"
            ),
            Kind::LumpedRate { interval, min_calls, len } => write!(
                f,
                "an outage in which every call fails would never be seen: failures within {interval:?} count once, so in \
                 a window of {len:?} there are never {min_calls} of them, which is min_calls; make the window longer, the \
                 lumping interval shorter, or min_calls smaller"
            ),
            Kind::TimeoutOverLease { timeout, lease } => write!(
                f,
                "a probe may take {timeout:?} and loses its slot after {lease:?}: make probe_lease as long, or longer"
            ),
            Kind::IdleUnderOpen { idle, open_max } => write!(
                f,
                "keys are forgotten after {idle:?}, and circuits open for up to {open_max:?}: an open one would be forgotten; \
                 make the idle time as long, or longer"
            ),
            Kind::Instance { len } => {
                write!(f, "the name of the instance has {len} bytes: give it 1 to 128, and one that no other has")
            }
            Kind::Keyed(error) => error.fmt(f),
            Kind::Fixed { what } => {
                write!(f, "{what} cannot be changed while the breaker runs; nothing was changed: build another one")
            }
            Kind::Saved { what, right } => write!(f, "the saved state makes no sense: {what}; {right}"),
            Kind::NeverCloses { probes, successes } => write!(
                f,
                "the breaker can never close: a half-open round has {probes} probes, and {successes} must succeed; \
                 allow as many probes as must succeed, or more"
            ),
            Kind::SlowWithoutRate => f.write_str(
                "a slow-call rate needs to know what is slow: set slow_over as well",
            ),
            Kind::OpenOrder => f.write_str("open_max is shorter than open_for: it must be as long, or longer"),
            Kind::BucketsTooFine => {
                f.write_str("the window has more buckets than nanoseconds: make it longer or take fewer buckets")
            }
            Kind::Reason { len } => {
                write!(f, "the reason has {len} bytes: say in 1 to 500 why it is forced")
            }
            Kind::Unknown { name, near } => {
                write!(f, "no breaker is called {name:?}; none was created")?;
                let mut or = ". Did you mean ";
                for near in near {
                    write!(f, "{or}{near:?}")?;
                    or = " or ";
                }
                f.write_str(if near.is_empty() { "" } else { "?" })
            }
            Kind::Duplicate { name } => write!(f, "another breaker is called {name:?} already"),
            Kind::NoOutlierRule => f.write_str(
                "no host can ever be ejected: leave it a rule of consecutive failures, success rate, or failure percentage",
            ),
            Kind::UnknownHost => f.write_str("no such host is known; none was created"),
            Kind::Share { what, value, over } => {
                write!(f, "{what} is {value}: it must be {over} and at most 1")
            }
            Kind::HostsOverRoom { rule, hosts, room } => write!(
                f,
                "{rule} can never eject: it needs {hosts} hosts, and there is room for {room}; make more room, or lower min_hosts"
            ),
            Kind::Stdevs { stdevs, furthest } => write!(
                f,
                "success_rate can never eject: no host can be {stdevs} standard deviations under the mean where there is room \
                 for so few; take over 0 and under {furthest:.2}"
            ),
            Kind::EjectionOrder => {
                f.write_str("ejection_max is shorter than ejection: it must be as long, or longer")
            }
            Kind::IdleUnderInterval { idle, interval } => write!(
                f,
                "hosts are forgotten after {idle:?}, and looked at every {interval:?}: what they answered would be lost; make the \
                 idle time as long, or longer"
            ),
            Kind::Full { max } => write!(f, "the registry holds {max} breakers, which is its limit"),
        }
    }
}

/// The text as well: it is what `unwrap` shows, and what a `main` ends with.
impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConfigError({self})")
    }
}

impl std::error::Error for ConfigError {}
