//! What the vocabulary of failure promises.

use std::error::Error as _;
use std::io::{self, ErrorKind};
use std::time::Duration;

use core_errors::{
    Category, Classify, Code, Error, Name, PolicyKind, Reason, Recovery, Rejection, ResultExt, Verdict,
    Visibility, class_of,
};

const CODE: Code = Code::new("DB_TIMEOUT");

#[test]
fn an_error_is_one_word_and_a_rejection_a_cache_line() {
    assert_eq!(size_of::<Error>(), 8);
    assert_eq!(size_of::<Result<u64, Error>>(), 16);
    assert!(size_of::<Rejection>() <= 64, "{}", size_of::<Rejection>());
}

/// The whole table, row by row: a change of one is a change of what services answer, log and retry.
#[test]
fn the_table_of_categories_is_what_the_docs_say() {
    let rows: Vec<String> = Category::all()
        .map(|c| {
            let repeat = if c.idempotent_only() { "idempotent" } else { "any" };
            let (name, recovery, severity) = (c.as_str(), c.recovery(), c.severity());
            format!(
                "{name} {recovery} {repeat} {} {} {severity:?} {}",
                c.http_status(),
                c.grpc_code(),
                c.title()
            )
        })
        .collect();
    let expected = [
        "infrastructure transient idempotent 503 14 Error Infrastructure failure",
        "application fatal any 500 13 Error Application error",
        "network transient idempotent 502 14 Error Network failure",
        "timeout transient idempotent 504 4 Error Timeout",
        "validation invalid_input any 400 3 Info Invalid request",
        "authentication invalid_input any 401 16 Warning Authentication required",
        "authorization invalid_input any 403 7 Warning Permission denied",
        "configuration fatal any 500 9 Critical Configuration error",
        "external_service transient idempotent 502 14 Error External service failure",
        "rate_limit transient any 429 8 Warning Too many requests",
        "resource invalid_input any 404 5 Info Not found",
        "conflict invalid_input any 409 10 Info Conflict",
        "resource_exhausted transient any 503 8 Error Resource exhausted",
        "unavailable transient any 503 14 Error Service unavailable",
        "cancelled fatal idempotent 499 1 Info Cancelled",
        "data fatal any 500 15 Critical Data error",
        "internal fatal idempotent 500 13 Critical Internal error",
        "unknown unknown idempotent 500 2 Error Unknown error",
    ];
    assert_eq!(rows, expected);
    assert_eq!("from_the_future".parse(), Ok(Category::Unknown));
    for category in Category::all() {
        // Whoever must change the request made a wrong one.
        if category.recovery() == Recovery::InvalidInput {
            assert!(category.is_client_fault(), "{category}");
        }
    }
}

#[test]
fn every_status_has_a_kind_and_answers_of_ours_come_back_as_what_they_were() {
    for status in 0..=u16::MAX {
        let category = Category::of_http_status(status);
        assert_eq!(category == Category::Unknown, !(400..600).contains(&status), "{status}");
    }
    for category in Category::all().filter(|c| c.is_client_fault()) {
        assert_eq!(Category::of_http_status(category.http_status()), category);
    }
}

#[test]
fn g_21_conversion_is_total_and_keeps_the_cause() {
    let cases: [(Box<dyn std::error::Error + Send + Sync>, Category); 7] = [
        (io::Error::from(ErrorKind::ConnectionRefused).into(), Category::Network),
        (io::Error::from(ErrorKind::TimedOut).into(), Category::Timeout),
        (io::Error::from(ErrorKind::PermissionDenied).into(), Category::Authorization),
        (io::Error::from(ErrorKind::NotFound).into(), Category::Resource),
        ("x".parse::<u8>().unwrap_err().into(), Category::Validation),
        ("just text about a timeout".into(), Category::Unknown),
        (io::Error::other(io::Error::from(ErrorKind::ConnectionReset)).into(), Category::Network),
    ];
    for (error, category) in cases {
        let text = error.to_string();
        let converted = Error::convert(error);
        assert_eq!(converted.category(), category, "{text}");
        assert_eq!(converted.source().map(ToString::to_string), Some(text));
    }
}

