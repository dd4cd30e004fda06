//! What the forms for machines differ in.

mod ecs;
mod gcp;
mod otel;
mod plain;
mod streambus;

pub(crate) use ecs::Ecs;
pub(crate) use gcp::Gcp;
pub(crate) use otel::{Otel, push_exception};
pub(crate) use plain::Plain;
pub(crate) use streambus::StreamBus;

use crate::console;
use crate::format::Format;
use crate::key::Key;
use crate::level::Level;
use crate::line::{self, Facts, Line};
use crate::moment;
use crate::pen::{Ink, Pen};
use crate::redact::{Redacted, Redaction};
use crate::scratch::{self, Scratch};
use crate::site::{Role, push_key};
use crate::stamp::Stamp;
use crate::value::{Value, quoted};

/// The shape of a line.
pub(crate) trait Schema: Sized + 'static {
    /// What opens the object that the fields are in, where they are in one.
    const OPENS: &'static str = "";

    /// What closes it.
    const CLOSES: &'static str = "}";

    /// What stands before the text of the message, and after it.
    const MESSAGE: [&'static str; 2] = [",\"message\":\"", "\""];

    /// Whether the lines of one run of a stage are marked as such.
    const HAS_OPERATIONS: bool = false;

    /// Whether the schema has members of that name. A field of such a name becomes `field_<name>`.
    fn is_reserved(name: &str) -> bool;

    /// What a field of an event or a span is, if it is more than a field.
    fn special(name: &str) -> Option<Role> {
        _ = name;
        None
    }

    /// Appends what follows the time: its quote, and the level. The same for most lines of a callsite.
    fn push_level(out: &mut String, level: Level, target: &str);

    /// The beginning of a line, with its brace.
    fn head(line: &mut Line<'_>, facts: &Facts<'_>, stamp: &mut Stamp);

    /// What comes after the fields.
    fn tail(line: &mut Line<'_>, facts: &Facts<'_>, ink: &mut Ink);

    /// What a line says of itself, its last brace, and the line break.
    fn end(line: &mut Line<'_>) {
        if line.buffers.suppressed > 0 {
            line.push(",\"suppressed\":");
            let suppressed = line.buffers.suppressed;
            line.push(itoa::Buffer::new().format(suppressed));
        }
        line.push(if line.truncated { ",\"truncated\":true}\n" } else { "}\n" });
    }

    /// Appends the key of a field. Says whether all of it fitted.
    fn push_key(out: &mut String, key: Key) -> bool {
        push_key(out, key)
    }

    /// Appends the value of a field, until `out` is about `end` bytes long. Says whether it had to be cut.
    fn push_value(out: &mut String, end: usize, value: Value<'_>, pen: &mut Pen<'_>) -> bool {
        value.write_json(out, end, pen)
    }

    /// The key and the role of a field of that name.
    fn slot(name: &'static str) -> (Key, Role) {
        match (name, Self::special(name)) {
            ("message", _) => (Key::new(name), Role::Message),
            (_, Some(role)) => (Key::new(name), role),
            ("severity", None) => (Self::field_key(name), Role::Severity),
            (_, None) => (Self::field_key(name), Role::Field),
        }
    }

    /// The key of that field in a span: what an event says of itself is a field there.
    fn span_key(key: Key) -> Key {
        if key == Key::new("message") { Self::field_key("message") } else { key }
    }

    /// The key of what is a field.
    fn field_key(name: &'static str) -> Key {
        if Self::is_reserved(name) { Key::renamed(name) } else { Key::new(name) }
    }
}

/// What a log says of who writes, in the words of its schema, made once.
#[derive(Clone)]
pub(crate) struct Who {
    /// The number of the log in this process.
    pub(crate) log: usize,
    /// The service, in quotes.
    pub(crate) service: String,
    /// Members, each with its comma. For OpenTelemetry, what a line begins with.
    pub(crate) tail: String,
    /// The same for lines that report an error.
    pub(crate) failed: String,
    /// `projects/<project>/traces/`, for Cloud Logging.
    pub(crate) traces: String,
    /// What stands before the turn of a line, if lines have one.
    pub(crate) turn: Option<String>,
    /// Whether lines say where in the code they were written.
    pub(crate) source: bool,
    pub(crate) redaction: Redaction,
}

