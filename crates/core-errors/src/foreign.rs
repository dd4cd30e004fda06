//! Classifying errors of others: by type and kind, never by message text.

mod delivered;
mod into;
#[cfg(feature = "h2")]
mod of_h2;
#[cfg(feature = "http")]
mod of_http;
#[cfg(feature = "hyper")]
mod of_hyper;
#[cfg(feature = "json")]
mod of_json;
#[cfg(feature = "redis")]
mod of_redis;
#[cfg(feature = "reqwest")]
mod of_reqwest;
#[cfg(any(feature = "tokio-postgres", feature = "sqlx"))]
mod of_sql;
mod of_std;
#[cfg(feature = "tokio")]
mod of_tokio;
#[cfg(feature = "tonic")]
mod of_tonic;
#[cfg(any(feature = "anyhow", feature = "eyre"))]
mod reports;
mod shown;

use std::error::Error as StdError;
use std::io;
use std::ops::Deref;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use crate::error::CAUSES_MAX;
use crate::several::heard;
use crate::{
    Category, Classify, Code, Delivery, Error, MultiError, Recovery, Rejection, RemoteError, Verdict,
};

#[cfg(feature = "serde")]
pub(crate) use into::type_name;
pub(crate) use of_std::io_class;
#[cfg(any(feature = "anyhow", feature = "eyre"))]
pub(crate) use reports::report;
pub(crate) use shown::{Shown, without_secrets};

/// What is known of an error that is not ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Class {
    /// Its kind.
    pub category: Category,
    /// What helps against it.
    pub recovery: Recovery,
    /// What an attempt that failed with it came to.
    pub verdict: Verdict,
    /// When to come back, if it says.
    pub retry_after: Option<Duration>,
    /// Its stable name, if it has one.
    pub code: Option<Code>,
    /// Whether the call may have taken effect although it failed.
    pub idempotent_only: bool,
    /// How far the request came.
    pub delivery: Delivery,
    /// Whether the callee asked not to be tried again.
    pub forbids_retry: bool,
}

/// Says what an error is, if it knows the type. Look with `downcast_ref`, never at the text.
pub type Classifier = fn(&(dyn StdError + 'static)) -> Option<Class>;

/// How many classifiers an application may register.
const REGISTERED_MAX: usize = 64;

static REGISTERED: RwLock<Vec<Classifier>> = RwLock::new(Vec::new());

/// Those that come with this crate, the likelier first.
const KNOWN: &[Classifier] = &[
    of_ours,
    of_std::class,
    #[cfg(feature = "tokio")]
    of_tokio::class,
    #[cfg(feature = "reqwest")]
    of_reqwest::class,
    #[cfg(feature = "hyper")]
    of_hyper::class,
    #[cfg(feature = "h2")]
    of_h2::class,
    #[cfg(feature = "http")]
    of_http::class,
    #[cfg(feature = "tonic")]
    of_tonic::class,
    #[cfg(feature = "json")]
    of_json::class,
    #[cfg(feature = "redis")]
    of_redis::class,
    #[cfg(feature = "tokio-postgres")]
    of_sql::class_of_postgres,
    #[cfg(feature = "sqlx")]
    of_sql::class_of_sqlx,
];

/// Classifies any error by the first error of its source chain that is known; unknown if none is.
///
/// An error that wraps another knows more about it than that one does: a body that cannot be decoded is the callee's fault,
/// although the parser at the end of the chain would call it bad input. So the chain is walked from the outside in. A wrapper
/// that does not know says so, and the next is asked.
///
/// Known are the types of this crate and of std, those of the crates that features name, and what
/// [`register_classifier`] adds, which is asked first. Total: it never panics, and follows at most 32 causes.
///
/// Of the [last of several](crate::last_of_several) attempts it is the class, and there is no use in another.
#[must_use]
pub fn class_of(error: &(dyn StdError + 'static)) -> Class {
    let class = |(error, is_last)| known(error).map(|class| if is_last { class.of_several() } else { class });
    chain(error).find_map(class).unwrap_or_else(|| Class::from(Category::Unknown))
}

/// An error and what it wraps, from the outside in; each with whether one that wraps it said that it is the last of several.
fn chain<'e>(
    error: &'e (dyn StdError + 'static),
) -> impl Iterator<Item = (&'e (dyn StdError + 'static), bool)> {
    let inner = |&(error, was_last): &(&'e (dyn StdError + 'static), bool)| {
        let (cause, is_last) = heard(|| next(error));
        Some((cause?, was_last || is_last))
    };
    std::iter::successors(Some((error, false)), inner).take(CAUSES_MAX)
}

