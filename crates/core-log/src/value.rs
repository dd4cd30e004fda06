//! One value of a field, in the two forms it is written in.

use std::error::Error;
use std::fmt::{self, Write};

use core_context::OneLine;
use tracing::field::{Field, Visit};

use crate::chain;
use crate::float;
use crate::level::Level;
use crate::logger::Bound;
use crate::pen::{self, Pen};
use crate::redact::Action;
use crate::stage::StageMark;
use crate::text::{Escaped, Rule, VALUE_MAX, hex};

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
    Stage(StageMark),
    /// The id of an operation that is this line alone.
    Operation(&'a str),
}

/// Hands each field and its value to a closure.
pub(crate) struct Each<F>(pub(crate) F);

/// The largest whole number up to which a double holds them all.
const DOUBLE_MAX: u64 = 1 << 53;

/// How many bytes of a byte string are shown.
const BYTES_MAX: usize = 256;

// === impl Value ===

impl Value<'_> {
    /// Appends the value as JSON, until `out` is about `end` bytes long. Says whether it had to be cut.
    pub(crate) fn write_json(self, out: &mut String, end: usize, pen: &mut Pen<'_>) -> bool {
        if pen.rule.action != Action::Keep {
            let hidden = pen.hidden(|raw| self.write_raw(raw));
            return quoted(out, end, |out| out.push(hidden));
        }
        let cut = match self {
            Self::Str(text) | Self::Operation(text) => quoted(out, end, |out| out.push(pen.text(text))),
            Self::Debug(value) => quoted(out, end, |out| out.push(pen.debug(value))),
            Self::I128(value) => digits(out, end, u64::try_from(value).ok(), value, pen),
            Self::U128(value) => digits(out, end, u64::try_from(value).ok(), value, pen),
            Self::Bytes(bytes) => quoted(out, end, |out| push_bytes(out, bytes)) | (bytes.len() > BYTES_MAX),
            Self::Error(error) => chain::write_json(out, end, error, pen),
            Self::Stage(mark) => quoted(out, end, |out| out.push(mark.id.as_str())),
            Self::I64(value) if is_wide(value.unsigned_abs(), pen) => {
                digits(out, end, u64::try_from(value).ok(), value, pen)
            }
            Self::I64(value) => match u64::try_from(value).ok().and_then(|value| pen.card(value)) {
                Some(hidden) => quoted(out, end, |out| out.push(hidden)),
                None => plain(out, itoa::Buffer::new().format(value)),
            },
            Self::U64(value) if is_wide(value, pen) => digits(out, end, Some(value), value, pen),
            Self::U64(value) => match pen.card(value) {
                Some(hidden) => quoted(out, end, |out| out.push(hidden)),
                None => plain(out, itoa::Buffer::new().format(value)),
            },
            Self::F64(value) if value.is_finite() => {
                float::push(out, value);
                false
            }
            Self::F64(_) => plain(out, "null"),
            Self::Bool(value) => plain(out, if value { "true" } else { "false" }),
        };
        cut | pen.was_cut()
    }

    /// Appends the value for people, until `out` is about `end` bytes long. Says whether it had to be cut.
    pub(crate) fn write_console(self, out: &mut String, end: usize, pen: &mut Pen<'_>) -> bool {
        if pen.rule.action != Action::Keep {
            out.push_str(pen.hidden(|raw| self.write_raw(raw)));
            return false;
        }
        let cut = match self {
            Self::Error(error) => chain::write_console(out, end, error, pen),
            Self::Stage(mark) => plain(out, mark.id.as_str()),
            Self::Str(text) | Self::Operation(text) if is_plain(text) => plain(out, pen.text(text)),
            Self::F64(value) => write!(out, "{value}").is_err(),
            Self::Debug(value) => {
                let mut text = Escaped::new(out, end, Rule::Console);
                text.push(pen.debug(value));
                text.cut
            }
            other => other.write_json(out, end, pen),
        };
        cut | pen.was_cut()
    }

    /// Appends text without quotes, for the message.
    pub(crate) fn write_message(self, out: &mut Escaped<'_>, pen: &mut Pen<'_>) {
        match self {
            Self::Str(text) | Self::Operation(text) => out.push(pen.text(text)),
            Self::Debug(value) => out.push(pen.debug(value)),
            other => {
                let mut text = String::new();
                other.write_json(&mut text, VALUE_MAX, pen);
                out.push(&text);
            }
        }
        out.cut |= pen.was_cut();
    }

    /// Appends the value as it is, to be hidden.
    fn write_raw(self, raw: &mut String) {
        match self {
            Self::Str(text) | Self::Operation(text) => {
                raw.push_str(&text[..text.floor_char_boundary(VALUE_MAX)]);
            }
            Self::Debug(value) => pen::debug(raw, value),
            Self::Error(error) => pen::debug(raw, &error),
            Self::Stage(mark) => raw.push_str(mark.id.as_str()),
            Self::Bytes(bytes) => {
                let mut text = Escaped::new(raw, VALUE_MAX, Rule::Json);
                push_bytes(&mut text, bytes);
            }
            Self::I64(value) => raw.push_str(itoa::Buffer::new().format(value)),
            Self::U64(value) => raw.push_str(itoa::Buffer::new().format(value)),
            Self::I128(value) => raw.push_str(itoa::Buffer::new().format(value)),
            Self::U128(value) => raw.push_str(itoa::Buffer::new().format(value)),
            Self::F64(value) => raw.push_str(ryu::Buffer::new().format(value)),
            Self::Bool(value) => raw.push_str(if value { "true" } else { "false" }),
        }
    }

    /// Whether it is a field like any other, and not read for the level of the line.
    pub(crate) fn is_field(self, key: &str) -> bool {
        !matches!(self, Self::Str(text) if key == "severity" && Level::asked(text).is_some())
    }
}

