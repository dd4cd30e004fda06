use std::env::{self, VarError};
use std::fmt;
use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use core_context::Identity;
use core_time::Clock;

use crate::error::ConfigError;
use crate::filter::Filter;
use crate::format::Format;
use crate::handle::LogHandle;
use crate::last;
use crate::layer::{LogLayer, Output};
use crate::levels::Levels;
use crate::losses::Losses;
use crate::queue::Queue;
use crate::redact::Redaction;
use crate::sampling::Sampling;
use crate::schema::{self, Who};
use crate::sink::Sink;
use crate::writer::{Closer, Writer};

/// Where setting up the log starts.
#[derive(Debug)]
pub enum Log {}

/// Says how the log is written. Made by [`Log::builder`].
#[must_use = "a builder does nothing until it is built"]
pub struct Builder {
    identity: Option<Identity>,
    service: Option<String>,
    levels: Option<Result<Levels, ConfigError>>,
    format: Option<Format>,
    sink: Option<Sink>,
    colour: Option<bool>,
    project: Option<String>,
    source: Option<bool>,
    sequence: Option<bool>,
    traces: Option<bool>,
    queue: Queueing,
    redaction: Option<Redaction>,
    exact_numbers: Option<bool>,
    sampling: Option<Sampling>,
    clock: Option<Clock>,
    lookup: Option<fn(&str) -> Option<String>>,
}

/// Whether lines wait for a thread that writes them.
enum Queueing {
    AsTheEnvironmentSays,
    With(Queue),
    Without,
}

/// Each log of the process has a number.
static NEXT: AtomicUsize = AtomicUsize::new(0);

// === impl Log ===

impl Log {
    /// Starts from what the environment says: `GENESIS_LOG_LEVEL`, `GENESIS_LOG_FORMAT`, and for the identity
    /// `GENESIS_SERVICE`, `GENESIS_ENV`, `GENESIS_VERSION`. What is set on the builder wins over it.
    pub fn builder() -> Builder {
        Builder {
            identity: None,
            service: None,
            levels: None,
            format: None,
            sink: None,
            colour: None,
            project: None,
            source: None,
            sequence: None,
            traces: None,
            queue: Queueing::AsTheEnvironmentSays,
            redaction: None,
            exact_numbers: None,
            sampling: None,
            clock: None,
            lookup: None,
        }
    }
}

// === impl Builder ===

impl Builder {
    /// Which service writes. Default: the process identity of core-context, or else what the environment says.
    pub fn service(mut self, name: impl Into<String>) -> Self {
        self.service = Some(name.into());
        self
    }

