//! Many failures as one.

use std::error::Error as _;
use std::time::Duration;

use core_errors::{Category, Classify, Error, Errors, MultiError, Recovery};

#[test]
fn b_6_none_is_no_error_one_is_itself_two_are_counted() {
    assert!(Errors::new().into_result().is_ok());
    let none: [Result<(), Error>; 2] = [Ok(()), Ok(())];
    assert_eq!(MultiError::collect(none).unwrap().len(), 2);

    let one: MultiError = [Error::timeout("slow")].into_iter().collect::<Errors>().into_result().unwrap_err();
    assert_eq!(one.to_string(), "slow");
    let error = Error::from(one);
    assert!(error.source().is_none(), "a single one needs no wrapper");

    let two =
        MultiError::collect([Err(Error::timeout("slow")), Ok(1), Err(Error::network("gone"))]).unwrap_err();
    assert_eq!(two.to_string(), "2 errors occurred");
    assert_eq!(format!("{two:#}"), "2 errors occurred: slow; gone");
    assert_eq!(Error::from(two).message(), "2 errors occurred");
}

#[test]
fn the_kind_is_that_of_the_worst_and_the_recovery_that_which_promises_least() {
    let all: Errors = [
        Error::validation("bad"),
        Error::timeout("slow").with_retry_after(Duration::from_secs(1)),
        Error::network("gone").with_retry_after(Duration::from_secs(3)),
    ]
    .into_iter()
    .collect();
    let all = all.into_result().unwrap_err();
    // Network and timeout are as loud as each other; network comes first in the table.
    assert_eq!(all.category(), Category::Network);
    assert_eq!(all.recovery(), Recovery::InvalidInput);
    assert_eq!(all.retry_after(), Some(Duration::from_secs(3)));
    assert!(all.idempotent_only());
    assert_eq!(Error::from(all).category(), Category::Network);
}

#[test]
fn more_than_64_are_counted_and_not_kept() {
    let all: Errors = (0..1_000).map(|i| Error::timeout(format!("{i}"))).collect();
    assert_eq!(all.len(), 1_000);
    let all = all.into_result().unwrap_err();
    assert_eq!((all.errors().count(), all.len(), all.omitted()), (64, 1_000, 936));
    assert!(format!("{all:#}").ends_with("and 936 more"));
}

#[cfg(feature = "serde")]
#[test]
fn a_problem_lists_what_is_wrong_with_a_request_and_nothing_else() {
    let bad =
        || [Error::validation_at("#/age", "must be positive"), Error::validation_at("#/name", "is missing")];
    let all: Errors = bad().into_iter().collect();
    let problem = Error::from(all.into_result().unwrap_err()).to_problem();
    let json = serde_json::to_value(&problem).unwrap();
    let expected = serde_json::json!([
        {"detail": "must be positive", "pointer": "#/age"}, {"detail": "is missing", "pointer": "#/name"},
    ]);
    assert_eq!((problem.status, &json["errors"]), (400, &expected));

    // Of different kinds, the most relevant one only.
    let mixed: Errors = bad().into_iter().chain([Error::data("lost").with_internal("SECRET")]).collect();
    let problem = Error::from(mixed.into_result().unwrap_err()).to_problem();
    assert_eq!((problem.status, problem.errors.len()), (500, 0));
    assert!(!format!("{problem:?}").contains("SECRET"));
}
