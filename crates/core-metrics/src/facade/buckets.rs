use crate::desc::are_bounds;
use crate::facade::Bridge;
use crate::{BUCKETS_MAX, DEFAULT_BUCKETS, MetricsError, Registry};

/// Histograms of others, by the name that they have there or here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Match {
    /// The one of this name.
    Name(&'static str),
    /// Those whose name begins so.
    Prefix(&'static str),
    /// Those whose name ends so.
    Suffix(&'static str),
    /// All.
    All,
}

/// Says how what others count is shown. Made by [`Bridge::builder`].
#[must_use = "a builder does nothing until it is built"]
#[derive(Clone, Debug)]
pub struct Builder {
    registry: Registry,
    rules: Rules,
}

/// Which histograms have which buckets.
#[derive(Clone, Debug, Default)]
pub(super) struct Rules(Vec<(Match, &'static [f64])>);

// === impl Builder ===

impl Builder {
    pub(super) fn new(registry: &Registry) -> Self {
        Self { registry: registry.clone(), rules: Rules::default() }
    }

    /// The upper ends of the buckets of some histograms, as for [`Desc::buckets`](crate::Desc::buckets). Of several rules that fit, the
    /// first holds. Default: [`DEFAULT_BUCKETS`], which are for seconds.
    pub fn buckets(mut self, of: Match, bounds: &'static [f64]) -> Self {
        self.rules.0.push((of, bounds));
        self
    }

    /// Checks the buckets, and makes the recorder.
    ///
    /// # Errors
    /// If the ends of buckets are none or more than [`BUCKETS_MAX`], or not finite, from zero up and increasing.
    pub fn build(self) -> Result<Bridge, MetricsError> {
        match self.rules.0.iter().find(|(_, bounds)| !are_bounds(bounds)) {
            Some((of, _)) => Err(MetricsError::buckets(of.text(), BUCKETS_MAX)),
            None => Ok(Bridge::with(&self.registry, self.rules)),
        }
    }

    /// Makes it the recorder of the process.
    ///
    /// # Errors
    /// As for [`build`](Self::build), or if the process has a recorder already.
    pub fn install(self) -> Result<(), MetricsError> {
        metrics::set_global_recorder(self.build()?).map_err(|_| MetricsError::facade())
    }
}

// === impl Rules ===

impl Rules {
    /// The buckets of a histogram that is called so there, and so here.
    pub(super) fn of(&self, theirs: &str, ours: &str) -> &'static [f64] {
        let fits = |of: &Match| of.fits(theirs) || of.fits(ours);
        self.0.iter().find(|(of, _)| fits(of)).map_or(DEFAULT_BUCKETS, |(_, bounds)| bounds)
    }
}

// === impl Match ===

impl Match {
    fn fits(self, name: &str) -> bool {
        match self {
            Self::Name(all) => name == all,
            Self::Prefix(start) => name.starts_with(start),
            Self::Suffix(end) => name.ends_with(end),
            Self::All => true,
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Name(text) | Self::Prefix(text) | Self::Suffix(text) => text,
            Self::All => "*",
        }
    }
}
