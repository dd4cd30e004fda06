use std::fmt;

use core_errors::Name;
use core_metrics::{Registry, Scrape};

use crate::error::KitError;

/// What [`Builder::watch`](crate::Builder::watch) shows in the metrics: a policy, an executor, or what has a policy for each key.
/// Nobody else implements it.
#[diagnostic::on_unimplemented(
    message = "there are no metrics of `{Self}` to show",
    note = "retries, their budgets, limits, windows, throttles, bulkheads, executors and outliers can be watched, and `KeyedRate`, \
            `Arc<KeyedBreaker<_>>` and `Arc<KeyedPipeline<_>>`; pipelines and breakers have methods of their own"
)]
pub trait Watch: sealed::Watch {}

impl<T: sealed::Watch> Watch for T {}

pub(crate) mod sealed {
    use super::Source;

    /// What can be watched.
    pub trait Watch {
        #[doc(hidden)]
        fn source(&self) -> Source;
    }
}

/// Something with figures of its own.
pub struct Source {
    /// What it is, as in "two {kind} are called so".
    kind: &'static str,
    name: Name,
    show: Box<dyn Fn(&mut Scrape) + Send + Sync>,
}

// === impl Source ===

impl Source {
    #[cfg_attr(
        not(any(feature = "breaker", feature = "limit", feature = "retry")),
        expect(dead_code, reason = "there is nothing to watch")
    )]
    pub(crate) fn new(
        kind: &'static str,
        name: Name,
        show: impl Fn(&mut Scrape) + Send + Sync + 'static,
    ) -> Self {
        Self { kind, name, show: Box::new(show) }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("kind", &self.kind).field("name", &self.name).finish_non_exhaustive()
    }
}

/// Refuses sources of one kind that have one name. `others` are those that are shown anyway.
pub(crate) fn check(
    sources: &[Source],
    others: impl IntoIterator<Item = (&'static str, Name)>,
) -> Result<(), KitError> {
    let mut known: Vec<_> = others.into_iter().collect();
    for source in sources {
        let this = (source.kind, source.name);
        if known.contains(&this) {
            return Err(KitError::twice(source.kind, source.name));
        }
        known.push(this);
    }
    Ok(())
}

/// Each by its name, as it is at each scrape.
pub(crate) fn watched(registry: &Registry, sources: Vec<Source>) {
    for source in sources {
        registry.collect(move |scrape| (source.show)(scrape));
    }
}

/// A number of things as a gauge.
#[cfg(any(feature = "breaker", feature = "limit"))]
pub(super) fn count(n: usize) -> f64 {
    f64::from(u32::try_from(n).unwrap_or(u32::MAX))
}
