//! One JSON object a line from `tracing`, with the context of the request in it.
//!
//! Install it once, at the start of a service, and log through the macros of `tracing` everywhere. Every line carries the
//! ids of the current [`core_context::Context`], the fields of the spans it is in, and which service wrote it. People get a
//! form for people: [`Format::Console`].
//!
//! ```
//! use core_log::{Format, Log, Sink};
//! use tracing_subscriber::layer::SubscriberExt;
//!
//! let (sink, lines) = Sink::memory();
//! let (layer, _handle) = Log::builder().service("orders").format(Format::Json).sink(sink).layer()?;
//! let subscriber = tracing_subscriber::registry().with(layer);       // or Log::builder()…install()? for the process
//!
//! tracing::subscriber::with_default(subscriber, || {
//!     let span = tracing::info_span!("charge", order = "A-1");
//!     span.in_scope(|| tracing::info!(amount = 12, "charged"));
//! });
//!
//! let line = lines.lines().remove(0);
//! assert!(line.contains(r#""level":"INFO""#) && line.contains(r#""message":"charged","amount":12,"order":"A-1""#));
//! # Ok::<(), core_log::ConfigError>(())
//! ```
//!
//! Reach for it in every service that runs unattended. A command for people needs no log but its output, and a library needs
//! only `tracing`: the service decides what becomes of it. Dropping the layer writes what waits in its queue, for which it waits 1 s at
//! most.
//!
//! # The line
//! [`Format`] names the schemas: `json` (flat), `gcp` (Google Cloud Logging and Error Reporting), `streambus`, `ecs`, `otel`, `console`;
//! `GENESIS_LOG_FORMAT` chooses one. Each has the time (UTC, microseconds; nanoseconds in `otel`), level, message, target, innermost span, then fields, ids, the
//! file and line that logged, and `service`, `environment`, `version`. No key is there twice: a field of the event wins over one of its
//! [`Logger`], that over the inner span's, that over the outer span's, that over the context's ids. A field with the name of one of ours becomes
//! `field_<name>`. Cloud Logging needs the id of the project ([`Builder::project`]).
//!
//! **Values.** Numbers stay numbers; what JSON cannot hold as a number is text (128 bits) or `null` (NaN, infinite). An error
//! that is recorded as an error (`error = &failure as &dyn Error`) becomes an object with its message, its chain of causes,
//! and, if it is a [`core_errors::Error`], its code, category and recovery. Control characters (also U+007F to U+009F) and line
//! separators never reach a terminal or a file as they are: JSON holds their escapes, people see them.
//!
//! **OpenTelemetry.** A line of `otel` is OTLP/JSON with one record, what the OTLP file exporter writes: a collector takes it with the
//! receiver `otlpjsonfile`, or from the output of containers with `filelog` and the connector `otlpjson`, and needs no mapping. The service
//! is the resource, the target the scope, fields are attributes with their types; an error in the field `error` is `exception.message` with its
//! causes, and one of ours brings `exception.type` (its code), `error.type` (its category) and, where backtraces are wanted,
//! `exception.stacktrace`. `NOTICE` is 10 (`INFO2`), `CRITICAL` and `FATAL` are 21, `ALERT` is 23 and `EMERGENCY` 24.
//!
//! **Equal times.** [`Builder::sequence`] has each line say its turn, so that those of one microsecond sort as they were written; Cloud Logging
//! has it from the start, as `insertId`.
//!
//! **Bounds.** In bytes as they stand in the line: 64 KiB a line; of that, 16 KiB a value, a whole chain of causes being one
//! value of at most 17 messages with 4 KiB each; the ids of the context 1 KiB each; `service`, `environment` and `version` 256 each. What
//! is longer is cut between two characters and ends in `…`; a field that no longer fits is left out whole. Either way the line says
//! `"truncated":true`, and stays JSON. The ids and the service have their place even in a line that is full.
//!
//! # Levels
//! `GENESIS_LOG_LEVEL` (default `info`) takes `debug`, or `info,hyper=warn,orders::pay=trace`; all usual
//! spellings of a level are understood. [`LogHandle::set_levels`] changes it while the service runs, [`LogHandle::set_levels_for`] for a
//! while, [`LogHandle::handle`] answers HTTP requests about it, and a [`RequestLevel`] in a context raises it for one request. An event says
//! more than tracing's five levels with a field (`error!(severity = "CRITICAL", …)`) or with the macros of this crate: [`notice!`],
//! [`critical!`], [`alert!`], and [`fatal!`], which alone ends the process. [`Sampling`] holds a storm of one message back.
//!
//! # Parts of the work
//! A [`Logger`] has a component, an operation and fields for all of its lines. [`timer!`] says that something starts and how long it took,
//! [`stage!`] the same of a stage with an id such as `2.1_L1_CACHE_LOOKUP`, and a [`WideEvent`] is one line for a whole request. For Cloud
//! Logging, the lines of one run of a stage are an operation.
//!
//! ```
//! use core_log::{Logger, info};
//!
//! let log = Logger::component("payments").with("region", "eu");
//! let timer = core_log::timer!("charge", order = "A-1");
//! timer.in_scope(|| info!(logger: log, amount = 12, "charged"));
//! ```
//!
//! # Secrets
//! [`Redaction`] is on unless it is turned off (`GENESIS_LOG_REDACT=false`): fields with the name of a secret, and texts with the shape of
//! one (e-mails, phones, cards, keys of the usual issuers, JSON web tokens, private keys, values beside the name of a secret, also in what
//! `Debug` shows of a struct) lose it. [`Redaction::only`] turns the names around: what is not on the list is hidden. [`Sensitive`] hides a value everywhere, and [`Redaction::mark`] says
//! which one it was, also of the secrets of the crate `secrecy` (feature `secrecy`). It is a net and no permission: names of people, addresses
//! and what has no shape pass. [`LogHandle::redactions`] counts what it caught, and [`Redaction::verify`] says where.
//!
//! # Writing
//! One write for each line, so lines of several threads, or of several processes that append to one file ([`Sink::file`]), do not mix.
//! With a [`Queue`] (`GENESIS_LOG_QUEUE=8m`) a thread writes, and who logs never waits for the disk longer than [`WhenFull`] says; lines
//! that are lost are reported in the log. A line at `CRITICAL` or above is written when its macro returns, if that takes no longer than
//! 250 ms. [`LogHandle::flush`], a [`FlushGuard`], a panic (of a log that is [installed](Builder::install)) and [`exit`]
//! empty it. A write that fails or panics is counted in [`LogHandle::lost`], and once writing works again a line before the next one says how
//! many were lost, with a queue and without; nothing is printed about it.
//!
//! **Code of others.** A `Debug`, a `Display` or a `source` that panics costs its own field and nothing else. It may log: it runs while
//! nothing is locked. Where that leads to more and more of it, as in a writer that logs, the fifth line inside of another is lost.
//!
//! # Cost
//! A disabled event costs one load and a compare. A line does not allocate once its thread has written a few. The rows `log/…` of
//! `cargo xtask compare` measure a line, bare and with ids and redaction, a disabled event, a span and the hand-off to a queue, beside
//! the peers.

