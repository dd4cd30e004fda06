use std::fmt;
use std::time::Duration;

/// What makes an outlier, for how long it is ejected, and how many may be: the checked form of an
/// [`OutliersBuilder`](crate::OutliersBuilder).
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct OutlierRules {
    /// Eject a host that fails so often in a row, at once.
    pub consecutive: Option<ConsecutiveFailures>,
    /// Eject hosts that do worse than the others, at a sweep.
    pub success_rate: Option<SuccessRate>,
    /// Eject hosts that fail too much whatever the others do, at a sweep.
    pub failure_percentage: Option<FailurePercentage>,
    /// The time from one sweep to the next.
    pub interval: Duration,
    /// How long a host is ejected the first time.
    pub ejection: Duration,
    /// The time grows up to this.
    pub ejection_max: Duration,
    /// Up to so much is added to each time.
    pub jitter: Duration,
    /// The share of the hosts that may be ejected at once. One host always may be.
    pub max_ejected: f64,
    /// With a smaller share of the hosts in service, ejections are ignored.
    pub panic_under: f64,
    /// Whether a panic of the call counts as a failure.
    pub count_panics: bool,
}

/// Ejects a host at once when so many calls to it have failed in a row.
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "a rule does nothing until it is given to a builder"]
pub struct ConsecutiveFailures {
    pub(super) failures: u32,
    pub(super) enforce: f64,
}

/// Ejects hosts whose share of successes in an interval is under the mean of all hosts less so many standard deviations.
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "a rule does nothing until it is given to a builder"]
pub struct SuccessRate {
    pub(super) stdevs: f64,
    pub(super) min_hosts: u32,
    pub(super) min_calls: u32,
    pub(super) enforce: f64,
}

/// Ejects hosts whose share of failures in an interval is at or over a threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "a rule does nothing until it is given to a builder"]
pub struct FailurePercentage {
    pub(super) threshold: f64,
    pub(super) min_hosts: u32,
    pub(super) min_calls: u32,
    pub(super) enforce: f64,
}

/// Shares are compared with so much to spare, since they are products of numbers that are not exact. No two shares of fewer than
/// a thousand million calls are as near to each other.
pub(super) const NEAR: f64 = 1e-9;

// === impl OutlierRules ===

impl OutlierRules {
    /// How long a host is ejected for the `times`-th time in a row, with a draw from `[0, 1)`.
    pub(crate) fn ejection_time(&self, times: u32, draw: f64) -> Duration {
        let time = self.ejection.saturating_mul(times.max(1)).min(self.ejection_max);
        time.saturating_add(self.jitter.mul_f64(draw))
    }

    /// More times than this in a row make it no longer: then it need not be counted, nor counted down later.
    pub(crate) fn times_max(&self) -> u32 {
        let times = self.ejection_max.as_nanos().div_ceil(self.ejection.as_nanos().max(1));
        u32::try_from(times).unwrap_or(u32::MAX)
    }

    /// Whether, of so many hosts, one more may be ejected.
    pub(crate) fn has_room(&self, hosts: usize, ejected: usize) -> bool {
        ejected == 0 || share(ejected + 1, hosts) <= self.max_ejected + NEAR
    }
}

impl Default for OutlierRules {
    fn default() -> Self {
        Self {
            consecutive: Some(ConsecutiveFailures::default()),
            success_rate: Some(SuccessRate::default()),
            failure_percentage: Some(FailurePercentage::default()),
            interval: Duration::from_secs(10),
            ejection: Duration::from_secs(30),
            ejection_max: Duration::from_secs(300),
            jitter: Duration::ZERO,
            max_ejected: 0.1,
            panic_under: 0.5,
            count_panics: true,
        }
    }
}

/// Whether so few hosts are in service that ejections are to be ignored.
pub(super) fn is_panic(panic_under: f64, hosts: usize, ejected: usize) -> bool {
    share(hosts.saturating_sub(ejected), hosts) + NEAR < panic_under
}

#[expect(clippy::cast_precision_loss, reason = "a map has at most 2^24 hosts")]
fn share(part: usize, hosts: usize) -> f64 {
    part as f64 / hosts.max(1) as f64
}

// === impl ConsecutiveFailures ===

impl ConsecutiveFailures {
    /// After so many. Default: 5.
    pub const fn of(failures: u32) -> Self {
        Self { failures, enforce: 1.0 }
    }

    /// Ejects only this share of the hosts that are found, drawn at random; of the others there is an event. Default: 1.
    pub const fn enforce(mut self, share: f64) -> Self {
        self.enforce = share;
        self
    }
}

impl Default for ConsecutiveFailures {
    fn default() -> Self {
        Self::of(5)
    }
}

// === impl SuccessRate ===

impl SuccessRate {
    /// How many standard deviations under the mean. Default: 1.9.
    pub const fn stdevs(mut self, stdevs: f64) -> Self {
        self.stdevs = stdevs;
        self
    }

    /// How many hosts must have had enough calls. Default: 5.
    pub const fn min_hosts(mut self, hosts: u32) -> Self {
        self.min_hosts = hosts;
        self
    }

    /// How many calls in the interval are enough for a host to be judged. Default: 100.
    pub const fn min_calls(mut self, calls: u32) -> Self {
        self.min_calls = calls;
        self
    }

    /// Ejects only this share of the hosts that are found, drawn at random; of the others there is an event. Default: 1.
    pub const fn enforce(mut self, share: f64) -> Self {
        self.enforce = share;
        self
    }
}

impl Default for SuccessRate {
    fn default() -> Self {
        Self { stdevs: 1.9, min_hosts: 5, min_calls: 100, enforce: 1.0 }
    }
}

// === impl FailurePercentage ===

impl FailurePercentage {
    /// At or over this share of failures, `0 < share ≤ 1`. Default: 0.85.
    pub const fn of(threshold: f64) -> Self {
        Self { threshold, min_hosts: 5, min_calls: 50, enforce: 1.0 }
    }

    /// How many hosts must have had enough calls. Default: 5.
    pub const fn min_hosts(mut self, hosts: u32) -> Self {
        self.min_hosts = hosts;
        self
    }

    /// How many calls in the interval are enough for a host to be judged. Default: 50.
    pub const fn min_calls(mut self, calls: u32) -> Self {
        self.min_calls = calls;
        self
    }

    /// Ejects only this share of the hosts that are found, drawn at random; of the others there is an event. Default: 1.
    pub const fn enforce(mut self, share: f64) -> Self {
        self.enforce = share;
        self
    }
}

impl Default for FailurePercentage {
    fn default() -> Self {
        Self::of(0.85)
    }
}

/// One line for people, as in a description of a service.
impl fmt::Display for OutlierRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut or = "";
        if let Some(rule) = self.consecutive {
            write!(f, "{} failures in a row", rule.failures)?;
            or = " or ";
        }
        if let Some(rule) = self.success_rate {
            write!(f, "{or}{} stdev under the mean", rule.stdevs)?;
            or = " or ";
        }
        if let Some(rule) = self.failure_percentage {
            write!(f, "{or}{:.0} % failures", rule.threshold * 100.0)?;
        }
        write!(f, ", every {:?}: ejected for {:?}", self.interval, self.ejection)
    }
}