impl<'a> Value<'a> {
    /// The logger that it is.
    pub(crate) fn as_bound(self) -> Option<&'a Bound> {
        match self {
            Self::Error(error) => error.downcast_ref::<Bound>(),
            _ => None,
        }
    }
}

// === impl Each ===

impl<F: FnMut(&Field, Value<'_>)> Visit for Each<F> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0(field, Value::F64(value));
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0(field, Value::I64(value));
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0(field, Value::U64(value));
    }
    fn record_i128(&mut self, field: &Field, value: i128) {
        self.0(field, Value::I128(value));
    }
    fn record_u128(&mut self, field: &Field, value: u128) {
        self.0(field, Value::U128(value));
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0(field, Value::Bool(value));
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0(field, Value::Str(value));
    }
    fn record_bytes(&mut self, field: &Field, value: &[u8]) {
        self.0(field, Value::Bytes(value));
    }
    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        if let Some(mark) = value.downcast_ref::<StageMark>() {
            self.0(field, Value::Stage(*mark));
        } else if let Some(line) = value.downcast_ref::<OneLine>() {
            self.0(field, Value::Operation(line.id()));
        } else {
            self.0(field, Value::Error(value));
        }
    }
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0(field, Value::Debug(value));
    }
}

/// Appends text in quotes. Says whether it had to be cut.
pub(crate) fn quoted(out: &mut String, end: usize, write: impl FnOnce(&mut Escaped<'_>)) -> bool {
    out.push('"');
    // Quotes do not count.
    let mut text = Escaped::new(out, end + 1, Rule::Json);
    write(&mut text);
    let cut = text.cut;
    out.push('"');
    cut
}

/// Whether readers that know doubles alone would take it for another number, and that is cared for.
#[inline]
fn is_wide(value: u64, pen: &Pen<'_>) -> bool {
    value > DOUBLE_MAX && pen.policy.exact_numbers
}

/// Appends a number as text: not every reader has one of its size. It may be that of a card all the same.
fn digits(
    out: &mut String,
    end: usize,
    small: Option<u64>,
    value: impl itoa::Integer,
    pen: &mut Pen<'_>,
) -> bool {
    let mut buffer = itoa::Buffer::new();
    let text = small.and_then(|small| pen.card(small)).unwrap_or_else(|| buffer.format(value));
    quoted(out, end, |out| out.push(text))
}

fn plain(out: &mut String, text: &str) -> bool {
    out.push_str(text);
    false
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
