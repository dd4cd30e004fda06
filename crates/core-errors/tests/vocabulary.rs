//! What the vocabulary of failure promises.

use std::error::Error as _;
use std::io::{self, ErrorKind};
use std::time::Duration;

use core_errors::{
    Category, Classify, Code, Error, Name, PolicyKind, Reason, Recovery, Rejection, Verdict, Visibility,
    class_of,
};

const CODE: Code = Code::new("DB_TIMEOUT");

#[test]
fn an_error_is_one_word_and_a_rejection_a_cache_line() {
    assert_eq!(size_of::<Error>(), 8);
    assert_eq!(size_of::<Result<u64, Error>>(), 16);
    assert!(size_of::<Rejection>() <= 64, "{}", size_of::<Rejection>());
}

#[test]
fn the_table_is_consistent() {
    assert_eq!(Category::all().len(), 18);
    for category in Category::all() {
        assert!((400..600).contains(&category.http_status()), "{category}");
        assert!(category.grpc_code() <= 16);
        assert!(!category.title().is_empty());
        // Who must change the request has made a wrong one, and only then is it a client's fault that cannot be retried.
        if category.recovery() == Recovery::InvalidInput {
            assert!(category.is_client_fault(), "{category}");
        }
    }
    assert_eq!("from_the_future".parse(), Ok(Category::Unknown));
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
fn metadata_is_bounded() {
    let error = (0..100).fold(Error::internal("x"), |e, i| e.with("k", i.to_string()));
    assert_eq!(error.metadata().len(), 32);
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
        .with_cause(Some(core_errors::Cause { category: Category::Timeout, code: Some(CODE) }));
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
        "type": "about:blank", "title": "Service unavailable", "status": 503, "detail": "try later",
        "category": "unavailable", "code": "DB_TIMEOUT", "retry_after": 1, "correlation_id": "abc",
        "metadata": {"order": "42"},
    });
    assert_eq!(json, expected);
}