#[test]
fn a_structured_error_passes_through_conversion_unchanged() {
    let error = Error::timeout("slow").with_code(CODE).op("db.read");
    let converted = Error::convert(error);
    assert_eq!(converted.code(), Some(CODE));
    assert_eq!(converted.operation(), Some("db.read"));
    assert!(converted.source().is_none());
}

#[test]
fn the_class_is_found_anywhere_in_the_chain() {
    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] io::Error);
    let error = Outer(ErrorKind::ConnectionReset.into());
    assert_eq!(class_of(&error).recovery, Recovery::Transient);
}

#[test]
fn a_chain_without_end_is_followed_only_so_far() {
    #[derive(Debug, thiserror::Error)]
    #[error("round and round")]
    struct Cycle;
    #[derive(Debug)]
    struct Endless(&'static Endless);
    impl std::fmt::Display for Endless {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("again")
        }
    }
    impl std::error::Error for Endless {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(self.0)
        }
    }
    static ENDLESS: Endless = Endless(&ENDLESS);
    assert_eq!(class_of(&ENDLESS).category, Category::Unknown);
    let error = Error::internal("x").cause(Endless(&ENDLESS));
    assert!(format!("{error:#}").len() < 1_000);
    assert_eq!(class_of(&Cycle).recovery, Recovery::Unknown);
}

#[test]
fn invalid_input_and_cancellation_say_nothing_about_the_callee() {
    assert_eq!(Error::validation("bad").verdict(), Verdict::Ignore);
    assert_eq!(Error::not_found("none").verdict(), Verdict::Ignore);
    assert_eq!(Error::cancelled("gone").verdict(), Verdict::Ignore);
    assert_eq!(Error::new(Category::Unknown, "?").verdict(), Verdict::Permanent);
    let overloaded = Error::rate_limit("slow down").with_retry_after(Duration::from_secs(3));
    assert_eq!(overloaded.verdict(), Verdict::Overload(Some(Duration::from_secs(3))));
}

#[test]
fn b_6_nested_operations_read_from_the_outside_in() {
    let error = Error::timeout("slow").op("level1").op("level2").op("level3");
    assert_eq!(error.operation(), Some("level3.level2.level1"));
}

#[test]
fn display_is_public_and_the_alternate_form_has_the_causes_once() {
    let cause = io::Error::other("inner text");
    let error = Error::network("hung up").cause(cause).with_internal("host db-7");
    assert_eq!(error.to_string(), "hung up");
    assert_eq!(format!("{error:#}"), "hung up: inner text");
    let repeats = Error::network("hung up: inner text").cause(io::Error::other("inner text"));
    assert_eq!(format!("{repeats:#}"), "hung up: inner text");
}

#[test]
fn no_secret_and_no_internal_text_reaches_a_client() {
    let error = Error::unavailable("try later")
        .with_internal("SECRET-internal")
        .with("host", "SECRET-host")
        .with_visible("token", "SECRET-token", Visibility::Sensitive)
        .with_visible("order", "42", Visibility::Public)
        .cause(io::Error::other("SECRET-cause"));
    let shown = [error.to_string(), format!("{:?}", error.to_problem())];
    for text in &shown {
        assert!(!text.contains("SECRET"), "{text}");
    }
    assert!(shown[1].contains("42"));
    assert!(!format!("{error:?}").contains("SECRET-token"));
    assert!(!Error::convert(io::Error::other("SECRET")).to_string().contains("SECRET"));
}

