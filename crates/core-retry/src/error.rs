use std::fmt;
use std::time::Duration;

use core_errors::NameError;

/// Why a retry, a hedge or a budget was not built.
#[derive(Clone, PartialEq)]
pub struct ConfigError(pub(crate) Kind);

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    Name(NameError),
    NoAttempts,
    Range { base: Duration, max: Duration },
    Factor(f64),
    Fraction(f64),
    GrowsFromZero { max: Duration },
    NoFactor { growth: &'static str },
    OwnJitter { growth: &'static str },
    NothingToDraw(Duration),
    AddsNothing,
    NoRoom { base: Duration, up_to: Duration },
    NothingToSpread,
    Tokens(u32),
    Ratio(f64),
    Units(u32),
    Share(f64),
    Ttl(Duration),
    MinPerSecond(u32),
    InFlightShare(f64),
    InFlightMin(u32),
    EmptyBudget,
    NeverRetries,
    OnNothing,
    NoBudget,
    Hedges { hedges: u8, max: u8 },
    Quantile(f64),
    Samples { samples: u32, needed: u32 },
    Window(Duration),
    Subscribers { max: usize },
    Fixed { what: &'static str },
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
            Kind::NoAttempts => {
                f.write_str("attempts is zero: it is the total number of calls, so 1 means no retry")
            }
            Kind::Range { base, max } => {
                write!(
                    f,
                    "the delays run from {base:?} to {max:?}: the longest must be as long as the first, or longer"
                )
            }
            Kind::Factor(factor) => write!(f, "the factor is {factor}: it must be a number of at least 1"),
            Kind::Fraction(fraction) => {
                write!(f, "the jitter is ±{fraction}: it must be over 0 and at most 1")
            }
            Kind::GrowsFromZero { max } => write!(
                f,
                "the delays run from zero to {max:?}: what begins at zero stays there, however often it is multiplied; begin with a delay, \
                 or say Retry::fixed(Duration::ZERO) to try again at once"
            ),
            Kind::NoFactor { growth } => write!(
                f,
                "{growth} delays have no factor, and one is set: leave it out, or use Retry::exponential"
            ),
            Kind::OwnJitter { growth } => write!(
                f,
                "{growth} delays are drawn at random already, and a jitter is set, which would do nothing: leave it out, or use \
                 Retry::exponential"
            ),
            Kind::NothingToDraw(delay) => write!(
                f,
                "decorrelated delays run from {delay:?} to {delay:?}: there is nothing to draw from; let them run further, or use \
                 Retry::fixed"
            ),
            Kind::AddsNothing => f.write_str(
                "the jitter adds up to zero: it must be able to add something, or say no_jitter()",
            ),
            Kind::NoRoom { base, up_to } => write!(
                f,
                "the jitter adds up to {up_to:?} to delays of which the first, {base:?}, is the longest there may be: nothing would ever be \
                 added; let them run further, or use Retry::fixed"
            ),
            Kind::NothingToSpread => f.write_str(
                "the delays are zero, so the jitter has nothing to spread: give them time, leave the jitter out, or use \
                 Jitter::Plus, which adds to them",
            ),
            Kind::Units(units) => write!(
                f,
                "the budget has {units} units and a retry costs 5: it must have 5 to 1 000 000, or nothing would ever be retried"
            ),
            Kind::Share(share) => write!(f, "a call adds {share} of a token: it must be 0 to 1000"),
            Kind::Ttl(ttl) => write!(f, "tokens live for {ttl:?}: it must be 1 to 60 s"),
            Kind::MinPerSecond(min) => {
                write!(f, "there is room for {min} retries a second in any case: it must be at most 1 000 000")
            }
            Kind::InFlightShare(share) => write!(
                f,
                "retries may be {share} of the calls in flight: it must be 0 to 1, as in 0.2 for a fifth"
            ),
            Kind::InFlightMin(min) => {
                write!(f, "{min} retries may be in flight in any case: it must be at most 1 000 000")
            }
            Kind::EmptyBudget => f.write_str(
                "the budget is always empty, so nothing would be retried: a call must add something, or some retries a \
                 second be free",
            ),
            Kind::NeverRetries => f.write_str(
                "the budget has one or two tokens: a failure takes one, and more than half must be left, so nothing would ever be \
                 retried; give it at least 3",
            ),
            Kind::OnNothing => f.write_str(
                "only_on names no kind of failure, or none that never_on leaves: nothing would be retried; say which, or leave it out",
            ),
            Kind::Fixed { what } => {
                write!(f, "{what} cannot be changed while calls go on; nothing was changed: build another one")
            }
            Kind::NoBudget => f.write_str(
                "the hedge has no budget: it would double the load on a callee that is slow because it is overloaded; give it that \
                 of the retry, or Budget::default()",
            ),
            Kind::Hedges { hedges, max } => write!(f, "a call may have {hedges} hedges: it must be 1 to {max}"),
            Kind::Quantile(quantile) => {
                write!(f, "the quantile is {quantile}: it must be over 0 and under 1, as in 0.95 for p95")
            }
            Kind::Samples { samples, needed } => write!(
                f,
                "min_samples is {samples}: for this quantile it must be {needed} to 1 000 000, so that one of them is expected to be \
                 slower than it"
            ),
            Kind::Window(window) => write!(f, "the window is {window:?}: it must be 1 s to 1 h"),
            Kind::Subscribers { max } => write!(f, "there are more than {max} subscribers of one kind"),
            Kind::Tokens(tokens) => write!(f, "the budget has {tokens} tokens: it must have 1 to 1000"),
            Kind::Ratio(ratio) => {
                write!(
                    f,
                    "a success adds {ratio} tokens to the budget: it must be at least 0.001 and at most 1000"
                )
            }
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
