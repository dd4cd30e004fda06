//! How far a request came, from what clients of HTTP put into the chain of their errors.

use std::error::Error as StdError;

use super::chain;
#[cfg(feature = "h2")]
use super::of_h2::{is_goaway, was_refused};
use crate::{Delivery, Error};

impl Delivery {
    /// How far the request came, of the error with which a client ended it: what can be proven by types and kinds, else
    /// [`Unknown`](Self::Unknown).
    ///
    /// | found in the chain | with the feature | is |
    /// |---|---|---|
    /// | a `hyper::Error` that `is_canceled` | `hyper` | `NeverSent`: the connection closed while the request was queued |
    /// | an error of the pooling client of `hyper-util` that `is_connect` | `hyper-util` | `NeverSent`: there was no connection |
    /// | a `tonic::ConnectError` | `tonic` | `NeverSent`: there was no connection |
    /// | an `h2::Error`: `REFUSED_STREAM` of the peer | `h2` | `NotProcessed` (RFC 9113, 8.7) |
    /// | an `h2::Error` that is not from `hyper`: `GOAWAY` of the peer, which only streams above its last one end with | `h2` | `NotProcessed` (RFC 9113, 6.8) |
    /// | an [`Error`] | | what that says |
    ///
    /// From `hyper` a `GOAWAY` proves nothing: it asks the connection once more after it has handed a request over, and if the peer's word
    /// came meanwhile, ends that request with it, although the peer may have processed it, or even answered.
    ///
    /// It is the truth about the last request that was made. So do not ask it of a client that follows redirects or repeats
    /// requests by itself, since an earlier request may have been done, nor of an upgrade that was not completed. For that reason an
    /// error of `reqwest` is [`Unknown`](Self::Unknown) here, and so is a body of ours that failed, whatever it failed with, and the
    /// [last of several](crate::last_of_several) attempts: those before may have been done.
    #[must_use]
    pub fn of_transport(error: &(dyn StdError + 'static)) -> Self {
        let told = |(error, is_last)| told(error).map(|told| if is_last { Self::Unknown } else { told });
        chain(error).find_map(told).unwrap_or_default()
    }
}

/// What one error of a chain tells; `None` if it leaves that to what it wraps.
fn told(error: &(dyn StdError + 'static)) -> Option<Delivery> {
    if let Some(ours) = error.downcast_ref::<Error>() {
        return Some(ours.delivery());
    }
    #[cfg(feature = "reqwest")]
    if error.is::<reqwest::Error>() {
        return Some(Delivery::Unknown);
    }
    #[cfg(feature = "hyper")]
    if let Some(hyper) = error.downcast_ref::<hyper::Error>() {
        if hyper.is_canceled() {
            return Some(Delivery::NeverSent);
        }
        if hyper.is_user() {
            // What a body of ours failed with may be the end of another request.
            return Some(Delivery::Unknown);
        }
        #[cfg(feature = "h2")]
        if let Some(h2) = hyper.source().and_then(|cause| cause.downcast_ref()) {
            return Some(if was_refused(h2) { Delivery::NotProcessed } else { Delivery::Unknown });
        }
    }
    #[cfg(feature = "hyper-util")]
    if error.downcast_ref().is_some_and(hyper_util::client::legacy::Error::is_connect) {
        return Some(Delivery::NeverSent);
    }
    #[cfg(feature = "tonic")]
    if error.is::<tonic::ConnectError>() {
        return Some(Delivery::NeverSent);
    }
    #[cfg(feature = "h2")]
    if let Some(h2) = error.downcast_ref::<h2::Error>() {
        let not_processed = was_refused(h2) || is_goaway(h2);
        return Some(if not_processed { Delivery::NotProcessed } else { Delivery::Unknown });
    }
    None
}

/// Whether the peer said that it goes, which is worth another call, but says nothing about this one.
#[cfg(all(feature = "h2", feature = "tonic"))]
pub(super) fn peer_goes(error: &(dyn StdError + 'static)) -> bool {
    chain(error).any(|(cause, _)| cause.downcast_ref().is_some_and(is_goaway))
}
