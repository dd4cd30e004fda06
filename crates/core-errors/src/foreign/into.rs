//! What `?` makes an [`Error`] of: everything that this crate knows by its type.

use std::error::Error as StdError;
use std::sync::mpsc;

use super::Class;
use crate::{Category, Error};
#[cfg(feature = "serde")]
use crate::{MultiError, Rejection, RemoteError};

macro_rules! known {
    ($($(#[$cfg:meta])* $type:ty),+ $(,)?) => { $(
        $(#[$cfg])*
        #[doc = "As [`Error::convert`] has it."]
        impl From<$type> for Error {
            #[track_caller]
            fn from(error: $type) -> Self {
                Self::convert(error)
            }
        }
    )+

        /// What the type of an error is called, if it is known.
        #[cfg(feature = "serde")]
        pub(crate) fn type_name(error: &(dyn StdError + 'static)) -> Option<&'static str> {
            $(
                $(#[$cfg])*
                if error.is::<$type>() {
                    return Some(std::any::type_name::<$type>());
                }
            )+
            of_ours(error)
        }
    };
}

#[cfg(feature = "serde")]
fn of_ours(error: &(dyn StdError + 'static)) -> Option<&'static str> {
    fn of<E: StdError + 'static>(error: &(dyn StdError + 'static)) -> Option<&'static str> {
        error.is::<E>().then(std::any::type_name::<E>)
    }
    of::<Error>(error)
        .or_else(|| of::<Rejection>(error))
        .or_else(|| of::<RemoteError>(error))
        .or_else(|| of::<MultiError>(error))
}

/// A box tells nothing of what is in it until it is opened.
impl From<Box<dyn StdError + Send + Sync>> for Error {
    #[track_caller]
    fn from(error: Box<dyn StdError + Send + Sync>) -> Self {
        Self::convert(error)
    }
}

known! {
    std::alloc::LayoutError,
    std::array::TryFromSliceError,
    std::cell::BorrowError,
    std::cell::BorrowMutError,
    std::char::CharTryFromError,
    std::char::DecodeUtf16Error,
    std::char::ParseCharError,
    std::char::TryFromCharError,
    std::collections::TryReserveError,
    std::convert::Infallible,
    std::env::JoinPathsError,
    std::env::VarError,
    std::ffi::FromBytesUntilNulError,
    std::ffi::FromBytesWithNulError,
    std::ffi::FromVecWithNulError,
    std::ffi::IntoStringError,
    std::ffi::NulError,
    std::fmt::Error,
    std::io::Error,
    std::net::AddrParseError,
    std::num::ParseFloatError,
    std::num::ParseIntError,
    std::num::TryFromIntError,
    std::path::StripPrefixError,
    std::str::ParseBoolError,
    std::str::Utf8Error,
    std::string::FromUtf16Error,
    std::string::FromUtf8Error,
    mpsc::RecvError,
    mpsc::RecvTimeoutError,
    mpsc::TryRecvError,
    std::thread::AccessError,
    std::time::SystemTimeError,
    std::time::TryFromFloatSecsError,
    #[cfg(feature = "json")] serde_json::Error,
    #[cfg(feature = "http")] http::Error,
    #[cfg(feature = "http")] http::header::InvalidHeaderName,
    #[cfg(feature = "http")] http::header::InvalidHeaderValue,
    #[cfg(feature = "http")] http::header::ToStrError,
    #[cfg(feature = "http")] http::method::InvalidMethod,
    #[cfg(feature = "http")] http::status::InvalidStatusCode,
    #[cfg(feature = "http")] http::uri::InvalidUri,
    #[cfg(feature = "http")] http::uri::InvalidUriParts,
    #[cfg(feature = "hyper")] hyper::Error,
    #[cfg(feature = "reqwest")] reqwest::Error,
    #[cfg(feature = "redis")] redis::RedisError,
    #[cfg(feature = "tokio-postgres")] tokio_postgres::Error,
    #[cfg(feature = "sqlx")] sqlx_core::Error,
    #[cfg(feature = "tonic")] tonic::Status,
    #[cfg(feature = "tokio")] tokio::sync::AcquireError,
    #[cfg(feature = "tokio")] tokio::sync::TryAcquireError,
    #[cfg(feature = "tokio")] tokio::sync::broadcast::error::RecvError,
    #[cfg(feature = "tokio")] tokio::sync::broadcast::error::TryRecvError,
    #[cfg(feature = "tokio")] tokio::sync::mpsc::error::TryRecvError,
    #[cfg(feature = "tokio")] tokio::sync::oneshot::error::RecvError,
    #[cfg(feature = "tokio")] tokio::sync::oneshot::error::TryRecvError,
    #[cfg(feature = "tokio")] tokio::sync::watch::error::RecvError,
    #[cfg(feature = "tokio")] tokio::task::JoinError,
    #[cfg(feature = "tokio")] tokio::time::error::Elapsed,
}

/// A failure of a class, with a cause that holds nothing of the user's: what could not be sent is dropped.
#[track_caller]
fn unsent(class: Class, cause: impl StdError + Send + Sync + 'static) -> Error {
    Error::of_class(class, Box::new(cause))
}

/// The receiver is gone: a bug, as of [`RecvError`](mpsc::RecvError). What could not be sent is dropped.
impl<T> From<mpsc::SendError<T>> for Error {
    #[track_caller]
    fn from(_: mpsc::SendError<T>) -> Self {
        unsent(Category::Internal.into(), mpsc::SendError(()))
    }
}

/// The channel is full, or its receiver is gone. What could not be sent is dropped.
impl<T> From<mpsc::TrySendError<T>> for Error {
    #[track_caller]
    fn from(error: mpsc::TrySendError<T>) -> Self {
        match error {
            mpsc::TrySendError::Full(_) => {
                unsent(Category::ResourceExhausted.into(), mpsc::TrySendError::Full(()))
            }
            mpsc::TrySendError::Disconnected(_) => unsent(Category::Internal.into(), mpsc::SendError(())),
        }
    }
}

#[cfg(feature = "tokio")]
mod of_tokio {
    use tokio::sync::{broadcast, mpsc, watch};

    use super::{Category, Error, unsent};

    /// The receiver is gone. What could not be sent is dropped.
    impl<T> From<mpsc::error::SendError<T>> for Error {
        #[track_caller]
        fn from(_: mpsc::error::SendError<T>) -> Self {
            unsent(Category::Unavailable.into(), mpsc::error::SendError(()))
        }
    }

    /// The channel is full, or its receiver is gone. What could not be sent is dropped.
    impl<T> From<mpsc::error::TrySendError<T>> for Error {
        #[track_caller]
        fn from(error: mpsc::error::TrySendError<T>) -> Self {
            match error {
                mpsc::error::TrySendError::Full(_) => {
                    unsent(Category::ResourceExhausted.into(), mpsc::error::TrySendError::Full(()))
                }
                mpsc::error::TrySendError::Closed(_) => {
                    unsent(Category::Unavailable.into(), mpsc::error::SendError(()))
                }
            }
        }
    }

    /// Nobody receives. What could not be sent is dropped.
    impl<T> From<broadcast::error::SendError<T>> for Error {
        #[track_caller]
        fn from(_: broadcast::error::SendError<T>) -> Self {
            unsent(Category::Unavailable.into(), broadcast::error::SendError(()))
        }
    }

    /// Nobody watches. What could not be sent is dropped.
    impl<T> From<watch::error::SendError<T>> for Error {
        #[track_caller]
        fn from(_: watch::error::SendError<T>) -> Self {
            unsent(Category::Unavailable.into(), watch::error::SendError(()))
        }
    }
}
