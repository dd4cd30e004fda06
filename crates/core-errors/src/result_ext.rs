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
///
/// It takes what converts into [`Error`], as `?` does, because that knows what kind of failure it is: the known errors of others, reports
/// of anyhow and eyre, boxes, the errors of policies, and what `#[derive(Classify)]` writes with `into_error`. An error of which
/// nobody said what it is goes through [`or_convert`](Self::or_convert) first:
///
/// ```
/// use core_errors::{Category, Error, ResultExt};
///
/// #[derive(Debug, thiserror::Error)]
/// #[error("the plugin failed")]
/// struct PluginFailed(#[source] std::io::Error);
///
/// fn run() -> Result<(), PluginFailed> {
///     Err(PluginFailed(std::io::ErrorKind::TimedOut.into()))
/// }
/// let error = run().or_convert().op("plugins.run").unwrap_err();
/// assert_eq!(error.category(), Category::Timeout);        // what it wraps is known
/// ```
pub trait ResultExt<T, E> {
    /// Converts the failure and names the operation that failed. See [`Error::op`].
    ///
    /// # Errors
    /// The failure, converted.
    fn op(self, operation: impl Into<Cow<'static, str>>) -> Result<T, Error>
    where
        E: Into<Error>;

    /// Converts the failure and replaces the text that clients may see.
    ///
    /// # Errors
    /// The failure, converted.
    fn or_message(self, message: impl Into<Cow<'static, str>>) -> Result<T, Error>
    where
        E: Into<Error>;

    /// Converts the failure and sets its stable name.
    ///
    /// # Errors
    /// The failure, converted.
    fn or_code(self, code: Code) -> Result<T, Error>
    where
        E: Into<Error>;

    /// Converts the failure, whatever it is. See [`Error::convert`].
    ///
    /// # Errors
    /// The failure, converted.
    fn or_convert(self) -> Result<T, Error>
    where
        E: Into<Box<dyn StdError + Send + Sync>> + 'static;
}

// Not by `map_err`: the errors would say that they were made there.
impl<T, E> ResultExt<T, E> for Result<T, E> {
    #[track_caller]
    fn op(self, operation: impl Into<Cow<'static, str>>) -> Result<T, Error>
    where
        E: Into<Error>,
    {
        match self {
            Ok(value) => Ok(value),
            Err(error) => Err(error.into().op(operation)),
        }
    }

    #[track_caller]
    fn or_message(self, message: impl Into<Cow<'static, str>>) -> Result<T, Error>
    where
        E: Into<Error>,
    {
        match self {
            Ok(value) => Ok(value),
            Err(error) => Err(error.into().with_message(message)),
        }
    }

    #[track_caller]
    fn or_code(self, code: Code) -> Result<T, Error>
    where
        E: Into<Error>,
    {
        match self {
            Ok(value) => Ok(value),
            Err(error) => Err(error.into().with_code(code)),
        }
    }

    #[track_caller]
    fn or_convert(self) -> Result<T, Error>
    where
        E: Into<Box<dyn StdError + Send + Sync>> + 'static,
    {
        match self {
            Ok(value) => Ok(value),
            Err(error) => Err(Error::convert(error)),
        }
    }
}
