//! A body that streams belongs to its request.
#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context as Task, Poll, Waker};

use allocation_counter::measure;
use core_context::Context;
use core_http::{ContextBody, ContextBodyLayer, ContextLayer};
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use tower::{ServiceBuilder, ServiceExt, service_fn};

type Seen = Arc<Mutex<Vec<Option<String>>>>;

fn here() -> Option<String> {
    Context::current().map(|context| context.correlation_id().to_string())
}

/// A body that says in each frame, and when it is dropped, where it is.
struct Says {
    frames: u8,
    seen: Seen,
}

impl Body for Says {
    type Data = &'static [u8];
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Task<'_>,
    ) -> Poll<Option<Result<Frame<&'static [u8]>, Infallible>>> {
        self.seen.lock().unwrap().push(here());
        let left = self.frames.checked_sub(1);
        self.frames = left.unwrap_or(0);
        Poll::Ready(left.map(|_| Ok(Frame::data(&b"x"[..]))))
    }

    fn is_end_stream(&self) -> bool {
        self.frames == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.frames.into())
    }
}

impl Drop for Says {
    fn drop(&mut self) {
        self.seen.lock().unwrap().push(here());
    }
}

impl From<String> for Says {
    fn from(_: String) -> Self {
        Self { frames: 0, seen: Seen::default() }
    }
}

async fn answered(seen: &Seen) -> Response<ContextBody<Says>> {
    let seen = Arc::clone(seen);
    let handler = service_fn(move |_: Request<()>| {
        let body = Says { frames: 2, seen: Arc::clone(&seen) };
        std::future::ready(Ok::<_, Infallible>(Response::new(body)))
    });
    let service =
        ServiceBuilder::new().layer(ContextLayer::new()).layer(ContextBodyLayer::new()).service(handler);
    let request = Request::builder().header("x-correlation-id", "order-7").body(()).unwrap();
    service.oneshot(request).await.unwrap()
}

#[tokio::test]
async fn each_frame_and_the_drop_are_in_the_context_of_the_request() {
    let seen = Seen::default();
    let body = answered(&seen).await.into_body();
    assert_eq!((body.size_hint().exact(), body.is_end_stream()), (Some(2), false));
    let elsewhere = Context::new();
    let all = elsewhere.scope(async { body.collect().await.unwrap().to_bytes() }).await;
    assert_eq!(&all[..], b"xx");
    assert_eq!(*seen.lock().unwrap(), vec![Some("order-7".to_owned()); 4], "three polls and a drop");
    assert_eq!(here(), None);
}

#[tokio::test]
async fn without_a_context_it_is_in_that_of_whoever_polls_it() {
    let seen = Seen::default();
    let body = ContextBody::in_current(Says { frames: 0, seen: Arc::clone(&seen) });
    let poller = Context::new();
    poller.scope(async { body.collect().await.unwrap() }).await;
    assert_eq!(seen.lock().unwrap()[0].as_deref(), Some(poller.correlation_id().as_str()));
}

#[test]
fn a_frame_costs_no_allocation() {
    let mut body = Box::pin(ContextBody::in_current(Quiet));
    let mut scoped = Box::pin(Context::new().sync_scope(|| ContextBody::in_current(Quiet)));
    let mut task = Task::from_waker(Waker::noop());
    let cost = measure(|| {
        for _ in 0..100 {
            assert!(body.as_mut().poll_frame(&mut task).is_ready());
            assert!(scoped.as_mut().poll_frame(&mut task).is_ready());
        }
    });
    assert_eq!(cost.count_total, 0);
}

/// A body of as many frames as somebody asks for.
struct Quiet;

impl Body for Quiet {
    type Data = &'static [u8];
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Task<'_>,
    ) -> Poll<Option<Result<Frame<&'static [u8]>, Infallible>>> {
        Poll::Ready(Some(Ok(Frame::data(&b"x"[..]))))
    }
}
