//! The one flat error of all policies.
#![expect(clippy::unwrap_used, reason = "a helper of a test may panic")]

use std::error::Error as StdError;
use std::time::Duration;

use core_errors::{Category, Code, Delivery, Error, MultiError, ResultExt};
use core_policy::{
    CallError, Classify, Flatten, Name, PolicyKind, Reason, Recovery, Rejection, Verdict, Why,
};
use core_time::{ms, secs};

const CODE: Code = Code::new("CONN_RESET");

fn reset() -> Error {
    let socket = std::io::Error::other("connection reset by peer");
    Error::network("the gateway hung up").with_code(CODE).with_retry_after(secs(3)).cause(socket)
}

fn exhausted<E>(last: E, why: Why) -> CallError<E> {
    CallError::Exhausted { last, attempts: 3, elapsed: ms(700), why }
}

fn refused(reason: Reason) -> Rejection {
    Rejection::new(PolicyKind::Breaker, Name::new("payments").unwrap(), reason)
}

#[test]
fn its_text_is_one_level_deep() {
    assert_eq!(CallError::Failed(reset()).to_string(), "the gateway hung up");
    assert_eq!(
        exhausted(reset(), Why::Attempts).to_string(),
        "gave up after 3 attempts in 700ms (all attempts were made): the gateway hung up"
    );
    let rejected = CallError::<Error>::from(refused(Reason::CircuitOpen).with_retry_after(secs(2)));
    assert_eq!(rejected.to_string(), "breaker `payments`: the circuit is open, worth trying again in 2s");
}

#[test]
fn each_reason_to_give_up_has_a_text() {
    for (why, text) in [
        (Why::Attempts, "all attempts were made"),
        (Why::BudgetExhausted, "the retry budget is spent"),
        (Why::DeadlineWouldExceed, "the next attempt would be too late for the deadline"),
        (Why::Refused(PolicyKind::RateLimit, Reason::RateLimited), "rate_limit: over the rate limit"),
    ] {
        assert_eq!(why.to_string(), text);
    }
}

/// The texts of the causes, nearest first.
fn causes(error: &dyn StdError) -> Vec<String> {
    std::iter::successors(error.source(), |&cause| cause.source()).map(ToString::to_string).collect()
}

#[test]
fn nothing_is_missing_in_its_chain() {
    let failed = CallError::Failed(reset());
    assert_eq!(causes(&failed), ["the gateway hung up", "connection reset by peer"]);
    let exhausted = exhausted(reset(), Why::Attempts);
    assert_eq!(causes(&exhausted), ["the gateway hung up", "connection reset by peer"]);
    assert!(exhausted.source().unwrap().is::<Error>(), "the error keeps its type (rule RT-1)");
    let rejected = CallError::<Error>::from(refused(Reason::CircuitOpen));
    assert!(rejected.source().unwrap().is::<Rejection>());
}

/// Layers of tower box the errors of what they wrap: those were unknown then, and a refusal a failure of the callee.
#[test]
fn in_a_box_it_is_known_by_its_cause() {
    type Boxed = Box<dyn StdError + Send + Sync>;
    let boxed = |error: CallError<std::io::Error>| Error::convert(Boxed::from(error));
    let slow = || std::io::Error::from(std::io::ErrorKind::TimedOut);
    assert_eq!(boxed(CallError::Failed(slow())).category(), Category::Timeout);
    let refusal = boxed(refused(Reason::CircuitOpen).into());
    assert_eq!((refusal.category(), refusal.verdict()), (Category::Unavailable, Verdict::Ignore));
    assert_eq!(format!("{refusal:#}").matches("open").count(), 1, "and yet its text stands there once");
}

#[derive(Debug)]
struct Wrapped(CallError<Error>);

impl std::fmt::Display for Wrapped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the order was not placed")
    }
}

impl StdError for Wrapped {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.0)
    }
}

