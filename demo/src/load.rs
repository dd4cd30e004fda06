//! The load generator: open loop, both routes at the same fixed rate, latency from the intended send time.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use core_time::{Clock, Instant, ms, secs};
use http::{Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::control::{self, Signal};
use crate::orders::Stats;
use crate::report::{Recorder, Report, Route};
use crate::scenario::Scenario;

/// A caller waits this long, then it is gone.
pub(crate) const PATIENCE: Duration = secs(1);

type Http = Client<HttpConnector, Empty<Bytes>>;

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// A 2xx in time.
    Good,
    /// A 2xx in time that says it is less than was asked for.
    Degraded,
    /// Anything else, and nothing at all.
    None,
}

/// What the tasks of a run share.
struct Load {
    clock: Clock,
    scenario: Scenario,
    recorder: Mutex<Recorder>,
}

/// Waits for the start, drives the load, and prints the progress and at last the report, a JSON object a line.
pub(crate) async fn run(target: SocketAddr, rate: u32, scenario: Scenario) -> Result<(), String> {
    let clock = Clock::system();
    let mut told = control::listen(clock.clone());
    let uri = |path: &str| -> Result<Uri, String> {
        format!("http://{target}{path}")
            .parse()
            .map_err(|error| format!("{target} makes no address: {error}"))
    };
    let routes = [(Route::Plain, uri("/charge-plain")?), (Route::Protected, uri("/charge")?)];
    let stats = uri("/stats")?;
    control::say(&"ready");
    let Some(start) = control::started(&mut told).await else { return Ok(()) };

    let recorder = Mutex::new(Recorder::new(&scenario));
    let load = Arc::new(Load { clock, scenario, recorder });
    let mut running = core_context::JoinSet::new();
    for (route, uri) in routes {
        running.spawn(Arc::clone(&load).drive(route, uri, rate, start, told.clone()));
    }
    let progress = core_context::spawn(Arc::clone(&load).progress(start, told.clone()));
    let mut sent_for = Duration::ZERO;
    while let Some(ended) = running.join_next().await {
        sent_for = sent_for.max(ended.map_err(|error| format!("the load stopped: {error}"))?);
    }
    progress.abort();
    let stats = ask(&client(), stats).await?;
    let recorder = load.recorder.lock().unwrap_or_else(PoisonError::into_inner);
    control::say(&Report::new(&recorder, &load.scenario, rate, sent_for, stats).to_json());
    Ok(())
}

// === impl Load ===

impl Load {
    /// Sends `rate` requests a second, each when it is due, whatever became of the others. For how long it did.
    async fn drive(
        self: Arc<Self>,
        route: Route,
        uri: Uri,
        rate: u32,
        start: Instant,
        mut told: tokio::sync::watch::Receiver<Signal>,
    ) -> Duration {
        let client = client();
        let total = u64::from(rate) * self.scenario.length().as_secs();
        let mut in_flight = core_context::JoinSet::new();
        let mut sent_for = self.scenario.length();
        for n in 0..total {
            let offset = Duration::from_nanos(n.saturating_mul(1_000_000_000) / u64::from(rate));
            tokio::select! {
                biased;
                _ = told.wait_for(|signal| matches!(signal, Signal::Stopped | Signal::Closed)) => {
                    sent_for = offset;
                    break;
                }
                () = self.clock.sleep_until(start + offset) => {}
            }
            in_flight.spawn(Arc::clone(&self).send(client.clone(), route, uri.clone(), start, offset));
            while in_flight.try_join_next().is_some() {}
        }
        // None of them waits for longer than its patience.
        while in_flight.join_next().await.is_some() {}
        sent_for
    }

    async fn send(self: Arc<Self>, client: Http, route: Route, uri: Uri, start: Instant, offset: Duration) {
        let intended = start + offset;
        let answer = tokio::select! {
            answer = request(&client, uri) => answer,
            () = self.clock.sleep_until(intended + PATIENCE) => Answer::None,
        };
        let latency = (self.clock.now() - intended).min(PATIENCE);
        let answer = if latency < PATIENCE { answer } else { Answer::None };
        let phase = self.scenario.phase_at(offset);
        let mut recorder = self.recorder.lock().unwrap_or_else(PoisonError::into_inner);
        recorder.record(route, phase, offset, latency, answer);
    }

    /// A line twice a second for whoever shows how it goes.
    async fn progress(self: Arc<Self>, start: Instant, told: tokio::sync::watch::Receiver<Signal>) {
        while matches!(*told.borrow(), Signal::Started(_)) {
            self.clock.sleep(ms(500)).await;
            let elapsed = self.clock.now() - start;
            let line = {
                let recorder = self.recorder.lock().unwrap_or_else(PoisonError::into_inner);
                recorder.progress(&self.scenario, elapsed)
            };
            control::say(&line);
        }
    }
}

fn client() -> Http {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    Client::builder(TokioExecutor::new())
        .pool_idle_timeout(secs(30))
        .pool_timer(TokioTimer::new())
        .build(connector)
}

async fn request(client: &Http, uri: Uri) -> Answer {
    let mut request = Request::new(Empty::new());
    *request.method_mut() = Method::POST;
    *request.uri_mut() = uri;
    let Ok(response) = client.request(request).await else { return Answer::None };
    let is_success = response.status().is_success();
    let Ok(body) = response.into_body().collect().await else { return Answer::None };
    let says = serde_json::from_slice::<serde_json::Value>(&body.to_bytes()).unwrap_or_default();
    match (is_success, says["degraded"].as_bool()) {
        (false, _) => Answer::None,
        (true, Some(true)) => Answer::Degraded,
        (true, _) => Answer::Good,
    }
}

async fn ask(client: &Http, uri: Uri) -> Result<Stats, String> {
    let asked = async {
        let response = client.get(uri).await.map_err(|error| error.to_string())?;
        if response.status() != StatusCode::OK {
            return Err(format!("status {}", response.status()));
        }
        let body = response.into_body().collect().await.map_err(|error| error.to_string())?;
        serde_json::from_slice(&body.to_bytes()).map_err(|error| error.to_string())
    };
    let clock = Clock::system();
    let answer = tokio::select! {
        answer = asked => answer,
        () = clock.sleep(secs(5)) => Err("no answer in 5 s".to_owned()),
    };
    answer.map_err(|error| format!("orders did not tell its counts: {error}"))
}
