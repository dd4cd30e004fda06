//! Errors of others are known by type and kind, wherever they are in a chain.
#![cfg(all(
    feature = "anyhow",
    feature = "eyre",
    feature = "hyper",
    feature = "json",
    feature = "redis",
    feature = "reqwest",
    feature = "sqlx",
    feature = "tokio",
    feature = "tokio-postgres",
    feature = "tonic"
))]

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use core_errors::{
    Category, Class, Classify, Error, Recovery, RemoteError, Verdict, class_of, register_classifier,
    unclassified,
};

type Boxed = Box<dyn StdError + Send + Sync>;

/// Anything that wraps, and says nothing of its own.
#[derive(Debug, thiserror::Error)]
#[error("connection timed out, resource exhausted, 429")]
struct Wrapper(#[source] Boxed);

fn wrapped(error: impl Into<Boxed>) -> Class {
    class_of(&Wrapper(Box::new(Wrapper(error.into()))))
}

#[track_caller]
fn is(error: impl Into<Boxed>, category: Category, recovery: Recovery) {
    let class = wrapped(error);
    assert_eq!((class.category, class.recovery), (category, recovery));
}

#[test]
fn text_never_decides() {
    is("connection refused by peer", Category::Unknown, Recovery::Unknown);
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "it is the errors of tokio's own that are asked for")]
async fn errors_of_tokio() {
    let elapsed = tokio::time::timeout(Duration::ZERO, std::future::pending::<()>()).await.unwrap_err();
    is(elapsed, Category::Timeout, Recovery::Transient);
    let task = tokio::task::LocalSet::new();
    let panicked = task.run_until(async { tokio::task::spawn_local(async { panic!("x") }).await }).await;
    is(panicked.unwrap_err(), Category::Internal, Recovery::Fatal);
    let aborted = task
        .run_until(async {
            let task = tokio::task::spawn_local(std::future::pending::<()>());
            task.abort();
            task.await
        })
        .await;
    is(aborted.unwrap_err(), Category::Cancelled, Recovery::Fatal);
    let (sender, receiver) = tokio::sync::oneshot::channel::<()>();
    drop(sender);
    is(receiver.await.unwrap_err(), Category::Unavailable, Recovery::Transient);
    let full = tokio::sync::Semaphore::new(0);
    is(full.try_acquire().unwrap_err(), Category::ResourceExhausted, Recovery::Transient);
}

/// A connection that breaks while it is read.
struct Broken;
impl io::Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::ConnectionReset.into())
    }
}

#[test]
fn errors_of_serde_json_tell_bad_text_from_a_bad_connection() {
    let bad = serde_json::from_str::<u8>("{").unwrap_err();
    is(bad, Category::Validation, Recovery::InvalidInput);
    let broken = serde_json::from_reader::<_, u8>(Broken).unwrap_err();
    is(broken, Category::Network, Recovery::Transient);
}

#[test]
fn errors_of_http() {
    is("x y".parse::<http::Uri>().unwrap_err(), Category::Validation, Recovery::InvalidInput);
    is(http::StatusCode::from_u16(7).unwrap_err(), Category::Validation, Recovery::InvalidInput);
}

#[tokio::test]
async fn errors_of_hyper() {
    use hyper::client::conn::http1;
    let (ours, mut theirs) = tokio::io::duplex(1_024);
    let (mut sender, connection) = http1::handshake(hyper_util::rt::TokioIo::new(ours)).await.unwrap();
    let request =
        http::Request::get("/").header("host", "x").body(http_body_util::Empty::<&[u8]>::new()).unwrap();
    let garbage = async {
        tokio::io::AsyncWriteExt::write_all(&mut theirs, b"this is no HTTP\r\n\r\n").await.unwrap();
    };
    let (answer, _, ()) = tokio::join!(sender.send_request(request), connection, garbage);
    is(answer.unwrap_err(), Category::ExternalService, Recovery::Transient);
}

