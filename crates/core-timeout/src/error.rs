use std::fmt;
use std::time::Duration;

use core_errors::NameError;

/// Why a timeout was not built, or a profile not put in force.
#[derive(Clone, PartialEq, Eq)]
pub struct ConfigError(pub(crate) Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Name(NameError),
    Zero,
    ZeroFor(&'static str),
    NoLimit { limit: Duration, max: Duration },
    TooLong { name: &'static str, limit: Duration, max: Duration },
    OverParent { name: &'static str, limit: Duration, parent: &'static str, total: Duration },
    NotLonger { name: &'static str, limit: Duration, shorter: &'static str, least: Duration },
    OperationName(&'static str),
    TwoOperations(&'static str),
    NotListed(&'static str),
    NoProfile(String),
    NoOperation { variable: String, meant: Option<String>, known: String },
    OfOthers { variable: String, set: &'static str },
    NoTime { variable: String, value: String },
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
            Kind::Zero => f.write_str(
                "the limit is zero: nothing could ever run; leave the timeout out, or give it time",
            ),
            Kind::ZeroFor(name) => {
                write!(f, "{name}: the limit is zero: nothing could ever run; give it time")
            }
            Kind::NoLimit { limit, max } => write!(
                f,
                "the limit is {limit:?}: it must be at most {max:?}; leave the timeout out where there is none"
            ),
            Kind::TooLong { name, limit, max } => {
                write!(f, "{name}: the limit is {limit:?}: it must be at most {max:?}")
            }
            Kind::OverParent { name, limit, parent, total } => write!(
                f,
                "{name}: the limit is {limit:?}, and {parent}, of which it is a part, has {total:?}: make it no longer than that"
            ),
            Kind::NotLonger { name, limit, shorter, least } => write!(
                f,
                "{name}: the limit is {limit:?}, and that of {shorter} is {least:?}: make it longer than that"
            ),
            Kind::OperationName(name) => write!(
                f,
                "an operation is called `{name}`: a name has 1 to 64 small letters, digits and underscores, and is not `profile`"
            ),
            Kind::TwoOperations(name) => {
                write!(f, "two operations are called `{name}`: give each its own name")
            }
            Kind::NotListed(name) => {
                write!(
                    f,
                    "the operation `{name}` is not in Operation::ALL: a limit for it would be lost; list it there"
                )
            }
            Kind::NoProfile(name) => {
                write!(f, "there is no timeout profile `{name}`: it is `default`, `production` or `test`")
            }
            Kind::NoOperation { variable, meant: Some(meant), known } => {
                write!(
                    f,
                    "`{variable}` names no operation: did you mean `{meant}`? There are PROFILE, {known}{NOT_OURS}"
                )
            }
            Kind::NoOperation { variable, meant: None, known } => {
                write!(f, "`{variable}` names no operation: there are PROFILE, {known}{NOT_OURS}")
            }
            Kind::OfOthers { variable, set } => write!(
                f,
                "`{variable}` sets a limit of the operations `{set}`, which are not read here, so it would do nothing: leave it out, or \
                 say with from_env_beside::<{set}>() that somebody else reads those"
            ),
            Kind::NoTime { variable, value } => write!(
                f,
                "`{variable}` is `{value}`: it must be a number with ms, s, m or h, as in 250ms; without, it is in seconds"
            ),
        }
    }
}

/// What else it may be, and what to do then.
const NOT_OURS: &str = "; if it is of a set that somebody else reads, say so with from_env_beside, or read another prefix with from_pairs";

/// The text as well: it is what `unwrap` shows, and what a `main` ends with.
impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConfigError({self})")
    }
}

impl std::error::Error for ConfigError {}
