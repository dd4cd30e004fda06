//! What the driver itself costs: no allocation where nothing waits, and a future that is hardly larger than the attempt.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use core_policy::{
    Admit, AtMostOnce, Attempt, ByClass, Call, CallError, Classify, Cx, Keyed, KeyedMap, Name, Next, Outcome,
    Permit, Policy, PolicyKind, Reason, Recovery, Rejection, Stack, call_blocking,
};
use core_time::Clock;

/// Admits so many attempts, or refuses.
struct Plain {
    clock: Clock,
    attempts: u32,
    refuses: bool,
}

/// An error without memory of its own.
#[derive(Debug)]
struct Down;

impl Classify for Down {
    fn recovery(&self) -> Recovery {
        Recovery::Transient
    }
}

impl Policy for Plain {
    type State = u32;

    fn clock(&self) -> &Clock {
        &self.clock
    }

    fn begin(&self) -> u32 {
        0
    }

    fn admit(&self, state: &mut u32, _: &mut Cx<'_>) -> Admit {
        if self.refuses {
            return Admit::Refuse(Rejection::new(PolicyKind::Breaker, Name::UNNAMED, Reason::CircuitOpen));
        }
        *state += 1;
        Admit::Run
    }

    fn settle(&self, state: &mut u32, outcome: &Outcome<'_>, _: &mut Cx<'_>) -> Next {
        match outcome {
            Outcome::Judged(verdict, _) if verdict.is_failure() && *state < self.attempts => Next::Again,
            _ => Next::Finish,
        }
    }

    fn abandon(&self, _: &mut u32) {}
}

impl AtMostOnce for Plain {}

fn plain(attempts: u32) -> Plain {
    Plain { clock: Clock::system(), attempts, refuses: false }
}

fn poll_once<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(out) => out,
        Poll::Pending => panic!("it was to be ready at once"),
    }
}

fn fails(failures: u32, attempt: Attempt) -> Ready<Result<u32, Down>> {
    let number = attempt.number().get();
    ready(if number <= failures { Err(Down) } else { Ok(number) })
}

/// Allocations of the second run: the first may set up what lasts for the life of the thread.
#[track_caller]
fn allocates_nothing(run: impl Fn()) {
    run();
    assert_eq!(allocation_counter::measure(run).count_total, 0);
}

#[test]
fn the_counter_counts() {
    let info = allocation_counter::measure(|| drop(std::hint::black_box(Box::new(7_u64))));
    assert_eq!(info.count_total, 1, "or all tests here are worth nothing");
}

#[test]
fn a_call_that_is_ready_allocates_nothing() {
    let policy = plain(1);
    allocates_nothing(|| {
        assert_eq!(poll_once(Call::new(&policy, |attempt| fails(0, attempt), ByClass)).unwrap(), 1);
    });
}

#[test]
fn neither_do_attempts_that_follow_at_once() {
    let policy = plain(5);
    allocates_nothing(|| {
        assert_eq!(poll_once(Call::new(&policy, |attempt| fails(4, attempt), ByClass)).unwrap(), 5);
    });
}

#[test]
fn neither_does_a_call_that_fails() {
    let policy = plain(1);
    allocates_nothing(|| {
        let result = poll_once(Call::new(&policy, |attempt| fails(9, attempt), ByClass));
        assert!(matches!(result, Err(CallError::Failed(Down))));
    });
}

#[test]
fn cb_34_neither_does_a_refusal() {
    let policy = Plain { refuses: true, ..plain(1) };
    allocates_nothing(|| {
        for _ in 0..100 {
            let result = poll_once(Call::new(&policy, |attempt| fails(0, attempt), ByClass));
            assert!(matches!(result, Err(CallError::Rejected(_))));
        }
    });
}

#[test]
fn neither_does_a_call_that_waits_for_the_callee_without_a_limit() {
    let policy = plain(1);
    allocates_nothing(|| {
        let mut waited = false;
        let op = |_| {
            std::future::poll_fn(move |_| {
                if std::mem::replace(&mut waited, true) {
                    Poll::Ready(Ok::<_, Down>(1))
                } else {
                    Poll::Pending
                }
            })
        };
        let mut call = pin!(Call::new(&policy, op, ByClass));
        assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        assert_eq!(poll_once(call).unwrap(), 1);
    });
}

#[test]
fn neither_does_a_thread() {
    let policy = plain(3);
    allocates_nothing(|| {
        let op = |attempt: Attempt| if attempt.is_retry() { Ok(()) } else { Err(Down) };
        call_blocking(&policy, op, &ByClass, None).unwrap();
    });
}

#[test]
fn neither_does_a_permit() {
    let policy = plain(1);
    allocates_nothing(|| {
        Permit::acquire(&policy).unwrap().success();
        drop(Permit::acquire(&policy).unwrap());
    });
}

#[test]
fn neither_does_a_stack_of_policies_that_are_there_or_not() {
    let stack = Stack::new(Some(plain(1)), Stack::new(None::<Plain>, Some(plain(3))));
    allocates_nothing(|| {
        assert_eq!(poll_once(Call::new(&stack, |attempt| fails(2, attempt), ByClass)).unwrap(), 3);
    });
}

/// The size of a call, and what it came to.
fn size_and_result<F: Future<Output = Result<T, E>>, T, E>(call: F) -> (usize, Result<T, E>) {
    (size_of_val(&call), poll_once(call))
}

#[test]
fn a_call_is_at_most_256_bytes_larger_than_its_attempt() {
    let policy = plain(1);
    let (size, result) = size_and_result(Call::new(&policy, |attempt| fails(0, attempt), ByClass));
    let attempt = size_of::<Ready<Result<u32, Down>>>();
    assert!(result.is_ok() && size <= 256 + attempt, "{size} around {attempt}");

    let op = |_| ready(Ok::<_, Infallible>([0_u8; 4_096]));
    let (size, result) = size_and_result(Call::new(&policy, op, ByClass));
    let attempt = size_of::<Ready<Result<[u8; 4_096], Infallible>>>();
    assert!(result.is_ok() && size <= 256 + attempt, "{size} around {attempt}");
}

#[test]
fn a_policy_that_is_not_there_makes_a_call_hardly_larger() {
    let (here, absent) = (plain(1), None::<Plain>);
    let (alone, _) = size_and_result(Call::new(&here, |attempt| fails(0, attempt), ByClass));
    let stack = Stack::new(&absent, &here);
    let (stacked, result) = size_and_result(Call::new(stack, |attempt| fails(0, attempt), ByClass));
    assert!(result.is_ok() && stacked <= alone + 32, "{stacked} and {alone}");
}

#[test]
fn neither_does_a_key_that_is_known() {
    let map: KeyedMap<String, u32> = Keyed::max(10).build().unwrap();
    allocates_nothing(|| {
        assert_eq!(*map.get_or_insert_with("db-1", || 7).unwrap(), 7);
        assert!(map.get("db-1").is_some() && map.get("db-2").is_none());
    });
}