#[test]
fn facts_are_bounded_and_each_name_is_there_once() {
    let error = Error::internal("x").with("k", 1).with("k", "two").with("done", true).with("share", 0.5);
    let facts: Vec<_> = error.metadata().iter().map(|fact| (fact.key, fact.shown().into_owned())).collect();
    assert_eq!(facts, [("k", "two".into()), ("done", "true".into()), ("share", "0.5".into())]);
    assert_eq!(error.fact("k").and_then(|fact| fact.value.as_text()), Some("two"));

    let names: [&'static str; 40] =
        std::array::from_fn(|i| &"abcdefghijklmnopqrstuvwxyz0123456789ABCDE"[i..=i]);
    let error = names.into_iter().fold(Error::internal("x"), |error, name| error.with(name, 1));
    assert_eq!(error.metadata().len(), 32);
    let deep = (0..10_000).fold(Error::internal("x"), |error, _| error.op("again"));
    assert!(deep.operation().unwrap().len() <= 512);
}

#[test]
fn the_location_is_the_callers() {
    assert!(Error::internal("x").location().file().ends_with("vocabulary.rs"));
    assert!(Error::convert(io::Error::other("x")).location().file().ends_with("vocabulary.rs"));
}

#[test]
fn cb_34_a_rejection_says_who_why_and_when() {
    let name = Name::new("payments").unwrap();
    let rejection = Rejection::new(PolicyKind::Breaker, name, Reason::CircuitOpen)
        .with_retry_after(Duration::from_millis(2_500))
        .with_generation(7)
        .with_cause(Some(core_errors::Cause::new(Category::Timeout, Some(CODE))));
    assert_eq!(
        rejection.to_string(),
        "breaker `payments`: the circuit is open, last failure: timeout DB_TIMEOUT, worth trying again in 2.5s"
    );
    assert_eq!(rejection.verdict(), Verdict::Ignore);
    let error = Error::from(rejection);
    assert_eq!(
        (error.category(), error.retry_after()),
        (Category::Unavailable, Some(Duration::from_millis(2_500)))
    );
    assert_eq!(error.to_problem().retry_after, Some(3), "rounded up");
}

#[test]
fn names_are_checked_and_shared() {
    let (a, b) = (Name::new("orders").unwrap(), Name::new("orders").unwrap());
    assert_eq!(a, b);
    assert!(std::ptr::eq(a.as_str(), b.as_str()));
    assert!(Name::new("").unwrap_err().to_string().contains("1 to 128"));
    assert!(Name::new("a\nb").unwrap_err().to_string().contains("control"));
    assert!(Name::new(&"x".repeat(129)).is_err());
}

#[cfg(feature = "serde")]
#[test]
fn a_problem_has_the_shape_of_rfc_9457() {
    let problem = Error::unavailable("try later")
        .with_code(CODE)
        .with_retry_after(Duration::from_millis(1))
        .with_visible("order", "42", Visibility::Public)
        .to_problem()
        .with_correlation_id("abc");
    let json = serde_json::to_value(&problem).unwrap();
    let expected = serde_json::json!({
        "type": "about:blank", "title": "Service Unavailable", "status": 503, "detail": "try later",
        "category": "unavailable", "code": "DB_TIMEOUT", "retry_after": 1, "correlation_id": "abc",
        "metadata": {"order": "42"},
    });
    assert_eq!(json, expected);
}

#[test]
fn f_13_an_operation_and_its_cause_make_an_error_of_each_recovery() {
    let cause = || io::Error::from(ErrorKind::NotFound);
    for (error, recovery) in [
        (Error::retriable("raft.propose", cause()), Recovery::Retriable),
        (Error::transient("raft.propose", cause()), Recovery::Transient),
        (Error::fatal("raft.propose", cause()), Recovery::Fatal),
        (Error::invalid_input("raft.propose", cause()), Recovery::InvalidInput),
    ] {
        assert_eq!(error.recovery(), recovery);
        assert_eq!((error.operation(), error.category()), (Some("raft.propose"), Category::Resource));
        assert!(error.location().file().ends_with("vocabulary.rs"));
    }
}

#[test]
fn f_15_wrapping_no_error_gives_no_error() {
    let fine: Result<u8, io::Error> = Ok(7);
    assert_eq!(fine.op("read").unwrap(), 7);
    let failed: Result<u8, io::Error> = Err(ErrorKind::ConnectionReset.into());
    let error = failed.op("read").or_message("try later").or_code(CODE).op("sync").unwrap_err();
    assert_eq!(error.operation(), Some("sync.read"));
    assert_eq!((error.to_string().as_str(), error.code()), ("try later", Some(CODE)));
    assert!(error.location().file().ends_with("vocabulary.rs"));
}

/// Original: wrapping changed the shared error, so that the operations of unrelated callers piled up in it.
#[test]
fn wrapping_for_one_caller_does_not_change_what_another_holds() {
    let shared = std::sync::Arc::new(Error::timeout("slow").op("fetch"));
    let ours = Error::classified(std::sync::Arc::clone(&shared)).op("ours");
    let theirs = Error::classified(std::sync::Arc::clone(&shared)).op("theirs");
    assert_eq!((ours.operation(), theirs.operation()), (Some("ours"), Some("theirs")));
    assert_eq!(shared.operation(), Some("fetch"));
    assert_eq!(ours.category(), Category::Timeout);
}

#[test]
fn b_5_the_name_of_an_error_is_found_through_whatever_wraps_it() {
    let error = Error::unavailable("later").cause(Error::timeout("slow").with_code(CODE));
    assert!(error.has_code(CODE) && error.code().is_none());
    assert!(!error.has_code(const { Code::new("OTHER_CODE") }));
    assert_eq!(error.root_cause().unwrap().to_string(), "slow");
}

#[test]
fn f_9_the_families_of_the_originals_have_constructors() {
    for (error, category, code) in [
        (Error::configuration("x"), Category::Configuration, None),
        (Error::cache("x"), Category::Infrastructure, Some("CACHE_FAILED")),
        (Error::queue("x"), Category::Infrastructure, Some("QUEUE_FAILED")),
        (Error::provider("x"), Category::ExternalService, Some("PROVIDER_FAILED")),
        (Error::rate_limit("x"), Category::RateLimit, None),
        (Error::streaming("x"), Category::Network, Some("STREAM_FAILED")),
        (Error::validation("x"), Category::Validation, None),
        (Error::tracker("x"), Category::Internal, Some("TRACKER_FAILED")),
    ] {
        assert_eq!((error.category(), error.code().map(Code::as_str)), (category, code));
    }
    let open = Rejection::new(PolicyKind::Breaker, Name::new("db").unwrap(), Reason::CircuitOpen);
    let breaker = Error::from(open);
    assert_eq!(
        (breaker.category(), breaker.code().unwrap().as_str()),
        (Category::Unavailable, "CIRCUIT_OPEN")
    );
}

#[test]
fn cb_38_a_refusal_while_a_circuit_ramps_up_has_a_name_and_a_text_of_its_own() {
    let name = Name::new("db").unwrap();
    let refused =
        Rejection::new(PolicyKind::Breaker, name, Reason::RampUp).with_retry_after(Duration::from_secs(7));
    assert_eq!(refused.code().unwrap().as_str(), "CIRCUIT_RAMP_UP");
    assert_eq!((refused.category(), refused.verdict()), (Category::Unavailable, Verdict::Ignore));
    assert_eq!(
        refused.to_string(),
        "breaker `db`: the circuit closed a short while ago and admits calls bit by bit, worth trying again in 7s"
    );
}

#[test]
fn a_panic_is_a_bug_whose_text_no_client_sees() {
    let thrown = std::panic::catch_unwind(|| panic!("SECRET {}", 7)).unwrap_err();
    let error = Error::from_panic(&*thrown);
    assert_eq!((error.category(), error.code().unwrap().as_str()), (Category::Internal, "PANICKED"));
    assert_eq!(error.internal_message(), Some("SECRET 7"));
    assert!(!error.to_string().contains("SECRET"));
    let long: Box<dyn std::any::Any + Send> = Box::new("ä".repeat(5_000));
    assert!(Error::from_panic(&*long).internal_message().unwrap().len() <= 1_024);
    let odd: Box<dyn std::any::Any + Send> = Box::new(7);
    assert!(Error::from_panic(&*odd).internal_message().is_some());
}

#[test]
fn a_refusal_that_became_an_error_still_says_nothing_about_the_callee() {
    let open = || Rejection::new(PolicyKind::Breaker, Name::UNNAMED, Reason::CircuitOpen);
    assert_eq!(open().verdict(), Verdict::Ignore);
    assert_eq!(Error::from(open()).verdict(), Verdict::Ignore);
    assert_eq!(Error::convert(open()).op("orders.charge").verdict(), Verdict::Ignore);
    assert_eq!(Error::convert(io::Error::other(open())).verdict(), Verdict::Ignore);
    let told = Error::from(open()).with_recovery(Recovery::Transient);
    assert_eq!(told.verdict(), Verdict::Transient(None), "unless somebody knows better");
}