#[tokio::test]
async fn errors_of_reqwest() {
    let client = reqwest::Client::new();
    let unbuilt = client.get("not a url").send().await.unwrap_err();
    is(unbuilt, Category::Validation, Recovery::InvalidInput);
    // A port that was just free is nobody's.
    let port = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let refused = client.get(format!("http://127.0.0.1:{port}")).send().await.unwrap_err();
    let class = wrapped(refused);
    assert_eq!((class.category, class.recovery), (Category::Network, Recovery::Transient));
    assert!(class.idempotent_only, "it follows redirects: what was answered by one may have been done");
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let slow = client.get(url).timeout(Duration::from_millis(50)).send().await.unwrap_err();
    let class = wrapped(slow);
    assert_eq!(class.category, Category::Timeout);
    assert!(class.idempotent_only, "it may have been done");
}

#[test]
fn errors_of_redis() {
    use redis::{ErrorKind, RedisError, ServerErrorKind};
    let of = |kind| RedisError::from((kind, "x"));
    is(of(ErrorKind::Server(ServerErrorKind::BusyLoading)), Category::Unavailable, Recovery::Transient);
    is(of(ErrorKind::Server(ServerErrorKind::TryAgain)), Category::Unavailable, Recovery::Transient);
    is(of(ErrorKind::AuthenticationFailed), Category::Configuration, Recovery::Fatal);
    is(of(ErrorKind::UnexpectedReturnType), Category::Internal, Recovery::Fatal);
    is(of(ErrorKind::Server(ServerErrorKind::ResponseError)), Category::ExternalService, Recovery::Fatal);
    let refused = wrapped(RedisError::from(io::Error::from(io::ErrorKind::ConnectionRefused)));
    assert_eq!((refused.category, refused.idempotent_only), (Category::Network, false));
    let lost = wrapped(RedisError::from(io::Error::from(io::ErrorKind::BrokenPipe)));
    assert_eq!((lost.category, lost.idempotent_only), (Category::Network, true));
}

#[test]
fn errors_of_databases() {
    use sqlx_core::Error as Sqlx;
    is(Sqlx::RowNotFound, Category::Resource, Recovery::InvalidInput);
    is(Sqlx::PoolTimedOut, Category::ResourceExhausted, Recovery::Transient);
    // A statement that was given to a worker may have been committed by it; one that got no connection was not.
    for (error, is_certain) in
        [(Sqlx::PoolTimedOut, true), (Sqlx::PoolClosed, true), (Sqlx::WorkerCrashed, false)]
    {
        assert_eq!(wrapped(error).idempotent_only, !is_certain, "rule RT-11");
    }
    is(Sqlx::Io(io::ErrorKind::TimedOut.into()), Category::Timeout, Recovery::Transient);
    is(Sqlx::Protocol("x".into()), Category::ExternalService, Recovery::Transient);
    let text = || Box::<dyn StdError + Send + Sync>::from("x");
    for (error, category) in [
        (Sqlx::Tls(text()), Category::Network),
        (Sqlx::PoolClosed, Category::Unavailable),
        (Sqlx::WorkerCrashed, Category::Unavailable),
        (Sqlx::Configuration(text()), Category::Configuration),
        (Sqlx::InvalidArgument("x".into()), Category::Validation),
        (Sqlx::Encode(text()), Category::Validation),
        (Sqlx::Decode(text()), Category::Data),
        (Sqlx::ColumnNotFound("x".into()), Category::Internal),
    ] {
        let shown = error.to_string();
        assert_eq!(wrapped(error).category, category, "{shown}");
    }
    is(tokio_postgres::Error::__private_api_timeout(), Category::Internal, Recovery::Fatal);
    // It does not say that it is about the configuration, except in words.
    is("nonsense".parse::<tokio_postgres::Config>().unwrap_err(), Category::Unknown, Recovery::Unknown);
}

