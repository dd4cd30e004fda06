//! One value of a field, in the two forms it is written in.

use std::error::Error;
use std::fmt::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use tracing::field::{Field, Visit};

use crate::text::{Escaped, Rule, hex};

/// A value as tracing hands it over.
#[derive(Clone, Copy)]
pub(crate) enum Value<'a> {
    Str(&'a str),
    I64(i64),
    U64(u64),
    I128(i128),
    U128(u128),
    F64(f64),
    Bool(bool),
    Bytes(&'a [u8]),
    Debug(&'a dyn fmt::Debug),
    Error(&'a (dyn Error + 'static)),
}

/// Hands each field and its value to a closure.
pub(crate) struct Each<F>(pub(crate) F);

/// How deep a chain of causes is followed.
const CAUSES_MAX: usize = 16;
/// How many bytes of a byte string are shown.
const BYTES_MAX: usize = 256;

// === impl Value ===

impl Value<'_> {
    /// Appends the value as JSON. Says whether it had to be cut.
    pub(crate) fn write_json(self, out: &mut String) -> bool {
        match self {
            Self::Str(text) => quoted(out, |out| out.push(text)),
            Self::Debug(value) => quoted(out, |out| debug(out, value)),
            Self::I128(value) => quoted(out, |out| out.push(itoa::Buffer::new().format(value))),
            Self::U128(value) => quoted(out, |out| out.push(itoa::Buffer::new().format(value))),
            Self::Bytes(bytes) => quoted(out, |out| push_bytes(out, bytes)) | (bytes.len() > BYTES_MAX),
            Self::Error(error) => error_object(out, error),
            Self::I64(value) => plain(out, itoa::Buffer::new().format(value)),
            Self::U64(value) => plain(out, itoa::Buffer::new().format(value)),
            Self::F64(value) if value.is_finite() => plain(out, ryu::Buffer::new().format_finite(value)),
            Self::F64(_) => plain(out, "null"),
            Self::Bool(value) => plain(out, if value { "true" } else { "false" }),
        }
    }

    /// Appends the value for people.
    pub(crate) fn write_console(self, out: &mut String) {
        match self {
            Self::Error(error) => {
                let mut text = Escaped::new(out, Rule::Console);
                debug(&mut text, &Shown(error));
                for cause in causes(error) {
                    text.push("\ncaused by: ");
                    debug(&mut text, &Shown(cause));
                }
            }
            Self::Str(text) if is_plain(text) => out.push_str(text),
            Self::F64(value) => {
                let _ = write!(out, "{value}");
            }
            Self::Debug(value) => debug(&mut Escaped::new(out, Rule::Console), value),
            other => {
                other.write_json(out);
            }
        }
    }

    /// Appends text without quotes, for the message.
    pub(crate) fn write_message(self, out: &mut Escaped<'_>) {
        match self {
            Self::Str(text) => out.push(text),
            Self::Debug(value) => debug(out, value),
            other => {
                let mut text = String::new();
                other.write_json(&mut text);
                out.push(&text);
            }
        }
    }
}

// === impl Each ===

impl<F: FnMut(&'static str, Value<'_>)> Visit for Each<F> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0(field.name(), Value::F64(value));
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0(field.name(), Value::I64(value));
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0(field.name(), Value::U64(value));
    }
    fn record_i128(&mut self, field: &Field, value: i128) {
        self.0(field.name(), Value::I128(value));
    }
    fn record_u128(&mut self, field: &Field, value: u128) {
        self.0(field.name(), Value::U128(value));
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0(field.name(), Value::Bool(value));
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0(field.name(), Value::Str(value));
    }
    fn record_bytes(&mut self, field: &Field, value: &[u8]) {
        self.0(field.name(), Value::Bytes(value));
    }
    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.0(field.name(), Value::Error(value));
    }
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0(field.name(), Value::Debug(value));
    }
}

/// An error's `Display` where a `Debug` is wanted.
struct Shown<'a>(&'a (dyn Error + 'static));

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.0, f)
    }
}

fn error_object(out: &mut String, error: &(dyn Error + 'static)) -> bool {
    out.push_str("{\"message\":");
    let mut cut = quoted(out, |out| debug(out, &Shown(error)));
    if let Some(error) = error.downcast_ref::<core_errors::Error>() {
        if let Some(code) = error.code() {
            out.push_str(",\"code\":");
            quoted(out, |out| out.push(code.as_str()));
        }
        out.push_str(",\"category\":");
        quoted(out, |out| out.push(error.category().as_str()));
        out.push_str(",\"recovery\":");
        quoted(out, |out| out.push(error.recovery().as_str()));
        if let Some(operation) = error.operation() {
            out.push_str(",\"operation\":");
            cut |= quoted(out, |out| out.push(operation));
        }
    }
    if error.source().is_some() {
        out.push_str(",\"causes\":[");
        for (at, cause) in causes(error).enumerate() {
            if at > 0 {
                out.push(',');
            }
            cut |= quoted(out, |out| debug(out, &Shown(cause)));
        }
        out.push(']');
    }
    out.push('}');
    cut
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(error.source(), |&cause| cause.source()).take(CAUSES_MAX)
}

fn quoted(out: &mut String, write: impl FnOnce(&mut Escaped<'_>)) -> bool {
    out.push('"');
    let mut text = Escaped::new(out, Rule::Json);
    write(&mut text);
    let cut = text.cut;
    out.push('"');
    cut
}

fn plain(out: &mut String, text: &str) -> bool {
    out.push_str(text);
    false
}

/// Somebody else's code runs here, and may panic: then its field says so, and the line goes out.
fn debug(out: &mut Escaped<'_>, value: &dyn fmt::Debug) {
    let wrote = catch_unwind(AssertUnwindSafe(|| write!(out, "{value:?}")));
    match wrote {
        Ok(Ok(())) => {}
        Ok(Err(_)) => out.push("<error in Debug>"),
        Err(_) => out.push("<panic in Debug>"),
    }
}

fn push_bytes(out: &mut Escaped<'_>, bytes: &[u8]) {
    for byte in bytes.iter().take(BYTES_MAX) {
        out.push(hex(byte >> 4).encode_utf8(&mut [0; 4]));
        out.push(hex(byte & 0xf).encode_utf8(&mut [0; 4]));
    }
}

/// Whether a value needs no quotes for people.
fn is_plain(text: &str) -> bool {
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '"' | '=' | '\\');
    !text.is_empty() && text.len() <= 256 && !text.contains(odd)
}