/// An earlier attempt may have been done, whatever the last one says of itself: it was taken for a request that never left, and made anew.
#[test]
fn rt_9_how_far_the_last_of_several_attempts_came_says_nothing_of_the_call_in_a_box_either() {
    let unsent = || reset().with_delivery(Delivery::NeverSent);
    assert_eq!(Delivery::of_transport(&CallError::Failed(unsent())), Delivery::NeverSent, "there was one");
    let several = || exhausted(unsent(), Why::Attempts);
    assert_eq!(Delivery::of_transport(&several()), Delivery::Unknown);
    assert_eq!(Delivery::of_transport(&Wrapped(several())), Delivery::Unknown);
    assert_eq!(Error::convert(Wrapped(several())).delivery(), Delivery::Unknown);
    // What is said of one error is not said of the next.
    assert_eq!(Delivery::of_transport(&CallError::Failed(unsent())), Delivery::NeverSent);
}

/// A layer of tower around a retry boxes its error: a retry further out began anew.
#[test]
fn rt_8_what_was_exhausted_is_permanent_in_a_box_too() {
    type Boxed = Box<dyn StdError + Send + Sync>;
    let all: [Error; 4] = [
        Error::convert(Boxed::from(exhausted(reset(), Why::Attempts))),
        Error::convert(Boxed::from(exhausted(
            std::io::Error::from(std::io::ErrorKind::TimedOut),
            Why::Attempts,
        ))),
        Error::convert(Wrapped(exhausted(reset(), Why::BudgetExhausted))),
        Error::convert(std::sync::Arc::new(exhausted(reset().forbidding_retry(), Why::Attempts))),
    ];
    for error in &all {
        assert_eq!((error.recovery(), error.verdict()), (Recovery::Fatal, Verdict::Permanent), "{error:#}");
        assert!(!Classify::forbids_retry(error), "it was not the callee that said so");
    }
    let kinds = all.map(|error| error.category());
    assert_eq!(kinds, [Category::Network, Category::Timeout, Category::Network, Category::Network]);
    let once = Error::convert(Boxed::from(CallError::Failed(reset())));
    assert_eq!(once.verdict(), reset().verdict(), "tried once, it may be tried again");
}

/// It took the error of the call for one that nobody knows.
#[test]
fn an_error_that_classifies_itself_stays_what_it_is_whatever_is_said_about_it() {
    #[derive(Debug)]
    struct Declined;
    impl std::fmt::Display for Declined {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("declined")
        }
    }
    impl StdError for Declined {}
    impl Classify for Declined {
        fn recovery(&self) -> Recovery {
            Recovery::InvalidInput
        }
        fn category(&self) -> Category {
            Category::Validation
        }
        fn code(&self) -> Option<Code> {
            Some(CODE)
        }
    }
    impl From<Declined> for Error {
        fn from(declined: Declined) -> Self {
            Self::classified(declined)
        }
    }
    let failed = || Err::<(), _>(CallError::Failed(Declined));
    let all = [
        Error::from(CallError::Failed(Declined)),
        failed().op("orders.charge").unwrap_err(),
        failed().or_message("x").unwrap_err(),
        MultiError::collect([failed()]).unwrap_err().into(),
        Error::transient("orders.charge", CallError::Failed(Declined)),
    ];
    for error in &all {
        assert_eq!((error.category(), error.code()), (Category::Validation, Some(CODE)), "{error:?}");
    }
    assert_eq!(all[1].recovery(), Recovery::InvalidInput);
    assert_eq!(all[4].recovery(), Recovery::Transient, "whoever makes it says so");
    let gave_up = Err::<(), _>(exhausted(Declined, Why::Attempts)).op("orders.charge").unwrap_err();
    assert_eq!((gave_up.recovery(), gave_up.verdict()), (Recovery::Fatal, Verdict::Permanent));
    assert_eq!(gave_up.category(), Category::Validation);
}

#[test]
fn the_error_of_the_call_is_there_if_the_call_was_made() {
    for error in [CallError::Failed(7), exhausted(7, Why::Attempts)] {
        assert_eq!((error.inner(), error.rejection()), (Some(&7), None));
        assert_eq!(error.clone().map(|n| n * 2).into_inner(), Some(14));
    }
    let rejected = CallError::<i32>::from(refused(Reason::CircuitOpen));
    assert_eq!((rejected.inner(), rejected.rejection()), (None, Some(&refused(Reason::CircuitOpen))));
    assert_eq!(rejected.map(|n| n * 2).into_inner(), None);
}

