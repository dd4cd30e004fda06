//! Where a context is current, and where it is not.
#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::cell::RefCell;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context as Task, Waker};

use core_context::w3c::{TraceContext, TraceState};
use core_context::{Context, CorrelationId, Identity};
use core_errors::cut_off_depth;
use core_time::{Clock, ManualClock, ms, secs};

fn named(id: &str) -> Context {
    Context::builder().correlation_id(CorrelationId::parse(id).unwrap()).build()
}

fn here() -> Option<String> {
    Context::current().map(|ctx| ctx.correlation_id().to_string())
}

#[test]
fn g_24_scopes_nest_and_restore() {
    assert_eq!(here(), None);
    named("a").sync_scope(|| {
        assert_eq!(here().unwrap(), "a");
        named("b").sync_scope(|| assert_eq!(here().unwrap(), "b"));
        assert_eq!(here().unwrap(), "a");
    });
    assert_eq!(here(), None);
}

#[test]
fn a_panic_inside_restores() {
    let panicked = std::panic::catch_unwind(|| named("a").sync_scope(|| panic!("boom")));
    assert!(panicked.is_err());
    assert_eq!(here(), None);
}

#[test]
fn deriving_leaves_the_original_as_it_is() {
    let base = named("a");
    let derived = base.derive(|b| b.request("GET", "/orders?token=SECRET").user("u-1"));
    assert!(base.request().is_none() && base.user().is_none());
    assert_eq!(derived.request().unwrap().path, "/orders", "queries may hold secrets");
    assert_eq!(derived.correlation_id(), base.correlation_id());
    assert!(!format!("{derived:?}").contains("u-1"), "nobody prints a user");
}

#[test]
fn a_deadline_is_only_ever_shortened() {
    let time = ManualClock::new();
    let clock = time.clock();
    let ctx = Context::builder().deadline_in(secs(2), &clock).build();
    assert_eq!(ctx.derive(|b| b.deadline_in(secs(9), &clock)).remaining(&clock), Some(secs(2)));
    assert_eq!(ctx.derive(|b| b.deadline_in(secs(1), &clock)).remaining(&clock), Some(secs(1)));
    time.advance(secs(3));
    assert_eq!((ctx.remaining(&clock), ctx.is_expired(&clock)), (Some(secs(0)), true));
    assert_eq!(ctx.detached().deadline(), None);
}

#[test]
fn the_context_is_set_while_a_scope_is_dropped() {
    struct Seen(Rc<RefCell<Vec<Option<String>>>>);
    impl Drop for Seen {
        fn drop(&mut self) {
            self.0.borrow_mut().push(here());
        }
    }
    let seen = Rc::new(RefCell::new(Vec::new()));
    // Dropped before the first poll, while it waits, and when it is done.
    for polls in 0..3 {
        let guard = Seen(Rc::clone(&seen));
        let mut scoped = Box::pin(named("a").scope(async move {
            let _guard = guard;
            yield_once().await;
        }));
        for _ in 0..polls {
            let _ = scoped.as_mut().poll(&mut Task::from_waker(Waker::noop()));
        }
        assert_eq!(here(), None);
    }
    assert_eq!(*seen.borrow(), vec![Some("a".to_owned()); 3]);
}

async fn yield_once() {
    let mut yielded = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return std::task::Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}

#[test]
fn guards_restore_what_was_there_when_they_were_made() {
    let outer = named("a").enter();
    let inner = named("b").enter();
    drop(outer);
    assert_eq!(here(), None, "out of order: what was there before `a`");
    drop(inner);
    assert_eq!(here().unwrap(), "a", "what was there before `b`");
    named("c").sync_scope(|| assert_eq!(here().unwrap(), "c"));
    // Leave the thread as it was found.
    let mut cx = Task::from_waker(Waker::noop());
    assert!(pin!(std::future::ready(())).poll(&mut cx).is_ready());
}

