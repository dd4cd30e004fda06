use std::error::Error as StdError;

use h2::Reason;

use super::{Class, io_class};
use crate::{Category, Recovery, Verdict};

/// What the errors of `h2` tell: those that a peer ended a stream or the connection with, and those of the connection itself.
pub(super) fn class(error: &(dyn StdError + 'static)) -> Option<Class> {
    let h2 = error.downcast_ref::<h2::Error>()?;
    if let Some(io) = h2.get_io() {
        return Some(io_class(io));
    }
    Some(match h2.reason() {
        _ if was_refused(h2) => Category::Unavailable.into(),
        Some(Reason::ENHANCE_YOUR_CALM) => {
            Class::from(Category::Unavailable).with_verdict(Verdict::Overload(None))
        }
        Some(Reason::NO_ERROR | Reason::CANCEL | Reason::STREAM_CLOSED | Reason::CONNECT_ERROR) => {
            Category::Network.into()
        }
        Some(Reason::HTTP_1_1_REQUIRED | Reason::INADEQUATE_SECURITY) => {
            Class::from(Category::ExternalService).with_recovery(Recovery::Fatal)
        }
        Some(_) => Category::ExternalService.into(),
        // A wrong use of the library.
        None => Category::Internal.into(),
    })
}

/// Whether the peer said that it did nothing with the request. A stream at or below the last one of a `GOAWAY` goes on, or ends with the
/// connection, which is an error of another kind.
pub(super) fn was_refused(h2: &h2::Error) -> bool {
    h2.is_remote() && (h2.is_go_away() || h2.reason() == Some(Reason::REFUSED_STREAM))
}
