use axum::response::{IntoResponse, Response};
use core_errors::{Error, Severity};

use crate::problem;

/// What a handler returns when it fails: anything that converts into [`Error`], answered as problem+json and logged with all that the
/// answer leaves out.
///
/// ```
/// use core_errors::Error;
/// use core_http::ApiError;
///
/// async fn charge() -> Result<&'static str, ApiError> {
///     Err(Error::validation("amount must be positive"))?
/// }
/// ```
#[derive(Debug)]
pub struct ApiError(Error);

// === impl ApiError ===

impl ApiError {
    /// What failed.
    #[must_use]
    pub fn error(&self) -> &Error {
        &self.0
    }
}

impl<E: Into<Error>> From<E> for ApiError {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let error = &self.0 as &(dyn std::error::Error + 'static);
        let internal = self.0.internal_message();
        match self.0.category().severity() {
            Severity::Error | Severity::Critical => tracing::error!(error, internal, "request failed"),
            _ => tracing::info!(error, internal, "request refused"),
        }
        problem::respond(&self.0)
    }
}
