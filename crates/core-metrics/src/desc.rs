use std::fmt;
use std::marker::PhantomData;

use crate::name;
use crate::{Counter, FloatCounter, Gauge, Histogram, MetricsError, RangeGauge};

/// What a metric is called and what it says: everything that stands before its samples.
///
/// Put it into a constant, and the compiler refuses a name that could not be scraped.
///
/// ```
/// use core_metrics::{Counter, Desc, Histogram};
///
/// const ORDERS: Desc<Counter> = Desc::counter("orders_total", "Orders that came in.");
/// const CHARGING: Desc<Histogram> = Desc::histogram("orders_charge_seconds", "How long charging took.");
/// ```
///
/// ```compile_fail
/// use core_metrics::{Counter, Desc};
///
/// const ORDERS: Desc<Counter> = Desc::counter("orders", "A counter ends in _total.");
/// ```
pub struct Desc<K> {
    pub(crate) name: &'static str,
    pub(crate) help: &'static str,
    pub(crate) bounds: &'static [f64],
    pub(crate) exemplars: bool,
    pub(crate) series_max: usize,
    kind: PhantomData<fn() -> K>,
}

/// The upper ends of buckets for what a service does, in seconds: 1 ms to 10 s.
pub const DEFAULT_BUCKETS: &[f64] = &[0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The most buckets of a histogram, without the last, which has no end.
pub const BUCKETS_MAX: usize = 64;

/// How many series a family has by default, as in `OpenTelemetry`.
pub const SERIES_MAX: usize = 2000;

/// No family has more series than this.
pub(crate) const SERIES_LIMIT: usize = 100_000;

// === impl Desc ===

impl Desc<Counter> {
    /// A counter. Its name ends in `_total`.
    ///
    /// # Panics
    /// If the name could not be scraped; in a constant, this is an error of the compiler.
    #[must_use]
    pub const fn counter(name: &'static str, help: &'static str) -> Self {
        assert!(counter_fits(name), "a counter is named by letters, digits and `_`, and ends in `_total`");
        Self::new(name, help)
    }
}

impl Desc<FloatCounter> {
    /// A counter of fractions. Its name ends in `_total`.
    ///
    /// # Panics
    /// If the name could not be scraped; in a constant, this is an error of the compiler.
    #[must_use]
    pub const fn float_counter(name: &'static str, help: &'static str) -> Self {
        assert!(counter_fits(name), "a counter is named by letters, digits and `_`, and ends in `_total`");
        Self::new(name, help)
    }
}

impl Desc<Gauge> {
    /// A gauge.
    ///
    /// # Panics
    /// If the name could not be scraped; in a constant, this is an error of the compiler.
    #[must_use]
    pub const fn gauge(name: &'static str, help: &'static str) -> Self {
        assert!(
            plain_fits(name),
            "a gauge is named by letters, digits and `_`, without the ending of another kind"
        );
        Self::new(name, help)
    }
}

impl Desc<RangeGauge> {
    /// A gauge with the least and the most since the last scrape, which are called `{name}_min` and `{name}_max`.
    ///
    /// # Panics
    /// If the name could not be scraped; in a constant, this is an error of the compiler.
    #[must_use]
    pub const fn range(name: &'static str, help: &'static str) -> Self {
        assert!(
            plain_fits(name),
            "a gauge is named by letters, digits and `_`, without the ending of another kind"
        );
        Self::new(name, help)
    }
}

impl Desc<Histogram> {
    /// A histogram over [`DEFAULT_BUCKETS`]. One that measures time ends in `_seconds`.
    ///
    /// # Panics
    /// If the name could not be scraped; in a constant, this is an error of the compiler.
    #[must_use]
    pub const fn histogram(name: &'static str, help: &'static str) -> Self {
        assert!(
            plain_fits(name),
            "a histogram is named by letters, digits and `_`, without the ending of another kind"
        );
        Self::new(name, help)
    }

    /// The upper ends of the buckets, which belong to them. Default: [`DEFAULT_BUCKETS`].
    ///
    /// # Panics
    /// If there are none or more than [`BUCKETS_MAX`], or they are not finite, from zero up and increasing; in a constant, this is
    /// an error of the compiler.
    #[must_use]
    pub const fn buckets(self, bounds: &'static [f64]) -> Self {
        assert!(
            are_bounds(bounds),
            "the ends of buckets are 1 to 64 numbers, finite, from zero up and increasing"
        );
        Self { bounds, ..self }
    }

    /// Keeps, for each bucket, the trace of a call that fell into it, for the text of `OpenMetrics`. Default: no.
    ///
    /// An observation then looks at the context, and writes where its trace is sampled (about 30 ns more).
    #[must_use]
    pub const fn exemplars(self) -> Self {
        Self { exemplars: true, ..self }
    }
}

impl<K> Desc<K> {
    const fn new(name: &'static str, help: &'static str) -> Self {
        let bounds = DEFAULT_BUCKETS;
        Self { name, help, bounds, exemplars: false, series_max: SERIES_MAX, kind: PhantomData }
    }

    /// How many series the family has at most; what comes after goes into one that says so. Default: [`SERIES_MAX`].
    ///
    /// # Panics
    /// If it is 0 or above 100 000; in a constant, this is an error of the compiler.
    #[must_use]
    pub const fn series_max(self, series_max: usize) -> Self {
        assert!(series_max > 0 && series_max <= SERIES_LIMIT, "a family has 1 to 100000 series");
        Self { series_max, ..self }
    }

    /// What it is called.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// What it says, for people.
    #[must_use]
    pub const fn help(&self) -> &'static str {
        self.help
    }
}

