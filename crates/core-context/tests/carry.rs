//! Who inherits a context: tasks, threads, queues, errors; and who does not.
#![cfg(feature = "tokio")]
#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::task::{Context as Task, Poll, Waker};
use std::thread;

use core_context::{Context, CorrelationId, JoinSet, Scoped, WithContext};
use core_errors::Error;
use core_time::{Clock, ManualClock, ms, secs};

fn named(id: &str) -> Context {
    Context::builder().correlation_id(CorrelationId::parse(id).unwrap()).build()
}

fn here() -> Option<String> {
    Context::current_correlation_id().map(|id| id.to_string())
}

/// Belongs to a call, such as a transaction.
#[derive(Debug, PartialEq)]
struct Transaction(u32);

/// Goes along everywhere, such as a language.
#[derive(Debug, PartialEq)]
struct Language(&'static str);

fn in_call() -> Context {
    named("a").derive(|b| {
        b.call_extension(Transaction(7)).extension(Language("de")).deadline_in(secs(5), &Clock::system())
    })
}

fn seen() -> (Option<String>, bool, bool, bool) {
    let context = Context::current();
    let has = |see: fn(&Context) -> bool| context.as_ref().is_some_and(see);
    (
        here(),
        has(|context| context.deadline().is_some()),
        has(|context| context.get::<Transaction>().is_some()),
        has(|context| context.get::<Language>().is_some()),
    )
}

/// All of the caller's.
fn all() -> (Option<String>, bool, bool, bool) {
    (Some("a".to_owned()), true, true, true)
}

/// Without deadline and without what belongs to the call.
fn detached() -> (Option<String>, bool, bool, bool) {
    (Some("a".to_owned()), false, false, true)
}

#[tokio::test]
async fn g_26_who_is_waited_for_inherits_all_and_who_is_not_goes_without_the_call() {
    in_call()
        .scope(async {
            let context = Context::current().unwrap();
            assert_eq!(core_context::spawn(async { seen() }).await.unwrap(), detached());
            assert_eq!(core_context::spawn_with(&context, async { seen() }).await.unwrap(), all());
            assert_eq!(core_context::spawn_blocking(seen).await.unwrap(), all());
            assert_eq!(core_context::spawn_thread("worker", seen).unwrap().join().unwrap(), detached());
            let mut set = JoinSet::new();
            set.spawn(async { seen() });
            set.spawn_blocking(seen);
            assert_eq!(set.join_all().await, [all(), all()]);
            assert_eq!(WithContext::new(()).run(|()| seen()), detached());
            assert_eq!(WithContext::with((), context).run(|()| seen()), all());
            assert_eq!(seen(), all(), "ours is as it was");
        })
        .await;
}

#[tokio::test]
async fn without_a_context_nobody_inherits_one() {
    let none = (None, false, false, false);
    assert_eq!(core_context::spawn(async { seen() }).await.unwrap(), none);
    assert_eq!(core_context::spawn_blocking(seen).await.unwrap(), none);
    assert_eq!(core_context::spawn_thread("worker", seen).unwrap().join().unwrap(), none);
    let mut set = JoinSet::new();
    set.spawn(async { seen() });
    set.spawn_blocking(seen);
    assert_eq!(set.join_all().await, [none.clone(), none]);
    assert!(WithContext::new(()).run(|()| here()).is_some(), "work from a queue has a new one");
}

#[test]
fn g_26_what_began_without_a_context_does_not_get_that_of_whoever_polls_it() {
    let mut task = Task::from_waker(Waker::noop());
    let mut future = Box::pin(Scoped::in_current(async {
        let before = here();
        Pending(1).await;
        let _held = Dropped;
        let after = here();
        (before, after)
    }));
    named("a").sync_scope(|| assert!(future.as_mut().poll(&mut task).is_pending()));
    let seen = named("b").sync_scope(|| {
        let seen = future.as_mut().poll(&mut task);
        assert_eq!(here().unwrap(), "b");
        seen
    });
    assert_eq!(seen, Poll::Ready((None, None)));
    let dropped = Scoped::in_current({
        let held = Dropped;
        async move { drop(held) }
    });
    named("c").sync_scope(|| drop(dropped));
    assert_eq!(DROPPED_IN.take(), None);
}

#[tokio::test]
async fn g_26_propagation_is_only_where_somebody_carries_it() {
    in_call()
        .scope(async {
            #[expect(clippy::disallowed_methods, reason = "this is what goes wrong with it")]
            let bare = tokio::spawn(async { here() });
            assert_eq!(bare.await.unwrap(), None);
            assert_eq!(thread::scope(|scope| scope.spawn(here).join().unwrap()), None);
        })
        .await;
}

#[tokio::test]
async fn g_26_what_a_copy_changes_does_not_leak_back() {
    let context = in_call();
    context
        .scope(async {
            let changed = core_context::spawn(async {
                let derived = Context::current().unwrap().derive(|b| b.user("u-1").extension(Language("fr")));
                derived.scope(async { Context::current().unwrap().get::<Language>().unwrap().0 }).await
            });
            assert_eq!(changed.await.unwrap(), "fr");
            let current = Context::current().unwrap();
            assert_eq!((current.user(), current.get::<Language>()), (None, Some(&Language("de"))));
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn g_26_ten_thousand_interleaved_tasks_each_see_only_their_own() {
    let moved = Arc::new(AtomicUsize::new(0));
    let mut set = JoinSet::new();
    for n in 0..10_000 {
        let moved = Arc::clone(&moved);
        let (outer, inner) = (format!("task-{n}"), format!("inner-{n}"));
        set.spawn(named(&outer.clone()).scope(async move {
            let mut threads = HashSet::from([thread::current().id()]);
            for round in 0..4 {
                assert_eq!(here().unwrap(), outer);
                tokio::task::yield_now().await;
                named(&inner)
                    .scope(async {
                        assert_eq!(here().unwrap(), inner);
                        tokio::task::yield_now().await;
                        assert_eq!(here().unwrap(), inner);
                    })
                    .await;
                if round == n % 4 {
                    let handed = core_context::spawn(async { here().unwrap() }).await.unwrap();
                    assert_eq!(handed, outer);
                }
                threads.insert(thread::current().id());
            }
            moved.fetch_add(usize::from(threads.len() > 1), Ordering::Relaxed);
        }));
    }
    while let Some(done) = set.join_next().await {
        done.unwrap();
    }
    assert_eq!(here(), None, "and nothing is left behind");
    assert!(moved.load(Ordering::Relaxed) > 0, "none has changed its thread: this proves nothing");
}

#[test]
fn g_26_eight_threads_at_once_each_see_only_their_own() {
    let barrier = Barrier::new(8);
    thread::scope(|scope| {
        for n in 0..8 {
            let barrier = &barrier;
            scope.spawn(move || {
                let id = format!("tenant-{n}");
                let context = named(&id).derive(|b| b.tenant(id.as_str()));
                for _ in 0..100 {
                    context.sync_scope(|| {
                        barrier.wait();
                        assert_eq!(here().unwrap(), id);
                        assert_eq!(Context::current().unwrap().tenant().unwrap(), id);
                    });
                    assert_eq!(here(), None);
                }
            });
        }
    });
}

/// Is pending so many times.
struct Pending(usize);

impl Future for Pending {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Task<'_>) -> Poll<()> {
        match self.0.checked_sub(1) {
            Some(left) => {
                self.0 = left;
                Poll::Pending
            }
            None => Poll::Ready(()),
        }
    }
}

thread_local! {
    static DROPPED_IN: Cell<Option<CorrelationId>> = const { Cell::new(None) };
}

/// Remembers the context in which it was dropped.
struct Dropped;

impl Drop for Dropped {
    fn drop(&mut self) {
        DROPPED_IN.set(Context::current_correlation_id());
    }
}

/// Dropped at each of its awaits in turn, a scope leaves the thread as it was, and drops what is inside it in its context.
#[test]
fn a_scope_may_be_dropped_at_every_await() {
    let mut points = 0;
    for polls in 0.. {
        DROPPED_IN.set(None);
        let outer = named("outer").enter();
        let mut scoped = Box::pin(named("a").scope(async {
            let _held = Dropped;
            Pending(1).await;
            named("b").scope(Pending(2)).await;
            assert_eq!(here().unwrap(), "a");
            named("c").scope(Pending(1)).await;
        }));
        let mut done = false;
        for _ in 0..polls {
            done = scoped.as_mut().poll(&mut Task::from_waker(Waker::noop())).is_ready();
            assert_eq!(here().unwrap(), "outer", "after poll {polls}");
            if done {
                break;
            }
        }
        drop(scoped);
        assert_eq!(here().unwrap(), "outer");
        drop(outer);
        assert_eq!(here(), None);
        if polls > 0 {
            assert_eq!(DROPPED_IN.take().unwrap().as_str(), "a", "dropped after {polls} polls");
        }
        if done {
            break;
        }
        points += 1;
    }
    assert_eq!(points, 5, "before the first poll, and at four awaits");
}

/// Tells the context in which it was dropped.
struct Tell(mpsc::Sender<Option<String>>);
impl Drop for Tell {
    fn drop(&mut self) {
        let _ = self.0.send(here());
    }
}

/// Only futures that stay on one thread can do that at all.
#[test]
fn a_guard_that_is_held_across_an_await_never_leaves_its_scope() {
    let mut scoped = Box::pin(named("a").scope(async {
        let guard = named("held").enter();
        Pending(1).await;
        assert_eq!(here().unwrap(), "held");
        drop(guard);
        assert_eq!(here().unwrap(), "a");
        std::mem::forget(named("forgotten").enter());
        Pending(1).await;
    }));
    let mut task = Task::from_waker(Waker::noop());
    for _ in 0..2 {
        assert!(scoped.as_mut().poll(&mut task).is_pending());
        assert_eq!(here(), None);
    }
    assert!(scoped.as_mut().poll(&mut task).is_ready());
    assert_eq!(here(), None);
}

#[tokio::test]
async fn an_aborted_task_is_dropped_in_its_context() {
    let (sender, receiver) = mpsc::channel();
    let tell = Tell(sender);
    let task = named("a").sync_scope(|| {
        core_context::spawn(async move {
            let _held = tell;
            pending::<()>().await;
        })
    });
    tokio::task::yield_now().await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    assert_eq!(receiver.recv().unwrap().unwrap(), "a");
}

#[tokio::test]
async fn g_24_a_task_that_panics_leaves_its_worker_clean() {
    let task = named("a").sync_scope(|| core_context::spawn(async { panic!("boom") }));
    assert!(task.await.unwrap_err().is_panic());
    assert_eq!(here(), None);
    let blocking = named("a").sync_scope(|| core_context::spawn_blocking(|| panic!("boom")));
    assert!(blocking.await.unwrap_err().is_panic());
    assert_eq!(core_context::spawn_blocking(here).await.unwrap(), None);
}

struct PanicsWhenDropped;
impl Drop for PanicsWhenDropped {
    fn drop(&mut self) {
        panic!("boom");
    }
}

#[test]
fn g_24_a_panic_at_any_depth_restores_what_was_there() {
    named("a").sync_scope(|| {
        let inner = || named("b").sync_scope(|| named("c").sync_scope(|| panic!("boom")));
        assert!(std::panic::catch_unwind(inner).is_err());
        assert_eq!(here().unwrap(), "a");
    });
    let scoped = Box::pin(named("a").scope(async {
        let _held = PanicsWhenDropped;
        pending::<()>().await;
    }));
    let dropped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
        let mut scoped = scoped;
        let _ = scoped.as_mut().poll(&mut Task::from_waker(Waker::noop()));
        drop(scoped);
    }));
    assert!(dropped.is_err());
    assert_eq!(here(), None);
}

