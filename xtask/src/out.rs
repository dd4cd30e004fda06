//! What the commands say. A reader that went away (`… | head`) ends nothing: the work goes on unheard.

use std::fmt::Display;
use std::io::{self, Write};

/// A line on standard output.
pub(crate) fn line(text: impl Display) {
    writeln!(io::stdout().lock(), "{text}").ok();
}

/// A line on standard error: how it goes, beside the result on standard output.
pub(crate) fn note(text: impl Display) {
    writeln!(io::stderr().lock(), "{text}").ok();
}

/// A line on standard error, marked as cargo marks its own.
pub(crate) fn error(text: impl Display) {
    writeln!(io::stderr().lock(), "error: {text}").ok();
}
