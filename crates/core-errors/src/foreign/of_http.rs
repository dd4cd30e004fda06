use std::error::Error as StdError;

use super::Class;
use crate::Category;

/// What the errors of `http` tell: something is no URI, header, method or status.
pub(super) fn class(error: &(dyn StdError + 'static)) -> Option<Class> {
    let is_bad_text = error.is::<http::Error>()
        || error.is::<http::uri::InvalidUri>()
        || error.is::<http::uri::InvalidUriParts>()
        || error.is::<http::header::InvalidHeaderName>()
        || error.is::<http::header::InvalidHeaderValue>()
        || error.is::<http::header::ToStrError>()
        || error.is::<http::method::InvalidMethod>()
        || error.is::<http::status::InvalidStatusCode>();
    is_bad_text.then(|| Category::Validation.into())
}
