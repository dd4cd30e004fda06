//! Hedges around futures that hang, panic, and are dropped wherever they wait.
#![expect(clippy::unwrap_used, reason = "a helper of a test may panic")]

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::{pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use core_errors::{Classify, Error, Recovery, Verdict};
use core_policy::Attempt;
use core_retry::{Budget, Hedge};
use core_time::{Clock, Instant, ManualClock, ms, secs};

struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

fn poll<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn a_call_that_is_ready_needs_no_runtime_and_no_timer() {
    let hedge = Hedge::after(ms(30)).budget(&Budget::default()).build().unwrap();
    let mut call = pin!(hedge.call(|_| async { Ok::<_, Error>(7) }));
    let Poll::Ready(Ok(7)) = poll(call.as_mut()) else { panic!("it is ready") };
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_hangs_for_ever_does_not_hold_the_call() {
    let hedge = Hedge::after(ms(30)).max(2).budget(&Budget::default()).build().unwrap();
    let call = hedge
        .call(|at| async move { if at.hedge() < 2 { pending().await } else { Ok::<_, Error>(at.hedge()) } });
    assert_eq!(call.await.unwrap(), 2);
}

/// Also while the future that has returned the result is still there.
#[tokio::test(start_paused = true)]
async fn bg_4_a_call_that_is_over_is_no_longer_in_flight() {
    let budget = Budget::in_flight(1.0, 0).unwrap();
    let hedge = Hedge::after(ms(10)).budget(&budget).build().unwrap();
    let left = || budget.available(Clock::system().now());
    let mut at_once = pin!(hedge.call(|_| async { Ok::<_, Error>(()) }));
    at_once.as_mut().await.unwrap();
    assert!(left().abs() < 1e-9);
    let mut hedged = pin!(hedge.call(|at| async move {
        Clock::system().sleep(if at.is_hedge() { ms(5) } else { secs(1) }).await;
        Ok::<_, Error>(())
    }));
    assert!(poll(hedged.as_mut()).is_pending());
    assert!((left() - 1.0).abs() < 1e-9, "one call in flight, and no hedge yet");
    hedged.as_mut().await.unwrap();
    assert_eq!(hedge.stats().won, 1);
    assert!(left().abs() < 1e-9);
}

/// Whenever the call is dropped, all its attempts are, and nothing of it is in flight any more.
#[tokio::test(start_paused = true)]
async fn dropped_at_every_await_nothing_stays() {
    let budget = Budget::in_flight(1.0, 8).unwrap();
    let hedge = Hedge::after(ms(10)).max(2).budget(&budget).build().unwrap();
    let mut points = 0;
    for polls in 0.. {
        let running = Cell::new(0_i32);
        let mut call = Box::pin(hedge.call(|at: Attempt| {
            running.set(running.get() + 1);
            let running = OnDrop(|| running.set(running.get() - 1));
            async move {
                let _running = running;
                for _ in 0..3 {
                    Clock::system().sleep(ms(7)).await;
                }
                if at.hedge() < 2 { Err(Error::network("lost")) } else { Ok(()) }
            }
        }));
        let mut is_done = false;
        for _ in 0..polls {
            if poll(call.as_mut()).is_ready() {
                is_done = true;
                break;
            }
            tokio::time::advance(ms(1)).await;
        }
        drop(call);
        assert_eq!(running.get(), 0, "after {polls} polls");
        let left = budget.available(Clock::system().now());
        assert!((left - 8.0).abs() < 1e-9, "after {polls} polls");
        if is_done {
            break;
        }
        points += 1;
    }
    assert!(points > 30, "or it was never dropped half-way: {points}");
}

#[tokio::test(start_paused = true)]
async fn a_loser_that_panics_when_it_is_dropped_takes_nobody_with_it() {
    let budget = Budget::in_flight(1.0, 8).unwrap();
    let hedge = Hedge::after(ms(10)).max(2).budget(&budget).build().unwrap();
    let dropped = Cell::new(0);
    let mut call = Box::pin(hedge.call(|at: Attempt| {
        let dropped = &dropped;
        let hedge = at.hedge();
        let bomb = OnDrop(move || {
            dropped.set(dropped.get() + 1);
            assert!(hedge != 0, "a bug in a drop");
        });
        async move {
            let bomb = bomb;
            if hedge == 2 {
                return Ok::<_, Error>(());
            }
            pending::<()>().await;
            drop(bomb);
            Ok(())
        }
    }));
    assert!(poll(call.as_mut()).is_pending());
    tokio::time::advance(ms(10)).await;
    assert!(poll(call.as_mut()).is_pending());
    tokio::time::advance(ms(10)).await;
    assert!(catch_unwind(AssertUnwindSafe(|| poll(call.as_mut()))).is_err(), "the panic goes on");
    drop(call);
    assert_eq!(dropped.get(), 3, "all of them were dropped");
    assert!((budget.available(Clock::system().now()) - 8.0).abs() < 1e-9);
}

/// Hedges are dropped one after the other: who panics in between does not keep the later ones, nor what was paid for them.
#[tokio::test(start_paused = true)]
async fn a_hedge_that_panics_when_it_is_dropped_does_not_keep_those_after_it() {
    for bomb in 1..=3 {
        let budget = Budget::in_flight(1.0, 8).unwrap();
        let hedge = Hedge::after(Duration::ZERO).max(3).budget(&budget).build().unwrap();
        let dropped = RefCell::new(Vec::new());
        let mut call = Box::pin(hedge.call(|at: Attempt| {
            let (dropped, number) = (&dropped, at.hedge());
            let guard = OnDrop(move || {
                dropped.borrow_mut().push(number);
                assert!(number != bomb, "a bug in a drop");
            });
            async move {
                let _guard = guard;
                pending::<Result<(), Error>>().await
            }
        }));
        assert!(poll(call.as_mut()).is_pending());
        assert!((budget.available(Clock::system().now()) - 8.0).abs() > 0.5, "some are in flight");
        assert!(catch_unwind(AssertUnwindSafe(|| drop(call))).is_err(), "the panic goes on");
        assert_eq!(*dropped.borrow(), [0, 1, 2, 3]);
        assert!((budget.available(Clock::system().now()) - 8.0).abs() < 1e-9);
    }
}

/// What a call waits with is memory of the thread: it may move to another, and outlive what its thread keeps.
#[test]
fn a_call_that_waits_ends_on_another_thread_and_while_its_thread_ends() {
    type Waiting = Pin<Box<dyn Future<Output = Result<u8, core_policy::CallError<Error>>> + Send>>;
    thread_local! {
        static FIRST: RefCell<Option<Waiting>> = const { RefCell::new(None) };
        static LAST: RefCell<Option<Waiting>> = const { RefCell::new(None) };
    }
    let time = ManualClock::new();
    let budget = Budget::in_flight(1.0, 0).unwrap();
    let hedge = Hedge::after(ms(10)).budget(&budget).clock(time.clock()).build().unwrap();
    let begun = || -> Waiting {
        let hedge = hedge.clone();
        let mut call: Waiting = Box::pin(async move {
            let op = |at: Attempt| async move { if at.is_hedge() { Ok(7) } else { pending().await } };
            hedge.call(op).await
        });
        assert!(poll(call.as_mut()).is_pending());
        call
    };
    let in_flight = || budget.available(time.now());
    let mut moved = begun();
    std::thread::scope(|scope| {
        let ends = scope.spawn(|| {
            // Which of them goes before what the thread keeps and which after it is the platform's: there is one of each.
            FIRST.set(None);
            drop(begun());
            LAST.set(Some(begun()));
            FIRST.set(Some(begun()));
            assert!((in_flight() - 3.0).abs() < 1e-9, "{}", in_flight());
            time.advance(ms(10));
            let Poll::Ready(Ok(7)) = poll(moved.as_mut()) else { panic!("its hedge is due") };
        });
        // A scope waits for what is spawned, and not for what its thread drops last.
        ends.join().unwrap();
    });
    assert!(in_flight().abs() < 1e-9, "nothing is in flight: {}", in_flight());
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_an_attempt_goes_on_and_the_others_are_dropped() {
    let budget = Budget::in_flight(1.0, 8).unwrap();
    let hedge = Hedge::after(ms(10)).budget(&budget).build().unwrap();
    let dropped = Cell::new(false);
    let mut call = Box::pin(hedge.call(|at: Attempt| {
        let guard = (!at.is_hedge()).then(|| OnDrop(|| dropped.set(true)));
        async move {
            let _guard = guard;
            assert!(!at.is_hedge(), "a bug in an attempt");
            pending::<Result<(), Error>>().await
        }
    }));
    assert!(poll(call.as_mut()).is_pending());
    tokio::time::advance(ms(10)).await;
    assert!(catch_unwind(AssertUnwindSafe(|| poll(call.as_mut()))).is_err());
    drop(call);
    assert!(dropped.get());
    assert!((budget.available(Clock::system().now()) - 8.0).abs() < 1e-9);
}

#[test]
fn a_call_that_is_over_says_so_when_it_is_polled_again() {
    let hedge = Hedge::after(ms(10)).budget(&Budget::default()).build().unwrap();
    let mut call = pin!(hedge.call(|_| async { Ok::<_, Error>(()) }));
    assert!(poll(call.as_mut()).is_ready());
    let again = catch_unwind(AssertUnwindSafe(|| poll(call.as_mut())));
    assert!(again.unwrap_err().downcast_ref::<&str>().unwrap().contains("after it was ready"));
}

#[test]
fn after_a_panic_in_its_first_poll_a_call_is_not_in_flight_and_does_not_begin_anew() {
    let budget = Budget::in_flight(1.0, 0).unwrap();
    let hedge = Hedge::after(ms(10)).budget(&budget).build().unwrap();
    let begun = Cell::new(0);
    for fails_in_op in [true, false] {
        begun.set(0);
        let mut call = pin!(hedge.call(|_| {
            begun.set(begun.get() + 1);
            assert!(!fails_in_op, "a bug in what makes attempts");
            async { panic!("a bug in an attempt") as Result<(), Error> }
        }));
        for _ in 0..2 {
            assert!(catch_unwind(AssertUnwindSafe(|| poll(call.as_mut()))).is_err());
            assert!(budget.available(Clock::system().now()).abs() < 1e-9);
        }
        assert_eq!(begun.get(), 1);
    }
}

#[test]
fn a_call_that_runs_is_not_changed() {
    let hedge = Hedge::on_failure().budget(&Budget::default()).build().unwrap();
    let waiting = || {
        let mut call = hedge.call(|_| pending::<Result<(), Error>>());
        assert!(poll(Pin::new(&mut call)).is_pending());
        call
    };
    let says = |change: &dyn Fn()| {
        let panic = catch_unwind(AssertUnwindSafe(change)).unwrap_err();
        assert_eq!(panic.downcast_ref::<String>().unwrap(), "a call that runs is not changed");
    };
    says(&|| drop(waiting().within(Attempt::SINGLE)));
    says(&|| drop(waiting().until(Instant::from_nanos(1))));
    says(&|| drop(waiting().judged_by(|_: &Result<(), Error>| Verdict::Success)));
}

/// The delay is exact on a clock that lags, and the hedge neither starts early nor is forgotten.
#[test]
fn a_coarse_reading_does_not_move_the_delay() {
    let time = ManualClock::lagging(ms(4));
    let hedge = Hedge::after(ms(30)).budget(&Budget::default()).clock(time.clock()).build().unwrap();
    let started = Cell::new(0);
    let mut call = pin!(hedge.call(|_| {
        started.set(started.get() + 1);
        pending::<Result<(), Error>>()
    }));
    assert!(poll(call.as_mut()).is_pending());
    time.advance(ms(29));
    assert!(poll(call.as_mut()).is_pending());
    assert_eq!(started.get(), 1);
    time.advance(ms(1));
    assert!(poll(call.as_mut()).is_pending());
    assert_eq!(started.get(), 2);
}

/// A sample is measured by the exact clock at both ends.
#[test]
fn hg_2_a_clock_that_lags_makes_no_sample_shorter() {
    let time = ManualClock::lagging(ms(4));
    let builder = Hedge::after_p95().min_samples(20).budget(&Budget::default());
    let hedge = builder.clock(time.clock()).build().unwrap();
    for _ in 0..20 {
        let begun = time.now();
        let mut call = pin!(hedge.call(|_| {
            let time = &time;
            poll_fn(move |_| if time.now() > begun { Poll::Ready(Ok::<_, Error>(())) } else { Poll::Pending })
        }));
        assert!(poll(call.as_mut()).is_pending());
        time.advance(ms(10));
        assert!(poll(call.as_mut()).is_ready());
    }
    assert!(hedge.delay(time.now()).unwrap() >= ms(10));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_never_yields_its_budget_is_hedged_still() {
    // tokio makes timers wait for a task that has spent its cooperative budget; this attempt spends it on every poll.
    let greedy = |cx: &mut Context<'_>| {
        loop {
            let mut unit = pin!(tokio::task::coop::consume_budget());
            if unit.as_mut().poll(cx).is_pending() {
                return Poll::<Result<u8, Error>>::Pending;
            }
        }
    };
    let hedge = Hedge::after(ms(300)).budget(&Budget::default()).build().unwrap();
    let clock = Clock::system();
    let hurry = async {
        let until = clock.now() + secs(5);
        while clock.now() < until {
            tokio::time::advance(ms(50)).await;
        }
        panic!("it was never hedged")
    };
    let call = hedge
        .call(|at| poll_fn(move |cx| if at.is_hedge() { Poll::Ready(Ok(at.hedge())) } else { greedy(cx) }));
    tokio::select! {
        biased;
        result = call => assert_eq!(result.unwrap(), 1),
        () = hurry => {}
    }
}

#[test]
fn attempts_that_have_not_been_woken_are_asked_no_more_often_than_the_task_is() {
    let time = ManualClock::new();
    let hedge = Hedge::after(ms(30)).max(3).budget(&Budget::default()).clock(time.clock()).build().unwrap();
    let polls = Cell::new(0);
    let mut call = pin!(hedge.call(|_| {
        poll_fn(|_| {
            polls.set(polls.get() + 1);
            Poll::<Result<(), Error>>::Pending
        })
    }));
    assert!(poll(call.as_mut()).is_pending());
    assert_eq!(polls.get(), 1);
    time.advance(ms(30));
    assert!(poll(call.as_mut()).is_pending());
    assert_eq!(polls.get(), 3, "the first once more, and the hedge once");
    assert_eq!(hedge.stats().hedges, 1);
    time.advance(secs(9));
    assert!(poll(call.as_mut()).is_pending());
    assert_eq!(
        (polls.get(), hedge.stats().hedges),
        (6, 2),
        "two, and one more: the delay is from start to start"
    );
}

#[test]
fn what_a_deadline_says_holds_at_the_first_instant() {
    let time = ManualClock::new();
    let hedge = Hedge::after(ms(0)).budget(&Budget::default()).clock(time.clock()).build().unwrap();
    let mut call = pin!(hedge.call(|_| pending::<Result<(), Error>>()).until(Instant::ORIGIN));
    assert!(poll(call.as_mut()).is_pending());
    assert_eq!((hedge.stats().hedges, hedge.stats().out_of_time), (0, 1));
}

#[derive(Debug)]
struct Busy(Option<Duration>);

impl fmt::Display for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("busy")
    }
}

impl std::error::Error for Busy {}

impl Classify for Busy {
    fn recovery(&self) -> Recovery {
        Recovery::Transient
    }

    fn retry_after(&self) -> Option<Duration> {
        self.0
    }
}

/// When each attempt of a call started, of which the first two fail at 15 and 17 ms, and ask for such times.
async fn starts(asked: [Option<Duration>; 2]) -> Vec<Duration> {
    let hedge = Hedge::after(ms(10)).max(3).budget(&Budget::default()).build().unwrap();
    let (clock, starts) = (Clock::system(), RefCell::new(Vec::new()));
    let start = clock.now();
    let call = hedge.call(|at: Attempt| {
        starts.borrow_mut().push(clock.now() - start);
        let clock = &clock;
        async move {
            match at.hedge() {
                0 => clock.sleep(ms(15)).await,
                1 => clock.sleep(ms(7)).await,
                _ => return Ok(()),
            }
            Err(Busy(asked[usize::from(at.hedge())]))
        }
    });
    call.await.unwrap();
    starts.into_inner()
}

#[tokio::test(start_paused = true)]
async fn hg_1_a_failure_that_asks_for_nothing_brings_no_time_forward_that_another_asked_for() {
    assert_eq!(starts([None, None]).await, [ms(0), ms(10), ms(15)]);
    assert_eq!(starts([Some(secs(3)), None]).await, [ms(0), ms(10), ms(3_015)]);
    assert_eq!(starts([Some(secs(3)), Some(secs(1))]).await, [ms(0), ms(10), ms(3_015)]);
    assert_eq!(starts([Some(secs(1)), Some(secs(3))]).await, [ms(0), ms(10), ms(3_017)]);
}

#[tokio::test(start_paused = true)]
async fn hg_1_nobody_waits_for_a_hedge_that_the_deadline_forbids() {
    let clock = Clock::system();
    for (left, least, took, hedges) in [
        (secs(1), ms(0), ms(0), 0),
        (secs(3), ms(0), ms(0), 0),
        (ms(3_001), ms(0), secs(3), 1),
        (secs(4), ms(1_001), ms(0), 0),
    ] {
        let hedge = Hedge::after(ms(10)).min_attempt_time(least).budget(&Budget::default()).build().unwrap();
        let start = clock.now();
        let call = hedge.call(|_| async { Err::<(), _>(Busy(Some(secs(3)))) }).until(start + left);
        call.await.unwrap_err();
        assert_eq!((clock.now() - start, hedge.stats().hedges), (took, hedges), "{left:?} are left");
        assert_eq!(hedge.stats().out_of_time, 1 - hedges);
        // An attempt that runs goes on.
        let start = clock.now();
        let call = hedge.call(|at: Attempt| {
            let clock = &clock;
            async move {
                clock.sleep(if at.is_hedge() { ms(5) } else { secs(2) }).await;
                if at.is_hedge() { Err(Busy(Some(secs(30)))) } else { Ok(()) }
            }
        });
        call.until(start + secs(5)).await.unwrap();
        assert_eq!(clock.now() - start, secs(2));
    }
}
