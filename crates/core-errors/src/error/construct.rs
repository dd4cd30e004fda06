//! How errors are made.

use std::any::Any;
use std::borrow::Cow;
use std::error::Error as StdError;
use std::panic::Location;

use super::{Aside, Inner};
use crate::{
    Category, Class, Classify, Code, Delivery, Error, MultiError, Recovery, Rejection, ambient, backtrace,
    class_of, unclassified,
};

macro_rules! constructors {
    ($($(#[doc = $doc:literal])+ $name:ident => $category:ident $(, $code:literal)?;)+) => { $(
        $(#[doc = $doc])+
        #[doc = concat!("\n\nOf category [`Category::", stringify!($category), "`]", $(", with the code `", $code, "`",)? ".")]
        #[must_use]
        #[track_caller]
        pub fn $name(message: impl Into<Cow<'static, str>>) -> Self {
            Self::new(Category::$category, message)$(.with_code(const { Code::new($code) }))?
        }
    )+ };
}

macro_rules! of_recovery {
    ($($(#[doc = $doc:literal])+ $name:ident => $recovery:ident;)+) => { $(
        $(#[doc = $doc])+
        ///
        /// The rest is what the cause says of itself. One that does not convert into an [`Error`] goes through
        /// [`convert`](Self::convert) first.
        #[must_use]
        #[track_caller]
        pub fn $name<E>(operation: impl Into<Cow<'static, str>>, cause: E) -> Self
        where
            E: Into<Self>,
        {
            cause.into().with_recovery(Recovery::$recovery).op(operation)
        }
    )+ };
}

/// More of the text of a panic is not kept.
const PANIC_MAX: usize = 1_024;

// === impl Error ===

impl Error {
    /// A failure of a category, with text that a client may see. Costs one allocation.
    ///
    /// It remembers where it was made, and the ids of the [context](crate::ErrorContext) that is current.
    #[must_use]
    #[track_caller]
    #[inline]
    pub fn new(category: Category, message: impl Into<Cow<'static, str>>) -> Self {
        Self::made(category, message.into(), Location::caller())
    }

    fn made(category: Category, message: Cow<'static, str>, location: &'static Location<'static>) -> Self {
        let context = ambient::current();
        let aside =
            backtrace::take(category).map(|trace| Box::new(Aside { backtrace: Some(trace), internal: None }));
        // Written where it stays: the copy from the stack would cost a tenth of the whole.
        let place = Box::new_uninit();
        Self(Box::write(
            place,
            Inner {
                category,
                recovery: category.recovery(),
                verdict: None,
                idempotent_only: category.idempotent_only(),
                delivery: Delivery::Unknown,
                forbids_retry: false,
                code: None,
                message,
                operation: Cow::Borrowed(""),
                retry_after: None,
                metadata: Vec::new(),
                location,
                context,
                source: None,
                aside,
            },
        ))
    }

    constructors! {
        /// The ground under the service gave way.
        infrastructure => Infrastructure;
        /// The connection failed.
        network => Network;
        /// No answer in time.
        timeout => Timeout;
        /// The request is wrong.
        validation => Validation;
        /// The caller is not known.
        authentication => Authentication;
        /// The caller may not do this.
        authorization => Authorization;
        /// The service was set up wrongly.
        configuration => Configuration;
        /// A service that we call failed.
        external_service => ExternalService;
        /// The caller asked too often.
        rate_limit => RateLimit;
        /// What was asked for does not exist.
        not_found => Resource;
        /// The request contradicts the present state.
        conflict => Conflict;
        /// A pool, queue or quota is used up.
        resource_exhausted => ResourceExhausted;
        /// The service cannot answer now.
        unavailable => Unavailable;
        /// The caller went away.
        cancelled => Cancelled;
        /// Stored data is wrong or lost.
        data => Data;
        /// A bug.
        internal => Internal;
        /// The cache cannot be reached, or answered with a failure.
        cache => Infrastructure, "CACHE_FAILED";
        /// The message queue cannot be reached, or did not take or give a message.
        queue => Infrastructure, "QUEUE_FAILED";
        /// A provider that we buy from answered with a failure.
        provider => ExternalService, "PROVIDER_FAILED";
        /// A stream ended before it was complete.
        streaming => Network, "STREAM_FAILED";
        /// The record of an execution is wrong: a stage ended twice, or under another parent.
        tracker => Internal, "TRACKER_FAILED";
    }

    /// A part of a request is wrong: `pointer` is where, as a JSON pointer in a URI fragment (`#/items/0/price`).
    #[must_use]
    #[track_caller]
    pub fn validation_at(
        pointer: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::validation(message).with_public(crate::POINTER, pointer.into())
    }

    of_recovery! {
        /// An operation failed and may work at once: not the leader, a stale connection.
        retriable => Retriable;
        /// An operation failed and may work after a delay.
        transient => Transient;
        /// An operation failed and will fail again.
        fatal => Fatal;
        /// An operation failed because of what the caller asked for.
        invalid_input => InvalidInput;
    }

    /// Converts any error, keeping it as the cause. Never panics.
    ///
    /// An [`Error`] comes back as itself. The category is that of the first known error of the chain. The text of a
    /// foreign error is not shown to clients: the public text is the category's title. What nobody knows is counted
    /// ([`unclassified`](crate::unclassified())).
    ///
    /// It sees an error as others see it in a box, by the types of the chain. Where there is a `From` of its type (all known types of std
    /// and of the features, a derived `into_error`, the errors of policies), that sees more: use `?`, `Error::from`, or
    /// [`ResultExt`](crate::ResultExt), and this for the rest. `.map_err(Error::convert)` would say that it was made inside of std:
    /// [`ResultExt::or_convert`](crate::ResultExt::or_convert) says where.
    #[must_use]
    #[track_caller]
    pub fn convert<E>(error: E) -> Self
    where
        E: Into<Box<dyn StdError + Send + Sync>> + 'static,
    {
        #[cfg(any(feature = "anyhow", feature = "eyre"))]
        let error = match crate::foreign::report(error) {
            Ok(converted) => return converted,
            Err(error) => error,
        };
        match error.into().downcast::<Self>() {
            Ok(ours) => *ours,
            Err(foreign) => {
                let class = class_of(foreign.as_ref());
                if class.category == Category::Unknown {
                    unclassified::count(std::any::type_name::<E>());
                }
                Self::of_class(class, foreign)
            }
        }
    }

    /// Converts an error that classifies itself, keeping it as the cause. Clients see the category's title.
    #[must_use]
    #[track_caller]
    pub fn classified<E>(error: E) -> Self
    where
        E: Classify + StdError + Send + Sync + 'static,
    {
        Self::of_class(Class::of(&error), Box::new(error))
    }

    /// What a panic came to, from what it was thrown with. The text is for those who run the service.
    #[must_use]
    #[track_caller]
    pub fn from_panic(thrown: &(dyn Any + Send)) -> Self {
        let text = thrown.downcast_ref::<&str>().copied();
        let text = text.or_else(|| thrown.downcast_ref::<String>().map(String::as_str));
        let error = Self::internal(Category::Internal.title()).with_code(const { Code::new("PANICKED") });
        match text {
            Some(text) => error.with_internal(text[..text.floor_char_boundary(PANIC_MAX)].to_owned()),
            None => error.with_internal("a panic with something else than text"),
        }
    }

    /// A failure of a class that is known better than its category tells, with text that a client may see.
    #[must_use]
    #[track_caller]
    pub fn with_class(class: Class, message: impl Into<Cow<'static, str>>) -> Self {
        let Class {
            category,
            recovery,
            verdict,
            retry_after,
            code,
            idempotent_only,
            delivery,
            forbids_retry,
        } = class;
        let mut error = Self::new(category, message);
        error.0.recovery = recovery;
        error.0.verdict = Some(verdict);
        error.0.idempotent_only = idempotent_only;
        error.0.delivery = delivery;
        error.0.forbids_retry = forbids_retry;
        error.0.retry_after = retry_after;
        error.0.code = code;
        error
    }

    #[track_caller]
    pub(crate) fn of_class(class: Class, foreign: Box<dyn StdError + Send + Sync>) -> Self {
        Self::with_class(class, class.category.title()).cause(foreign)
    }
}

impl From<Rejection> for Error {
    #[track_caller]
    fn from(rejection: Rejection) -> Self {
        let message = rejection.public_message();
        Self::classified(rejection).with_message(message)
    }
}

/// Of several failures, the kind of the worst; the public text says how many there were.
impl From<MultiError> for Error {
    #[track_caller]
    fn from(errors: MultiError) -> Self {
        match errors.into_single() {
            Ok(single) => single,
            Err(several) => {
                let message = several.to_string();
                Self::classified(several).with_message(message)
            }
        }
    }
}
