//! Seeded secrets are looked for in everything that leaves the house.
#![cfg(all(feature = "json", feature = "tonic"))]
#![expect(clippy::unwrap_used, reason = "a test that cannot print has failed")]

use core_errors::{Category, Code, Error, Errors, RemoteError, Visibility};

/// Of each kind that an error can hold and a client must not see, one.
fn seeded(category: Category) -> Error {
    let mut remote = RemoteError::new(Category::Internal, "SECRET-remote");
    remote.metadata = vec![("k".into(), "SECRET-remote-fact".into())];
    let foreign = std::io::Error::other(Error::from(remote).with_internal("SECRET-deep"));
    let cause =
        Error::convert(foreign).op("SECRET-operation-of-cause").with_internal("SECRET-internal-of-cause");
    Error::new(category, "public words")
        .with_code(const { Code::new("PUBLIC_CODE") })
        .with_internal("SECRET-internal")
        .with("host", "SECRET-host")
        .with_visible("token", "SECRET-token", Visibility::Sensitive)
        .with_public("order", "42")
        .op("SECRET-operation")
        .cause(cause)
}

fn what_clients_see(error: &Error) -> Vec<String> {
    let status = tonic::Status::from(error);
    vec![
        error.to_string(),
        error.code().map(|code| code.to_string()).unwrap_or_default(),
        error.category().to_string(),
        error.recovery().to_string(),
        format!("{:?}", error.to_problem()),
        serde_json::to_string(&error.to_problem()).unwrap(),
        format!("{status} {status:?}"),
        String::from_utf8_lossy(status.details()).into_owned(),
    ]
}

#[test]
fn no_secret_and_no_internal_text_reaches_a_client_in_any_form() {
    for category in Category::all() {
        for text in what_clients_see(&seeded(category)) {
            assert!(!text.contains("SECRET"), "{category}: {text}");
        }
        let several: Errors = [seeded(category), seeded(Category::Validation)].into_iter().collect();
        for text in what_clients_see(&several.into_result().unwrap_err().into()) {
            assert!(!text.contains("SECRET"), "{category}: {text}");
        }
    }
    let foreign = Error::convert(std::io::Error::other("SECRET"));
    let panic = Error::from_panic(&"SECRET");
    for text in what_clients_see(&foreign).into_iter().chain(what_clients_see(&panic)) {
        assert!(!text.contains("SECRET"), "{text}");
    }
}

#[test]
fn what_is_sensitive_reaches_no_output_at_all() {
    let error = seeded(Category::Timeout);
    for text in [
        format!("{error:?}"),
        format!("{error:#?}"),
        format!("{error:#}"),
        serde_json::to_string(&error.for_log()).unwrap(),
    ] {
        assert!(!text.contains("SECRET-token"), "{text}");
    }
    assert_eq!(error.fact("token").unwrap().value.as_text(), Some("SECRET-token"), "code may read it");
    let log = serde_json::to_string(&error.for_log()).unwrap();
    for part in ["SECRET-internal", "SECRET-internal-of-cause", "SECRET-remote", "SECRET-host"] {
        assert!(log.contains(part), "a log has all the rest: {log}");
    }
}
