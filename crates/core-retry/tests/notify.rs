//! The error itself, for whoever makes the call: `notify`, beside the subscribers of the retry, who hear of calls of all types.
#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

use std::cell::{Cell, RefCell};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use core_errors::{Category, Delivery, Verdict};
use core_policy::{
    ByClass, Classify, Cx, Follows, Next, Outcome, Policy, Recovery, Rejection, Stack, Tried, Why,
};
use core_retry::{Budget, Builder, Retry};
use core_time::{Clock, ManualClock, ms, secs};

/// Neither `Clone` nor `'static`, nor an error to std: what is told needs none of that.
#[derive(Debug, PartialEq)]
struct Lost<'a> {
    host: &'a str,
    recovery: Recovery,
    delivery: Delivery,
}

impl Classify for Lost<'_> {
    fn recovery(&self) -> Recovery {
        self.recovery
    }

    fn delivery(&self) -> Delivery {
        self.delivery
    }
}

fn lost(host: &str) -> Lost<'_> {
    Lost { host, recovery: Recovery::Transient, delivery: Delivery::Unknown }
}

fn retry(time: &ManualClock) -> Builder {
    Retry::exponential(ms(100)..secs(9)).no_jitter().attempts(3).clock(time.clock())
}

type Told = (String, u32, Duration, Follows);

/// What is told of a call of which attempt number `n` ends as `attempt(n)`.
fn told<'a>(builder: Builder, attempt: impl Fn(u32) -> Result<(), Lost<'a>>) -> Vec<Told> {
    let told = RefCell::new(Vec::new());
    let calls = Cell::new(0);
    let retry = builder.build().unwrap();
    let notified = retry.notify(|tried: &Tried<'_, (), Lost<'a>>| {
        let host = tried.error().unwrap().host.to_owned();
        told.borrow_mut().push((host, tried.attempts, tried.elapsed, tried.next));
    });
    let _ = notified.call_blocking(|_| {
        calls.set(calls.get() + 1);
        attempt(calls.get())
    });
    told.into_inner()
}

#[test]
fn f_71_each_error_is_told_with_what_follows_from_it() {
    let hosts = ["a", "b", "c"].map(str::to_owned);
    let all = told(retry(&ManualClock::new()), |n| Err(lost(&hosts[n as usize - 1])));
    assert_eq!(
        all,
        [
            ("a".to_owned(), 1, ms(0), Follows::Retry(ms(100))),
            ("b".to_owned(), 2, ms(100), Follows::Retry(ms(200))),
            ("c".to_owned(), 3, ms(300), Follows::GiveUp(Why::Attempts)),
        ]
    );
}

#[test]
fn f_71_it_is_told_what_subscribers_are_told_whatever_follows() {
    let answers: [fn(u32) -> Lost<'static>; 4] = [
        |_| lost("slow"),
        |_| Lost { recovery: Recovery::Retriable, ..lost("at once") },
        |n| Lost { recovery: if n < 2 { Recovery::Transient } else { Recovery::Fatal }, ..lost("over") },
        |n| Lost { delivery: if n < 3 { Delivery::NeverSent } else { Delivery::Unknown }, ..lost("unsent") },
    ];
    let spent = Budget::new(4, 0.1).unwrap();
    for (answer, budget) in answers.into_iter().flat_map(|answer| [(answer, None), (answer, Some(&spent))]) {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let [retries, ends] = [(); 2].map(|()| Arc::clone(&heard));
        let builder = retry(&ManualClock::new())
            .on_retry(move |event| retries.lock().unwrap().push((event.attempts, event.elapsed, event.next)))
            .on_give_up(move |event| ends.lock().unwrap().push((event.attempts, event.elapsed, event.next)));
        let builder = if let Some(budget) = budget { builder.budget(budget) } else { builder };
        let told = told(builder, |n| Err(answer(n)));
        let told: Vec<_> =
            told.into_iter().map(|(_, attempts, elapsed, next)| (attempts, elapsed, next)).collect();
        assert!(!told.is_empty() || budget.is_some());
        assert_eq!(told, *heard.lock().unwrap());
    }
}

#[test]
fn f_71_nothing_is_told_where_nothing_follows() {
    let time = ManualClock::new();
    assert_eq!(told(retry(&time), |_| Ok(())), []);
    assert_eq!(told(retry(&time), |_| Err(Lost { recovery: Recovery::Fatal, ..lost("gone") })), []);
    assert_eq!(told(retry(&time).attempts(1), |_| Err(lost("gone"))), []);
}

#[test]
fn f_71_a_value_that_is_worth_another_try_is_told_as_well() {
    let time = ManualClock::new();
    let retry = retry(&time).build().unwrap();
    let told = RefCell::new(Vec::new());
    let is_ready = |result: &Result<&str, Lost<'_>>| match result {
        Ok("ready") => Verdict::Success,
        _ => Verdict::Transient(None),
    };
    let polling = retry.classify(is_ready).notify(|tried: &Tried<'_, &str, Lost<'_>>| {
        assert!(tried.error().is_none() && tried.rejection().is_none());
        told.borrow_mut().push((*tried.value().unwrap(), tried.next));
    });
    let answers = RefCell::new(vec!["ready", "nearly", "no"]);
    assert_eq!(polling.call_blocking(|_| Ok(answers.borrow_mut().pop().unwrap())).unwrap(), "ready");
    assert_eq!(*told.borrow(), [("no", Follows::Retry(ms(100))), ("nearly", Follows::Retry(ms(200)))]);
}

