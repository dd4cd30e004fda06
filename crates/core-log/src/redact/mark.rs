//! What may be shown of a secret by whoever has it.

use super::{Action, Kind, Redaction};
use crate::sensitive::Sensitive;

/// Holds a text that must not be shown: [`Sensitive`], and with the feature `secrecy` its `SecretString` and `SecretBox`. For
/// [`Redaction::mark`].
pub trait Secret: sealed::Text {}

mod sealed {
    pub trait Text {
        fn text(&self) -> &str;
    }
}

impl<T: sealed::Text + ?Sized> Secret for T {}

impl<T: AsRef<str>> sealed::Text for Sensitive<T> {
    fn text(&self) -> &str {
        self.expose().as_ref()
    }
}

#[cfg(feature = "secrecy")]
impl<S: secrecy::zeroize::Zeroize + AsRef<str> + ?Sized> sealed::Text for secrecy::SecretBox<S> {
    fn text(&self) -> &str {
        secrecy::ExposeSecret::expose_secret(self).as_ref()
    }
}

// === impl Redaction ===

impl Redaction {
    /// What says which secret it is and not what it is: what stands instead of a field that is one. With [`Action::Hash`] for
    /// [`Kind::Key`], the same sixteen digits for the same secret in every line and every process that has the key, so that one can
    /// see which token was used without seeing it; with [`Action::Partial`] its last four characters; else `[REDACTED]`. Not even
    /// where keys are kept, or redaction is off, is the secret shown. It is not counted.
    ///
    /// Log it under a name that is not that of a secret: `token` would be redacted once more.
    ///
    /// ```
    /// use core_log::{Action, Kind, Redaction, Sensitive};
    ///
    /// let redaction = Redaction::new().on(Kind::Key, Action::Partial);
    /// let token = Sensitive::new("correct horse battery");
    /// tracing::info!(used = %redaction.mark(&token), "signed in");
    /// assert_eq!(redaction.mark(&token), "[REDACTED …tery]");
    /// ```
    #[must_use]
    pub fn mark<S: Secret + ?Sized>(&self, secret: &S) -> String {
        let mut out = String::new();
        let action = match self.action(Kind::Key) {
            // A hash without its key is refused where a log is set up; here it may not have been yet.
            Action::Hash if self.hasher.is_none() => Action::Mask,
            action @ (Action::Hash | Action::Partial) if self.is_on => action,
            _ => Action::Mask,
        };
        self.put(action, Kind::Key, secret.text(), &mut out);
        out
    }
}