#[test]
fn g_24_an_error_inside_restores_and_remembers_whose_it_is() {
    let error: Error = named("a")
        .sync_scope(|| {
            let inner = named("b").sync_scope(|| Err::<(), _>(Error::internal("inside")));
            assert_eq!(here().unwrap(), "a");
            inner
        })
        .unwrap_err();
    assert_eq!(error.context().unwrap().correlation_id(), "b");
    assert!(Error::internal("outside").context().is_none());
}

#[test]
fn an_error_remembers_all_ids_of_its_context() {
    let context = named("a").derive(|b| {
        b.request("GET", "/").trace(core_context::w3c::TraceContext::generate(true)).user("user-secret")
    });
    let error = context.sync_scope(|| Error::timeout("late"));
    let (of_error, trace) = (error.context().unwrap(), context.trace().unwrap());
    assert_eq!(of_error.correlation_id(), "a");
    assert_eq!(of_error.request_id(), Some(context.request().unwrap().id.as_str()));
    assert_eq!(of_error.trace(), Some((trace.trace_id.as_u128(), trace.span_id.as_u64())));
    assert!(!format!("{error:?}").contains("user-secret"));
    assert_eq!(error.to_problem().correlation_id.unwrap(), "a");
}

#[test]
fn an_error_may_be_given_the_context_that_it_belongs_to() {
    let context = named("theirs");
    assert_eq!(Error::internal("x").in_context(&context).context().unwrap().correlation_id(), "theirs");
    let error = named("ours").sync_scope(|| Error::internal("x")).in_context(context);
    assert_eq!(error.context().unwrap().correlation_id(), "theirs");
}