#[test]
fn the_log_fragment_has_the_ids_that_are_there_and_is_json() {
    let ctx = named("a").derive(|b| b.user("u\"1\n").request("GET", "/"));
    assert_eq!(ctx.log_keys(), ["correlation_id", "request_id", "user_id"]);
    let json: serde_json::Value = serde_json::from_str(&format!("{{{}}}", ctx.log_fragment())).unwrap();
    assert_eq!((&json["correlation_id"], &json["user_id"]), (&"a".into(), &"u\"1\n".into()));
}

#[test]
fn an_identity_is_set_once() {
    let of =
        |service: &str| Identity::from_lookup(|key| (key == "GENESIS_SERVICE").then(|| service.to_owned()));
    assert_eq!((of("x").environment.as_str(), of("x").version.as_str()), ("development", "0.0.0"));
    of("orders").set().unwrap();
    of("orders").set().unwrap();
    assert!(of("payments").set().unwrap_err().to_string().contains("orders"));
    assert_eq!(Identity::get().unwrap().service, "orders");
}

#[tokio::test(start_paused = true)]
async fn a_scope_sleeps_and_wakes_with_its_context() {
    named("a")
        .scope(async {
            Clock::system().sleep(ms(5)).await;
            assert_eq!(here().unwrap(), "a");
        })
        .await;
}

#[test]
fn a_part_of_the_work_is_a_span_inside_that_of_the_request() {
    let request = Context::builder()
        .correlation_id(CorrelationId::parse("order-7").unwrap())
        .trace(TraceContext {
            state: TraceState::parse([&b"v=1"[..]]).unwrap(),
            ..TraceContext::generate(true)
        })
        .request("GET", "/orders/7")
        .build();
    let outer = request.trace().unwrap();
    let guard = request.enter_span();
    let part = Context::current().unwrap();
    let inner = part.trace().unwrap();
    assert_eq!((inner.trace_id, inner.parent_id), (outer.trace_id, Some(outer.span_id)));
    assert_eq!((inner.flags, &inner.state), (outer.flags, &outer.state));
    assert_ne!(inner.span_id, outer.span_id);
    assert_eq!((part.correlation_id(), part.request()), (request.correlation_id(), request.request()));
    drop(guard);
    assert_eq!(here(), None);
    assert!(named("x").child_span().trace().is_some(), "without a trace one begins");
}

/// Writes down at which depth it was dropped.
struct Depth(Rc<RefCell<Vec<u32>>>);

impl Drop for Depth {
    fn drop(&mut self) {
        self.0.borrow_mut().push(cut_off_depth());
    }
}

/// Panics when it is dropped.
struct Panics;

impl Drop for Panics {
    fn drop(&mut self) {
        panic!("when it is dropped");
    }
}

/// Polls it once, and drops it.
fn poll_and_drop(future: impl Future) {
    let _ = pin!(future).poll(&mut Task::from_waker(Waker::noop()));
}

#[test]
fn what_is_dropped_with_a_future_that_has_not_ended_can_tell() {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let guard = || Depth(Rc::clone(&seen));
    let waits = async |guard: Depth| {
        let _guard = guard;
        std::future::pending::<()>().await;
    };
    poll_and_drop(named("a").scope(waits(guard())));
    poll_and_drop(named("a").scope(named("b").scope(waits(guard()))));
    drop(named("a").scope(waits(guard())));
    assert_eq!(seen.take(), [1, 2, 1]);
    poll_and_drop(waits(guard()));
    poll_and_drop(named("a").scope(async { drop(guard()) }));
    poll_and_drop(named("a").scope(std::future::ready(guard())));
    named("a").sync_scope(|| drop(guard()));
    assert_eq!(seen.take(), [0; 4], "in no scope, or ended");
    let panics = Panics;
    let future = named("a").scope(async move {
        let _panics = panics;
        std::future::pending::<()>().await;
    });
    let dropped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(future)));
    assert!(dropped.is_err() && cut_off_depth() == 0 && here().is_none());
}