    /// Which process writes. Default as for [`service`](Self::service).
    pub fn identity(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Which events are written, as in `"info,hyper=warn"`. Default: `GENESIS_LOG_LEVEL`, or else `info`.
    pub fn levels(mut self, levels: &str) -> Self {
        self.levels = Some(levels.parse());
        self
    }

    /// The shape of a line. Default: `GENESIS_LOG_FORMAT`, or else the form for people on a terminal and JSON elsewhere.
    pub fn format(mut self, format: Format) -> Self {
        self.format = Some(format);
        self
    }

    /// Where lines go. Default: the standard output.
    pub fn sink(mut self, sink: Sink) -> Self {
        self.sink = Some(sink);
        self
    }

    /// Whether the form for people is in colour. Default: on a terminal, unless `NO_COLOR` is set.
    pub fn colour(mut self, colour: bool) -> Self {
        self.colour = Some(colour);
        self
    }

    /// The id of the project in Google Cloud: [`Format::Gcp`] needs it for links to traces. Default: `GENESIS_LOG_PROJECT`, or else
    /// `GOOGLE_CLOUD_PROJECT`.
    pub fn project(mut self, id: impl Into<String>) -> Self {
        self.project = Some(id.into());
        self
    }

    /// Whether lines say which file and line of the code wrote them. Default: `GENESIS_LOG_SOURCE`, or else `true` for machines.
    /// The form for people says it only where this is set here.
    pub fn source(mut self, source: bool) -> Self {
        self.source = Some(source);
        self
    }

    /// Whether lines say which of two with the same time was written first: `seq` in [`Format::Json`] and [`Format::StreamBus`],
    /// `event.sequence` in [`Format::Ecs`], a number that grows; an id that no other line of any process has in [`Format::Gcp`], which sorts by
    /// it and takes a line that is sent twice once (`insertId`), and in [`Format::Otel`] (`log.record.uid`). It holds the nanoseconds that the time
    /// does not show, and then a number of the thread: the order is that of the clock between threads, and that of the lines within
    /// one, also where the clock is too coarse to tell them apart. It means nothing beside another time, nor where the clock was set back to a
    /// time that was there already. Default: `GENESIS_LOG_SEQUENCE`, or else only for Cloud Logging.
    pub fn sequence(mut self, sequence: bool) -> Self {
        self.sequence = Some(sequence);
        self
    }

    /// Whether errors of ours bring the backtrace that they took, 4 KiB of it: as `backtrace` of the error, `stack_trace` in
    /// [`Format::StreamBus`], `error.stack_trace` in [`Format::Ecs`]. The form for people has none. It costs some milliseconds a line.
    /// Default: `GENESIS_LOG_TRACE`, or else `false`.
    pub fn traces(mut self, traces: bool) -> Self {
        self.traces = Some(traces);
        self
    }

    /// Whether whole numbers beyond 2^53 are text, as `"9007199254740993"`: JavaScript, `jq` and Cloud Logging take numbers for doubles,
    /// and show another one. Numbers of 128 bits are text anyway, and so is every whole number in [`Format::Otel`]; for people it changes
    /// nothing. A reader that wants numbers finds two types under one name. Default: `GENESIS_LOG_EXACT_NUMBERS`, or else `false`.
    pub fn exact_numbers(mut self, exact: bool) -> Self {
        self.exact_numbers = Some(exact);
        self
    }

    /// Has a thread write the lines, and says how many may wait for it. Default: what `GENESIS_LOG_QUEUE` says, `off` or a size as
    /// `8m`, with `GENESIS_LOG_FULL` as `block`, `drop-newest` or `drop-below-warn`; or else none: each line is written where it
    /// is logged.
    pub fn queue(mut self, queue: Queue) -> Self {
        self.queue = Queueing::With(queue);
        self
    }

    /// Writes each line where it is logged, whatever the environment says.
    pub fn no_queue(mut self) -> Self {
        self.queue = Queueing::Without;
        self
    }

    /// What is taken out of lines. Default: all that [`Redaction`] knows, masked; nothing if `GENESIS_LOG_REDACT` is `false`.
    pub fn redaction(mut self, redaction: Redaction) -> Self {
        self.redaction = Some(redaction);
        self
    }

    /// How many lines one place in the code may write in a second. Default: all.
    pub fn sampling(mut self, sampling: Sampling) -> Self {
        self.sampling = Some(sampling);
        self
    }

    /// The clock by which levels end and seconds are counted. Default: the system's. Lines have the time of the wall clock.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Reads variables with `lookup` instead of from the environment of the process.
    pub fn lookup(mut self, lookup: fn(&str) -> Option<String>) -> Self {
        self.lookup = Some(lookup);
        self
    }

    /// Makes a layer for a subscriber of your own, and the handle to it. Nothing is installed yet.
    ///
    /// # Errors
    /// If level or format cannot be read, or a variable that is asked for is not UTF-8.
    pub fn layer(self) -> Result<(LogLayer, LogHandle), ConfigError> {
        let identity = self.known_identity()?;
        let levels = match &self.levels {
            Some(levels) => levels.clone()?,
            None => self.variable("GENESIS_LOG_LEVEL")?.map_or(Ok(Levels::default()), |text| text.parse())?,
        };
        let terminal = self.sink.is_none() && io::stdout().is_terminal();
        let usual = if terminal { Format::Console } else { Format::Json };
        let format = match self.format {
            Some(format) => format,
            None => self.variable("GENESIS_LOG_FORMAT")?.map_or(Ok(usual), |text| text.parse())?,
        };
        let colour = match self.colour {
            Some(colour) => colour,
            // It says so by being there, whatever it holds.
            None => terminal && matches!(self.variable("NO_COLOR"), Ok(None)),
        };
        let project = if format == Format::Gcp { self.known_project()? } else { String::new() };
        let source = match self.source {
            Some(source) => source,
            None => format != Format::Console && self.switch("GENESIS_LOG_SOURCE", true)?,
        };
        let queue = match self.queue {
            Queueing::With(queue) => Some(queue.checked()?),
            Queueing::Without => None,
            Queueing::AsTheEnvironmentSays => self.known_queue()?,
        };
        let redaction = match &self.redaction {
            Some(redaction) => redaction.clone().checked()?,
            None if self.switch("GENESIS_LOG_REDACT", true)? => Redaction::new(),
            None => Redaction::off(),
        };
        let traces = match self.traces {
            Some(traces) => traces,
            None => self.switch("GENESIS_LOG_TRACE", false)?,
        };
        let exact_numbers = match self.exact_numbers {
            Some(exact) => exact,
            None => self.switch("GENESIS_LOG_EXACT_NUMBERS", false)?,
        };
        let sequence = match self.sequence {
            Some(sequence) => sequence,
            None => self.switch("GENESIS_LOG_SEQUENCE", format == Format::Gcp)?,
        };
        let sampling = self.sampling.map(Sampling::checked).transpose()?;
        let service = self.service.unwrap_or(identity.service);
        let names = [&*service, &identity.environment, &identity.version];
        let mut who = Who::new(NEXT.fetch_add(1, Ordering::Relaxed), format, names);
        (who.source, who.traces) = (source, format!("projects/{project}/traces/"));
        who = if sequence { who.numbered(format) } else { who };
        let handle = LogHandle::default();
        handle.0.filter.store(Arc::new(Filter::new(levels)));
        if let Some(clock) = self.clock {
            handle.0.clock.get_or_init(|| clock);
        }
        handle.0.tally.get_or_init(|| Arc::clone(&redaction.tally));
        who.redaction = redaction;
        who.redaction.traces = traces;
        who.redaction.exact_numbers = exact_numbers && format != Format::Console;
        let sink = self.sink.unwrap_or_else(Sink::stdout);
        let output = match queue {
            None => Output::Now(sink),
            Some(queue) => {
                let who = who.clone();
                let report = Box::new(move |out: &mut Vec<u8>, lost| schema::lost(format, &who, out, lost));
                let writer = Writer::start(queue, sink, report).map_err(|_| ConfigError::thread())?;
                handle.0.writer.get_or_init(|| Arc::clone(&writer));
                Output::Queued(Closer(writer))
            }
        };
        last::register(&handle.0);
        let start = handle.0.clock().now();
        let losses = Losses::default();
        let layer = LogLayer { format, colour, who, output, sampling, start, handle: handle.clone(), losses };
        Ok((layer, handle))
    }

    /// Makes this the log of the process.
    ///
    /// # Errors
    /// As [`layer`](Self::layer), and if the process has a subscriber already.
    pub fn install(self) -> Result<LogHandle, ConfigError> {
        self.layer()?.0.install()
    }

    fn known_identity(&self) -> Result<Identity, ConfigError> {
        if let Some(known) = self.identity.as_ref().or_else(|| Identity::get()) {
            return Ok(known.clone());
        }
        for name in ["GENESIS_SERVICE", "GENESIS_ENV", "GENESIS_VERSION"] {
            self.variable(name)?;
        }
        Ok(Identity::from_lookup(|name| self.variable(name).ok().flatten()))
    }

    fn known_project(&self) -> Result<String, ConfigError> {
        let said = match &self.project {
            Some(id) => Some(id.clone()),
            None => match self.variable("GENESIS_LOG_PROJECT")? {
                Some(id) => Some(id),
                None => self.variable("GOOGLE_CLOUD_PROJECT")?,
            },
        };
        let Some(id) = said else { return Err(ConfigError::project(None)) };
        let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.' | b':');
        if id.is_empty() || id.len() > 128 || !id.bytes().all(fits) {
            return Err(ConfigError::project(Some(&id)));
        }
        Ok(id)
    }

    fn known_queue(&self) -> Result<Option<Queue>, ConfigError> {
        let full = self.variable("GENESIS_LOG_FULL")?.map(|text| text.parse()).transpose()?;
        let Some(size) = self.variable("GENESIS_LOG_QUEUE")? else { return Ok(None) };
        if size.trim().eq_ignore_ascii_case("off") {
            return Ok(None);
        }
        let queue = Queue::new().bytes(Queue::bytes_of(&size)?);
        full.map_or(queue, |full| queue.when_full(full)).checked().map(Some)
    }

    fn switch(&self, variable: &'static str, usual: bool) -> Result<bool, ConfigError> {
        match self.variable(variable)? {
            None => Ok(usual),
            Some(text) => match text.trim().to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" | "on" => Ok(true),
                "false" | "0" | "no" | "off" => Ok(false),
                _ => Err(ConfigError::switch(variable, &text)),
            },
        }
    }

    /// What a variable says; blank is nothing. One that is no text is refused: it was meant to say something.
    fn variable(&self, name: &str) -> Result<Option<String>, ConfigError> {
        let said = match self.lookup {
            Some(lookup) => lookup(name),
            None => match env::var(name) {
                Ok(text) => Some(text),
                Err(VarError::NotPresent) => None,
                Err(VarError::NotUnicode(raw)) => return Err(ConfigError::not_text(name, &raw)),
            },
        };
        Ok(said.filter(|text| !text.trim().is_empty()))
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("service", &self.service)
            .field("levels", &self.levels)
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}