#[test]
fn f_71_its_panic_is_nobody_elses_and_of_several_all_are_told() {
    let time = ManualClock::new();
    let retry = retry(&time).build().unwrap();
    let told = Cell::new(0);
    let counts = |_: &Tried<'_, (), Lost<'_>>| told.set(told.get() + 1);
    let panics = |_: &Tried<'_, (), Lost<'_>>| panic!("a bug of a subscriber");
    let notified = retry.classify(ByClass.notify(panics)).notify(counts).notify(panics).notify(counts);
    let second = |at: core_policy::Attempt| if at.is_retry() { Ok(()) } else { Err(lost("a")) };
    notified.call_blocking(second).unwrap();
    assert_eq!(told.get(), 2);
}

#[tokio::test(start_paused = true)]
async fn f_71_a_call_that_waits_is_told_before_it_sleeps() {
    let retry = Retry::fixed(secs(3)).no_jitter().attempts(2).build().unwrap();
    let clock = Clock::system();
    let start = clock.now();
    let told = RefCell::new(Vec::new());
    let notified = retry.notify(|tried: &Tried<'_, _, Lost<'_>>| {
        let host = tried.error().map(|error| error.host);
        told.borrow_mut().push((host, clock.now() - start, tried.elapsed, tried.next));
    });
    let failed = notified.call(|_| async {
        clock.sleep(secs(1)).await;
        Err::<(), _>(lost("a"))
    });
    assert!(failed.await.is_err());
    // Since it first had to wait: the first attempt slept.
    assert_eq!(
        *told.borrow(),
        [
            (Some("a"), secs(1), secs(1), Follows::Retry(secs(3))),
            (Some("a"), secs(5), secs(5), Follows::GiveUp(Why::Attempts)),
        ]
    );
}

#[cfg(feature = "tower")]
#[tokio::test(start_paused = true)]
async fn f_71_a_layer_tells_it_as_well() {
    use tower::{Layer, ServiceExt, service_fn};

    let retry = Retry::fixed(ms(1)).no_jitter().attempts(2).build().unwrap();
    let told = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&told);
    let judge = ByClass.notify(move |tried: &Tried<'_, (), Lost<'static>>| {
        log.lock().unwrap().push(tried.error().map(|error| error.host));
    });
    let service = service_fn(|(): ()| async { Err::<(), _>(lost("a")) });
    assert!(retry.layer().classify(judge).layer(service).oneshot(()).await.is_err());
    assert_eq!(std::mem::take(&mut *told.lock().unwrap()), [Some("a"), Some("a")]);

    // Beside a judge of one's own, which would rather have another value.
    let log = Arc::clone(&told);
    let never = |_: &Result<&'static str, Lost<'static>>| Verdict::Transient(None);
    let layer =
        retry.layer().classify(never).notify(move |tried: &Tried<'_, &'static str, Lost<'static>>| {
            log.lock().unwrap().push(tried.value().copied());
        });
    let service = service_fn(|(): ()| async { Ok::<_, Lost<'static>>("nearly") });
    assert_eq!(layer.layer(service).oneshot(()).await.unwrap(), "nearly");
    assert_eq!(*told.lock().unwrap(), [Some("nearly"), Some("nearly")]);
}

/// Refuses the first attempt, and says when to come back; bounds the others.
struct Bounds<'a> {
    time: &'a ManualClock,
    asked: Cell<u32>,
}

impl Policy for &Bounds<'_> {
    type State = Clock;

    fn clock(&self) -> &Clock {
        unreachable!("that of the outermost is asked")
    }

    fn begin(&self) -> Clock {
        self.time.clock()
    }

    fn admit(&self, _: &mut Clock, cx: &mut Cx<'_>) -> core_policy::Admit {
        self.asked.set(self.asked.get() + 1);
        cx.limit_attempt(secs(8));
        if self.asked.get() > 1 {
            return core_policy::Admit::Run;
        }
        let (kind, why) = (core_policy::PolicyKind::RateLimit, core_policy::Reason::RateLimited);
        let rejection = Rejection::new(kind, core_policy::Name::UNNAMED, why);
        core_policy::Admit::Refuse(rejection.with_retry_after(ms(5)))
    }

    fn settle(&self, _: &mut Clock, _: &Outcome<'_>, _: &mut Cx<'_>) -> Next {
        Next::Finish
    }

    fn abandon(&self, _: &mut Clock) {}
}

/// A refusal has no error, so it is told to the subscribers of the retry alone; and the delay that follows is no limit of the attempt.
#[test]
fn f_71_a_refusal_before_an_attempt_is_for_subscribers_alone() {
    let time = ManualClock::new();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let events = Arc::clone(&heard);
    let retry = retry(&time)
        .retry_refusals(true)
        .on_retry(move |event| events.lock().unwrap().push((event.attempts, event.next)));
    let retry = retry.build().unwrap();
    let told = RefCell::new(Vec::new());
    let judge = ByClass.notify(|tried: &Tried<'_, Option<Duration>, Lost<'_>>| {
        assert!(tried.error().is_some_and(|error| error.category() == Category::Unknown));
        told.borrow_mut().push((tried.attempts, tried.next));
    });
    let bounds = Bounds { time: &time, asked: Cell::new(0) };
    let mut remaining = Vec::new();
    let attempt = |at: core_policy::Attempt| {
        remaining.push(at.remaining());
        if remaining.len() == 1 { Err(lost("a")) } else { Ok(at.remaining()) }
    };
    core_policy::call_blocking(Stack::new(&retry, &bounds), attempt, &judge, None).unwrap();
    // To the retry the refusal was one of the attempts that it has; the call made none.
    assert_eq!(*heard.lock().unwrap(), [(1, Follows::Retry(ms(100))), (2, Follows::Retry(ms(200)))]);
    assert_eq!(told.take(), [(1, Follows::Retry(ms(200)))]);
    assert_eq!(remaining, [Some(secs(8)); 2]);
}
