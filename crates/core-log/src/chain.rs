//! An error and what caused it. All of it is the code of others, and may panic.

use std::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};

use crate::pen::Pen;
use crate::text::{Escaped, Rule};
use crate::value::quoted;

/// How deep a chain of causes is followed.
const CAUSES_MAX: usize = 16;

/// The most of one message of a chain, in bytes: a long one leaves room for its causes.
const MESSAGE_MAX: usize = 4 * 1024;

/// The most of a code or an operation, which are constants of a program and short.
pub(crate) const WORD_MAX: usize = 128;

/// An error's `Display` where a `Debug` is wanted.
struct Shown<'a>(&'a (dyn Error + 'static));

/// What an error says of its cause.
enum Cause<'a> {
    Is(&'a (dyn Error + 'static)),
    Panicked,
}

/// Appends the chain as an object, until `out` is about `end` bytes long. Says whether it had to be cut.
pub(crate) fn write_json(
    out: &mut String,
    end: usize,
    error: &(dyn Error + 'static),
    pen: &mut Pen<'_>,
) -> bool {
    out.push_str("{\"message\":");
    let mut cut = message(out, end, error, pen);
    if let Some(error) = error.downcast_ref::<core_errors::Error>() {
        cut |= facts(out, error);
        cut |= backtrace(out, end, ",\"backtrace\":", error, pen);
    }
    let mut causes = Causes::of(error);
    let mut separator = ",\"causes\":[";
    let mut closing = "}";
    for cause in &mut causes {
        if out.len() >= end {
            cut = true;
            break;
        }
        out.push_str(separator);
        (separator, closing) = (",", "]}");
        cut |= match cause {
            Cause::Is(cause) => message(out, end, cause, pen),
            Cause::Panicked => quoted(out, end, |out| out.push(PANICKED)),
        };
    }
    out.push_str(closing);
    cut | causes.more
}

/// Appends the chain as one text in quotes, as in `"cannot charge: no route"`. Says whether it had to be cut.
pub(crate) fn write_text(
    out: &mut String,
    end: usize,
    error: &(dyn Error + 'static),
    pen: &mut Pen<'_>,
) -> bool {
    let mut causes = Causes::of(error);
    let cut = quoted(out, end, |text| {
        text.push(pen.debug(&Shown(error)));
        for cause in &mut causes {
            text.push(": ");
            match cause {
                Cause::Is(cause) => text.push(pen.debug(&Shown(cause))),
                Cause::Panicked => text.push(PANICKED),
            }
        }
    });
    cut | causes.more
}

/// Appends the chain as members of ECS, each with its comma. Says whether it had to be cut.
pub(crate) fn write_ecs(
    out: &mut String,
    end: usize,
    error: &(dyn Error + 'static),
    pen: &mut Pen<'_>,
) -> bool {
    out.push_str(",\"error.message\":");
    let mut cut = write_text(out, end, error, pen);
    if let Some(error) = error.downcast_ref::<core_errors::Error>() {
        let mut member = |key, word: &str| {
            out.push_str(key);
            let end = out.len() + WORD_MAX;
            cut |= quoted(out, end, |out| out.push(word));
        };
        member(",\"error.type\":", error.category().as_str());
        if let Some(code) = error.code() {
            member(",\"error.code\":", code.as_str());
        }
        cut |= backtrace(out, end, ",\"error.stack_trace\":", error, pen);
    }
    cut
}

/// Appends how an error of ours came to where it was made, as `stack_trace`. Nothing if that is not known, or not wanted.
pub(crate) fn write_stack(
    out: &mut String,
    end: usize,
    error: &(dyn Error + 'static),
    pen: &mut Pen<'_>,
) -> Option<bool> {
    let (error, start) = (error.downcast_ref::<core_errors::Error>()?, out.len());
    let cut = backtrace(out, end, ",\"stack_trace\":", error, pen);
    (out.len() > start).then_some(cut)
}

/// Appends the same as a member, if there is room for it.
pub(crate) fn backtrace(
    out: &mut String,
    end: usize,
    key: &str,
    error: &core_errors::Error,
    pen: &mut Pen<'_>,
) -> bool {
    let Some(trace) = error.backtrace().filter(|_| pen.policy.traces) else { return false };
    if out.len() + key.len() >= end {
        return true;
    }
    out.push_str(key);
    let end = end.min(out.len() + MESSAGE_MAX);
    quoted(out, end, |out| out.push(pen.debug(&format_args!("{trace}"))))
}

/// Where an error of ours was made.
pub(crate) fn location(error: &(dyn Error + 'static)) -> Option<&'static Location<'static>> {
    Some(error.downcast_ref::<core_errors::Error>()?.location())
}

/// Appends the chain for people, a line for each cause. Says whether it had to be cut.
pub(crate) fn write_console(
    out: &mut String,
    end: usize,
    error: &(dyn Error + 'static),
    pen: &mut Pen<'_>,
) -> bool {
    let mut text = Escaped::new(out, end, Rule::Console);
    text.push(pen.debug(&Shown(error)));
    if let Some(error) = error.downcast_ref::<core_errors::Error>() {
        text.push(" (");
        text.push(error.category().as_str());
        if let Some(code) = error.code() {
            text.push(" ");
            text.push(code.as_str());
        }
        text.push(")");
    }
    let mut causes = Causes::of(error);
    for cause in &mut causes {
        text.push("\n  caused by: ");
        match cause {
            Cause::Is(cause) => text.push(pen.debug(&Shown(cause))),
            Cause::Panicked => text.push(PANICKED),
        }
    }
    text.cut | causes.more
}

const PANICKED: &str = "<panic in source>";

fn message(out: &mut String, end: usize, error: &(dyn Error + 'static), pen: &mut Pen<'_>) -> bool {
    let end = end.min(out.len() + MESSAGE_MAX);
    quoted(out, end, |out| out.push(pen.debug(&Shown(error))))
}

/// What one of ours knows beside its message.
fn facts(out: &mut String, error: &core_errors::Error) -> bool {
    let mut cut = false;
    let mut member = |key, word: &str| {
        out.push_str(key);
        let end = out.len() + WORD_MAX;
        cut |= quoted(out, end, |out| out.push(word));
    };
    if let Some(code) = error.code() {
        member(",\"code\":", code.as_str());
    }
    member(",\"category\":", error.category().as_str());
    member(",\"recovery\":", error.recovery().as_str());
    if let Some(operation) = error.operation() {
        member(",\"operation\":", operation);
    }
    cut
}

/// The causes of an error, one after the other.
struct Causes<'a> {
    last: Option<&'a (dyn Error + 'static)>,
    left: usize,
    /// Whether there are more than are followed.
    more: bool,
}

// === impl Causes ===

impl<'a> Causes<'a> {
    fn of(error: &'a (dyn Error + 'static)) -> Self {
        Self { last: Some(error), left: CAUSES_MAX, more: false }
    }
}

impl<'a> Iterator for Causes<'a> {
    type Item = Cause<'a>;

    fn next(&mut self) -> Option<Cause<'a>> {
        let last = self.last.take()?;
        let Ok(cause) = catch_unwind(AssertUnwindSafe(|| last.source())) else {
            return Some(Cause::Panicked);
        };
        let cause = cause?;
        let Some(left) = self.left.checked_sub(1) else {
            self.more = true;
            return None;
        };
        self.left = left;
        self.last = Some(cause);
        Some(Cause::Is(cause))
    }
}

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.0, f)
    }
}