#[test]
fn a_value_in_a_queue_brings_its_context_along() {
    let (sender, receiver) = mpsc::channel();
    in_call().sync_scope(|| sender.send(WithContext::new(1)).unwrap());
    sender.send(WithContext::with(2, named("b"))).unwrap();
    named("consumer").sync_scope(|| {
        assert_eq!(receiver.recv().unwrap().run(|n| (n, seen())), (1, detached()));
        assert_eq!(receiver.recv().unwrap().run(|n| (n, here().unwrap())), (2, "b".to_owned()));
        assert_eq!(here().unwrap(), "consumer");
    });
}

#[tokio::test]
async fn its_handler_may_await_and_is_in_the_context_from_the_first_line() {
    let value = in_call().sync_scope(|| WithContext::new("x"));
    let before_and_after = |_| {
        let before = here();
        async move {
            tokio::task::yield_now().await;
            (before, here())
        }
    };
    assert_eq!(value.scope(before_and_after).await, (Some("a".to_owned()), Some("a".to_owned())));
    assert_eq!(here(), None);
}

#[test]
fn extensions_are_by_type_and_bounded() {
    let context = Context::new().derive(|b| b.extension(1_u8).extension(2_u8).extension("word"));
    assert_eq!(
        (context.get::<u8>(), context.get::<&str>(), context.get::<u16>()),
        (Some(&2), Some(&"word"), None)
    );
    let other = context.derive(|b| b.extension(3_u8));
    assert_eq!((context.get::<u8>(), other.get::<u8>()), (Some(&2), Some(&3)), "the original stays as it is");
    let seen = other.sync_scope(|| (Context::current_extension::<u8>(), Context::current_extension::<u16>()));
    assert_eq!(seen, (Some(3.into()), None), "and it is read from the current one");
    assert_eq!(Context::current_extension::<u8>(), None, "where there is one");
    let replaced = in_call().derive(|b| b.extension(Transaction(8))).detached();
    assert_eq!(replaced.get::<Transaction>(), Some(&Transaction(8)), "what was said last counts");
}

