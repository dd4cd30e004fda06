//! What of a panic is in the log. Alone in its process: others would decide first which events are looked at.

use std::convert::Infallible;
use std::fmt::Write;
use std::sync::{Arc, Mutex};

use core_http::CatchPanicLayer;
use http::{Request, Response};
use tower::{Layer, ServiceExt, service_fn};
use tracing_subscriber::layer::SubscriberExt;

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Log {
    fn on_event(&self, event: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        let mut text = self.0.lock().expect("nobody panics with it");
        event.record(&mut |field: &tracing::field::Field, value: &dyn std::fmt::Debug| {
            let _ = write!(text, "{field}={value:?} ");
        });
    }
}

#[tokio::test]
async fn the_log_knows_what_the_answer_does_not_say() {
    let log = Log::default();
    let _logging = tracing::subscriber::set_default(tracing_subscriber::registry().with(log.clone()));
    let panics = service_fn(|_: Request<String>| async {
        assert!(std::hint::black_box(false), "password=hunter2");
        Ok::<_, Infallible>(Response::new(String::new()))
    });
    let answer =
        CatchPanicLayer::new().layer(panics).oneshot(Request::new(String::new())).await.expect("an answer");
    assert!(!answer.body().contains("hunter2"), "{answer:?}");
    let text = log.0.lock().expect("nobody panics with it").clone();
    assert!(text.contains("a handler panicked") && text.contains("hunter2"), "{text}");
}