/// What a database of somebody says by a code, which is a state of SQL where it has five characters, or else by its kind.
#[derive(Debug, thiserror::Error)]
#[error("x")]
struct Said(Option<&'static str>, fn() -> sqlx_core::error::ErrorKind);

impl sqlx_core::error::DatabaseError for Said {
    fn message(&self) -> &'static str {
        "x"
    }

    fn code(&self) -> Option<std::borrow::Cow<'_, str>> {
        self.0.map(Into::into)
    }

    fn as_error(&self) -> &(dyn StdError + Send + Sync + 'static) {
        self
    }

    fn as_error_mut(&mut self) -> &mut (dyn StdError + Send + Sync + 'static) {
        self
    }

    fn into_error(self: Box<Self>) -> Boxed {
        self
    }

    fn kind(&self) -> sqlx_core::error::ErrorKind {
        (self.1)()
    }
}

#[test]
fn a_database_says_what_failed_by_its_state_or_else_by_its_kind() {
    use sqlx_core::error::ErrorKind as Kind;
    let other: fn() -> Kind = || Kind::Other;
    for (code, kind, category) in [
        (Some("23505"), other, Category::Conflict),
        (Some("53300"), other, Category::ResourceExhausted),
        // The numbers of SQLite and others are no states.
        (Some("2067"), || Kind::UniqueViolation, Category::Conflict),
        (Some("2067"), other, Category::ExternalService),
        (None, || Kind::ExclusionViolation, Category::Conflict),
        (None, || Kind::ForeignKeyViolation, Category::Validation),
        (None, || Kind::NotNullViolation, Category::Validation),
        (None, || Kind::CheckViolation, Category::Validation),
        (None, other, Category::ExternalService),
    ] {
        let said = sqlx_core::Error::Database(Box::new(Said(code, kind)));
        assert_eq!(wrapped(said).category, category, "{code:?} {:?}", kind());
    }
}

#[test]
fn a_status_of_grpc_goes_out_with_details_and_comes_back_as_what_it_was() {
    use tonic_types::StatusExt;
    let said = Error::rate_limit("one a second")
        .with_code(const { core_errors::Code::new("TOO_FAST") })
        .with_retry_after(Duration::from_millis(1_500))
        .with_public("limit.kind", "per_user")
        .with_internal("SECRET");
    let status = tonic::Status::from(&said);
    assert_eq!((status.code(), status.message()), (tonic::Code::ResourceExhausted, "one a second"));
    let details = status.get_error_details();
    assert_eq!(details.error_info().unwrap().reason, "TOO_FAST");
    assert_eq!(details.retry_info().unwrap().retry_delay, Some(Duration::from_millis(1_500)));

    let class = wrapped(status.clone());
    assert_eq!(class.category, Category::Unavailable, "to our own client it is");
    assert_eq!(class.verdict, Verdict::Overload(Some(Duration::from_millis(1_500))), "and to our policies");
    assert_eq!(class.retry_after, Some(Duration::from_millis(1_500)));
    let remote = RemoteError::from_status(&status);
    assert_eq!(remote.category, Category::RateLimit, "a service of the house says more than the code");
    assert_eq!(remote.code.as_deref(), Some("TOO_FAST"));
    assert_eq!(remote.metadata, [("limit-kind".to_owned(), "per_user".to_owned())]);
    // Every kind goes there and back.
    for category in Category::all() {
        let status = tonic::Status::from(Error::new(category, "x"));
        assert_eq!(i32::from(status.code()), i32::from(category.grpc_code()));
        assert_eq!(RemoteError::from_status(&status).category, category);
        assert_eq!(RemoteError::from_status(&status).recovery, category.recovery());
    }
    // Of services that are not of the house the code decides, on all of its values.
    for code in 0..=16 {
        let remote = RemoteError::from_status(&tonic::Status::new(tonic::Code::from_i32(code), "x"));
        assert_eq!(remote.category == Category::Unknown, [0, 2].contains(&code), "{code}");
    }
    let aborted = RemoteError::from_status(&tonic::Status::aborted("x"));
    assert_eq!((aborted.category, aborted.recovery), (Category::Conflict, Recovery::InvalidInput));
}

