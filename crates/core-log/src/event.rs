//! What both forms of a line ask of an event.

use tracing::Event;

use crate::value::{Each, Value};

/// The level to show: tracing's, or what the field `severity` says.
pub(crate) fn level(event: &Event<'_>) -> &'static str {
    let own = event.metadata().level().as_str();
    if event.metadata().fields().field("severity").is_none() {
        return own;
    }
    let mut said = None;
    event.record(&mut Each(|key, value: Value<'_>| {
        if let ("severity", Value::Str(text)) = (key, value) {
            said = named(text);
        }
    }));
    said.unwrap_or(own)
}

/// The level of that name, among those that an event may ask for.
pub(crate) fn named(text: &str) -> Option<&'static str> {
    const NAMES: [(&str, &str); 8] = [
        ("NOTICE", "NOTICE"),
        ("CRITICAL", "CRITICAL"),
        ("FATAL", "CRITICAL"),
        ("ALERT", "ALERT"),
        ("EMERGENCY", "EMERGENCY"),
        ("WARNING", "WARN"),
        ("WARN", "WARN"),
        ("ERROR", "ERROR"),
    ];
    NAMES.iter().find(|(name, _)| text.eq_ignore_ascii_case(name)).map(|(_, shown)| *shown)
}
