use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::class_of;
use crate::foreign::io_class;
use crate::{Category, Code, Delivery, Recovery, Verdict};

/// What policies ask of an error.
///
/// Implement [`recovery`](Self::recovery) for your own error types; the other answers have defaults.
///
/// ```
/// use core_errors::{Classify, Recovery, Verdict};
///
/// enum Charge { Declined, GatewayDown }
///
/// impl Classify for Charge {
///     fn recovery(&self) -> Recovery {
///         match self {
///             Charge::Declined => Recovery::InvalidInput,
///             Charge::GatewayDown => Recovery::Transient,
///         }
///     }
/// }
/// assert_eq!(Charge::Declined.verdict(), Verdict::Ignore);
/// assert_eq!(Charge::GatewayDown.verdict(), Verdict::Transient(None));
/// ```
pub trait Classify {
    /// What helps against it.
    fn recovery(&self) -> Recovery;

    /// The time after which the callee asked to be tried again. Default: it did not ask.
    fn retry_after(&self) -> Option<Duration> {
        None
    }

    /// Its kind. Default: unknown.
    fn category(&self) -> Category {
        Category::Unknown
    }

    /// Its stable name. Default: none.
    fn code(&self) -> Option<Code> {
        None
    }

    /// Whether the call may have taken effect although it failed: then only a call that may be made twice may be tried again.
    /// Default: as its category says.
    fn idempotent_only(&self) -> bool {
        self.category().idempotent_only()
    }

    /// How far the request came. Default: nobody knows.
    fn delivery(&self) -> Delivery {
        Delivery::Unknown
    }

    /// Whether the callee asked not to be tried again, as with a negative pushback of gRPC: besides that no attempt follows, budgets of
    /// retries take it for a failure (rule BG-1). Default: it did not ask.
    fn forbids_retry(&self) -> bool {
        false
    }

    /// The verdict on an attempt that ended with it.
    ///
    /// Default: from the recovery class and the hint. A cancelled call says nothing about the callee, and a rate limit or
    /// an exhausted resource is an overload.
    fn verdict(&self) -> Verdict {
        Verdict::of_class(self.recovery(), self.category(), self.retry_after())
    }
}

macro_rules! forward {
    ($($type:ty),+) => { $(
        impl<E: Classify + ?Sized> Classify for $type {
            fn recovery(&self) -> Recovery { (**self).recovery() }
            fn retry_after(&self) -> Option<Duration> { (**self).retry_after() }
            fn category(&self) -> Category { (**self).category() }
            fn code(&self) -> Option<Code> { (**self).code() }
            fn idempotent_only(&self) -> bool { (**self).idempotent_only() }
            fn delivery(&self) -> Delivery { (**self).delivery() }
            fn forbids_retry(&self) -> bool { (**self).forbids_retry() }
            fn verdict(&self) -> Verdict { (**self).verdict() }
        }
    )+ };
}

forward!(&E, Box<E>, Arc<E>);

/// By its kind, and by what it wraps when it wraps an error that is known better.
impl Classify for io::Error {
    fn recovery(&self) -> Recovery {
        io_class(self).recovery
    }

    fn category(&self) -> Category {
        io_class(self).category
    }

    fn retry_after(&self) -> Option<Duration> {
        io_class(self).retry_after
    }

    fn code(&self) -> Option<Code> {
        io_class(self).code
    }

    fn idempotent_only(&self) -> bool {
        io_class(self).idempotent_only
    }

    fn delivery(&self) -> Delivery {
        io_class(self).delivery
    }

    fn forbids_retry(&self) -> bool {
        io_class(self).forbids_retry
    }

    fn verdict(&self) -> Verdict {
        io_class(self).verdict
    }
}

/// By the first error of its chain that is known (see [`class_of`]).
impl Classify for dyn std::error::Error + Send + Sync {
    fn recovery(&self) -> Recovery {
        class_of(self).recovery
    }

    fn retry_after(&self) -> Option<Duration> {
        class_of(self).retry_after
    }

    fn category(&self) -> Category {
        class_of(self).category
    }

    fn code(&self) -> Option<Code> {
        class_of(self).code
    }

    fn idempotent_only(&self) -> bool {
        class_of(self).idempotent_only
    }

    fn delivery(&self) -> Delivery {
        class_of(self).delivery
    }

    fn forbids_retry(&self) -> bool {
        class_of(self).forbids_retry
    }

    fn verdict(&self) -> Verdict {
        class_of(self).verdict
    }
}

impl Classify for Infallible {
    fn recovery(&self) -> Recovery {
        match *self {}
    }
}
