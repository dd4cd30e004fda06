//! The service: charges through a pipeline on one route, and without any protection on the other.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use core_time::{Clock, ms, secs};
use genesis_kit::Kit;
use genesis_kit::breaker::{Breaker, State as Circuit};
use genesis_kit::health::{CheckOutcome, HealthCheck, check_fn};
use genesis_kit::http::ApiError;
use genesis_kit::limit::Rate;
use genesis_kit::log::Sink;
use genesis_kit::pipeline::Pipeline;
use genesis_kit::retry::{Budget, Retry};
use serde::{Deserialize, Serialize};

use crate::control;
use crate::scenario::Scenario;
use crate::upstream::Upstream;

/// What handlers share.
#[derive(Clone)]
struct Orders {
    plain: Upstream,
    protected: Upstream,
    payments: Pipeline,
}

/// The answer to a charge.
#[derive(Serialize)]
struct Receipt {
    status: &'static str,
    /// Whether this is less than was asked for.
    degraded: bool,
    /// Why, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    because: Option<String>,
}

/// What the load generator asks for at the end.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Stats {
    pub(crate) plain_calls_while_dead: u64,
    pub(crate) protected_calls_while_dead: u64,
    pub(crate) breaker_opened: u64,
    pub(crate) breaker_closed: u64,
    pub(crate) breaker_rejected: u64,
}

/// Serves until the input ends.
pub(crate) async fn run(listen: SocketAddr, upstream: SocketAddr, scenario: Scenario) -> Result<(), String> {
    let clock = Clock::system();
    let told = control::listen(clock.clone());
    let closed_count = Arc::new(AtomicU64::new(0));
    let payments = payments(&closed_count).map_err(|error| error.to_string())?;
    let circuit = payments.breaker().cloned().ok_or("the pipeline of payments has a breaker")?;
    let kit = Kit::builder("orders")
        // Standard output is how the process answers.
        .log(|log| log.sink(Sink::stderr()))
        .health(|health| health.dependency(circuit_check(circuit.clone())))
        .pipeline(&payments)
        .build()
        .map_err(|error| error.to_string())?;
    let _monitor = kit.health().start();

    let orders = Orders {
        plain: Upstream::new(upstream, scenario.clone(), clock.clone())?,
        protected: Upstream::new(upstream, scenario, clock)?,
        payments,
    };
    let stats = {
        let orders = orders.clone();
        move || async move { Json(orders.stats(&circuit, &closed_count)) }
    };
    let routes = Router::new()
        .route("/charge", post(charge))
        .route("/charge-plain", post(charge_plain))
        .with_state(orders.clone())
        .layer(kit.context_layer())
        .route("/stats", get(stats))
        .merge(kit.health().router());
    let listener = tokio::net::TcpListener::bind(listen).await;
    let listener = listener.map_err(|error| format!("orders cannot listen on {listen}: {error}"))?;
    control::say(&"ready");
    core_context::spawn({
        let mut told = told.clone();
        async move {
            if let Some(at) = control::started(&mut told).await {
                orders.plain.start(at);
                orders.protected.start(at);
            }
        }
    });
    tokio::select! {
        () = control::closed(told.clone()) => Ok(()),
        ended = axum::serve(listener, routes).into_future() => ended.map_err(|error| format!("orders stopped: {error}")),
    }
}

/// How payments is called.
///
/// * No caller waits for longer than 250 ms, whatever payments does: `deadline`.
/// * An answer that is slow and good is waited for: `attempt_timeout` is above the 150 ms of the slow phase.
/// * Three failures in ten are healed by retries: that takes 3 retries for 7 successes, so the budget gives half a retry for each,
///   and the circuit stays closed, since its rate of one half is not reached, nor ten failures in a row.
/// * Where nothing succeeds it opens after ten calls, asks again within three quarters of a second, and closes at the first good answer.
fn payments(closed: &Arc<AtomicU64>) -> Result<Pipeline, Box<dyn std::error::Error>> {
    let closed = Arc::clone(closed);
    let count_closings = move |event: &genesis_kit::breaker::Event| {
        if event.to == Circuit::Closed {
            closed.fetch_add(1, Ordering::Relaxed);
        }
    };
    let retry = Retry::exponential(ms(5)..ms(40)).full_jitter().attempts(4).budget(&Budget::new(100, 0.5)?);
    let breaker = Breaker::rate(0.5)
        .or_consecutive(10)
        .window(secs(2))
        .min_calls(50)
        .open_for(ms(250))
        .open_max(ms(750))
        .probes(1)
        .successes(1)
        .on_change(count_closings);
    let pipeline = Pipeline::named("payments")
        .deadline(ms(250))
        .retry(retry)
        .breaker(breaker)
        .limit(Rate::per_second(5_000).burst(500))
        .bulkhead(64)
        .attempt_timeout(ms(200))
        .build()?;
    Ok(pipeline)
}

