//! Requests that somebody made to hurt, and clients that go away.
#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::{Future, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context as Task, Poll, Waker};
use std::time::{Duration, UNIX_EPOCH};

use core_context::{Context, Propagation};
use core_http::{CatchPanicLayer, ContextLayer, HeadersOf, parse_retry_after, retry_after};
use core_time::ManualClock;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

const NAMES: [&str; 14] = [
    "traceparent",
    "tracestate",
    "baggage",
    "x-correlation-id",
    "x-request-id",
    "x-trace-id",
    "x-request-timeout-ms",
    "x-request-attempt",
    "grpc-timeout",
    "b3",
    "x-b3-traceid",
    "x-b3-spanid",
    "x-cloud-trace-context",
    "x-should-retry",
];

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn layer() -> ContextLayer {
    ContextLayer::new().propagation(Propagation::trusted().b3().google_cloud().grpc())
}

/// The answer to a request with these headers, which has the correlation id as its body.
async fn answered(headers: HeaderMap) -> Response<String> {
    let handler = service_fn(|_: Request<String>| {
        ready(Ok::<_, Infallible>(Response::new(Context::current_correlation_id().unwrap().to_string())))
    });
    let mut request = Request::new(String::new());
    *request.headers_mut() = headers;
    let response = layer().layer(handler).oneshot(request).await.unwrap();
    assert_eq!(response.headers()["x-correlation-id"], response.body().as_str());
    response
}

#[tokio::test]
async fn no_header_costs_a_request() {
    let megabyte = |of: u8| vec![of; 1_000_000];
    let (letters, commas, blanks) = (megabyte(b'x'), megabyte(b','), megabyte(b' '));
    let values: [&[u8]; 8] = [
        &[0xff, 0xfe],
        &letters,
        &commas,
        &blanks,
        b"",
        b"\t",
        b"a=1;b=2,\xff=\xff",
        b"99999999999999999999999999",
    ];
    for name in NAMES {
        for value in values {
            let mut headers = HeaderMap::new();
            headers.insert("traceparent", PARENT.parse().unwrap());
            headers.append(HeaderName::from_static(name), HeaderValue::from_bytes(value).unwrap());
            let response = answered(headers).await;
            assert_eq!(response.status(), 200, "{name}");
            assert!((1..=128).contains(&response.body().len()), "{name}");
        }
    }
}

#[tokio::test]
async fn neither_do_ten_thousand_of_them() {
    for name in NAMES {
        let mut headers = HeaderMap::new();
        for n in 0..10_000 {
            headers.append(HeaderName::from_static(name), format!("k{n}=v").parse().unwrap());
        }
        assert_eq!(answered(headers).await.status(), 200, "{name}");
    }
    let mut headers = HeaderMap::new();
    for n in 0..10_000 {
        headers.insert(format!("x-{n}").parse::<HeaderName>().unwrap(), "x".parse().unwrap());
    }
    headers.insert("x-correlation-id", "order-7".parse().unwrap());
    assert_eq!(answered(headers).await.body(), "order-7");
}

#[test]
fn a_hostile_request_costs_little_memory() {
    let clock = ManualClock::new().clock();
    let propagation = Propagation::trusted().b3().google_cloud().grpc();
    let mut headers = HeaderMap::new();
    for name in NAMES {
        headers
            .append(HeaderName::from_static(name), HeaderValue::from_bytes(&vec![b'a'; 1_000_000]).unwrap());
        for n in 0..500 {
            headers.append(HeaderName::from_static(name), format!("k{n}=v").parse().unwrap());
        }
    }
    let info = allocation_counter::measure(|| {
        let context = propagation.extract(&HeadersOf(&headers), &clock).build();
        assert!(context.trace().is_some());
    });
    assert!(info.bytes_total <= 64 * 1_024 && info.count_total <= 120, "{info:?}");
}

/// Is pending once.
struct Once(bool);

impl Future for Once {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Task<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// Remembers in which context it was dropped.
struct Dropped(Rc<RefCell<Vec<Option<String>>>>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.borrow_mut().push(Context::current_correlation_id().map(|id| id.to_string()));
    }
}

#[test]
fn a_client_may_go_away_at_every_await() {
    let mut points = 0;
    for polls in 0.. {
        let dropped = Rc::new(RefCell::new(Vec::new()));
        let handler = {
            let dropped = Rc::clone(&dropped);
            service_fn(move |_: Request<String>| {
                let held = Dropped(Rc::clone(&dropped));
                async move {
                    let _held = held;
                    for _ in 0..3 {
                        Once(false).await;
                        assert_eq!(Context::current_correlation_id().unwrap().as_str(), "order-7");
                    }
                    Ok::<_, Infallible>(Response::new(String::new()))
                }
            })
        };
        let mut service = ServiceBuilder::new().layer(layer()).layer(CatchPanicLayer::new()).service(handler);
        let request = Request::builder().header("x-correlation-id", "order-7").body(String::new()).unwrap();
        let mut future = Box::pin(service.call(request));
        let mut done = false;
        for _ in 0..polls {
            done = future.as_mut().poll(&mut Task::from_waker(Waker::noop())).is_ready();
            assert!(Context::current().is_none(), "only while it is polled");
        }
        drop(future);
        assert_eq!(
            *dropped.borrow(),
            [Some("order-7".to_owned())],
            "after {polls} polls: once, in its context"
        );
        assert!(Context::current().is_none());
        if done {
            break;
        }
        points += 1;
    }
    assert_eq!(points, 4, "before the first poll, and at three awaits");
}

#[test]
fn retry_after_reads_all_three_forms_of_a_date_and_nothing_else() {
    let now = UNIX_EPOCH + Duration::from_secs(784_111_777 - 90);
    let parse = |text: &str| parse_retry_after(text.as_bytes(), now);
    for date in
        ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
    {
        assert_eq!(parse(date), Some(Duration::from_secs(90)), "{date}");
        assert_eq!(parse(&format!(" {date}\t")), Some(Duration::from_secs(90)), "{date}");
        let later = now + Duration::from_secs(1_000_000);
        assert_eq!(parse_retry_after(date.as_bytes(), later), Some(Duration::ZERO), "{date} has passed");
    }
    for bad in [
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 25:49:37 GMT",
        "Sun, 31 Feb 1994 08:49:37 GMT",
        "1994-11-06T08:49:37Z",
        "Sun, 06 Nov 99999 08:49:37 GMT",
        "120 seconds",
        "120, 240",
        "0x10",
        "1e3",
        "-1",
        "٣",
        "",
    ] {
        assert_eq!(parse(bad), None, "{bad}");
    }
}

#[test]
fn a_retry_after_that_is_there_twice_is_none() {
    let mut headers = HeaderMap::new();
    headers.append("retry-after", "7".parse().unwrap());
    assert_eq!(retry_after(&headers), Some(Duration::from_secs(7)));
    headers.append("retry-after", "7".parse().unwrap());
    assert_eq!(retry_after(&headers), None);
}