#[test]
fn rt_4_a_server_of_grpc_that_pushes_back_is_followed_and_one_that_says_never_is_not_tried_again() {
    let pushed = |value: &[u8]| {
        let mut status = tonic::Status::unavailable("later");
        let value = tonic::metadata::MetadataValue::try_from(value).unwrap();
        status.metadata_mut().insert("grpc-retry-pushback-ms", value);
        wrapped(status)
    };
    for (text, after) in [("123", 123), ("0", 0), ("4567000", 4_567_000)] {
        let class = pushed(text.as_bytes());
        let after = Some(Duration::from_millis(after));
        assert_eq!((class.retry_after, class.verdict), (after, Verdict::Transient(after)), "{text}");
    }
    for text in ["-1", "soon", "", "1.5", "+1", "99999999999", "1 "] {
        let class = pushed(text.as_bytes());
        assert_eq!((class.recovery, class.verdict), (Recovery::Fatal, Verdict::Permanent), "{text}");
        assert!(class.forbids_retry, "{text}: budgets take it for a failure (BG-1)");
    }
    assert!(!pushed(b"0").forbids_retry);
    assert_eq!(pushed(b"\xff").verdict, Verdict::Permanent);
}

#[test]
fn bad_parts_of_a_request_are_field_violations() {
    use tonic_types::StatusExt;
    let bad =
        [Error::validation_at("#/age", "must be positive"), Error::validation_at("#/name", "is missing")];
    let all: core_errors::Errors = bad.into_iter().collect();
    let status = tonic::Status::from(Error::from(all.into_result().unwrap_err()));
    let details = status.get_error_details();
    let fields: Vec<_> =
        details.bad_request().unwrap().field_violations.iter().map(|v| v.field.as_str()).collect();
    assert_eq!(fields, ["#/age", "#/name"]);
}

#[test]
fn reports_of_anyhow_and_eyre_do_not_hide_what_they_hold() {
    let reset = || io::Error::from(io::ErrorKind::ConnectionReset);
    let report = anyhow::Error::new(reset()).context("reading the ledger");
    let error = Error::from(report);
    assert_eq!(error.category(), Category::Network);
    assert!(format!("{error:#}").contains("reading the ledger"));
    assert_eq!(Error::from(anyhow::Error::new(reset())).category(), Category::Network);
    assert_eq!(Error::from(eyre::Report::new(reset())).category(), Category::Network);
    assert_eq!(Error::from(eyre::Report::new(reset()).wrap_err("x")).category(), Category::Network);
    // Ours come out as they went in.
    assert_eq!(Error::from(anyhow::Error::new(Error::timeout("slow").op("x"))).operation(), Some("x"));
    assert_eq!(Error::from(eyre::Report::new(Error::timeout("slow").op("x"))).operation(), Some("x"));
}

#[test]
fn an_application_teaches_its_own_and_what_nobody_knows_is_counted() {
    #[derive(Debug, thiserror::Error)]
    #[error("x")]
    struct NotLeader;
    #[derive(Debug, thiserror::Error)]
    #[error("x")]
    struct Stranger;
    fn of_raft(error: &(dyn StdError + 'static)) -> Option<Class> {
        error.is::<NotLeader>().then(|| Class::from(Category::Unavailable).with_recovery(Recovery::Retriable))
    }
    is(NotLeader, Category::Unknown, Recovery::Unknown);
    assert!(register_classifier(of_raft));
    // F16: a sentinel classifies itself, wherever it is in the chain.
    is(NotLeader, Category::Unavailable, Recovery::Retriable);
    for _ in 0..3 {
        assert_eq!(Error::convert(Stranger).category(), Category::Unknown);
    }
    let count = |name: &str| unclassified().into_iter().find(|(known, _)| known.ends_with(name));
    assert_eq!(count("::Stranger").unwrap().1, 3);
    assert!(count("::NotLeader").is_none());
    let room =
        std::iter::repeat_with(|| register_classifier(|_| None)).take(100).filter(|added| *added).count();
    assert_eq!(room, 63, "64 at most");
}

#[test]
fn a_boxed_error_classifies_by_its_chain_too() {
    let boxed: Boxed = Box::new(Wrapper(io::Error::from(io::ErrorKind::ConnectionRefused).into()));
    assert_eq!((boxed.category(), boxed.recovery()), (Category::Network, Recovery::Transient));
    assert!(!boxed.idempotent_only() && boxed.code().is_none() && boxed.retry_after().is_none());
}
