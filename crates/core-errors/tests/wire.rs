//! What one service says of its failure, another reads.
#![cfg(feature = "json")]
#![expect(clippy::unwrap_used, reason = "a test that cannot read has failed")]

use std::time::Duration;

use core_errors::{Category, Classify, Code, Error, Recovery, RemoteError, Verdict, Visibility};
use proptest::prelude::*;
use serde_json::{Value, json};

fn read(json: &Value) -> RemoteError {
    RemoteError::from_json(json.to_string().as_bytes()).unwrap()
}

#[test]
fn a_report_has_version_1_and_this_form() {
    // Whatever the environment asks for.
    core_errors::BacktracePolicy::NEVER.install();
    let error = Error::external_service("the bank is closed")
        .with_code(const { Code::new("BANK_CLOSED") })
        .with_internal("host bank-3")
        .with_retry_after(Duration::from_millis(1_500))
        .with("attempt", 3)
        .with_visible("pin", "1234", Visibility::Sensitive)
        .cause(std::io::Error::other("eof"))
        .op("orders.charge");
    let mut json = serde_json::to_value(error.for_log()).unwrap();
    let location = json.as_object_mut().unwrap().remove("location").unwrap();
    assert!(location.as_str().unwrap().contains("wire.rs:"), "{location}");
    let expected = json!({
        "v": 1, "category": "external_service", "recovery": "transient", "idempotent_only": true,
        "code": "BANK_CLOSED", "message": "the bank is closed", "internal": "host bank-3",
        "operation": "orders.charge", "retry_after_ms": 1500, "metadata": {"attempt": 3, "pin": "***"},
        "causes": [{"message": "eof", "type": "std::io::error::Error"}],
    });
    assert_eq!(json, expected);
}

#[test]
fn what_the_callee_knew_the_caller_knows() {
    let said = Error::rate_limit("one a second")
        .with_code(const { Code::new("TOO_FAST") })
        .with_retry_after(Duration::from_secs(2))
        .with_public("limit", 1)
        .op("quote");
    for json in
        [serde_json::to_value(said.for_log()).unwrap(), serde_json::to_value(said.to_problem()).unwrap()]
    {
        let remote = read(&json);
        assert_eq!((remote.category, remote.recovery), (Category::RateLimit, Recovery::Transient));
        assert_eq!((remote.code.as_deref(), remote.message.as_str()), (Some("TOO_FAST"), "one a second"));
        assert_eq!(remote.metadata, [("limit".to_owned(), "1".to_owned())]);
        assert_eq!(remote.verdict(), Verdict::Overload(Some(Duration::from_secs(2))));
        let ours = Error::from(remote);
        assert_eq!(ours.remote().unwrap().code.as_deref(), Some("TOO_FAST"));
        assert_eq!(ours.retry_after(), Some(Duration::from_secs(2)));
        assert_eq!(ours.verdict(), Verdict::Overload(Some(Duration::from_secs(2))));
        assert_eq!(ours.message(), "Service unavailable", "its words are not ours to publish");
    }
}

/// A 401 of a dependency told our own client to log in.
#[test]
fn what_is_the_callers_fault_over_there_is_not_our_clients_fault() {
    for category in Category::all() {
        let ours = Error::from(RemoteError::new(category, "x"));
        assert!(!ours.category().is_client_fault(), "{category}");
        assert!([502, 503, 504].contains(&ours.to_problem().status), "{category}");
        assert_eq!(ours.recovery(), category.recovery(), "what helps is the same");
        assert_eq!(ours.remote().unwrap().category, category, "and it is still known");
    }
}

#[test]
fn rfc_9457_members_that_are_wrong_or_unknown_are_ignored() {
    let problem = json!({"type": 7, "title": "Slow down", "status": 429, "detail": ["x"], "retry_after": "soon",
        "category": {"a": 1}, "extra": null, "metadata": [1], "causes": {"b": 2}});
    let remote = read(&problem);
    assert_eq!((remote.category, remote.message.as_str()), (Category::RateLimit, "Slow down"));
    assert_eq!((remote.retry_after, remote.metadata.len(), remote.causes.len()), (None, 0, 0));
    // A newer peer: the kind is unknown, what helps is still said.
    let newer = read(&json!({"v": 9, "category": "quantum", "recovery": "transient", "message": "?"}));
    assert_eq!((newer.category, newer.recovery), (Category::Unknown, Recovery::Transient));
    assert_eq!(read(&json!({"status": 100_000})).category, Category::Unknown);
    assert_eq!(read(&json!({"retry_after": u64::MAX})).retry_after, Some(Duration::from_secs(86_400)));
}

#[test]
fn what_cannot_be_read_says_why() {
    let fail = |text: &[u8]| RemoteError::from_json(text).unwrap_err().to_string();
    assert!(fail(b"<html>").contains("no JSON"));
    assert!(fail(b"[1]").contains("no object"));
    assert!(fail(&vec![b' '; 70_000]).contains("65536"));
    assert!(fail("[".repeat(60_000).as_bytes()).contains("no JSON"), "deep nesting ends");
}

#[test]
fn a_chain_of_causes_is_written_only_so_far() {
    let deep = (0..100)
        .fold(Error::internal("x".repeat(10_000)), |inner, i| Error::internal(format!("{i}")).cause(inner));
    let json = serde_json::to_value(deep.for_log()).unwrap();
    assert_eq!(json["causes"].as_array().unwrap().len(), 16);
    let long = Error::internal("x").cause(Error::internal("ä".repeat(10_000)));
    let json = serde_json::to_value(long.for_log()).unwrap();
    assert!(json["causes"][0]["message"].as_str().unwrap().len() <= 2_048);
}

fn any_error() -> impl Strategy<Value = Error> {
    let category = (0..Category::COUNT).prop_map(|n| Category::nth(n).unwrap());
    let recovery = prop::sample::select(vec![Recovery::Retriable, Recovery::Transient, Recovery::Fatal]);
    let after = prop::option::of(0u64..86_400_000).prop_map(|ms| ms.map(Duration::from_millis));
    (category, ".*", prop::option::of(recovery), after, prop::option::of(".*"), any::<i64>(), any::<f64>())
        .prop_map(|(category, message, recovery, after, op, int, float)| {
            let mut error = Error::new(category, message).with("int", int).with("float", float);
            error = recovery.into_iter().fold(error, Error::with_recovery);
            error = after.into_iter().fold(error, Error::with_retry_after);
            op.into_iter().fold(error, Error::op)
        })
}

proptest! {
    #[test]
    fn every_report_comes_back_as_it_was(error in any_error()) {
        let remote = RemoteError::from_json(&serde_json::to_vec(&error.for_log()).unwrap()).unwrap();
        prop_assert_eq!(remote.category, error.category());
        prop_assert_eq!(remote.recovery, error.recovery());
        prop_assert_eq!(remote.idempotent_only, error.idempotent_only());
        prop_assert_eq!(remote.retry_after, error.retry_after());
        prop_assert_eq!(&remote.message, error.message());
        prop_assert_eq!(remote.operation.as_deref(), error.operation());
        let int = error.fact("int").unwrap().shown().into_owned();
        prop_assert!(remote.metadata.contains(&("int".to_owned(), int)));
    }

    #[test]
    fn no_bytes_at_all_make_reading_panic(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        let _ = RemoteError::from_json(&bytes);
    }
}
