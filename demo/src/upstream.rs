//! The client side of payments: one for each route, so that neither disturbs the other's connections.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use core_errors::Error;
use core_time::{Clock, Instant, secs};
use http::{Method, Request, Uri};
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tower::{Layer, ServiceExt};

use genesis_kit::http::{Inject, InjectLayer, check_status};

use crate::scenario::Scenario;

/// Calls payments, and remembers how often in which phase.
#[derive(Clone)]
pub(crate) struct Upstream {
    client: Inject<Client<HttpConnector, Empty<Bytes>>>,
    uri: Uri,
    counted: Arc<Counted>,
}

struct Counted {
    scenario: Scenario,
    clock: Clock,
    started: OnceLock<Instant>,
    attempts: Vec<AtomicU64>,
}

// === impl Upstream ===

impl Upstream {
    pub(crate) fn new(at: SocketAddr, scenario: Scenario, clock: Clock) -> Result<Self, String> {
        let uri = format!("http://{at}/charge")
            .parse()
            .map_err(|error| format!("{at} makes no address: {error}"))?;
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(secs(2)));
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(secs(30))
            .pool_timer(TokioTimer::new())
            .build(connector);
        let attempts = scenario.phases().iter().map(|_| AtomicU64::new(0)).collect();
        let counted = Arc::new(Counted { scenario, clock, started: OnceLock::new(), attempts });
        Ok(Self { client: InjectLayer::new().layer(client), uri, counted })
    }

    /// The run has begun: attempts are counted from now on.
    pub(crate) fn start(&self, at: Instant) {
        let _ = self.counted.started.set(at);
    }

    /// Charges once.
    pub(crate) async fn charge(&self) -> Result<String, Error> {
        self.counted.count();
        let mut request = Request::new(Empty::new());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
            Error::network("payments cannot be reached").op("payments.charge").cause(error)
        };
        let response = self.client.clone().oneshot(request).await.map_err(|error| failed(error.into()))?;
        let response = check_status(response).map_err(|error| error.op("payments.charge"))?;
        let body = response.into_body().collect().await.map_err(|error| failed(error.into()))?.to_bytes();
        Ok(String::from_utf8_lossy(&body).into_owned())
    }

    /// Attempts that were made while the upstream hung or was gone.
    pub(crate) fn calls_while_dead(&self) -> u64 {
        let phases = self.counted.scenario.phases().iter().zip(&self.counted.attempts);
        phases
            .filter(|(phase, _)| phase.behaviour.is_dead())
            .map(|(_, count)| count.load(Ordering::Relaxed))
            .sum()
    }
}

impl Counted {
    fn count(&self) {
        let Some(started) = self.started.get() else { return };
        let phase = self.scenario.phase_at(self.clock.now() - *started);
        self.attempts[phase].fetch_add(1, Ordering::Relaxed);
    }
}
