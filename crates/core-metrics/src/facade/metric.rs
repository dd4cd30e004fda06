//! What the facade holds of ours.

use std::sync::{Arc, Mutex, PoisonError};

use metrics::{CounterFn, GaugeFn, HistogramFn};

use crate::scrape::Sample;
use crate::text::{Kind, Number};
use crate::{Counter, Desc, Gauge, Histogram};

#[derive(Clone)]
pub(super) enum Metric {
    Counter(Arc<Counted>),
    Gauge(Arc<Gauge>),
    Histogram(Arc<Histogram>),
}

/// A counter of theirs, which may also be told how much there is.
pub(super) struct Counted {
    counter: Counter,
    /// Held by whoever tells it.
    telling: Mutex<()>,
}

// === impl Metric ===

impl Metric {
    pub(super) fn new(kind: Kind, buckets: &Desc<Histogram>, rejected: &Counter) -> Self {
        match kind {
            Kind::Counter | Kind::Info => {
                Self::Counter(Arc::new(Counted { counter: Counter::new(), telling: Mutex::default() }))
            }
            Kind::Gauge => Self::Gauge(Arc::new(Gauge::new(rejected))),
            Kind::Histogram => Self::Histogram(Arc::new(Histogram::new(buckets, rejected))),
        }
    }

    pub(super) fn sample(&self) -> Sample {
        match self {
            Self::Counter(counted) => Sample::Number(Number::Int(counted.counter.get())),
            Self::Gauge(gauge) => Sample::Number(Number::Float(gauge.get())),
            Self::Histogram(histogram) => Sample::Histogram(histogram.snapshot()),
        }
    }
}

impl CounterFn for Counted {
    fn increment(&self, value: u64) {
        self.counter.add(value);
    }

    fn absolute(&self, value: u64) {
        let _telling = self.telling.lock().unwrap_or_else(PoisonError::into_inner);
        self.counter.add(value.saturating_sub(self.counter.get()));
    }
}

impl GaugeFn for Gauge {
    fn increment(&self, value: f64) {
        self.add(value);
    }

    fn decrement(&self, value: f64) {
        self.add(-value);
    }

    fn set(&self, value: f64) {
        Self::set(self, value);
    }
}

impl HistogramFn for Histogram {
    fn record(&self, value: f64) {
        self.observe(value);
    }
}
