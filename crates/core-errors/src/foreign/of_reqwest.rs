use std::error::Error as StdError;

use super::Class;
use crate::{Category, Recovery};

/// What the errors of `reqwest` tell.
pub(super) fn class(error: &(dyn StdError + 'static)) -> Option<Class> {
    let reqwest = error.downcast_ref::<reqwest::Error>()?;
    if reqwest.is_connect() {
        // Nothing was sent, whether it was refused or took too long.
        let category = if reqwest.is_timeout() { Category::Timeout } else { Category::Network };
        return Some(Class::from(category).never_happened());
    }
    if reqwest.is_timeout() {
        return Some(Category::Timeout.into());
    }
    if let Some(status) = reqwest.status() {
        return Some(Class::from(Category::of_http_status(status.as_u16())).of_callee());
    }
    if reqwest.is_builder() {
        return Some(Category::Validation.into());
    }
    if reqwest.is_redirect() || reqwest.is_decode() || reqwest.is_upgrade() {
        // It answered, and with something that is of no use: asking again brings the same.
        return Some(Class::from(Category::ExternalService).with_recovery(Recovery::Fatal));
    }
    (reqwest.is_body() || reqwest.is_request()).then(|| Category::Network.into())
}
