use std::sync::{Mutex, PoisonError};

use core_context::Identity;
use core_context::propagation::HeaderNames;

use crate::environment;
use crate::error::KitError;

/// What a service has one of. Cheap to clone; clones are one.
#[derive(Clone, Debug)]
pub struct Kit {
    identity: &'static Identity,
    header_names: HeaderNames,
    #[cfg(feature = "http")]
    trusted: bool,
    #[cfg(feature = "log")]
    log: Option<core_log::LogHandle>,
    #[cfg(feature = "health")]
    health: core_health::Health,
    #[cfg(feature = "breaker")]
    breakers: core_breaker::Registry,
}

/// Says how a service is set up. Made by [`Kit::builder`].
#[must_use = "a builder does nothing until it is built"]
#[derive(Debug)]
pub struct Builder {
    service: String,
    environment: Option<String>,
    version: Option<String>,
    #[cfg(feature = "http")]
    trusted: bool,
    #[cfg(feature = "log")]
    log: Option<core_log::Builder>,
    #[cfg(feature = "health")]
    health: core_health::Builder,
    #[cfg(feature = "breaker")]
    breakers: Vec<core_breaker::Breaker>,
}

/// Held while the process gets its identity and its log.
static ALONE: Mutex<()> = Mutex::new(());

// === impl Kit ===

impl Kit {
    /// Starts to set up the service of that name.
    ///
    /// ```
    /// use genesis_kit::Kit;
    ///
    /// let kit = Kit::builder("orders").version("1.8.2").build()?;
    /// assert_eq!(kit.identity().service, "orders");
    /// # Ok::<(), genesis_kit::KitError>(())
    /// ```
    pub fn builder(service: impl Into<String>) -> Builder {
        Builder {
            service: service.into(),
            environment: None,
            version: None,
            #[cfg(feature = "http")]
            trusted: false,
            #[cfg(feature = "log")]
            log: Some(core_log::Log::builder()),
            #[cfg(feature = "health")]
            health: core_health::Health::builder(),
            #[cfg(feature = "breaker")]
            breakers: Vec::new(),
        }
    }

    /// Which process this is.
    #[must_use]
    pub fn identity(&self) -> &'static Identity {
        self.identity
    }

    /// What the headers of contexts are called.
    #[must_use]
    pub fn header_names(&self) -> &HeaderNames {
        &self.header_names
    }

    /// How contexts get into headers and out of them, under the names that the environment gives: for `ContextLayer` and the
    /// layers of clients. Callers are not trusted; [`trust`](core_context::Propagation::trust) says otherwise.
    #[must_use]
    pub fn propagation(&self) -> core_context::Propagation {
        core_context::Propagation::untrusted().names(self.header_names.clone())
    }

    /// The handle to the log, unless it was left to others.
    #[cfg(feature = "log")]
    #[must_use]
    pub fn log(&self) -> Option<&core_log::LogHandle> {
        self.log.as_ref()
    }

    /// The health of the service. Its checks run once it is started: `let _monitor = kit.health().start();`.
    #[cfg(feature = "health")]
    #[must_use]
    pub fn health(&self) -> &core_health::Health {
        &self.health
    }

    /// The breakers of the service, by name.
    #[cfg(feature = "breaker")]
    #[must_use]
    pub fn breakers(&self) -> &core_breaker::Registry {
        &self.breakers
    }

    /// The layer that opens a context for each request that comes in.
    #[cfg(feature = "http")]
    #[must_use]
    pub fn context_layer(&self) -> core_http::ContextLayer {
        let layer = core_http::ContextLayer::new().header_names(self.header_names.clone());
        if self.trusted { layer.trusted() } else { layer }
    }

    /// The layer that writes the context into each request that goes out.
    #[cfg(feature = "http")]
    #[must_use]
    pub fn inject_layer(&self) -> core_http::InjectLayer {
        core_http::InjectLayer::new().header_names(self.header_names.clone())
    }
}

// === impl Builder ===

