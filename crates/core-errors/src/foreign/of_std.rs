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
    // Nobody was there to do anything, or the kernel never sent it.
    let never_sent = matches!(
        kind,
        ErrorKind::ConnectionRefused
            | ErrorKind::NotConnected
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable
            | ErrorKind::NetworkDown
            | ErrorKind::AddrNotAvailable
            | ErrorKind::Interrupted
            | ErrorKind::WouldBlock
    );
    let class = Class::from(category).with_recovery(recovery);
    if never_sent { class.never_happened() } else { class }
}
