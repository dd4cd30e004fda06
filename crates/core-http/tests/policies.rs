//! The layers of the policies around services of axum, tonic and reqwest.
#![cfg(all(feature = "axum", feature = "reqwest"))]
#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Waker};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::error_handling::HandleErrorLayer;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::get;
use core_breaker::{Breaker, State};
use core_errors::{Classify, Error, PolicyKind, Reason, Verdict};
use core_http::{classify_response, problem};
use core_limit::Bulkhead;
use core_pipeline::Pipeline;
use core_policy::CallError;
use core_retry::{Budget, Hedge, Retry};
use core_time::{ms, secs};
use http::StatusCode;
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

/// Nothing here takes longer, or the machine is broken.
const LIMIT: Duration = Duration::from_secs(30);

fn pipeline() -> core_pipeline::Builder {
    Pipeline::named("orders")
        .deadline(secs(20))
        .breaker(Breaker::consecutive(2).open_for(secs(60)).jitter(false))
}

fn judge<B, E: Classify>(result: &Result<http::Response<B>, E>) -> Verdict {
    result.as_ref().map_or_else(Verdict::of_error, classify_response)
}

/// Counts requests and answers as their path says.
fn app() -> (Router, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let app = Router::new()
        .route("/fine", get(|| async { "fine" }))
        .route("/broken", get(|| async { StatusCode::BAD_GATEWAY }))
        .route("/slow", get(std::future::pending::<&'static str>))
        .layer(axum::middleware::map_request(move |request: Request| {
            counted.fetch_add(1, Relaxed);
            async { request }
        }));
    (app, calls)
}

fn request(path: &str) -> Request {
    Request::builder().uri(path).body(Body::empty()).unwrap()
}

// === axum ===

/// What a policy refuses is a problem with the right status, and when to come back.
async fn refused(error: CallError<Infallible>) -> Response {
    problem::respond::<String>(&Error::from(error)).map(Body::from)
}

#[tokio::test]
async fn around_a_router_of_axum_refusals_are_responses() {
    let pipeline = pipeline().bulkhead(1).attempt_timeout(ms(20)).build().unwrap();
    let (app, calls) = app();
    let guarded = app.layer(
        ServiceBuilder::new()
            .layer(HandleErrorLayer::new(refused))
            .layer(pipeline.layer_once().classify(judge::<_, Infallible>)),
    );
    assert_eq!(guarded.clone().oneshot(request("/fine")).await.unwrap().status(), StatusCode::OK);
    let slow = guarded.clone().oneshot(request("/slow")).await.unwrap();
    assert_eq!(slow.status(), StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(guarded.clone().oneshot(request("/broken")).await.unwrap().status(), StatusCode::BAD_GATEWAY);
    // A timeout and a 502: two failures in a row.
    assert_eq!(pipeline.breaker().unwrap().state(), State::Open);
    let before = calls.load(Relaxed);
    let open = guarded.clone().oneshot(request("/fine")).await.unwrap();
    assert_eq!(open.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(open.headers().contains_key("retry-after"));
    assert_eq!((calls.load(Relaxed), pipeline.bulkhead().unwrap().snapshot().in_use), (before, 0));
}

#[tokio::test]
async fn each_policy_layers_a_route_of_axum_and_its_clones_share_it() {
    let bulkhead = Bulkhead::max(1).build().unwrap();
    let (app, _) = app();
    let guarded =
        app.layer(ServiceBuilder::new().layer(HandleErrorLayer::new(refused)).layer(bulkhead.layer()));
    let mut first = guarded.clone();
    assert!(ServiceExt::<Request>::ready(&mut first).await.is_ok());
    let mut slow = std::pin::pin!(first.call(request("/slow")));
    assert!(slow.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    let full = guarded.clone().oneshot(request("/fine")).await.unwrap();
    assert_eq!(full.status(), StatusCode::SERVICE_UNAVAILABLE);
}

// === reqwest ===

async fn serve(app: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(core_context::spawn(async move { axum::serve(listener, app).await }));
    address
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().timeout(LIMIT).build().unwrap()
}

#[tokio::test]
async fn around_a_client_of_reqwest_which_is_a_service() {
    let (app, calls) = app();
    let address = serve(app).await;
    let client = client();
    let to = |path: &str| client.get(format!("http://{address}{path}")).build().unwrap();
    let pipeline = pipeline().attempt_timeout(ms(100)).build().unwrap();
    let judge = |result: &Result<reqwest::Response, Error>| match result {
        Ok(response) => core_http::verdict_of(response.status(), response.headers()),
        Err(error) => Verdict::of_error(error),
    };
    let mut service = ServiceBuilder::new()
        .layer(pipeline.layer_once().classify(judge))
        .map_err(Error::convert::<reqwest::Error>)
        .service(client.clone());
    assert_eq!(service.ready().await.unwrap().call(to("/fine")).await.unwrap().status(), 200);
    let slow = service.ready().await.unwrap().call(to("/slow")).await.unwrap_err();
    assert_eq!(slow.rejection().unwrap().reason(), Reason::TimedOut);
    assert_eq!(service.ready().await.unwrap().call(to("/broken")).await.unwrap().status(), 502);
    let open = service.clone().oneshot(to("/fine")).await.unwrap_err();
    assert_eq!((open.rejection().unwrap().policy(), calls.load(Relaxed)), (PolicyKind::Breaker, 3));
}

/// A request of reqwest cannot be cloned where its body is a stream; what makes one can be.
#[tokio::test]
async fn retry_and_hedge_repeat_what_makes_a_request_of_reqwest() {
    let (app, calls) = app();
    let address = serve(app).await;
    let client = client();
    let service = service_fn(move |path: &'static str| {
        let request = client.get(format!("http://{address}{path}"));
        async move { request.send().await.and_then(reqwest::Response::error_for_status).map_err(Error::convert) }
    });
    let budget = Budget::default();
    let retry = Retry::fixed(ms(1)).attempts(3).budget(&budget).build().unwrap();
    let hedge = Hedge::on_failure().budget_of_retry(&budget).build().unwrap();
    let layered = ServiceBuilder::new()
        .map_err(|error: CallError<CallError<Error>>| error.flatten())
        .layer(retry.layer())
        .layer(hedge.layer())
        .service(service);
    assert_eq!(layered.clone().oneshot("/fine").await.unwrap().text().await.unwrap(), "fine");
    let error = layered.oneshot("/broken").await.unwrap_err();
    assert_eq!(error.inner().unwrap().fact("status").map(|_| ()), None);
    assert!(matches!(error, CallError::Exhausted { attempts: 3, .. }), "{error:?}");
    assert_eq!((calls.load(Relaxed), hedge.stats().hedges), (1 + 3 * 2, 3));
}

// === tonic ===

/// Messages are bytes as they are.
#[derive(Clone, Default)]
struct Plain;

impl tonic::codec::Codec for Plain {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl tonic::codec::Encoder for Plain {
    type Item = Bytes;
    type Error = tonic::Status;

    fn encode(&mut self, item: Bytes, to: &mut tonic::codec::EncodeBuf<'_>) -> Result<(), tonic::Status> {
        bytes::BufMut::put(to, item);
        Ok(())
    }
}

impl tonic::codec::Decoder for Plain {
    type Item = Bytes;
    type Error = tonic::Status;

    fn decode(&mut self, from: &mut tonic::codec::DecodeBuf<'_>) -> Result<Option<Bytes>, tonic::Status> {
        use bytes::Buf;
        let len = from.remaining();
        Ok(Some(from.copy_to_bytes(len)))
    }
}

/// Echoes, unless it is told to fail.
#[derive(Clone, Default)]
struct Echo(Arc<AtomicUsize>);

impl tonic::server::UnaryService<Bytes> for Echo {
    type Response = Bytes;
    type Future =
        std::pin::Pin<Box<dyn Future<Output = Result<tonic::Response<Bytes>, tonic::Status>> + Send>>;

    fn call(&mut self, request: tonic::Request<Bytes>) -> Self::Future {
        self.0.fetch_add(1, Relaxed);
        Box::pin(async move {
            match request.get_ref().as_ref() {
                b"slow" => std::future::pending().await,
                b"fail" => Err(tonic::Status::unavailable("down")),
                _ => Ok(tonic::Response::new(request.into_inner())),
            }
        })
    }
}

type GrpcRequest = http::Request<tonic::body::Body>;
type GrpcResponse = http::Response<tonic::body::Body>;

/// A gRPC server without its socket.
fn server(
    echo: Echo,
) -> impl Service<GrpcRequest, Response = GrpcResponse, Error = Error, Future: Send> + Clone + Send {
    service_fn(move |request: GrpcRequest| {
        let echo = echo.clone();
        async move { Ok(tonic::server::Grpc::new(Plain).unary(echo, request).await) }
    })
}

/// By the status, which a failure without a message has in its headers.
fn judge_grpc(result: &Result<GrpcResponse, Error>) -> Verdict {
    match result {
        Ok(response) => tonic::Status::from_header_map(response.headers())
            .filter(|status| status.code() != tonic::Code::Ok)
            .map_or(Verdict::Success, |status| Error::convert(status).verdict()),
        Err(error) => error.verdict(),
    }
}

async fn ask<S>(service: S, message: &'static str) -> Result<Bytes, tonic::Status>
where
    S: Service<GrpcRequest, Response = GrpcResponse>,
    Error: From<S::Error>,
{
    // A status that tonic finds in an error is the client's; what else it finds is unknown to it.
    let service = service.map_err(|error| tonic::Status::from(Error::from(error)));
    let mut client = tonic::client::Grpc::new(service);
    client.ready().await?;
    let path = http::uri::PathAndQuery::from_static("/echo.Echo/Say");
    let request = tonic::Request::new(Bytes::from_static(message.as_bytes()));
    client.unary(request, path, Plain).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn around_a_service_of_tonic_as_its_client_has_it() {
    let echo = Echo::default();
    let pipeline = pipeline().attempt_timeout(ms(20)).build().unwrap();
    let layered = pipeline.layer_once().classify(judge_grpc).layer(server(echo.clone()));
    assert_eq!(ask(layered.clone(), "hello").await.unwrap(), "hello");
    assert_eq!(ask(layered.clone(), "fail").await.unwrap_err().code(), tonic::Code::Unavailable);
    let slow = ask(layered.clone(), "slow").await.unwrap_err();
    assert_eq!(
        (slow.code(), pipeline.attempt_timeout().unwrap().fired()),
        (tonic::Code::DeadlineExceeded, 1)
    );
    assert_eq!(pipeline.breaker().unwrap().state(), State::Open);
    assert_eq!(ask(layered, "hello").await.unwrap_err().code(), tonic::Code::Unavailable);
    assert_eq!(echo.0.load(Relaxed), 3, "an open circuit asks nobody");
}

/// What a server of tonic is made of is a service, too.
#[tokio::test]
async fn around_the_server_of_tonic_refusals_are_statuses() {
    let echo = Echo::default();
    let pipeline = Pipeline::named("echo").bulkhead(1).build().unwrap();
    let refuse =
        |error: CallError<Error>| tonic::Status::from(Error::from(error)).into_http::<tonic::body::Body>();
    let guarded = pipeline.layer_once().layer(server(echo.clone()));
    let served = service_fn(move |request: GrpcRequest| {
        let guarded = guarded.clone();
        async move { Ok::<_, Infallible>(guarded.oneshot(request).await.unwrap_or_else(refuse)) }
    });
    let mut slow = std::pin::pin!(ask(served.clone(), "slow"));
    assert!(slow.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    let full = ask(served, "hello").await.unwrap_err();
    assert_eq!((full.code(), echo.0.load(Relaxed)), (tonic::Code::ResourceExhausted, 1));
}
