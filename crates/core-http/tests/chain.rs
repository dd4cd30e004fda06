//! Retries in a chain of services do not multiply (rule RT-8).
#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use core_context::Context;
use core_errors::{Error, Recovery};
use core_http::{AttemptNumber, Callee as OfHouse, ClientLayer, ContextLayer, problem};
use core_retry::Retry;
use core_time::{Clock, ms, secs};
use http::{Request, Response, StatusCode};
use tower::util::BoxCloneSyncService;
use tower::{Layer, ServiceExt, service_fn};

type Callee = BoxCloneSyncService<Request<String>, Response<String>, Infallible>;

/// How a service learns what its callee meant.
#[derive(Clone, Copy)]
enum Reads {
    /// By status and headers.
    Status,
    /// By the document in the body, too.
    Body,
}

async fn call(callee: &Callee, attempt: u32, reads: Reads) -> Result<Response<String>, Error> {
    let mut request = Request::new(String::new());
    request.extensions_mut().insert(AttemptNumber(attempt));
    match reads {
        Reads::Status => ClientLayer::new().trusted().layer(callee.clone()).oneshot(request).await,
        Reads::Body => {
            let response = callee.clone().oneshot(request).await.map_err(Error::convert)?;
            let (status, headers) = (response.status(), response.headers());
            match OfHouse::Trusted.read_problem(status, headers, response.body().as_bytes()) {
                None => Ok(response),
                Some(error) => Err(error),
            }
        }
    }
}

/// A service that calls another, three times if need be.
fn service(callee: Callee, reads: Reads) -> Callee {
    let handle = move |_: Request<String>| -> Pin<Box<dyn Future<Output = Result<Response<String>, Infallible>> + Send>> {
        let callee = callee.clone();
        Box::pin(async move {
            let retry = Retry::exponential(ms(10)..secs(1)).attempts(3).build().unwrap();
            let result = retry.call(|attempt| call(&callee, attempt.number().get(), reads)).await;
            Ok(result.unwrap_or_else(|error| problem::respond(&Error::from(error))))
        })
    };
    BoxCloneSyncService::new(ContextLayer::new().trusted().layer(service_fn(handle)))
}

/// At the bottom: counts its calls, and answers what `answer` says to each.
fn bottom(calls: &Arc<AtomicUsize>, answer: fn(usize) -> Response<String>) -> Callee {
    let calls = Arc::clone(calls);
    BoxCloneSyncService::new(service_fn(move |_| {
        let call = calls.fetch_add(1, Ordering::Relaxed) + 1;
        std::future::ready(Ok(answer(call)))
    }))
}

/// What a client of three services in a row gets, and how often the bottom was called.
async fn through_three(answer: fn(usize) -> Response<String>, reads: Reads) -> (Response<String>, usize) {
    let calls = Arc::default();
    let chain = (0..3).fold(bottom(&calls, answer), |callee, _| service(callee, reads));
    let response = chain.oneshot(Request::new(String::new())).await.unwrap();
    (response, calls.load(Ordering::Relaxed))
}

fn plain(status: u16) -> Response<String> {
    let mut response = Response::new(String::new());
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
}

#[tokio::test(start_paused = true)]
async fn rt_8_three_services_with_three_attempts_each_make_three_calls_and_not_27() {
    for reads in [Reads::Status, Reads::Body] {
        for answer in [|_| plain(503), |_| plain(500), |_| plain(429)] as [fn(usize) -> Response<String>; 3] {
            let (response, calls) = through_three(answer, reads).await;
            assert_eq!(calls, 3, "{response:?}");
            assert!(response.status().is_server_error() || response.status() == 429, "{response:?}");
        }
        let ours: fn(usize) -> Response<String> = |_| problem::respond(&Error::unavailable("down"));
        assert_eq!(through_three(ours, reads).await.1, 3, "as a service of ours says it");
    }
}

#[tokio::test(start_paused = true)]
async fn rt_8_a_callee_that_recovers_in_time_costs_nobody_else_a_retry() {
    for reads in [Reads::Status, Reads::Body] {
        let (response, calls) = through_three(|call| plain(if call < 3 { 503 } else { 200 }), reads).await;
        assert_eq!((response.status().as_u16(), calls), (200, 3));
    }
}

#[tokio::test(start_paused = true)]
async fn rt_8_what_is_not_worth_trying_again_is_tried_once() {
    for reads in [Reads::Status, Reads::Body] {
        assert_eq!(through_three(|_| plain(404), reads).await.1, 1);
        let broken: fn(usize) -> Response<String> = |_| problem::respond(&Error::internal("a bug"));
        assert_eq!(through_three(broken, reads).await.1, 1, "500, and yet in vain");
    }
}

#[tokio::test(start_paused = true)]
async fn rt_8_what_is_worth_trying_again_is_tried_although_the_status_says_otherwise() {
    let busy: fn(usize) -> Response<String> =
        |_| problem::respond(&Error::conflict("somebody else was faster").with_recovery(Recovery::Transient));
    for reads in [Reads::Status, Reads::Body] {
        assert_eq!(through_three(busy, reads).await.1, 3);
    }
}

#[tokio::test(start_paused = true)]
async fn a_callee_learns_which_attempt_it_is() {
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let callee = {
        let seen = Arc::clone(&seen);
        ContextLayer::new().trusted().layer(service_fn(move |_: Request<String>| {
            seen.lock().unwrap().push(Context::current().unwrap().attempt());
            std::future::ready(Ok::<_, Infallible>(plain(503)))
        }))
    };
    let chain = service(BoxCloneSyncService::new(callee), Reads::Status);
    chain.oneshot(Request::new(String::new())).await.unwrap();
    assert_eq!(*seen.lock().unwrap(), [1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn the_answer_says_both_ways_where_status_and_error_differ_and_nothing_where_they_agree() {
    let says = |error: &Error| {
        let response = problem::respond::<String>(error);
        response.headers().get("x-should-retry").map(|value| value.to_str().unwrap().to_owned())
    };
    assert_eq!(says(&Error::unavailable("x")), None);
    assert_eq!(says(&Error::validation("x")), None);
    assert_eq!(says(&Error::unavailable("x").with_recovery(Recovery::Fatal)).unwrap(), "false");
    assert_eq!(says(&Error::internal("x")).unwrap(), "false");
    assert_eq!(says(&Error::conflict("x").with_recovery(Recovery::Transient)).unwrap(), "true");
    for error in [
        Error::conflict("x").with_recovery(Recovery::Transient),
        Error::internal("x"),
        Error::unavailable("x"),
    ] {
        let verdict = OfHouse::Trusted.classify(&problem::respond::<String>(&error));
        assert_eq!(verdict.is_retriable(), error.recovery().is_retriable(), "{error:?}");
        let read = OfHouse::Trusted.check(problem::respond::<String>(&error)).unwrap_err();
        assert_eq!(read.recovery().is_retriable(), error.recovery().is_retriable(), "{error:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_chain_works_within_the_deadline_of_its_client() {
    let clock = Clock::system();
    let calls = Arc::default();
    let chain = (0..3).fold(bottom(&calls, |_| plain(503)), |callee, _| service(callee, Reads::Status));
    let context = Context::builder().deadline_in(ms(0), &clock).build();
    let client = ClientLayer::new().layer(chain);
    let error = context.scope(client.oneshot(Request::new(String::new()))).await.unwrap_err();
    assert_eq!((error.category(), calls.load(Ordering::Relaxed)), (core_errors::Category::Timeout, 0));
}
