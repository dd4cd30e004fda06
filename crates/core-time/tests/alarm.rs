//! What an alarm promises: it rings when it is due, and who sets one often allocates once.
#![cfg(feature = "tokio")]
#![expect(clippy::disallowed_methods, reason = "threads and tasks of tests have no context to lose")]
#![expect(clippy::unwrap_used, reason = "a helper of a test may panic")]

use std::cell::RefCell;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Wake, Waker};
use std::thread;

use core_time::{Alarm, Clock, ManualClock, Sleep, ms, secs};
use tokio::runtime::{Builder, Handle, Runtime};

/// So many a thread keeps.
const KEPT_MAX: usize = 64;

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().build().unwrap()
}

/// One that is set to an hour from now.
fn set() -> Alarm {
    let (clock, mut alarm) = (Clock::system(), Alarm::new());
    let polled = alarm.poll_until(&clock, clock.now() + secs(3600), &mut Context::from_waker(Waker::noop()));
    assert!(polled.is_pending());
    alarm
}

fn allocations(run: impl FnOnce()) -> u64 {
    allocation_counter::measure(run).count_total
}

#[tokio::test]
async fn rt_6_an_alarm_never_rings_early() {
    let clock = Clock::system();
    let mut alarm = Alarm::new();
    for millis in [0, 1, 3] {
        let at = clock.now() + ms(millis);
        poll_fn(|cx| alarm.poll_until(&clock, at, cx)).await;
        assert!(clock.now() >= at && alarm.at() == Some(at));
    }
    alarm.clear();
    assert_eq!(alarm.at(), None);
}

#[cfg(feature = "test-util")]
#[tokio::test(start_paused = true)]
async fn an_alarm_that_is_set_to_another_moment_rings_then() {
    let (clock, began) = (Clock::system(), tokio::time::Instant::now());
    let (early, late) = (clock.now() + ms(10), clock.now() + ms(90));
    let mut alarm = Alarm::new();
    let polled = alarm.poll_until(&clock, late, &mut Context::from_waker(Waker::noop()));
    assert!(polled.is_pending());
    for (at, takes) in [(early, ms(10)), (late, ms(90))] {
        poll_fn(|cx| alarm.poll_until(&clock, at, cx)).await;
        // tokio rounds up to its next millisecond.
        assert!((takes..=takes + ms(1)).contains(&began.elapsed()), "{:?}", began.elapsed());
    }
}

#[test]
fn on_a_manual_clock_it_rings_exactly_when_it_is_due() {
    let time = ManualClock::new();
    let (clock, at, mut alarm) = (time.clock(), time.now() + ms(10), Alarm::new());
    let mut cx = Context::from_waker(Waker::noop());
    assert!(alarm.poll_until(&clock, at, &mut cx).is_pending());
    time.advance_to(at - std::time::Duration::from_nanos(1));
    assert!(alarm.poll_until(&clock, at, &mut cx).is_pending());
    time.advance_to(at);
    assert!(alarm.poll_until(&clock, at, &mut cx).is_ready());
}

#[test]
fn an_alarm_is_one_word_and_a_sleep_sixteen_at_most() {
    assert_eq!(size_of::<Alarm>(), size_of::<usize>());
    assert!(size_of::<Sleep>() <= 128, "{}", size_of::<Sleep>());
}

#[test]
fn in_the_steady_state_setting_one_allocates_nothing() {
    let runtime = runtime();
    let _entered = runtime.enter();
    drop(set());
    assert_eq!(allocations(|| (0..1_000).for_each(|_| drop(set()))), 0);
    let several = || {
        let alarms: [Alarm; KEPT_MAX] = std::array::from_fn(|_| set());
        drop(alarms);
    };
    several();
    assert_eq!(allocations(several), 0, "as many at once as are kept");
}

