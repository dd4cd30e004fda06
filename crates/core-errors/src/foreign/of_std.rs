use std::error::Error as StdError;
use std::io::{self, ErrorKind};

use super::{Class, class_of};
use crate::{Category, Recovery};

/// What the errors of std tell by type and kind. One of I/O that only wraps, and says nothing of its own, is not known: what it wraps is
/// asked.
pub(super) fn class(error: &(dyn StdError + 'static)) -> Option<Class> {
    if let Some(io) = error.downcast_ref::<io::Error>() {
        let says = of_kind(io.kind());
        let only_wraps = says.category == Category::Unknown && io.get_ref().is_some();
        return (!only_wraps).then_some(says);
    }
    of_type(error).map(Class::from)
}

/// By its kind; where that says nothing, by what it wraps.
pub(crate) fn io_class(error: &io::Error) -> Class {
    class_of(error)
}

fn of_type(error: &(dyn StdError + 'static)) -> Option<Category> {
    let is_bad_text = error.is::<std::num::ParseIntError>()
        || error.is::<std::num::ParseFloatError>()
        || error.is::<std::num::TryFromIntError>()
        || error.is::<std::str::ParseBoolError>()
        || error.is::<std::array::TryFromSliceError>()
        || error.is::<std::char::CharTryFromError>()
        || error.is::<std::char::DecodeUtf16Error>()
        || error.is::<std::char::ParseCharError>()
        || error.is::<std::char::TryFromCharError>()
        || error.is::<std::str::Utf8Error>()
        || error.is::<std::string::FromUtf8Error>()
        || error.is::<std::string::FromUtf16Error>()
        || error.is::<std::ffi::FromBytesUntilNulError>()
        || error.is::<std::ffi::FromBytesWithNulError>()
        || error.is::<std::ffi::FromVecWithNulError>()
        || error.is::<std::ffi::IntoStringError>()
        || error.is::<std::ffi::NulError>()
        || error.is::<std::net::AddrParseError>()
        || error.is::<std::path::StripPrefixError>()
        || error.is::<std::time::TryFromFloatSecsError>();
    if is_bad_text {
        return Some(Category::Validation);
    }
    if let Some(receive) = error.downcast_ref::<std::sync::mpsc::RecvTimeoutError>() {
        return Some(match receive {
            std::sync::mpsc::RecvTimeoutError::Timeout => Category::Timeout,
            std::sync::mpsc::RecvTimeoutError::Disconnected => Category::Internal,
        });
    }
    if let Some(receive) = error.downcast_ref::<std::sync::mpsc::TryRecvError>() {
        return Some(match receive {
            // Nothing is wrong: there is nothing yet.
            std::sync::mpsc::TryRecvError::Empty => Category::Unavailable,
            std::sync::mpsc::TryRecvError::Disconnected => Category::Internal,
        });
    }
    if let Some(send) = error.downcast_ref::<std::sync::mpsc::TrySendError<()>>() {
        return Some(match send {
            std::sync::mpsc::TrySendError::Full(()) => Category::ResourceExhausted,
            std::sync::mpsc::TrySendError::Disconnected(()) => Category::Internal,
        });
    }
    if error.is::<std::env::VarError>() || error.is::<std::env::JoinPathsError>() {
        return Some(Category::Configuration);
    }
    if error.is::<std::collections::TryReserveError>() {
        return Some(Category::ResourceExhausted);
    }
    // A clock that goes back is the machine's.
    if error.is::<std::time::SystemTimeError>() {
        return Some(Category::Infrastructure);
    }
    is_bug(error).then_some(Category::Internal)
}

/// What only a wrong program does.
fn is_bug(error: &(dyn StdError + 'static)) -> bool {
    error.is::<std::fmt::Error>()
        || error.is::<std::alloc::LayoutError>()
        || error.is::<std::cell::BorrowError>()
        || error.is::<std::cell::BorrowMutError>()
        || error.is::<std::sync::mpsc::RecvError>()
        || error.is::<std::sync::mpsc::SendError<()>>()
        || error.is::<std::thread::AccessError>()
}

pub(super) fn of_kind(kind: ErrorKind) -> Class {
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
    // There was no connection. What may come of one that there is proves nothing: a limit on reading is `WouldBlock`, an interrupted read is
    // that of an answer, and hosts and networks that are gone are told of to connections that wait for one as well.
    let never_sent =
        matches!(kind, ErrorKind::ConnectionRefused | ErrorKind::NotConnected | ErrorKind::AddrNotAvailable);
    let class = Class::from(category).with_recovery(recovery);
    if never_sent { class.never_happened() } else { class }
}
