//! The switch for tests of applications. One test: the switch is the process's.

use std::cell::Cell;
use std::future::ready;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use core_errors::Error;
use core_policy::CallError;
use core_retry::{Budget, Hedge, Retry, Testing};
use core_time::ManualClock;

#[test]
fn rt_12_a_test_of_an_application_need_not_wait() {
    let time = ManualClock::new();
    let retry = Retry::critical().clock(time.clock()).build().unwrap();
    let run = || retry.call_blocking(|_| Err::<(), _>(Error::network("gone"))).unwrap_err();
    {
        let _testing = Testing::attempts(2);
        assert!(matches!(run(), CallError::Exhausted { attempts: 2, .. }));
        assert_eq!(time.elapsed(), Duration::ZERO);
        let _once = Testing::attempts(1);
        assert!(matches!(run(), CallError::Failed(_)));
    }
    // What would be made anew as if it had not been made is not, either.
    let unsent = || Error::network("gone").with_delivery(core_errors::Delivery::NeverSent);
    let calls = Cell::new(0);
    let again = || {
        calls.set(0);
        let _ = retry.call_blocking(|_| {
            calls.set(calls.get() + 1);
            if calls.get() > 3 { Ok(()) } else { Err(unsent()) }
        });
        calls.get()
    };
    assert_eq!(again(), 4);
    {
        let _testing = Testing::attempts(2);
        assert_eq!(again(), 2);
    }
    // Hedges are attempts, too.
    let hedge = Hedge::on_failure().max(3).budget(&Budget::default()).build().unwrap();
    let made = Cell::new(0);
    let fails = || {
        made.set(0);
        let mut call = pin!(hedge.call(|_| {
            made.set(made.get() + 1);
            ready(Err::<(), _>(Error::network("gone")))
        }));
        assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
        made.get()
    };
    assert_eq!(fails(), 4);
    {
        let _testing = Testing::attempts(2);
        assert_eq!(fails(), 2);
    }
    assert!(matches!(run(), CallError::Exhausted { attempts: 10, .. }));
    assert!(time.elapsed() > Duration::ZERO);
}
