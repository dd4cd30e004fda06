use std::time::Duration;

/// What a service waits for: usually an enum with a variant for each kind of operation, so that a limit cannot be asked for by a name
/// that nobody has set.
///
/// ```
/// use core_time::secs;
/// use core_timeout::{Operation, Profile, Spec, Timeouts};
///
/// #[derive(Clone, Copy, Debug, PartialEq)]
/// enum Step { Total, Model, Database, Cache }
///
/// impl Operation for Step {
///     const ALL: &'static [Self] = &[Self::Total, Self::Model, Self::Database, Self::Cache];
///
///     fn spec(self) -> Spec {
///         match self {
///             Self::Total => Spec::new("total", secs(60)),
///             Self::Model => Spec::new("model", secs(30)).production(secs(45)),
///             Self::Database => Spec::new("database", secs(10)),
///             Self::Cache => Spec::new("cache", secs(5)),
///         }
///     }
///
///     fn parent(self) -> Option<Self> {
///         (self != Self::Total).then_some(Self::Total)
///     }
/// }
///
/// let timeouts = Timeouts::new(Profile::<Step>::production())?;
/// assert_eq!(timeouts.get(Step::Model), secs(45));
/// # Ok::<(), core_timeout::ConfigError>(())
/// ```
pub trait Operation: Copy + PartialEq + std::fmt::Debug + Send + Sync + 'static {
    /// All of them.
    const ALL: &'static [Self];

    /// Its name, and how long it may take.
    fn spec(self) -> Spec;

    /// What it is a part of, and may not take longer than. Default: nothing.
    fn parent(self) -> Option<Self> {
        None
    }

    /// What must take less time than it, for another reason than being a part. Default: nothing.
    fn longer_than(self) -> Option<Self> {
        None
    }
}

/// The name of an operation, and how long it may take in each of the profiles with names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spec {
    pub(crate) name: &'static str,
    pub(crate) limits: Limits,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) default: Duration,
    pub(crate) production: Duration,
    pub(crate) test: Duration,
}

// === impl Spec ===

impl Spec {
    /// An operation that may take `limit` in every profile. Its name has small letters, digits and underscores; `profile` is taken.
    #[must_use]
    pub const fn new(name: &'static str, limit: Duration) -> Self {
        Self { name, limits: Limits { default: limit, production: limit, test: limit } }
    }

    /// How long it may take in production.
    #[must_use]
    pub const fn production(mut self, limit: Duration) -> Self {
        self.limits.production = limit;
        self
    }

    /// How long it may take in tests.
    #[must_use]
    pub const fn test(mut self, limit: Duration) -> Self {
        self.limits.test = limit;
        self
    }

    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }
}