#[test]
fn what_a_thread_keeps_is_bounded() {
    let runtime = runtime();
    let _entered = runtime.enter();
    let crowd = || drop((0..1_000).map(|_| set()).collect::<Vec<_>>());
    let kept = allocation_counter::measure(crowd).bytes_current;
    let list = KEPT_MAX * size_of::<usize>();
    assert_eq!(usize::try_from(kept).unwrap(), KEPT_MAX * size_of::<Sleep>() + list);
    let again = allocations(crowd);
    assert!((1_000 - 64..1_000).contains(&again), "{again}: the others, and the vector of the test");
    assert_eq!(allocation_counter::measure(crowd).bytes_current, 0);
}

#[test]
fn one_that_moves_to_another_thread_leaves_its_memory_there() {
    let runtime = runtime();
    let handle = runtime.handle().clone();
    let (sender, receiver) = mpsc::channel::<Alarm>();
    let other = thread::spawn(move || {
        let _entered = handle.enter();
        let mut came = 0;
        for alarm in receiver {
            drop(alarm);
            came += 1;
        }
        assert_eq!(came, 200);
        assert_eq!(allocations(|| drop(std::array::from_fn::<_, KEPT_MAX, _>(|_| set()))), 0);
        allocations(|| drop((0..=KEPT_MAX).map(|_| set()).collect::<Vec<_>>()))
    });
    let _entered = runtime.enter();
    for _ in 0..200 {
        sender.send(set()).unwrap();
    }
    drop(sender);
    assert_eq!(other.join().unwrap(), 2, "one above what is kept, and the vector of the test");
}

#[test]
fn a_task_that_moves_between_threads_goes_on_there() {
    let runtime = runtime();
    let handle = runtime.handle().clone();
    let clock = Clock::system();
    let (at, mut alarm) = (clock.now() + ms(20), Alarm::new());
    let _entered = runtime.enter();
    assert!(alarm.poll_until(&clock, at, &mut Context::from_waker(Waker::noop())).is_pending());
    let other = thread::spawn(move || {
        // Its timer belongs to the runtime in which it was set, and rings there.
        handle.block_on(poll_fn(|cx| alarm.poll_until(&clock, at, cx)));
        assert!(clock.now() >= at);
        drop(alarm);
        allocations(|| drop(set_within(&handle)))
    });
    runtime.block_on(async {
        while !other.is_finished() {
            Clock::system().sleep(ms(1)).await;
        }
    });
    assert_eq!(other.join().unwrap(), 0);
}

fn set_within(handle: &Handle) -> Alarm {
    let _entered = handle.enter();
    set()
}

/// Memory of the process in bytes.
#[cfg(target_os = "linux")]
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4_096
}

#[cfg(target_os = "linux")]
#[test]
fn a_thread_that_ends_frees_what_it_kept() {
    let runtime = runtime();
    let threads = |count: usize| {
        for _ in 0..count {
            let handle = runtime.handle().clone();
            let fills = move || {
                let _entered = handle.enter();
                drop(std::array::from_fn::<_, KEPT_MAX, _>(|_| set()));
            };
            thread::spawn(fills).join().unwrap();
        }
    };
    threads(50);
    let before = resident();
    threads(2_000);
    let grown = resident().saturating_sub(before);
    assert!(grown < 2_000 * KEPT_MAX * size_of::<Sleep>() / 4, "{grown} bytes");
}

#[test]
fn one_that_is_dropped_while_its_thread_ends_is_freed() {
    thread_local! {
        static FIRST: RefCell<Option<Alarm>> = const { RefCell::new(None) };
        static LAST: RefCell<Option<Alarm>> = const { RefCell::new(None) };
    }
    let runtime = runtime();
    let handle = runtime.handle().clone();
    // Which of them is dropped before the list and which after it is the platform's: there is one of each.
    let ends = thread::spawn(move || {
        let _entered = handle.enter();
        FIRST.set(None);
        drop(set());
        LAST.set(Some(set()));
        FIRST.set(Some(set()));
    });
    ends.join().unwrap();
}

/// A task that is dropped with its last waker.
struct Owning {
    _alarms: Mutex<Vec<Alarm>>,
}