/// The most of the name of a service, of an environment and of a version.
const NAME_MAX: usize = 256;

// === impl Who ===

impl Who {
    pub(crate) fn new(log: usize, format: Format, [service, environment, version]: [&str; 3]) -> Self {
        let [service, environment, version] = [service, environment, version].map(|name| {
            let mut out = String::new();
            quoted(&mut out, NAME_MAX, |out| out.push(name));
            out
        });
        let (tail, failed) = match format {
            Format::Ecs => (
                format!(
                    r#","service.name":{service},"service.environment":{environment},"service.version":{version}"#
                ),
                String::new(),
            ),
            Format::Gcp => (
                format!(r#""service":{service},"environment":{environment},"version":{version}"#),
                format!(
                    r#","@type":"{REPORTED}","serviceContext":{{"service":{service},"version":{version}}}"#
                ),
            ),
            Format::Otel => (otel::resource([&service, &environment, &version]), String::new()),
            _ => (
                format!(r#","service":{service},"environment":{environment},"version":{version}"#),
                String::new(),
            ),
        };
        let (traces, turn) = (String::new(), None);
        Self { log, service, tail, failed, traces, turn, source: true, redaction: Redaction::new() }
    }

    /// With a turn on each line, in the words of the schema. The form for people has none.
    pub(crate) fn numbered(mut self, format: Format) -> Self {
        let process = moment::process();
        self.turn = match format {
            Format::Json | Format::StreamBus => Some(",\"seq\":".to_owned()),
            Format::Ecs => Some(",\"event.sequence\":".to_owned()),
            Format::Gcp => Some(format!(r#","logging.googleapis.com/insertId":"{process}"#)),
            Format::Otel => Some(format!(r#",{{"key":"log.record.uid","value":{{"stringValue":"{process}"#)),
            Format::Console => None,
        };
        self
    }
}

/// Appends the line that says how many lines were lost.
pub(crate) fn lost(format: Format, who: &Who, out: &mut Vec<u8>, lost: u64) {
    own(format, who, out, "log lines were lost", &[("lost", Value::U64(lost))]);
}

/// Appends the line that says where something was taken out.
pub(crate) fn redacted(format: Format, who: &Who, out: &mut Vec<u8>, place: &Redacted) {
    let at = format!("{}:{}", place.file, place.line);
    let fields = [
        ("kind", Value::Str(place.kind.as_str())),
        ("field", Value::Str(place.key)),
        ("at", Value::Str(&at)),
        ("of", Value::Str(place.target)),
    ];
    own(format, who, out, "something was taken out of the log: better it were not logged", &fields);
}

/// Appends a line of the log itself.
fn own(format: Format, who: &Who, out: &mut Vec<u8>, message: &str, fields: &[(&'static str, Value<'_>)]) {
    scratch::with(|scratch| {
        let Scratch { line, stamp, .. } = scratch;
        match format {
            Format::Json => line::own::<Plain>(line, stamp, who, message, fields),
            Format::Gcp => line::own::<Gcp>(line, stamp, who, message, fields),
            Format::StreamBus => line::own::<StreamBus>(line, stamp, who, message, fields),
            Format::Ecs => line::own::<Ecs>(line, stamp, who, message, fields),
            Format::Otel => line::own::<Otel>(line, stamp, who, message, fields),
            Format::Console => console::own(scratch, who, message, fields),
        }
        out.extend_from_slice(scratch.line.out.as_bytes());
    });
}

const REPORTED: &str = "type.googleapis.com/google.devtools.clouderrorreporting.v1beta1.ReportedErrorEvent";
