use std::error::Error as StdError;

use serde_json::error::Category as Json;

use super::{Class, of_std};
use crate::Category;

/// What the errors of `serde_json` tell: text that is not JSON, or not what was asked for, is bad input to whoever reads it.
pub(super) fn class(error: &(dyn StdError + 'static)) -> Option<Class> {
    let json = error.downcast_ref::<serde_json::Error>()?;
    Some(match json.classify() {
        Json::Io => json.io_error_kind().map_or(Category::Infrastructure.into(), of_std::of_kind),
        // The text ended early: it was cut off on its way, or is bad input. The reader can only refuse it.
        Json::Syntax | Json::Data | Json::Eof => Category::Validation.into(),
    })
}
