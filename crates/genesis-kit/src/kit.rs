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
    #[cfg(feature = "metrics")]
    metrics: core_metrics::Registry,
    #[cfg(feature = "track")]
    tracker: core_track::Tracker,
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
    #[cfg(feature = "metrics")]
    metrics: core_metrics::Registry,
    #[cfg(feature = "track")]
    tracker: core_track::Builder,
    #[cfg(feature = "health")]
    health: core_health::Builder,
    #[cfg(feature = "breaker")]
    breakers: Vec<core_breaker::Breaker>,
    #[cfg(feature = "metrics")]
    watched: Vec<crate::collect::Source>,
    #[cfg(all(feature = "metrics", feature = "pipeline"))]
    pipelines: Vec<core_pipeline::Pipeline>,
    #[cfg(all(feature = "metrics", feature = "pipeline"))]
    hedges: Vec<crate::collect::Hedged>,
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
            #[cfg(feature = "metrics")]
            metrics: core_metrics::Registry::new(),
            #[cfg(feature = "track")]
            tracker: core_track::Tracker::builder(),
            #[cfg(feature = "health")]
            health: core_health::Health::builder(),
            #[cfg(feature = "breaker")]
            breakers: Vec::new(),
            #[cfg(feature = "metrics")]
            watched: Vec::new(),
            #[cfg(all(feature = "metrics", feature = "pipeline"))]
            pipelines: Vec::new(),
            #[cfg(all(feature = "metrics", feature = "pipeline"))]
            hedges: Vec::new(),
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

    /// The metrics of the service. Those of its breakers, pipelines, checks and executions are in it, of the process, and of the runtime
    /// in which the kit was built.
    #[cfg(feature = "metrics")]
    #[must_use]
    pub fn metrics(&self) -> &core_metrics::Registry {
        &self.metrics
    }

    /// The metrics as the route `/metrics`, in the form that the scraper asks for. GET and HEAD; anything else is 405.
    ///
    /// Merge it *after* your own layers, as the probes.
    #[cfg(all(feature = "metrics", feature = "axum"))]
    pub fn metrics_router<S: Clone + Send + Sync + 'static>(&self) -> axum::Router<S> {
        crate::routes::metrics(&self.metrics)
    }

    /// What keeps track of executions.
    #[cfg(feature = "track")]
    #[must_use]
    pub fn tracker(&self) -> &core_track::Tracker {
        &self.tracker
    }

    /// What runs now, as the route `/debug/executions`: a JSON array, the oldest first, as [`Live`](core_track::Live) is written. GET and
    /// HEAD; anything else is 405.
    ///
    /// It tells the ids of executions to whoever asks: for the port of the operators, not that of the customers.
    #[cfg(all(feature = "track", feature = "axum"))]
    pub fn executions_router<S: Clone + Send + Sync + 'static>(&self) -> axum::Router<S> {
        crate::executions::routes(&self.tracker)
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
    /// `GENESIS_LOG_LEVEL`, `GENESIS_LOG_FORMAT` (`json`, `gcp`, `streambus`, `ecs`, `otel`, `console`), `GENESIS_LOG_PROJECT`, `GENESIS_LOG_SOURCE`,
    /// `GENESIS_LOG_SEQUENCE`, `GENESIS_LOG_EXACT_NUMBERS`, `GENESIS_LOG_TRACE`, `GENESIS_LOG_REDACT`,
    /// `GENESIS_LOG_QUEUE` and `GENESIS_LOG_FULL`.
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

    /// Shows the metrics in this registry. Default: one of its own. What [`metrics!`](core_metrics::metrics) declares is in that of the
    /// process, `Registry::global()`.
    #[cfg(feature = "metrics")]
    pub fn metrics(mut self, registry: &core_metrics::Registry) -> Self {
        self.metrics = registry.clone();
        self
    }

    /// Changes how executions are tracked, as in `.tracker(|tracker| tracker.sample_rate(0.5))`.
    #[cfg(feature = "track")]
    pub fn tracker(mut self, change: impl FnOnce(core_track::Builder) -> core_track::Builder) -> Self {
        self.tracker = change(self.tracker);
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

    /// Shows a set of hosts in the metrics, by its name: as [`watch`](Self::watch).
    #[cfg(all(feature = "metrics", feature = "breaker"))]
    pub fn outliers<K: std::hash::Hash + Eq + Send + Sync + 'static>(
        self,
        outliers: &core_breaker::Outliers<K>,
    ) -> Self {
        self.watch(outliers)
    }

    /// Shows something that stands by itself in the metrics, by its name: a retry, a limit, a window, a throttle, a bulkhead, an
    /// executor, a set of hosts, or what has one of these for each key. Of keys there are only figures over all of them. It is kept, and
    /// with an executor its threads, for as long as the metrics are.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use genesis_kit::limit::{Adaptive, Throttle};
    /// use genesis_kit::policy::Keyed;
    /// use genesis_kit::prelude::*;
    ///
    /// let search = Adaptive::gradient().name("search").build()?;
    /// let users = Rate::per_second(5).name("users").keyed(Keyed::max(10_000)).build::<String>()?;
    /// let hosts = Arc::new(Breaker::consecutive(5).name("hosts").build()?.keyed::<String>(Keyed::max(500))?);
    /// let kit = Kit::builder("orders").without_log().watch(&search).watch(&users).watch(&hosts).build()?;
    /// let text = kit.metrics().respond(None).body;
    /// assert!(text.contains("adaptive_limit{name=\"search\"} 20.0\n"));
    /// assert!(text.contains("keyed_keys_max{kind=\"rate_limit\",name=\"users\"} 10000.0\n"));
    /// assert!(text.contains("keyed_circuit_breakers{kind=\"breaker\",name=\"hosts\",state=\"open\"} 0.0\n"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "metrics")]
    pub fn watch(mut self, source: &impl crate::Watch) -> Self {
        self.watched.push(source.source());
        self
    }

    /// Registers what a pipeline consists of.
    #[cfg(feature = "pipeline")]
    pub fn pipeline(self, pipeline: &core_pipeline::Pipeline) -> Self {
        #[cfg(feature = "metrics")]
        let this = {
            let mut this = self;
            this.pipelines.push(pipeline.clone());
            this
        };
        #[cfg(not(feature = "metrics"))]
        let this = self;
        match pipeline.breaker() {
            Some(breaker) => this.breaker(breaker),
            None => this,
        }
    }

    /// Registers what a hedged pipeline consists of.
    #[cfg(feature = "pipeline")]
    pub fn hedged(self, hedged: &core_pipeline::HedgedPipeline) -> Self {
        #[cfg(feature = "metrics")]
        let this = {
            let mut this = self;
            let (pipeline, hedge) = (hedged.pipeline(), hedged.hedge().clone());
            let budget_of_retry = pipeline.retry().and_then(core_retry::Retry::budget).cloned();
            this.hedges.push(crate::collect::Hedged { name: pipeline.name(), hedge, budget_of_retry });
            this
        };
        #[cfg(not(feature = "metrics"))]
        let this = self;
        this.pipeline(hedged.pipeline())
    }

    /// Checks everything, and only then sets the service up: after an error, nothing has happened, and another try may differ in
    /// everything.
    ///
    /// # Errors
    /// If a name or a variable of the environment makes no sense, two pipelines, breakers, checks or things that are watched have one name,
    /// the process has another identity or log already, or a panic would abort it.
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
        #[cfg(feature = "track")]
        let tracker = self.tracker.build()?;
        #[cfg(feature = "health")]
        let health = self.health.build()?;
        #[cfg(feature = "breaker")]
        let breakers = core_breaker::Registry::new();
        #[cfg(feature = "breaker")]
        for breaker in &self.breakers {
            breakers.add(breaker)?;
        }
        #[cfg(all(feature = "metrics", feature = "pipeline"))]
        for (at, pipeline) in self.pipelines.iter().enumerate() {
            if self.pipelines[..at].iter().any(|other| other.name() == pipeline.name()) {
                return Err(KitError::twice("pipelines", pipeline.name()));
            }
        }
        #[cfg(feature = "metrics")]
        {
            #[cfg(feature = "pipeline")]
            let shown = self.pipelines.iter().flat_map(crate::collect::slots);
            #[cfg(not(feature = "pipeline"))]
            let shown = [];
            crate::collect::check(&self.watched, shown)?;
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
        let identity = identity.set()?;
        #[cfg(feature = "metrics")]
        {
            crate::collect::process(&self.metrics, identity);
            #[cfg(feature = "log")]
            if let Some(log) = &log {
                crate::collect::log(&self.metrics, log);
            }
            #[cfg(feature = "breaker")]
            crate::collect::breakers(&self.metrics, &breakers);
            #[cfg(feature = "pipeline")]
            crate::collect::pipelines(&self.metrics, self.pipelines);
            #[cfg(feature = "pipeline")]
            crate::collect::hedges(&self.metrics, self.hedges);
            crate::collect::watched(&self.metrics, self.watched);
            #[cfg(feature = "timeout")]
            crate::collect::timeouts(&self.metrics);
            #[cfg(feature = "health")]
            crate::collect::health(&self.metrics, &health);
            #[cfg(feature = "track")]
            crate::collect::tracker(&self.metrics, &tracker);
        }
        Ok(Kit {
            identity,
            header_names,
            #[cfg(feature = "http")]
            trusted: self.trusted,
            #[cfg(feature = "log")]
            log,
            #[cfg(feature = "metrics")]
            metrics: self.metrics,
            #[cfg(feature = "track")]
            tracker,
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