macro_rules! at_run_time {
    ($kind:ty, $make:ident, $parse:ident, $fits:ident, $rule:literal) => {
        impl Desc<$kind> {
            /// The same with a name that is known only at run time. It is kept for the life of the process.
            ///
            /// # Errors
            /// If it could not be scraped, or the process has made 4096 names already.
            pub fn $parse(name: &str, help: &str) -> Result<Self, MetricsError> {
                if !$fits(name) {
                    return Err(MetricsError::name(name, $rule));
                }
                let kept = |text| name::intern(text).ok_or_else(|| MetricsError::names(name));
                Ok(Self::$make(kept(name)?, kept(help)?))
            }
        }
    };
}

at_run_time!(Counter, counter, parse_counter, counter_fits, "letters, digits and `_`, ending in `_total`");
at_run_time!(
    FloatCounter,
    float_counter,
    parse_float_counter,
    counter_fits,
    "letters, digits and `_`, ending in `_total`"
);
at_run_time!(
    Gauge,
    gauge,
    parse_gauge,
    plain_fits,
    "letters, digits and `_`, without the ending of another kind"
);
at_run_time!(
    Histogram,
    histogram,
    parse_histogram,
    plain_fits,
    "letters, digits and `_`, without the ending of another kind"
);

const fn counter_fits(name: &str) -> bool {
    name::is_metric(name) && name::ends_with(name, "_total")
}

const fn plain_fits(name: &str) -> bool {
    name::is_metric(name) && !name::has_suffix(name)
}

pub(crate) const fn are_bounds(bounds: &[f64]) -> bool {
    if bounds.is_empty() || bounds.len() > BUCKETS_MAX {
        return false;
    }
    let mut at = 0;
    while at < bounds.len() {
        // What is below zero is refused, so that such a bucket would be empty for ever.
        if !bounds[at].is_finite()
            || bounds[at].is_sign_negative()
            || (at > 0 && bounds[at - 1] >= bounds[at])
        {
            return false;
        }
        at += 1;
    }
    true
}

impl<K> Clone for Desc<K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Desc<K> {}

impl<K> fmt::Debug for Desc<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desc").field("name", &self.name).field("help", &self.help).finish_non_exhaustive()
    }
}
