//! What the environment of the process says.

use std::env::{self, VarError};

use core_context::Identity;

use crate::error::KitError;

/// Which process this is, for what the code does not say.
pub(crate) fn identity(environment: Option<String>, version: Option<String>) -> Result<Identity, KitError> {
    let asked = [
        ("GENESIS_ENV", environment.is_none()),
        ("GENESIS_VERSION", version.is_none()),
        ("GENESIS_INSTANCE", true),
    ];
    for (variable, _) in asked.into_iter().filter(|(_, is_asked)| *is_asked) {
        text(variable)?;
    }
    let known = Identity::from_env();
    Ok(Identity {
        environment: environment.unwrap_or(known.environment),
        version: version.unwrap_or(known.version),
        ..known
    })
}

/// A variable that is no text was meant to say something, and is not the same as none.
fn text(variable: &'static str) -> Result<(), KitError> {
    match env::var(variable) {
        Err(VarError::NotUnicode(raw)) => Err(KitError::not_text(variable, &raw)),
        Ok(_) | Err(VarError::NotPresent) => Ok(()),
    }
}
