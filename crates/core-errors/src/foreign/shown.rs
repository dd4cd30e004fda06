//! The texts of causes, without what may be a secret in them.

use std::error::Error as StdError;
use std::fmt;

/// An error as text. What reqwest was asked for is shown up to its path: a query, as of a signed URL, is a secret as often as not.
pub(crate) struct Shown<'e>(pub(crate) &'e (dyn StdError + 'static));

/// The same, of what is about to be kept: whoever prints it finds no more. An error that is wrapped by others cannot be changed.
#[cfg(feature = "reqwest")]
pub(crate) fn without_secrets(mut error: Box<dyn StdError + Send + Sync>) -> Box<dyn StdError + Send + Sync> {
    if let Some(url) = error.downcast_mut::<reqwest::Error>().and_then(reqwest::Error::url_mut) {
        strip(url);
    }
    error
}

/// Nobody is known who has secrets.
#[cfg(not(feature = "reqwest"))]
pub(crate) fn without_secrets(error: Box<dyn StdError + Send + Sync>) -> Box<dyn StdError + Send + Sync> {
    error
}

#[cfg(feature = "reqwest")]
fn strip(url: &mut reqwest::Url) {
    url.set_query(None);
    url.set_fragment(None);
    // A URL that cannot have them has none.
    let _ = url.set_username("");
    let _ = url.set_password(None);
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        #[cfg(feature = "reqwest")]
        if let Some(url) = self.0.downcast_ref::<reqwest::Error>().and_then(reqwest::Error::url) {
            let mut stripped = url.clone();
            strip(&mut stripped);
            return f.write_str(&self.0.to_string().replace(url.as_str(), stripped.as_str()));
        }
        fmt::Display::fmt(self.0, f)
    }
}
