//! What all forms of a line ask of an event.

use tracing::Event;
use tracing::field::Field;

use crate::level::Level;
use crate::value::{Each, Value};

/// The level to show: tracing's, or what the field `severity` says.
pub(crate) fn level(event: &Event<'_>) -> Level {
    let own = Level::of(*event.metadata().level());
    if event.metadata().fields().field("severity").is_none() {
        return own;
    }
    let mut said = None;
    event.record(&mut Each(|field: &Field, value: Value<'_>| {
        if let ("severity", Value::Str(text)) = (field.name(), value) {
            said = Level::asked(text);
        }
    }));
    said.unwrap_or(own)
}