/// Something of the thread's that asks for the context when the thread ends.
#[test]
fn the_end_of_a_thread_is_survived() {
    struct Asks(mpsc::Sender<Option<String>>);
    impl Drop for Asks {
        fn drop(&mut self) {
            let _ = self.0.send(here());
            Context::new().sync_scope(|| drop(Error::internal("made while the thread ends")));
        }
    }
    thread_local!(static ASKS: RefCell<Option<Asks>> = const { RefCell::new(None) });
    let (sender, receiver) = mpsc::channel();
    let ended = thread::scope(|scope| {
        scope
            .spawn(move || {
                ASKS.set(Some(Asks(sender)));
                let _left = Context::new().enter();
            })
            .join()
    });
    assert!(ended.is_ok());
    assert_eq!(receiver.recv_timeout(secs(60)).unwrap(), None);
}

#[test]
fn a_deadline_of_the_past_leaves_no_time_and_never_more() {
    let time = ManualClock::new();
    let clock = time.clock();
    let context = Context::builder().deadline_in(ms(0), &clock).build();
    assert!(context.is_expired(&clock));
    assert_eq!(context.derive(|b| b.deadline_in(secs(9), &clock)).remaining(&clock), Some(ms(0)));
    assert!(!context.detached().is_expired(&clock), "nobody waits for detached work");
}
