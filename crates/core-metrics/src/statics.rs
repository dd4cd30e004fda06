use tracing::error;

use crate::{Desc, Family, Instrument, Labels, MetricsError, Registry};

/// Declares metrics of the [registry of the process](crate::Registry::global), each with its name, its help and its type in one place:
/// for code that is given no registry.
///
/// The help is the comment of documentation. Names and settings are those of [`Desc`], and checked by the compiler. A metric is
/// registered when it is first used; [`LazyLock::force`](std::sync::LazyLock::force) shows one from the start. What is declared in two
/// places is one metric, if all of it is alike. Otherwise the second still counts, and is not shown: an error in the log says so, and
/// `metrics_rejected_total` counts it.
///
/// A use costs one load more than that of a handle.
///
/// ```
/// use core_metrics::{Counter, Family, Gauge, Histogram, Registry};
///
/// core_metrics::labels! {
///     /// Where a request went, and what it got.
///     pub struct Route { route: &'static str, status: u16 }
/// }
///
/// core_metrics::metrics! {
///     /// Requests that were answered.
///     pub static HTTP_REQUESTS: Family<Counter, Route> = counter("http_requests_total").series_max(500);
///
///     /// How long it took to answer.
///     static HTTP_SECONDS: Histogram = histogram("http_request_seconds").buckets(&[0.01, 0.1, 1.0]);
///
///     /// Messages that wait.
///     static QUEUED: Gauge = gauge("queue_depth");
/// }
///
/// HTTP_REQUESTS.with(&Route { route: "/orders", status: 200 }).inc();
/// HTTP_SECONDS.observe(0.04);
/// QUEUED.set(3.0);
///
/// let text = Registry::global().respond(None).body;
/// assert!(text.contains("# HELP http_requests_total Requests that were answered.\n"));
/// assert!(text.contains("http_requests_total{route=\"/orders\",status=\"200\"} 1\n"));
/// ```
///
/// ```compile_fail
/// use core_metrics::Counter;
///
/// core_metrics::metrics! {
///     /// A counter ends in `_total`.
///     static ORDERS: Counter = counter("orders");
/// }
/// ```
#[macro_export]
macro_rules! metrics {
    ($(
        $(#[doc = $help:literal])+
        $vis:vis static $name:ident: $metric:ty = $kind:ident($text:literal) $(.$set:ident($($value:expr),* $(,)?))*;
    )+) => {
        $(
            $(#[doc = $help])+
            $vis static $name: ::std::sync::LazyLock<$metric> = {
                const DESC: $crate::Desc<<$metric as $crate::Declared>::Instrument> =
                    $crate::Desc::$kind($text, concat!($($help),+).trim_ascii())$(.$set($($value),*))*;
                ::std::sync::LazyLock::new(|| <$metric as $crate::Declared>::declared(&DESC))
            };
        )+
    };
}

/// What [`metrics!`](crate::metrics) can declare: an [`Instrument`], or a [`Family`] of them.
pub trait Declared: Sized + sealed::Sealed {
    /// What counts.
    type Instrument: Instrument;

    #[doc(hidden)]
    fn declared(desc: &Desc<Self::Instrument>) -> Self;
}

mod sealed {
    pub trait Sealed {}
}

// === impl Declared ===

impl<K: Instrument> sealed::Sealed for K {}

impl<K: Instrument> Declared for K {
    type Instrument = K;

    fn declared(desc: &Desc<K>) -> Self {
        let registry = Registry::global();
        shown(registry, desc, registry.family::<K, ()>(desc)).with(&())
    }
}

impl<K: Instrument, L: Labels> sealed::Sealed for Family<K, L> {}

impl<K: Instrument, L: Labels> Declared for Family<K, L> {
    type Instrument = K;

    fn declared(desc: &Desc<K>) -> Self {
        let registry = Registry::global();
        shown(registry, desc, registry.family(desc))
    }
}

/// The family, or one that nobody sees.
fn shown<K: Instrument, L: Labels>(
    registry: &Registry,
    desc: &Desc<K>,
    family: Result<Family<K, L>, MetricsError>,
) -> Family<K, L> {
    family.unwrap_or_else(|error| {
        registry.rejected().inc();
        error!(target: "core_metrics", metric = desc.name, %error, "a metric that was declared is not shown");
        Family::new(desc, registry.rejected())
    })
}