mod chain;
mod config;
mod console;
mod error;
mod event;
mod file;
mod filter;
mod float;
mod format;
mod handle;
mod http;
mod ids;
mod key;
mod last;
mod layer;
mod level;
mod levels;
mod lifted;
mod line;
mod logger;
mod losses;
mod macros;
mod moment;
mod pen;
mod queue;
mod redact;
mod request_level;
mod sampling;
mod schema;
mod scope;
mod scratch;
mod sensitive;
mod sink;
mod site;
mod stage;
mod stamp;
mod text;
mod timer;
mod value;
mod wide;
mod writer;

pub use config::{Builder, Log};
pub use error::ConfigError;
pub use format::Format;
pub use handle::{FlushGuard, LogHandle};
pub use last::exit;
pub use layer::LogLayer;
pub use level::Level;
pub use levels::Levels;
pub use logger::{Bound, FieldValue, Logger};
pub use queue::{Queue, WhenFull};
pub use redact::{Action, Kind, Redacted, Redaction, Secret};
pub use request_level::RequestLevel;
pub use sampling::Sampling;
pub use sensitive::Sensitive;
pub use sink::{Lines, Sink, WriteLine};
pub use stage::StageId;
pub use timer::{Elapsed, Timer};
pub use wide::WideEvent;

/// For the macros.
#[doc(hidden)]
pub use {core_time::Clock as __Clock, stage::StageMark as __StageMark, tracing as __tracing};
