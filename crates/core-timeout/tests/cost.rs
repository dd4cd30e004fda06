//! What limits cost where nothing takes long: no allocation, and futures that are hardly larger than the attempt.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use core_time::{Clock, secs};
use core_timeout::{Deadline, Profile, Standard, Timeout, Timeouts};

fn poll_once<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(out) => out,
        Poll::Pending => panic!("it was to be ready at once"),
    }
}

fn fine() -> Ready<Result<u32, Infallible>> {
    ready(Ok(1))
}

/// Allocations of the second run: the first may set up what lasts for the life of the thread.
fn allocations(run: impl Fn()) -> u64 {
    run();
    allocation_counter::measure(run).count_total
}

#[test]
fn the_counter_counts() {
    let boxes = || drop(std::hint::black_box(Box::new(7_u64)));
    assert_eq!(allocations(boxes), 1, "or all tests here are worth nothing");
}

#[test]
fn a_call_that_is_ready_allocates_nothing() {
    let attempt = Timeout::attempt(secs(1)).build().unwrap();
    let total = Timeout::total(secs(1)).build().unwrap();
    let deadline = Deadline::after(secs(1), &Clock::system());
    assert_eq!(allocations(|| assert_eq!(poll_once(attempt.run(fine())).unwrap(), 1)), 0);
    assert_eq!(allocations(|| assert_eq!(poll_once(total.run(fine())).unwrap(), 1)), 0);
    assert_eq!(allocations(|| assert_eq!(poll_once(deadline.child(secs(1)).run(fine())).unwrap(), 1)), 0);
}

#[test]
fn reading_a_limit_allocates_nothing_nor_does_running_under_it() {
    let timeouts = Timeouts::new(Profile::<Standard>::production()).unwrap();
    assert_eq!(allocations(|| assert_eq!(timeouts.get(Standard::Request), secs(60))), 0);
    assert_eq!(allocations(|| assert!(poll_once(timeouts.run(Standard::Request, fine())).is_ok())), 0);
}

#[test]
fn a_call_is_at_most_256_bytes_larger_than_its_attempt() {
    fn check<F: Future<Output: std::fmt::Debug>>(call: F, attempt: usize) {
        let size = size_of_val(&call);
        poll_once(call);
        assert!(size <= 256 + attempt, "{size} around {attempt}");
    }
    let deadline = Deadline::after(secs(1), &Clock::system());
    let total = Timeout::total(secs(1)).build().unwrap();
    let attempt = Timeout::attempt(secs(1)).build().unwrap();
    let timeouts = Timeouts::new(Profile::<Standard>::production()).unwrap();
    let small = size_of::<Ready<Result<u32, Infallible>>>();
    check(deadline.run(fine()), small);
    check(total.run(fine()), small);
    check(attempt.run(fine()), small);
    check(timeouts.run(Standard::Request, fine()), small);
    // However large it is, it is there once.
    let large = || ready(Ok::<_, Infallible>([0_u64; 512]));
    let size = size_of_val(&large());
    check(deadline.run(large()), size);
    check(total.run(large()), size);
    check(attempt.run(large()), size);
    check(timeouts.run(Standard::Request, large()), size);
    check(total.call(|_| large()), size);
}

/// It was more than twice as large, and of a large answer nearly three times.
#[test]
fn a_fallback_makes_a_call_hardly_larger() {
    let timeout = Timeout::attempt(secs(1)).build().unwrap();
    let plain = size_of_val(&timeout.call(|_| fine()));
    let call = timeout.call_or(|_| fine(), async |error| Err(error));
    let size = size_of_val(&call);
    assert!(poll_once(call).is_ok() && size <= plain + 32, "{size} and {plain}");
    let large = || ready(Ok::<_, Infallible>([0_u64; 512]));
    let plain = size_of_val(&timeout.call(|_| large()));
    let call = timeout.call_or(|_| large(), async |error| Err(error));
    let size = size_of_val(&call);
    assert!(poll_once(call).is_ok() && size <= plain + 32, "{size} and {plain}");
}