#[test]
fn changing_the_type_of_the_error_changes_nothing_else() {
    let why = Why::Refused(PolicyKind::Breaker, Reason::CircuitOpen);
    assert_eq!(exhausted(7, why).map(|n: i32| n.to_string()), exhausted("7".to_owned(), why));
}

#[test]
fn rt_8_what_was_exhausted_below_is_permanent_to_a_retry_further_out() {
    let error = exhausted(reset(), Why::Attempts);
    assert_eq!((error.verdict(), error.recovery()), (Verdict::Permanent, Recovery::Fatal));
    assert!(error.verdict().is_failure(), "to a breaker further out it is still a failure");
    assert_eq!((error.category(), Classify::code(&error)), (Category::Network, Some(CODE)));
    assert_eq!(error.retry_after(), Some(secs(3)), "for the client, not for us");
}

#[test]
fn a_failure_is_classified_as_its_error() {
    let (plain, error) = (reset(), CallError::Failed(reset()));
    assert_eq!(error.verdict(), plain.verdict());
    assert_eq!(error.recovery(), plain.recovery());
    assert_eq!(error.retry_after(), plain.retry_after());
    assert_eq!(error.category(), plain.category());
    assert_eq!(Classify::code(&error), plain.code());
    assert!(!error.forbids_retry());
}

#[test]
fn what_a_callee_said_of_one_attempt_is_not_said_of_all_that_were_made() {
    let said = || reset().with_delivery(Delivery::NeverSent).forbidding_retry();
    let of = |error: CallError<Error>| (error.delivery(), error.forbids_retry());
    assert_eq!(of(CallError::Failed(said())), (Delivery::NeverSent, true));
    assert_eq!(of(exhausted(said(), Why::Attempts)), (Delivery::Unknown, false));
    assert_eq!(of(refused(Reason::CircuitOpen).into()), (Delivery::Unknown, false));
}

#[test]
fn pl_3_a_refusal_says_nothing_about_the_callee_unless_it_ran_out_of_time() {
    for reason in [Reason::CircuitOpen, Reason::RateLimited, Reason::BulkheadFull, Reason::DeadlineExceeded] {
        assert_eq!(CallError::<Error>::from(refused(reason)).verdict(), Verdict::Ignore, "{reason}");
    }
    let late = CallError::<Error>::from(refused(Reason::TimedOut));
    assert_eq!(late.verdict(), Verdict::Transient(None));
}

#[test]
fn whether_time_ran_out_can_be_asked_of_all_of_them() {
    let over = |reason| exhausted((), Why::Refused(PolicyKind::Timeout, reason)).is_timeout();
    assert!(over(Reason::TimedOut) && over(Reason::DeadlineExceeded) && !over(Reason::CircuitOpen));
    assert!(exhausted((), Why::DeadlineWouldExceed).is_timeout());
    assert!(!exhausted((), Why::Attempts).is_timeout() && !exhausted((), Why::BudgetExhausted).is_timeout());
    assert!(CallError::<()>::from(refused(Reason::TimedOut)).is_timeout());
    assert!(!CallError::<()>::from(refused(Reason::BulkheadFull)).is_timeout());
    assert!(!CallError::Failed(Error::timeout("the callee's own")).is_timeout());
}

// === nesting by hand ===

#[test]
fn what_the_inner_call_said_wins() {
    let inner: [CallError<i32>; 3] =
        [CallError::Failed(7), exhausted(7, Why::BudgetExhausted), refused(Reason::RateLimited).into()];
    for inner in inner {
        assert_eq!(CallError::Failed(inner.clone()).flatten(), inner);
    }
    let refusal = CallError::<CallError<i32>>::from(refused(Reason::CircuitOpen));
    assert_eq!(refusal.flatten(), CallError::from(refused(Reason::CircuitOpen)));
}

