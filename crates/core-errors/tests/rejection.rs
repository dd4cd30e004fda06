//! What a refusal says, and that it says it in 56 bytes.
#![expect(clippy::expect_used, reason = "a test that cannot set its scene has failed")]

use std::time::Duration;

use core_errors::{
    Category, Cause, Classify, Code, Error, Name, PolicyKind, Reason, Recovery, Rejection, Verdict,
};

fn shard() -> Name {
    Name::new("shard").expect("it is a name")
}
const LOST: Code = Code::new("LOST");

const KINDS: [PolicyKind; 10] = [
    PolicyKind::Retry,
    PolicyKind::Hedge,
    PolicyKind::Breaker,
    PolicyKind::Outlier,
    PolicyKind::RateLimit,
    PolicyKind::Throttle,
    PolicyKind::Bulkhead,
    PolicyKind::Adaptive,
    PolicyKind::Timeout,
    PolicyKind::Deadline,
];

const REASONS: [Reason; 17] = [
    Reason::CircuitOpen,
    Reason::ForcedOpen,
    Reason::HalfOpenFull,
    Reason::RampUp,
    Reason::HostEjected,
    Reason::TimedOut,
    Reason::DeadlineExceeded,
    Reason::RateLimited,
    Reason::Throttled,
    Reason::Impossible,
    Reason::BulkheadFull,
    Reason::QueueTimeout,
    Reason::LimitReached,
    Reason::Shed,
    Reason::TooManyKeys,
    Reason::ShutDown,
    Reason::BudgetExhausted,
];

fn of(policy: PolicyKind, reason: Reason) -> Rejection {
    Rejection::new(policy, shard(), reason)
}

#[test]
fn a_refusal_says_who_and_why_and_nothing_that_it_was_not_told() {
    assert_eq!(size_of::<Rejection>(), 56);
    for (policy, reason) in KINDS.into_iter().flat_map(|kind| REASONS.map(|reason| (kind, reason))) {
        let plain = of(policy, reason);
        assert_eq!((plain.policy(), plain.name(), plain.reason()), (policy, shard(), reason));
        assert_eq!((plain.retry_after(), plain.limit(), plain.elapsed()), (None, None, None));
        assert_eq!((plain.generation(), plain.attempts(), plain.cause()), (0, None, None));
        assert_eq!(plain.is_timeout(), matches!(reason, Reason::TimedOut | Reason::DeadlineExceeded));
        assert_eq!(plain.to_string(), format!("{policy} `shard`: {reason}"));
    }
}

#[test]
fn what_it_was_told_comes_back_to_the_nanosecond() {
    let (after, limit, elapsed) = (Duration::from_nanos(1), Duration::ZERO, Duration::new(7, 999_999_999));
    let told = of(PolicyKind::Timeout, Reason::TimedOut).with_retry_after(after).with_limit(limit, elapsed);
    assert_eq!((told.retry_after(), told.limit(), told.elapsed()), (Some(after), Some(limit), Some(elapsed)));
    for nanos in [0, 1, 5_000_000_000] {
        let told = of(PolicyKind::RateLimit, Reason::RateLimited).with_retry_after_nanos(nanos);
        assert_eq!(told.retry_after(), Some(Duration::from_nanos(nanos)));
    }
}

/// Two values of a word stand for nothing and for too much: no time is taken for either.
#[test]
fn a_time_that_no_word_holds_is_the_longest_that_one_does() {
    let longest = Duration::from_nanos(u64::MAX - 2);
    for nanos in [u64::MAX - 2, u64::MAX - 1, u64::MAX] {
        let told = of(PolicyKind::RateLimit, Reason::RateLimited).with_retry_after_nanos(nanos);
        assert_eq!(told.retry_after(), Some(longest), "{nanos}");
        let time = Duration::from_nanos(nanos);
        let told = of(PolicyKind::Timeout, Reason::TimedOut).with_retry_after(time).with_limit(time, time);
        assert_eq!([told.retry_after(), told.limit(), told.elapsed()], [Some(longest); 3], "{nanos}");
    }
    let told = of(PolicyKind::Timeout, Reason::TimedOut).with_retry_after(Duration::MAX);
    assert_eq!(told.retry_after(), Some(longest));
}

/// One word has both: the breaker has rounds, and makes no attempts; the others the opposite.
#[test]
fn a_breaker_says_its_generation_and_the_others_their_attempts() {
    for policy in KINDS {
        let told = of(policy, Reason::TimedOut).with_generation(3);
        let is_breaker = policy == PolicyKind::Breaker;
        assert_eq!((told.generation(), told.attempts()), (if is_breaker { 3 } else { 0 }, None), "{policy}");
        let told = of(policy, Reason::TimedOut).with_attempts(4);
        assert_eq!(
            (told.generation(), told.attempts()),
            (0, if is_breaker { None } else { Some(4) }),
            "{policy}"
        );
    }
}

#[test]
fn attempts_in_vain_are_in_vain_to_whoever_hears_of_it() {
    let once = of(PolicyKind::Timeout, Reason::TimedOut);
    assert_eq!((once.recovery(), once.verdict()), (Recovery::Transient, Verdict::Transient(None)));
    let often = once.with_attempts(3);
    assert_eq!((often.recovery(), often.verdict()), (Recovery::Fatal, Verdict::Permanent));
    // A refusal was made to keep load away, however often it was tried.
    let open = of(PolicyKind::Bulkhead, Reason::BulkheadFull).with_attempts(3);
    assert_eq!((open.recovery(), open.verdict()), (Recovery::Transient, Verdict::Ignore));
}

#[test]
fn it_shows_all_that_it_was_told() {
    let (limit, elapsed) = (Duration::from_millis(50), Duration::from_millis(51));
    let cause = Cause::new(Category::Network, Some(LOST));
    let told = of(PolicyKind::Timeout, Reason::TimedOut).with_limit(limit, elapsed).with_attempts(3);
    let told = told.with_cause(Some(cause)).with_retry_after(Duration::from_secs(2));
    assert_eq!(
        told.to_string(),
        "timeout `shard`: timed out (limit 50ms, 51ms gone by), after 3 attempts, last failure: network LOST, worth trying again in 2s"
    );
    assert_eq!(format!("{told:?}"), format!("Rejection({told})"));
    assert_eq!(told.cause(), Some(cause));
    assert_eq!(told.with_cause(None).cause(), None);
}

/// The client of a service is told what it can do about it, and nothing of who refused.
#[test]
fn a_client_is_told_no_more_than_it_needs() {
    for reason in REASONS {
        let expected = match reason {
            Reason::TimedOut | Reason::DeadlineExceeded => "no answer within the time allowed",
            Reason::RateLimited => "too many requests",
            Reason::Impossible => "the request is larger than the limit allows",
            _ => "the service cannot answer now",
        };
        assert_eq!(Error::from(of(PolicyKind::Bulkhead, reason)).message(), expected);
        let recovery =
            if reason == Reason::Impossible { Recovery::InvalidInput } else { Recovery::Transient };
        assert_eq!(of(PolicyKind::Bulkhead, reason).recovery(), recovery, "{reason:?}");
    }
}