/// What an error wraps. Those that stand for another give it away only when asked: their `source` is that of what they wrap.
fn next<'e>(error: &'e (dyn StdError + 'static)) -> Option<&'e (dyn StdError + 'static)> {
    fn of<'e, P>(error: &'e (dyn StdError + 'static)) -> Option<&'e (dyn StdError + 'static)>
    where
        P: StdError + Deref<Target: StdError + Sized + 'static> + 'static,
    {
        error.downcast_ref::<P>().map(|pointer| &**pointer as &'e (dyn StdError + 'static))
    }
    if let Some(io) = error.downcast_ref::<io::Error>() {
        return io.get_ref().map(|inner| inner as &(dyn StdError + 'static));
    }
    of::<Arc<Error>>(error)
        .or_else(|| of::<Box<Error>>(error))
        .or_else(|| of::<Arc<io::Error>>(error))
        .or_else(|| of::<Box<io::Error>>(error))
        .or_else(|| error.source())
}

/// Teaches [`class_of`] a type of the application. It is asked before those that come with this crate, in the order of
/// registration. `false`: there are 64 already, and it was not added.
pub fn register_classifier(classifier: Classifier) -> bool {
    let mut registered = REGISTERED.write().unwrap_or_else(PoisonError::into_inner);
    let has_room = registered.len() < REGISTERED_MAX;
    if has_room {
        registered.push(classifier);
    }
    has_room
}

fn known(error: &(dyn StdError + 'static)) -> Option<Class> {
    registered(error).or_else(|| KNOWN.iter().find_map(|classifier| classifier(error)))
}

fn registered(error: &(dyn StdError + 'static)) -> Option<Class> {
    let count = REGISTERED.read().unwrap_or_else(PoisonError::into_inner).len();
    // One at a time: a classifier is the application's code, and runs without our lock.
    (0..count).find_map(|index| {
        let classifier = REGISTERED.read().unwrap_or_else(PoisonError::into_inner).get(index).copied()?;
        classifier(error)
    })
}

fn of_ours(error: &(dyn StdError + 'static)) -> Option<Class> {
    fn of<E: Classify + StdError + 'static>(error: &(dyn StdError + 'static)) -> Option<Class> {
        error.downcast_ref::<E>().map(Class::of)
    }
    of::<Error>(error)
        .or_else(|| of::<Rejection>(error))
        .or_else(|| of::<RemoteError>(error).map(Class::of_callee))
        .or_else(|| of::<MultiError>(error))
}

// === impl Class ===

impl Class {
    /// What the error says of itself.
    #[must_use]
    pub fn of<E: Classify + ?Sized>(error: &E) -> Self {
        Self {
            category: error.category(),
            recovery: error.recovery(),
            verdict: error.verdict(),
            retry_after: error.retry_after(),
            code: error.code(),
            idempotent_only: error.idempotent_only(),
            delivery: error.delivery(),
            forbids_retry: error.forbids_retry(),
        }
    }

    /// With another verdict than recovery and hint give.
    #[must_use]
    pub const fn with_verdict(mut self, verdict: Verdict) -> Self {
        self.verdict = verdict;
        self
    }

    /// With another recovery than that of the category.
    #[must_use]
    pub const fn with_recovery(mut self, recovery: Recovery) -> Self {
        self.recovery = recovery;
        self.verdict = Verdict::of_class(recovery, self.category, self.retry_after);
        self
    }

    /// With the time after which to come back.
    #[must_use]
    pub const fn with_retry_after(mut self, after: Option<Duration>) -> Self {
        self.retry_after = after;
        self.verdict = Verdict::of_class(self.recovery, self.category, after);
        self
    }

    /// What a failure that a callee told of is to whoever called it: not the callee's kind, which would have a 401 of a dependency tell
    /// our own client to log in. What helps, the hint and the name stay.
    #[must_use]
    pub const fn of_callee(mut self) -> Self {
        self.category = match self.category {
            Category::Timeout => Category::Timeout,
            Category::Unavailable | Category::RateLimit | Category::ResourceExhausted => {
                Category::Unavailable
            }
            _ => Category::ExternalService,
        };
        self
    }

    /// What the last of several attempts ended with is to whoever made them: its kind, and no reason for another. What it says of its own
    /// request it does not say of those before.
    const fn of_several(mut self) -> Self {
        self.forbids_retry = false;
        self.delivery = Delivery::Unknown;
        self.with_recovery(Recovery::Fatal)
    }

    /// Says how far the request came.
    #[must_use]
    pub const fn with_delivery(mut self, delivery: Delivery) -> Self {
        self.delivery = delivery;
        self.idempotent_only &= !delivery.had_no_effect();
        self
    }

    /// Says that the callee asked not to be tried again: it is of no use, whatever kind it is.
    #[must_use]
    pub const fn forbidding_retry(mut self) -> Self {
        self.forbids_retry = true;
        self.with_recovery(Recovery::Fatal)
    }

    /// Says that the call certainly had no effect.
    #[must_use]
    pub const fn never_happened(mut self) -> Self {
        self.idempotent_only = false;
        self
    }
}

impl From<Category> for Class {
    fn from(category: Category) -> Self {
        Self {
            category,
            recovery: category.recovery(),
            verdict: Verdict::of_class(category.recovery(), category, None),
            retry_after: None,
            code: None,
            idempotent_only: category.idempotent_only(),
            delivery: Delivery::Unknown,
            forbids_retry: false,
        }
    }
}
