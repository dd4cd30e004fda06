//! What a request carries: errors, contexts, headers.

use std::convert::Infallible;
use std::future::{Ready, ready as done};
use std::hint::black_box;
use std::task;

use core_context::w3c::TraceContext;
use core_context::{Context, Propagation};
use core_errors::{BacktracePolicy, Error};
use core_http::{HeadersOf, InjectLayer};
use core_time::{ManualClock, secs};
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use tower::{Layer, Service};

use super::{GOOD, Make, call, ready};

pub(super) const ROWS: [(&str, Make); 6] = [
    ("error/create", create),
    ("error/full", full),
    ("context/read", read),
    ("context/scope_poll", scope_poll),
    ("trace/extract", extract),
    ("trace/inject", inject),
];

/// Errors do not differ by what the environment says of backtraces.
fn settled() {
    BacktracePolicy::NEVER.install();
}

fn create() -> Box<dyn FnMut()> {
    settled();
    drop(Context::new());
    Box::new(|| drop(black_box(Error::unavailable("the ledger is down"))))
}

fn full() -> Box<dyn FnMut()> {
    settled();
    let entered = Context::new().enter();
    Box::new(move || {
        let _entered = &entered;
        let error = Error::unavailable("the ledger is down").with("table", "orders").with("rows", 7_u64);
        drop(black_box(error.cause(std::io::Error::from(std::io::ErrorKind::ConnectionRefused))));
    })
}

fn in_a_minute() -> Context {
    let clock = ManualClock::new().clock();
    Context::builder().trace(TraceContext::generate(true)).deadline_in(secs(60), &clock).build()
}

fn read() -> Box<dyn FnMut()> {
    let entered = in_a_minute().enter();
    Box::new(move || {
        let _entered = &entered;
        black_box(Context::current_deadline());
    })
}

fn scope_poll() -> Box<dyn FnMut()> {
    let context = in_a_minute();
    Box::new(move || {
        black_box(ready(context.scope(call(GOOD)))).ok();
    })
}

fn extract() -> Box<dyn FnMut()> {
    let (propagation, clock) = (Propagation::trusted(), ManualClock::new().clock());
    let headers: HeaderMap = [
        ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        ("tracestate", "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"),
        ("x-correlation-id", "4bf92f3577b34da6a3ce929d0e0e4736"),
        ("x-request-timeout-ms", "1500"),
    ]
    .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
    .into_iter()
    .collect();
    Box::new(move || drop(black_box(propagation.extract(&HeadersOf(&headers), &clock).build())))
}

fn inject() -> Box<dyn FnMut()> {
    let entered = Context::builder().trace(TraceContext::generate(true)).build().enter();
    let mut client = InjectLayer::new().layer(Echo);
    let mut headers = HeaderMap::new();
    Box::new(move || {
        let _entered = &entered;
        let mut request = Request::new(());
        *request.headers_mut() = std::mem::take(&mut headers);
        headers =
            ready(client.call(request)).map(|request| request.into_parts().0.headers).unwrap_or_default();
        black_box(&headers);
    })
}

/// Gives the request back.
#[derive(Clone)]
struct Echo;

impl Service<Request<()>> for Echo {
    type Response = Request<()>;
    type Error = Infallible;
    type Future = Ready<Result<Request<()>, Infallible>>;

    fn poll_ready(&mut self, _: &mut task::Context<'_>) -> task::Poll<Result<(), Infallible>> {
        task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        done(Ok(request))
    }
}
