//! The upstream: answers, fails, hangs or is gone, by the script.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use core_time::{Clock, Instant, ms};
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;

use crate::control::{self, Signal};
use crate::scenario::{Behaviour, Scenario};

/// What every connection knows.
struct Payments {
    scenario: Scenario,
    clock: Clock,
    started: std::sync::OnceLock<Instant>,
    served: AtomicU32,
}

/// Serves until the input ends.
pub(crate) async fn run(listen: SocketAddr, scenario: Scenario) -> Result<(), String> {
    let clock = Clock::system();
    let mut told = control::listen(clock.clone());
    let payments = Arc::new(Payments {
        scenario,
        clock,
        started: std::sync::OnceLock::new(),
        served: AtomicU32::new(0),
    });
    let closed = control::closed(told.clone());
    let serving = async {
        let mut listener = Some(bind(listen).await?);
        control::say(&"ready");
        let mut open = core_context::JoinSet::new();
        loop {
            // The port follows the script to within 5 ms, and idle connections of a dead phase are cut.
            let now = payments.behaviour();
            if now == Behaviour::Dead {
                listener = None;
                open.abort_all();
            } else if listener.is_none() {
                listener = Some(bind(listen).await?);
            }
            let tick = payments.clock.sleep(ms(5));
            match &listener {
                None => tick.await,
                Some(listener) => tokio::select! {
                    accepted = listener.accept() => {
                        if let Ok((stream, _)) = accepted {
                            let _ = stream.set_nodelay(true);
                            open.spawn(serve(Arc::clone(&payments), stream));
                        }
                    }
                    () = tick => {}
                },
            }
            while open.try_join_next().is_some() {}
            if let Signal::Started(at) = *told.borrow_and_update() {
                let _ = payments.started.set(at);
            }
        }
    };
    tokio::select! {
        () = closed => Ok(()),
        ended = serving => ended,
    }
}

async fn bind(listen: SocketAddr) -> Result<TcpListener, String> {
    TcpListener::bind(listen).await.map_err(|error| format!("payments cannot listen on {listen}: {error}"))
}

async fn serve(payments: Arc<Payments>, stream: tokio::net::TcpStream) {
    let service = service_fn(move |_: Request<Incoming>| {
        let payments = Arc::clone(&payments);
        async move { Ok::<_, Infallible>(payments.charge().await) }
    });
    // A connection that breaks is the client's to notice.
    let _ = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

// === impl Payments ===

impl Payments {
    fn behaviour(&self) -> Behaviour {
        let elapsed = self.started.get().map(|at| self.clock.now() - *at).unwrap_or_default();
        self.scenario.phases()[self.scenario.phase_at(elapsed)].behaviour
    }

    async fn charge(&self) -> Response<String> {
        match self.behaviour() {
            Behaviour::Answer { latency, fails } => {
                self.clock.sleep(latency).await;
                // 37 has no factor in common with 100: of any 100 requests in a row, `fails` fail, well spread.
                let at = self.served.fetch_add(1, Ordering::Relaxed).wrapping_mul(37) % 100;
                if at < fails {
                    answer(StatusCode::INTERNAL_SERVER_ERROR, "no luck")
                } else {
                    answer(StatusCode::OK, "charged")
                }
            }
            // Until the script goes on; by then nobody listens.
            Behaviour::Hang | Behaviour::Dead => {
                while self.behaviour().is_dead() {
                    self.clock.sleep(ms(50)).await;
                }
                answer(StatusCode::SERVICE_UNAVAILABLE, "was hanging")
            }
        }
    }
}

fn answer(status: StatusCode, text: &str) -> Response<String> {
    let mut response = Response::new(text.to_owned());
    *response.status_mut() = status;
    response
}
