//! The switch for tests of applications. One test: the switch is the process's.

use std::time::Duration;

use core_errors::Error;
use core_policy::CallError;
use core_retry::{Retry, Testing};
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
    assert!(matches!(run(), CallError::Exhausted { attempts: 10, .. }));
    assert!(time.elapsed() > Duration::ZERO);
}
