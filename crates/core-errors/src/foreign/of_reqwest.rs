use std::error::Error as StdError;

use super::Class;
use crate::error::CAUSES_MAX;
use crate::{Category, Recovery, Verdict};

/// What the errors of `reqwest` tell.
pub(super) fn class(error: &(dyn StdError + 'static)) -> Option<Class> {
    let reqwest = error.downcast_ref::<reqwest::Error>()?;
    if reqwest.is_connect() {
        // Nothing was sent to whom it could not connect to. But it follows redirects, and does not tell: the request that was answered by
        // one may have been done.
        let category = if reqwest.is_timeout() { Category::Timeout } else { Category::Network };
        return Some(category.into());
    }
    if reqwest.is_timeout() {
        return Some(Category::Timeout.into());
    }
    if let Some(status) = reqwest.status() {
        return Some(of_status(status.as_u16()).of_callee());
    }
    if reqwest.is_builder() {
        return Some(Category::Validation.into());
    }
    // A body that was cut off is the connection's failure, one that cannot be read the callee's: the chain knows which.
    if reqwest.is_decode() && is_cut_off(reqwest) {
        return Some(Category::Network.into());
    }
    if reqwest.is_redirect() || reqwest.is_decode() || reqwest.is_upgrade() {
        // It answered, and with something that is of no use: asking again brings the same.
        return Some(Class::from(Category::ExternalService).with_recovery(Recovery::Fatal));
    }
    (reqwest.is_body() || reqwest.is_request()).then(|| Category::Network.into())
}

/// The same verdicts as core-http has for responses.
fn of_status(status: u16) -> Class {
    let class = Class::from(Category::of_http_status(status));
    match status {
        425 => class.with_recovery(Recovery::Transient),
        503 => class.with_verdict(Verdict::Overload(None)),
        500 | 502 | 504 | 408 | 429 | 400..=499 => class,
        _ => class.with_recovery(Recovery::Fatal),
    }
}

fn is_cut_off(error: &reqwest::Error) -> bool {
    let mut causes = std::iter::successors(error.source(), |&e| e.source()).take(CAUSES_MAX);
    causes.any(|cause| cause.is::<std::io::Error>() || cause.is::<hyper::Error>())
}
