//! What the layers of seatbelt share: a clock, a way to tell failures, and a loop.
//!
//! They run as `layered` services, which box nothing, and read the clock that `tick` offers for speed.

use std::time::Duration;

use layered::{Execute, Service};
use seatbelt::breaker::{Breaker, BreakerLayer};
use seatbelt::retry::{Retry, RetryLayer};
use seatbelt::timeout::{Timeout, TimeoutLayer};
use seatbelt::typestates::Set;
use seatbelt::{RecoveryInfo, ResilienceContext};
use tick::Clock;

use super::{Answer, Failure, call};
use crate::{Loop, looped, ready};

pub(super) fn context() -> ResilienceContext<u64, Answer> {
    ResilienceContext::new(Clock::new_tokio().with_fast_instant(true))
}

/// The call as a service.
pub(super) fn service() -> impl Service<u64, Out = Answer> + 'static {
    Execute::new(call)
}

pub(super) fn breaker(context: &ResilienceContext<u64, Answer>) -> BreakerLayer<u64, Answer, Set, Set> {
    Breaker::layer("breaker", context)
        .recovery_with(|answer, _| recovery(answer))
        .rejected_input_error(|_, _| Failure)
        .failure_threshold(0.5)
        .min_throughput(20)
        .sampling_duration(Duration::from_secs(10))
        .break_duration(Duration::from_hours(1))
}

pub(super) fn retry(context: &ResilienceContext<u64, Answer>) -> RetryLayer<u64, Answer, Set, Set> {
    Retry::layer("retry", context)
        .clone_input()
        .recovery_with(|answer, _| recovery(answer))
        .max_retry_attempts(3)
        .base_delay(Duration::from_millis(50))
        .max_delay(Duration::from_secs(1))
}

pub(super) fn timeout(context: &ResilienceContext<u64, Answer>) -> TimeoutLayer<u64, Answer, Set, Set> {
    Timeout::layer("timeout", context).timeout(Duration::from_millis(300)).timeout_error(|_| Failure)
}

pub(super) fn service_loop(service: impl Service<u64, Out = Answer> + 'static) -> Loop {
    looped(move |input| ready(service.execute(input)))
}

fn recovery(answer: &Answer) -> RecoveryInfo {
    match answer {
        Ok(_) => RecoveryInfo::never(),
        Err(_) => RecoveryInfo::retry(),
    }
}
