use std::error::Error as StdError;

use super::{Class, class_of};
use crate::{Category, Delivery, Recovery};

/// What the errors of `hyper` tell. Where it only says that something of the user's or of the connection failed, what it wraps is asked: a refused
/// connection is known better by its kind.
pub(super) fn class(error: &(dyn StdError + 'static)) -> Option<Class> {
    let hyper = error.downcast_ref::<hyper::Error>()?;
    if hyper.is_timeout() {
        return Some(Category::Timeout.into());
    }
    if hyper.is_user() {
        // A body of ours that failed knows why; what nobody knows is a wrong use. It does not know how far this request came, of which the
        // head has left: a connection that was refused was another one.
        let held = hyper.source().map(class_of).filter(|class| class.category != Category::Unknown);
        let held = held.map(|class| Class { idempotent_only: true, delivery: Delivery::Unknown, ..class });
        return Some(held.unwrap_or_else(|| Category::Internal.into()));
    }
    if hyper.is_canceled() {
        // The connection closed before the request was written to it.
        return Some(Class::from(Category::Network).with_recovery(Recovery::Retriable).never_happened());
    }
    if hyper.is_parse() || hyper.is_parse_status() {
        return Some(Category::ExternalService.into());
    }
    if hyper.is_closed() || hyper.is_incomplete_message() || hyper.is_body_write_aborted() {
        return Some(Category::Network.into());
    }
    // It does not say what it is, but what it wraps may; if that is silent, too, it came from the connection.
    match hyper.source() {
        Some(_) => None,
        None => Some(Category::Network.into()),
    }
}
