use std::borrow::Cow;
use std::error::Error as StdError;

use crate::{Code, Error};

/// Says more about a failure on its way out. A success passes untouched.
///
/// ```
/// use core_errors::{Error, ResultExt};
///
/// fn port(text: &str) -> Result<u16, Error> {
///     text.parse().op("settings.port")
/// }
/// assert_eq!(port("80").unwrap(), 80);
/// assert_eq!(port("x").unwrap_err().operation(), Some("settings.port"));
/// ```
pub trait ResultExt<T> {
    /// Converts the failure and names the operation that failed. See [`Error::op`].
    ///
    /// # Errors
    /// The failure, converted.
    fn op(self, operation: impl Into<Cow<'static, str>>) -> Result<T, Error>;

    /// Converts the failure and replaces the text that clients may see.
    ///
    /// # Errors
    /// The failure, converted.
    fn or_message(self, message: impl Into<Cow<'static, str>>) -> Result<T, Error>;

    /// Converts the failure and sets its stable name.
    ///
    /// # Errors
    /// The failure, converted.
    fn or_code(self, code: Code) -> Result<T, Error>;
}

impl<T, E> ResultExt<T> for Result<T, E>
where
    E: Into<Box<dyn StdError + Send + Sync>>,
{
    #[track_caller]
    fn op(self, operation: impl Into<Cow<'static, str>>) -> Result<T, Error> {
        match self {
            Ok(value) => Ok(value),
            Err(error) => Err(Error::convert(error).op(operation)),
        }
    }

    #[track_caller]
    fn or_message(self, message: impl Into<Cow<'static, str>>) -> Result<T, Error> {
        match self {
            Ok(value) => Ok(value),
            Err(error) => Err(Error::convert(error).with_message(message)),
        }
    }

    #[track_caller]
    fn or_code(self, code: Code) -> Result<T, Error> {
        match self {
            Ok(value) => Ok(value),
            Err(error) => Err(Error::convert(error).with_code(code)),
        }
    }
}
