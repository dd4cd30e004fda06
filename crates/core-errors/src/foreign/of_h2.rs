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
        // Whether a stream is one that it looked at a `GOAWAY` does not tell by itself, see `Delivery::of_transport`.
        _ if is_goaway(h2) => Class { idempotent_only: true, ..Category::Unavailable.into() },
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

/// Whether the peer said of this stream that it did nothing with the request.
pub(super) fn was_refused(h2: &h2::Error) -> bool {
    h2.is_remote() && h2.reason() == Some(Reason::REFUSED_STREAM) && !h2.is_go_away()
}

/// Whether the peer goes. `h2` ends with that the streams above the last one that it named, and what is asked of the connection from
/// then on: a stream at or below it goes on, or ends with the connection, which is an error of another kind.
pub(super) fn is_goaway(h2: &h2::Error) -> bool {
    h2.is_remote() && h2.is_go_away()
}
