use std::fmt;

/// Why a metric is not there.
#[derive(Clone, PartialEq, Eq)]
pub struct MetricsError(Kind);

#[derive(Clone, PartialEq, Eq)]
enum Kind {
    Name {
        name: String,
        rule: &'static str,
    },
    Names {
        name: String,
    },
    Taken {
        name: String,
        by: String,
    },
    Differs {
        name: String,
    },
    Labels {
        name: String,
    },
    #[cfg(feature = "facade")]
    Facade,
    #[cfg(feature = "facade")]
    Buckets {
        of: &'static str,
        max: usize,
    },
}

// === impl MetricsError ===

impl MetricsError {
    pub(crate) fn name(name: &str, rule: &'static str) -> Self {
        Self(Kind::Name { name: name.into(), rule })
    }

    pub(crate) fn names(name: &str) -> Self {
        Self(Kind::Names { name: name.into() })
    }

    pub(crate) fn taken(name: &str, by: &str) -> Self {
        Self(Kind::Taken { name: name.into(), by: by.into() })
    }

    pub(crate) fn differs(name: &str) -> Self {
        Self(Kind::Differs { name: name.into() })
    }

    pub(crate) fn labels(name: &str) -> Self {
        Self(Kind::Labels { name: name.into() })
    }

    #[cfg(feature = "facade")]
    pub(crate) fn facade() -> Self {
        Self(Kind::Facade)
    }

    #[cfg(feature = "facade")]
    pub(crate) fn buckets(of: &'static str, max: usize) -> Self {
        Self(Kind::Buckets { of, max })
    }

    /// Whether another metric has the name.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        matches!(self.0, Kind::Taken { .. } | Kind::Differs { .. })
    }
}

impl fmt::Display for MetricsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Name { name, rule } => write!(f, "{name:?} is no name for this kind of metric: {rule}"),
            Kind::Names { name } => {
                write!(
                    f,
                    "{name:?} is one name too many: names that are made at run time are for a few things"
                )
            }
            Kind::Taken { name, by } => {
                write!(f, "{name:?} would stand in the text twice: {by:?} is registered already")
            }
            Kind::Differs { name } => {
                write!(
                    f,
                    "{name:?} is registered already, as another kind or with other labels, buckets or help"
                )
            }
            Kind::Labels { name } => {
                write!(f, "the labels of {name:?} need names of letters, digits and `_`, each once, not `le`")
            }
            #[cfg(feature = "facade")]
            Kind::Facade => f.write_str("the process has a recorder for the `metrics` facade already"),
            #[cfg(feature = "facade")]
            Kind::Buckets { of, max } => {
                write!(
                    f,
                    "the ends of the buckets for {of:?} are to be 1 to {max} numbers, finite, from zero up and increasing"
                )
            }
        }
    }
}

impl fmt::Debug for MetricsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MetricsError({self})")
    }
}

impl std::error::Error for MetricsError {}