impl Wake for Owning {
    fn wake(self: Arc<Self>) {}
}

#[test]
fn dropping_one_may_drop_others() {
    let runtime = runtime();
    let _entered = runtime.enter();
    let time = ManualClock::new();
    for clock in [Clock::system(), time.clock()] {
        let at = clock.now() + secs(3600);
        let mut alarms = vec![Alarm::new(), Alarm::new()];
        for alarm in &mut alarms {
            assert!(alarm.poll_until(&clock, at, &mut Context::from_waker(Waker::noop())).is_pending());
        }
        for drops in [Alarm::clear, |alarm: &mut Alarm| *alarm = set()] {
            let waker = Waker::from(Arc::new(Owning { _alarms: Mutex::new(std::mem::take(&mut alarms)) }));
            let mut outer = Alarm::new();
            assert!(outer.poll_until(&clock, at, &mut Context::from_waker(&waker)).is_pending());
            drop(waker);
            drops(&mut outer);
            alarms = vec![set(), set()];
        }
        // Another waker for the same moment displaces the last.
        let waker = Waker::from(Arc::new(Owning { _alarms: Mutex::new(alarms) }));
        let mut outer = Alarm::new();
        assert!(outer.poll_until(&clock, at, &mut Context::from_waker(&waker)).is_pending());
        drop(waker);
        assert!(outer.poll_until(&clock, at, &mut Context::from_waker(Waker::noop())).is_pending());
    }
}

#[test]
fn outside_a_runtime_setting_one_panics_and_it_can_be_set_later() {
    let (clock, mut alarm) = (Clock::system(), Alarm::new());
    let at = clock.now() + secs(3600);
    let mut poll = || alarm.poll_until(&clock, at, &mut Context::from_waker(Waker::noop()));
    assert!(catch_unwind(AssertUnwindSafe(&mut poll)).is_err());
    let runtime = runtime();
    let _entered = runtime.enter();
    assert!(poll().is_pending());
    assert_eq!(alarm.at(), Some(at));
}

#[test]
fn one_whose_runtime_is_gone_panics_until_it_is_cleared() {
    let gone = runtime();
    let (clock, mut alarm) = (Clock::system(), set_within(gone.handle()));
    let (at, never_polled_again) = (alarm.at().unwrap(), set_within(gone.handle()));
    drop(gone);
    drop(never_polled_again);
    let runtime = runtime();
    let _entered = runtime.enter();
    let mut cx = Context::from_waker(Waker::noop());
    let polled = catch_unwind(AssertUnwindSafe(|| alarm.poll_until(&clock, at, &mut cx)));
    assert!(polled.is_err(), "or it would wait for what never rings");
    alarm.clear();
    let soon = clock.now() + ms(3);
    runtime.block_on(poll_fn(|cx| alarm.poll_until(&clock, soon, cx)));
    assert!(clock.now() >= soon);
}

/// Whoever pauses tokio's clock without the feature `test-util` gets what he had: each sleep takes its time there.
#[cfg(not(feature = "test-util"))]
mod without_test_util {
    use std::time::Duration;

    use super::*;

    async fn sleeps_take_their_time(clock: &Clock) {
        for millis in [70, 10, 3] {
            let began = tokio::time::Instant::now();
            clock.sleep(ms(millis)).await;
            let took = began.elapsed();
            // tokio rounds up, and what is left is found by another clock.
            assert!((ms(millis)..ms(millis + 3)).contains(&took), "{took:?} and not {millis} ms");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_is_paused_from_the_beginning_is_noticed_at_once() {
        sleeps_take_their_time(&Clock::system()).await;
        tokio::time::advance(Duration::from_secs(3600)).await;
        sleeps_take_their_time(&Clock::system()).await;
    }

    #[tokio::test]
    async fn rt_6_one_that_is_paused_later_is_noticed_when_a_timer_rings_too_early() {
        let clock = Clock::system();
        clock.sleep(ms(1)).await;
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(3600)).await;
        sleeps_take_their_time(&clock).await;
    }
}