/// An open circuit makes the report degraded; it takes nobody out of rotation.
fn circuit_check(circuit: Breaker) -> impl HealthCheck {
    check_fn("payments", move || {
        let state = circuit.state();
        async move {
            match state {
                Circuit::Closed | Circuit::ForcedClosed | Circuit::Disabled => CheckOutcome::healthy(),
                _ => CheckOutcome::degraded("the circuit is not closed"),
            }
        }
    })
}

/// Charges through the pipeline; when that fails, says honestly that it will charge later.
async fn charge(State(orders): State<Orders>) -> Json<Receipt> {
    match orders.payments.call(|_| orders.protected.charge()).await {
        Ok(_) => Json(Receipt { status: "charged", degraded: false, because: None }),
        Err(error) => Json(Receipt {
            status: "accepted, will charge later",
            degraded: true,
            because: Some(core_errors::Classify::category(&error).to_string()),
        }),
    }
}

/// Charges and hopes.
async fn charge_plain(State(orders): State<Orders>) -> Result<Json<Receipt>, ApiError> {
    orders.plain.charge().await?;
    Ok(Json(Receipt { status: "charged", degraded: false, because: None }))
}

// === impl Orders ===

impl Orders {
    fn stats(&self, circuit: &Breaker, closed: &AtomicU64) -> Stats {
        let snapshot = circuit.snapshot();
        Stats {
            plain_calls_while_dead: self.plain.calls_while_dead(),
            protected_calls_while_dead: self.protected.calls_while_dead(),
            breaker_opened: snapshot.opened,
            breaker_closed: closed.load(Ordering::Relaxed),
            breaker_rejected: snapshot.totals.rejected,
        }
    }
}

#[cfg(test)]
mod tests {
    use core_errors::Error;
    use core_time::Instant;

    use super::*;

    fn pipeline() -> Pipeline {
        payments(&Arc::default()).unwrap()
    }

    fn is_closed(pipeline: &Pipeline) -> bool {
        pipeline.breaker().is_some_and(|circuit| circuit.state() == Circuit::Closed)
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_answer_is_a_full_answer() {
        let payments = pipeline();
        for _ in 0..100 {
            let answer = payments.call(|_| async {
                Clock::system().sleep(ms(150)).await;
                Ok::<_, Error>(())
            });
            assert!(answer.await.is_ok());
        }
        assert!(is_closed(&payments));
    }

    #[tokio::test(start_paused = true)]
    async fn three_failures_in_ten_are_healed_and_open_nothing() {
        let (payments, served) = (pipeline(), &AtomicU64::new(0));
        let mut full = 0;
        for _ in 0..1_000 {
            let answer = payments.call(|_| async move {
                Clock::system().sleep(ms(10)).await;
                // As payments does it.
                let fails = served.fetch_add(1, Ordering::Relaxed) * 37 % 100 < 30;
                if fails { Err(Error::network("no luck")) } else { Ok(()) }
            });
            full += u32::from(answer.await.is_ok());
        }
        assert!(full > 980, "{full} of 1000");
        assert!(is_closed(&payments));
    }

    #[tokio::test(start_paused = true)]
    async fn what_hangs_costs_a_caller_a_quarter_of_a_second_and_is_left_alone_soon() {
        let (payments, attempts) = (pipeline(), &AtomicU64::new(0));
        let clock = Clock::system();
        let call = async || -> (Instant, Instant) {
            let begun = clock.now();
            let answer = payments.call(|_| async move {
                attempts.fetch_add(1, Ordering::Relaxed);
                std::future::pending::<Result<(), Error>>().await
            });
            assert!(answer.await.is_err());
            (begun, clock.now())
        };
        for _ in 0..100 {
            let (begun, ended) = call().await;
            assert!(ended - begun <= ms(251), "{:?}", ended - begun);
        }
        let attempts = attempts.load(Ordering::Relaxed);
        assert!((10..=20).contains(&attempts), "{attempts} attempts");
        assert!(!is_closed(&payments));
    }
}