#[test]
fn an_outer_retry_over_plain_failures_is_the_retry() {
    assert_eq!(exhausted(CallError::Failed(7), Why::Attempts).flatten(), exhausted(7, Why::Attempts));
    let inner = CallError::Exhausted { last: 7, attempts: 9, elapsed: secs(1), why: Why::BudgetExhausted };
    assert_eq!(exhausted(inner.clone(), Why::Attempts).flatten(), inner);
    let refusal = CallError::<i32>::from(refused(Reason::CircuitOpen));
    assert_eq!(exhausted(refusal.clone(), Why::Attempts).flatten(), refusal);
}

#[test]
fn a_result_flattens_too() {
    let nested: Result<u8, CallError<CallError<i32>>> = Err(CallError::Failed(CallError::Failed(7)));
    assert_eq!(nested.flatten_error(), Err(CallError::Failed(7)));
    assert_eq!(Ok::<u8, CallError<CallError<i32>>>(1).flatten_error(), Ok(1));
}

// === into the error of the service ===

#[test]
fn a_failure_comes_out_as_the_error_that_went_in() {
    let error = Error::from(CallError::Failed(reset()));
    assert_eq!((error.message(), error.code()), ("the gateway hung up", Some(CODE)));
    assert_eq!((error.recovery(), error.retry_after()), (Recovery::Transient, Some(secs(3))));
}

#[test]
fn a_foreign_failure_is_kept_as_the_cause() {
    let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
    let error = Error::from(CallError::Failed(refused));
    assert_eq!(error.category(), Category::Network);
    assert!(error.source().unwrap().is::<std::io::Error>());
}

#[test]
fn what_was_exhausted_tells_how_hard_it_was_tried() {
    let error = Error::from(exhausted(reset(), Why::BudgetExhausted));
    assert_eq!((error.message(), error.code()), ("the gateway hung up", Some(CODE)));
    assert_eq!(error.recovery(), Recovery::Fatal);
    let fact = |key| error.metadata().iter().find(|fact| fact.key == key).unwrap().shown().into_owned();
    assert_eq!(
        [fact("attempts"), fact("elapsed"), fact("gave_up")],
        ["3", "700ms", "the retry budget is spent"]
    );
    assert_eq!(
        error.to_problem(),
        Error::from(CallError::Failed(reset().with_recovery(Recovery::Fatal))).to_problem()
    );
}

#[test]
fn a_refusal_comes_out_with_its_code_and_the_time_to_come_back() {
    let rejection = refused(Reason::CircuitOpen).with_retry_after(Duration::from_secs(2));
    let error = Error::from(CallError::<std::io::Error>::from(rejection));
    assert_eq!(error.code(), Some(Code::new("CIRCUIT_OPEN")));
    assert_eq!((error.category(), error.retry_after()), (Category::Unavailable, Some(secs(2))));
    assert!(!error.to_string().contains("payments"), "a client need not know the name of a policy");
}

#[test]
fn whether_a_call_may_have_taken_effect_passes_through() {
    let harmless = || CallError::Failed(Error::network("x").with_idempotent_only(false));
    assert!(!harmless().idempotent_only());
    assert!(CallError::Failed(Error::unavailable("x").with_idempotent_only(true)).idempotent_only());
    let refused = Rejection::new(PolicyKind::Bulkhead, Name::UNNAMED, Reason::BulkheadFull);
    assert!(!CallError::<Error>::Rejected(refused).idempotent_only());
}

#[tokio::test]
async fn fb_1_a_fallback_answers_for_the_callee_and_for_policies_and_not_for_the_caller() {
    let refused = || Rejection::new(PolicyKind::RateLimit, Name::UNNAMED, Reason::RateLimited);
    for (error, is_handled) in [
        (CallError::Failed(reset()), true),
        (CallError::Failed(Error::validation("bad")), false),
        (CallError::Rejected(refused()), true),
    ] {
        assert_eq!(error.is_handled(), is_handled, "{error:?}");
        let mut asked = 0;
        let answer = core_policy::or_else(std::future::ready(Err(error)), async |_| {
            asked += 1;
            Ok(7)
        });
        assert_eq!(answer.await.ok(), is_handled.then_some(7));
        assert_eq!(asked, u32::from(is_handled));
    }
    let answer = core_policy::or_else(std::future::ready(Ok(1)), async |_: CallError<Error>| Ok(7));
    assert_eq!(answer.await.ok(), Some(1));
}