impl Builder {
    /// Where it runs. Default: `GENESIS_ENV`, or else `development`.
    pub fn environment(mut self, environment: impl Into<String>) -> Self {
        self.environment = Some(environment.into());
        self
    }

    /// Which version it is, as in `env!("CARGO_PKG_VERSION")`. Default: `GENESIS_VERSION`, or else `0.0.0`.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// Takes the word of callers for the trace that they are on: for a service that only the house can reach. Default: no.
    #[cfg(feature = "http")]
    pub fn trusted_callers(mut self) -> Self {
        self.trusted = true;
        self
    }

    /// Changes how the log is written, as in `.log(|log| log.levels("debug"))`. What is not said here, the environment says:
    /// `GENESIS_LOG_LEVEL`, `GENESIS_LOG_FORMAT` (`json`, `gcp`, `streambus`, `ecs`, `console`), `GENESIS_LOG_PROJECT`, `GENESIS_LOG_SOURCE`,
    /// `GENESIS_LOG_REDACT`, `GENESIS_LOG_QUEUE` and `GENESIS_LOG_FULL`.
    #[cfg(feature = "log")]
    pub fn log(mut self, change: impl FnOnce(core_log::Builder) -> core_log::Builder) -> Self {
        self.log = self.log.map(change);
        self
    }

    /// Leaves the log to others: the process has a subscriber of its own.
    #[cfg(feature = "log")]
    pub fn without_log(mut self) -> Self {
        self.log = None;
        self
    }

    /// Registers health checks, as in `.health(|health| health.dependency(check))`.
    #[cfg(feature = "health")]
    pub fn health(mut self, change: impl FnOnce(core_health::Builder) -> core_health::Builder) -> Self {
        self.health = change(self.health);
        self
    }

    /// Registers a breaker.
    #[cfg(feature = "breaker")]
    pub fn breaker(mut self, breaker: &core_breaker::Breaker) -> Self {
        self.breakers.push(breaker.clone());
        self
    }

    /// Registers what a pipeline consists of.
    #[cfg(feature = "pipeline")]
    pub fn pipeline(self, pipeline: &core_pipeline::Pipeline) -> Self {
        match pipeline.breaker() {
            Some(breaker) => self.breaker(breaker),
            None => self,
        }
    }

    /// Checks everything, and only then sets the service up: after an error, nothing has happened, and another try may differ in
    /// everything.
    ///
    /// # Errors
    /// If a name or a variable of the environment makes no sense, two breakers or checks have one name, the process has another
    /// identity or log already, or a panic would abort it.
    pub fn build(self) -> Result<Kit, KitError> {
        if cfg!(panic = "abort") {
            return Err(KitError::aborts());
        }
        if !is_service(&self.service) {
            return Err(KitError::service(&self.service));
        }
        let header_names = HeaderNames::from_env()?;
        let identity =
            Identity { service: self.service, ..environment::identity(self.environment, self.version)? };
        #[cfg(feature = "health")]
        let health = self.health.build()?;
        #[cfg(feature = "breaker")]
        let breakers = core_breaker::Registry::new();
        #[cfg(feature = "breaker")]
        for breaker in &self.breakers {
            breakers.add(breaker)?;
        }
        #[cfg(feature = "log")]
        let layer = match self.log {
            Some(log) => Some(log.identity(identity.clone()).layer()?.0),
            None => None,
        };
        // Two services that are set up at once do not take the identity from each other between here and there.
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        if Identity::get().is_some() {
            // Where there is one this changes nothing, and says whether it is the same.
            identity.clone().set()?;
        }
        #[cfg(feature = "log")]
        let log = layer.map(core_log::LogLayer::install).transpose()?;
        Ok(Kit {
            identity: identity.set()?,
            header_names,
            #[cfg(feature = "http")]
            trusted: self.trusted,
            #[cfg(feature = "log")]
            log,
            #[cfg(feature = "health")]
            health,
            #[cfg(feature = "breaker")]
            breakers,
        })
    }
}

fn is_service(name: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
    (1..=63).contains(&name.len()) && name.bytes().all(fits)
}
