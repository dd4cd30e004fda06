//! A derived error stays what it says of itself, whatever is said about it.
#![cfg(feature = "derive")]

use std::time::Duration;

use core_errors::{Category, Classify, Code, Error, Errors, MultiError, Recovery, ResultExt};

const AFTER: Duration = Duration::from_secs(3);

#[derive(Debug, thiserror::Error, Classify)]
#[classify(into_error)]
enum ChargeError {
    #[error("declined")]
    #[classify(category = Validation)]
    Declined,
    #[error("slow down")]
    #[classify(category = RateLimit, code = "GATEWAY_BUSY")]
    Busy {
        #[classify(retry_after)]
        after: Duration,
    },
}

fn answers(error: &impl Classify) -> (Category, Recovery, Option<Code>, Option<Duration>) {
    (error.category(), error.recovery(), error.code(), error.retry_after())
}

/// A conversion saw a box, in which nobody knows what a derived error says of itself.
#[test]
fn what_a_variant_says_stays_whatever_is_said_about_it() {
    let failed = || Err::<(), _>(ChargeError::Busy { after: AFTER });
    let mut errors = Errors::new();
    errors.ok(failed());
    let all = [
        failed().op("orders.charge").unwrap_err(),
        failed().or_message("slow down").unwrap_err(),
        Error::from(errors.into_result().unwrap_err()),
        Error::from(MultiError::collect([failed()]).unwrap_err()),
        Error::transient("orders.charge", ChargeError::Busy { after: AFTER }),
    ];
    for error in &all {
        assert_eq!(answers(error), answers(&ChargeError::Busy { after: AFTER }), "{error:?}");
        assert!(error.location().file().ends_with("derived.rs"), "{}", error.location());
    }
    let fatal = Error::fatal("orders.charge", ChargeError::Declined);
    assert_eq!((fatal.category(), fatal.recovery()), (Category::Validation, Recovery::Fatal));
}

#[test]
fn a_variant_may_know_whether_the_call_took_effect() {
    #[derive(Classify)]
    #[classify(category = Timeout)]
    enum Sent {
        #[classify(idempotent_only = false)]
        Never,
        Perhaps,
        #[classify(category = Unavailable, idempotent_only = true)]
        Half,
        #[classify(transparent)]
        Asked(Error),
    }
    let asked = |only| Sent::Asked(Error::timeout("slow").with_idempotent_only(only));
    let all = [Sent::Never, Sent::Perhaps, Sent::Half, asked(false), asked(true)];
    assert_eq!(all.map(|sent| sent.idempotent_only()), [false, true, true, false, true]);
}
