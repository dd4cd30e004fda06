//! Classifying errors of others: by type and kind, never by message text.

use std::error::Error as StdError;
use std::io::{self, ErrorKind};
use std::time::Duration;

use crate::{Category, Classify, Code, Error, Recovery, Rejection};

/// What is known of an error that is not ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Class {
    /// Its kind.
    pub category: Category,
    /// What helps against it.
    pub recovery: Recovery,
    /// When to come back, if it says.
    pub retry_after: Option<Duration>,
    /// Its stable name, if it has one.
    pub code: Option<Code>,
}

/// No chain of causes is followed further: nobody reads more, and a cycle must end.
const MAX_DEPTH: usize = 32;

/// Classifies any error by the first error of its source chain that is known; unknown if none is.
///
/// Known are the types of this crate and of std. Total: it never panics, and follows at most 32 causes.
#[must_use]
pub fn class_of(error: &(dyn StdError + 'static)) -> Class {
    std::iter::successors(Some(error), |&e| e.source())
        .take(MAX_DEPTH)
        .find_map(known)
        .unwrap_or_else(|| Class::from(Category::Unknown))
}

pub(crate) fn io_class(error: &io::Error) -> Class {
    let inner = error.get_ref().map(|inner| inner as &(dyn StdError + 'static)).map(class_of);
    match inner {
        Some(class) if class.category != Category::Unknown => class,
        _ => of_kind(error.kind()),
    }
}

// === impl Class ===

impl From<Category> for Class {
    fn from(category: Category) -> Self {
        Self { category, recovery: category.recovery(), retry_after: None, code: None }
    }
}

impl Class {
    fn of<E: Classify>(error: &E) -> Self {
        Self {
            category: error.category(),
            recovery: error.recovery(),
            retry_after: error.retry_after(),
            code: error.code(),
        }
    }
}

fn known(error: &(dyn StdError + 'static)) -> Option<Class> {
    if let Some(ours) = error.downcast_ref::<Error>() {
        return Some(Class::of(ours));
    }
    if let Some(rejection) = error.downcast_ref::<Rejection>() {
        return Some(Class::of(rejection));
    }
    if let Some(io) = error.downcast_ref::<io::Error>() {
        return Some(io_class(io));
    }
    of_std(error).map(Class::from)
}

fn of_std(error: &(dyn StdError + 'static)) -> Option<Category> {
    let is_bad_text = error.is::<std::num::ParseIntError>()
        || error.is::<std::num::ParseFloatError>()
        || error.is::<std::num::TryFromIntError>()
        || error.is::<std::str::ParseBoolError>()
        || error.is::<std::char::ParseCharError>()
        || error.is::<std::str::Utf8Error>()
        || error.is::<std::string::FromUtf8Error>()
        || error.is::<std::net::AddrParseError>();
    if is_bad_text {
        return Some(Category::Validation);
    }
    if let Some(receive) = error.downcast_ref::<std::sync::mpsc::RecvTimeoutError>() {
        return Some(match receive {
            std::sync::mpsc::RecvTimeoutError::Timeout => Category::Timeout,
            std::sync::mpsc::RecvTimeoutError::Disconnected => Category::Internal,
        });
    }
    if error.is::<std::env::VarError>() {
        return Some(Category::Configuration);
    }
    if error.is::<std::fmt::Error>() || error.is::<std::sync::mpsc::RecvError>() {
        return Some(Category::Internal);
    }
    None
}

fn of_kind(kind: ErrorKind) -> Class {
    let category = match kind {
        ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::IsADirectory => Category::Resource,
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Category::Authorization,
        ErrorKind::ConnectionRefused
        | ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::NotConnected
        | ErrorKind::BrokenPipe
        | ErrorKind::HostUnreachable
        | ErrorKind::NetworkUnreachable
        | ErrorKind::NetworkDown
        | ErrorKind::AddrNotAvailable
        | ErrorKind::UnexpectedEof => Category::Network,
        ErrorKind::AddrInUse => Category::Configuration,
        ErrorKind::TimedOut | ErrorKind::WouldBlock | ErrorKind::Interrupted => Category::Timeout,
        ErrorKind::InvalidInput | ErrorKind::InvalidFilename | ErrorKind::ArgumentListTooLong => {
            Category::Validation
        }
        ErrorKind::InvalidData => Category::Data,
        ErrorKind::AlreadyExists | ErrorKind::DirectoryNotEmpty => Category::Conflict,
        ErrorKind::StorageFull
        | ErrorKind::QuotaExceeded
        | ErrorKind::OutOfMemory
        | ErrorKind::FileTooLarge => Category::ResourceExhausted,
        ErrorKind::ResourceBusy | ErrorKind::ExecutableFileBusy | ErrorKind::Deadlock => {
            Category::Unavailable
        }
        ErrorKind::StaleNetworkFileHandle | ErrorKind::WriteZero => Category::Infrastructure,
        ErrorKind::Unsupported
        | ErrorKind::NotSeekable
        | ErrorKind::TooManyLinks
        | ErrorKind::CrossesDevices => Category::Application,
        _ => Category::Unknown,
    };
    let recovery = match kind {
        // Nothing is wrong with the other side; the call was only interrupted.
        ErrorKind::Interrupted | ErrorKind::WouldBlock => Recovery::Retriable,
        _ => category.recovery(),
    };
    Class { recovery, ..Class::from(category) }
}
