use std::collections::HashMap;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::hint::black_box;
use std::task;

use core_context::w3c::TraceContext;
use core_context::{Context, Propagation};
use core_http::{HeadersOf, InjectLayer};
use core_time::Clock;
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use opentelemetry::Context as OpenTelemetry;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::TraceContextExt;
use opentelemetry_http::{HeaderExtractor, HeaderInjector};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tower::{Layer, Service};

use crate::{Budget, Comes, Contest, Row, looped, looped_with, ready as polled};

pub(super) fn rows() -> Vec<Row> {
    let row = |name, ns, allocations_max, contest| Row {
        name,
        threads: 1,
        budget: Budget::Total(ns),
        beside: &[],
        comes: Comes::Answered,
        allocations_max,
        contest,
    };
    vec![
        // The context, and the vendors' text: its members, as it is made, as it stays.
        row("trace/extract", 250.0, 4, extract),
        row("trace/inject_text", 120.0, 0, inject_text),
        // Three values, which the map of `http` boxes, hashes and compares one by one: 90 ns of it, whoever does it (decision 10).
        row("trace/inject", 200.0, 3, inject),
    ]
}

fn request() -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        ("tracestate", "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"),
        ("x-correlation-id", "4bf92f3577b34da6a3ce929d0e0e4736"),
        ("x-request-timeout-ms", "1500"),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    headers
}

/// A context from four headers. Of the peer, a context with the trace alone.
fn extract() -> Contest {
    let (propagation, clock) = (Propagation::trusted(), Clock::system());
    let (headers, of_peer) = (request(), request());
    let peer = TraceContextPropagator::new();
    Contest {
        ours: looped(move |input| {
            let context = propagation.extract(&HeadersOf(&headers), &clock).build();
            let is_ours = context.trace().is_some_and(|trace| trace.parent_id.is_some());
            black_box(context);
            if is_ours { Ok(input) } else { Err(()) }
        }),
        peers: vec![(
            "opentelemetry",
            looped(move |input| {
                let context = peer.extract_with_context(&OpenTelemetry::new(), &HeaderExtractor(&of_peer));
                let is_remote = context.span().span_context().is_remote();
                black_box(context);
                if is_remote { Ok(input) } else { Err(()) }
            }),
        )],
    }
}

/// A trace without the vendors' text.
fn telemetry() -> OpenTelemetry {
    let mut headers = request();
    headers.remove("tracestate");
    TraceContextPropagator::new().extract_with_context(&OpenTelemetry::new(), &HeaderExtractor(&headers))
}

/// The same as text, wherever it goes: the attributes of a message. The peer can only write strings of its own.
fn inject_text() -> Contest {
    let context = Context::builder().trace(TraceContext::generate(true)).build();
    let (telemetry, peer) = (telemetry(), TraceContextPropagator::new());
    let (propagation, clock) = (Propagation::trusted(), Clock::system());
    Contest {
        ours: looped_with(
            || [0_u8; 1_024],
            move |text, input| {
                let mut len = 0;
                propagation.inject_fields(&context, None, &clock, |_, value| {
                    text[len..len + value.len()].copy_from_slice(value);
                    len += value.len();
                });
                black_box(&text);
                Ok::<_, Infallible>(input)
            },
        ),
        peers: vec![(
            "opentelemetry",
            looped_with(HashMap::<String, String>::new, move |attributes, input| {
                peer.inject_context(&telemetry, attributes);
                black_box(&attributes);
                Ok::<_, Infallible>(input)
            }),
        )],
    }
}

/// The trace into the headers of a request that has had them before, and of ours the ids as well.
fn inject() -> Contest {
    let context = Context::builder().trace(TraceContext::generate(true)).build();
    let (telemetry, peer) = (telemetry(), TraceContextPropagator::new());
    Contest {
        ours: looped_with(
            move || (context.enter(), InjectLayer::new().layer(Echo), HeaderMap::new()),
            |(_, client, headers), input| {
                let mut request = Request::new(());
                *request.headers_mut() = std::mem::take(headers);
                let answered = polled(client.call(request))?;
                *headers = answered.into_parts().0.headers;
                black_box(&headers);
                Ok::<_, Infallible>(input)
            },
        ),
        peers: vec![(
            "opentelemetry",
            looped_with(HeaderMap::new, move |headers, input| {
                let mut request = Request::new(());
                *request.headers_mut() = std::mem::take(headers);
                peer.inject_context(&telemetry, &mut HeaderInjector(request.headers_mut()));
                *headers = request.into_parts().0.headers;
                black_box(&headers);
                Ok::<_, Infallible>(input)
            }),
        )],
    }
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
        ready(Ok(request))
    }
}
