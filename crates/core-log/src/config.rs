use std::env;
use std::fmt;
use std::io::{self, IsTerminal};

use core_context::Identity;
use tracing::subscriber;
use tracing_subscriber::layer::SubscriberExt;

use crate::error::ConfigError;
use crate::format::Format;
use crate::handle::LogHandle;
use crate::json;
use crate::layer::LogLayer;
use crate::levels::Levels;
use crate::sink::Sink;

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
    lookup: fn(&str) -> Option<String>,
}

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
            lookup: |key| env::var(key).ok(),
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

    /// Reads variables with `lookup` instead of from the environment of the process.
    pub fn lookup(mut self, lookup: fn(&str) -> Option<String>) -> Self {
        self.lookup = lookup;
        self
    }

    /// Makes a layer for a subscriber of your own, and the handle to it.
    ///
    /// # Errors
    /// If level or format cannot be read.
    pub fn layer(self) -> Result<(LogLayer, LogHandle), ConfigError> {
        let get = |key| (self.lookup)(key).filter(|text: &String| !text.trim().is_empty());
        let levels = match (self.levels, get("GENESIS_LOG_LEVEL")) {
            (Some(levels), _) => levels?,
            (None, Some(text)) => text.parse()?,
            (None, None) => Levels::default(),
        };
        let terminal = self.sink.is_none() && io::stdout().is_terminal();
        let format = match (self.format, get("GENESIS_LOG_FORMAT")) {
            (Some(format), _) => format,
            (None, Some(text)) => text.parse()?,
            (None, None) if terminal => Format::Console,
            (None, None) => Format::Json,
        };
        let identity = self
            .identity
            .or_else(|| Identity::get().cloned())
            .unwrap_or_else(|| Identity::from_lookup(self.lookup));
        let service = self.service.unwrap_or(identity.service);
        let handle = LogHandle::default();
        handle.0.levels.store(levels.into());
        let layer = LogLayer {
            format,
            colour: self.colour.unwrap_or(terminal && get("NO_COLOR").is_none()),
            identity: json::identity(&service, &identity.environment, &identity.version),
            sink: self.sink.unwrap_or_else(Sink::stdout),
            handle: handle.clone(),
        };
        Ok((layer, handle))
    }

    /// Makes this the log of the process.
    ///
    /// # Errors
    /// If level or format cannot be read, or the process has a subscriber already.
    pub fn install(self) -> Result<LogHandle, ConfigError> {
        let (layer, handle) = self.layer()?;
        let all = tracing_subscriber::registry().with(layer);
        subscriber::set_global_default(all).map_err(|_| ConfigError::installed())?;
        Ok(handle)
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
