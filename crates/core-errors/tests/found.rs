//! What was found wrong once, and must not come back: each test failed before its repair.
#![cfg(all(
    feature = "anyhow",
    feature = "eyre",
    feature = "json",
    feature = "redis",
    feature = "reqwest",
    feature = "tokio",
    feature = "tonic"
))]

use std::io::{self, ErrorKind};
use std::sync::Arc;

use core_errors::{
    Category, Classify, Delivery, Error, Errors, MultiError, Name, PolicyKind, Reason, Recovery, Rejection,
    RemoteError, ResultExt, Verdict, Visibility, class_of, unclassified,
};

#[test]
fn what_nobody_may_see_is_not_in_debug_either() {
    let error =
        Error::internal("x").with_visible("password", "hunter2", Visibility::Sensitive).with("host", "db-7");
    let shown = format!("{:?} {:?}", error.metadata(), error.fact("password"));
    assert!(!shown.contains("hunter2") && shown.contains("db-7"), "{shown}");
}

#[test]
fn a_pointer_that_is_not_public_reaches_no_client() {
    let bad = Error::validation("x").with("pointer", "INTERNAL");
    let all: Errors = [bad, Error::validation_at("#/a", "y")].into_iter().collect();
    let error = Error::from(all.into_result().unwrap_err());
    let json = serde_json::to_string(&error.to_problem()).unwrap();
    let status = format!("{:?}", tonic::Status::from(&error));
    assert!(!json.contains("INTERNAL") && json.contains("#/a"), "{json}");
    assert!(!status.contains("INTERNAL"), "{status}");
}

#[test]
fn parts_are_listed_only_of_a_request_that_is_wrong() {
    let all: Errors = [Error::validation("x"), Error::validation("y")].into_iter().collect();
    let ours = Error::internal("oops").cause(all.into_result().unwrap_err());
    assert!(ours.to_problem().errors.is_empty());
}

#[test]
fn a_command_that_timed_out_may_have_been_done() {
    for kind in [ErrorKind::TimedOut, ErrorKind::WouldBlock] {
        let class = class_of(&redis::RedisError::from(io::Error::from(kind)));
        assert_eq!((class.category, class.recovery), (Category::Timeout, Recovery::Transient), "{kind}");
        assert!(class.idempotent_only, "{kind}");
    }
}

#[test]
fn pointers_do_not_hide_what_they_point_to() {
    let timeout = || io::Error::from(ErrorKind::TimedOut);
    assert_eq!(class_of(&Arc::new(timeout())).category, Category::Timeout);
    assert_eq!(class_of(&Box::new(timeout())).category, Category::Timeout);
    assert_eq!(Error::convert(Arc::new(Error::validation("x"))).category(), Category::Validation);
    assert_eq!(Error::convert(io::Error::other(Arc::new(Error::data("x")))).category(), Category::Data);
}

#[test]
fn an_error_of_io_that_says_what_it_is_is_that() {
    let bad_text = String::from_utf8(vec![0xff]).unwrap_err();
    assert_eq!(class_of(&io::Error::new(ErrorKind::InvalidData, bad_text.clone())).category, Category::Data);
    assert_eq!(
        class_of(&io::Error::other(bad_text)).category,
        Category::Validation,
        "one that only wraps is asked on"
    );
}

#[test]
fn errors_nested_without_end_cost_no_stack() {
    let deep = (0..10_000).fold(io::Error::from(ErrorKind::TimedOut), |inner, _| io::Error::other(inner));
    assert_eq!(class_of(&deep).category, Category::Unknown, "32 causes are followed");
    // Its drop is as deep as it is itself, and is std's.
    std::mem::forget(deep);
}

#[test]
fn several_refusals_say_nothing_and_one_failure_among_them_is_heard() {
    let open = || Error::from(Rejection::new(PolicyKind::Breaker, Name::UNNAMED, Reason::CircuitOpen));
    let verdict =
        |errors: Vec<Error>| errors.into_iter().collect::<Errors>().into_result().unwrap_err().verdict();
    assert_eq!(verdict(vec![open(), open()]), Verdict::Ignore);
    assert_eq!(verdict(vec![open(), Error::network("gone")]), Verdict::Transient(None));
    assert_eq!(verdict(vec![Error::validation("x"), Error::network("gone")]), Verdict::Transient(None));
    assert_eq!(verdict(vec![Error::data("lost"), Error::network("gone")]), Verdict::Permanent);
}

#[test]
fn the_worst_of_many_counts_however_late_it_comes() {
    let late = (0..100).map(|_| Error::validation("x")).chain([Error::internal("bug")]);
    let all = late.collect::<Errors>().into_result().unwrap_err();
    assert_eq!((all.category(), all.len(), all.omitted()), (Category::Internal, 101, 37));
}

#[test]
fn a_word_that_nobody_knows_does_not_hide_the_status() {
    let remote = RemoteError::from_json(br#"{"status":429,"category":"billing"}"#).unwrap();
    assert_eq!(remote.category, Category::RateLimit);
}

#[test]
fn a_limit_of_the_clients_own_is_a_timeout() {
    let status = tonic::Status::from_error(Box::new(tonic::TimeoutExpired(())));
    assert_eq!(class_of(&status).category, Category::Timeout);
}

#[test]
fn a_report_is_known_by_what_it_holds_on_every_way() {
    let reset = || io::Error::from(ErrorKind::ConnectionReset);
    let mut errors = Errors::new();
    errors.ok(Err::<(), _>(anyhow::Error::new(reset())));
    for error in [
        Err::<(), _>(anyhow::Error::new(reset())).op("ledger.read").unwrap_err(),
        Err::<(), _>(eyre::Report::new(reset())).op("ledger.read").unwrap_err(),
        Error::transient("ledger.read", anyhow::Error::new(reset())),
        Error::from(MultiError::collect([Err::<(), _>(anyhow::Error::new(reset()))]).unwrap_err()),
        Error::from(errors.into_result().unwrap_err()),
        Error::convert(anyhow::Error::new(reset())),
        Error::convert(eyre::Report::new(reset())),
    ] {
        assert_eq!(error.category(), Category::Network, "{error:?}");
        assert!(error.location().file().ends_with("found.rs"), "{}", error.location());
    }
}

#[test]
fn a_report_that_nobody_knows_is_counted_and_what_was_said_around_ours_is_kept() {
    let count = || unclassified().iter().filter(|(name, _)| name.contains("anyhow")).map(|(_, n)| n).sum();
    let before: u64 = count();
    assert_eq!(Error::from(anyhow::anyhow!("x")).category(), Category::Unknown);
    assert_eq!(Error::from(eyre::eyre!("x")).category(), Category::Unknown);
    assert_eq!(count(), before + 2);

    let ours = || Error::timeout("slow").with_internal("db-7").op("ledger.read");
    for error in [
        Error::from(anyhow::Error::new(ours()).context("reading the ledger").context("billing")),
        Error::from(eyre::Report::new(ours()).wrap_err("reading the ledger").wrap_err("billing")),
    ] {
        assert_eq!((error.message(), error.operation()), ("slow", Some("ledger.read")));
        assert_eq!(error.internal_message(), Some("billing: reading the ledger: db-7"));
    }
    assert_eq!(Error::from(anyhow::Error::new(ours())).internal_message(), Some("db-7"));
}

#[test]
fn errors_that_are_converted_many_at_once_were_made_where_that_was_asked_for() {
    let bad = || ["x".parse::<u8>().unwrap_err()];
    let mut extended = Errors::new();
    extended.extend(bad());
    let made = Errors::from_iter(bad());
    let converted = "x".parse::<u8>().or_convert().unwrap_err();
    let of = |errors: Errors| Error::from(errors.into_result().unwrap_err());
    for error in [of(extended), of(made), converted] {
        assert!(error.location().file().ends_with("found.rs"), "{}", error.location());
    }
}

/// A callee could have said anything of itself, and every retry believed it.
#[test]
fn a_remote_that_is_not_trusted_cannot_make_a_retry_safer_than_its_kind() {
    let said = br#"{"v":1,"category":"timeout","recovery":"retriable","idempotent_only":false}"#;
    let remote = RemoteError::from_json(said).unwrap();
    assert!(!remote.idempotent_only, "what was said is kept");
    assert!(Error::from(remote.clone()).idempotent_only());
    assert!(!Error::from(remote.trusted()).idempotent_only());

    let said = br#"{"v":1,"category":"conflict","recovery":"transient"}"#;
    let remote = RemoteError::from_json(said).unwrap();
    let strange = Error::from(remote.clone());
    assert_eq!((strange.recovery(), strange.verdict()), (Recovery::InvalidInput, Verdict::Ignore));
    assert_eq!(Error::from(remote.trusted()).verdict(), Verdict::Transient(None));
}

#[test]
fn that_a_call_may_have_been_done_is_told_over_grpc() {
    for only in [true, false] {
        for error in [Error::unavailable("x"), Error::timeout("x")] {
            let status = tonic::Status::from(error.with_idempotent_only(only));
            assert_eq!(RemoteError::from_status(&status).idempotent_only, only);
            assert_eq!(Error::from(RemoteError::from_status(&status).trusted()).idempotent_only(), only);
        }
    }
    let status = tonic::Status::from(Error::timeout("x").with_idempotent_only(false));
    assert!(class_of(&status).idempotent_only, "a status of anybody is not believed");
}

#[test]
fn a_status_is_what_google_rpc_allows_and_small_enough_for_headers() {
    use tonic_types::StatusExt;
    let plain = tonic::Status::from(Error::timeout("slow").with_public("k", 1).with_public("ok", 2));
    let remote = RemoteError::from_status(&plain);
    assert_eq!(remote.code, None, "nobody gave it a code");
    assert_eq!(remote.metadata, [("ok".to_owned(), "2".to_owned())], "a key has two letters at least");

    let long = || "ä".repeat(10_000);
    let parts: Errors = (0..64).map(|_| Error::validation_at("#/age", long())).collect();
    let several = Error::from(parts.into_result().unwrap_err()).with_message(long());
    let many = (0..32).fold(Error::timeout(long()), |error, n| {
        error.with_public(Box::leak(format!("key_{n}").into_boxed_str()), "x".repeat(100))
    });
    for error in [several, many] {
        let status = tonic::Status::from(&error);
        assert!(status.message().len() <= 512);
        let bytes = status.details().len();
        assert!(bytes <= 4_096, "{bytes}");
        assert!(status.get_error_details().error_info().is_some(), "it is whole");
    }
}

#[test]
fn a_status_cannot_contradict_its_code_or_ask_for_a_wait_without_end() {
    use tonic_types::{ErrorDetails, StatusExt};
    let facts = std::collections::HashMap::from([("category".to_owned(), "unavailable".to_owned())]);
    let mut details = ErrorDetails::with_error_info("X", "x", facts);
    details.set_retry_info(Some(std::time::Duration::MAX));
    let status = tonic::Status::with_error_details(tonic::Code::InvalidArgument, "x", details);
    let remote = RemoteError::from_status(&status);
    assert_eq!(remote.category, Category::Validation);
    assert!(remote.retry_after.is_none_or(|after| after <= RemoteError::RETRY_AFTER_MAX));
    let mut details = ErrorDetails::new();
    details.set_retry_info(Some(std::time::Duration::from_secs(1_000_000)));
    let status = tonic::Status::with_error_details(tonic::Code::Unavailable, "x", details);
    assert_eq!(class_of(&status).retry_after, Some(RemoteError::RETRY_AFTER_MAX));
}

/// Anything that wraps.
#[derive(Debug, thiserror::Error)]
#[error("it failed")]
struct Wrapper(#[source] reqwest::Error);

/// URLs that are signed have the signature in their query.
#[tokio::test]
async fn what_reqwest_was_asked_for_is_shown_up_to_its_path() {
    let failed = async || {
        let client = reqwest::Client::new();
        client.get("ftp://bucket.test/invoice.pdf?signature=SECRET#SECRET").send().await.unwrap_err()
    };
    assert!(failed().await.to_string().contains("SECRET"), "otherwise this shows nothing");
    for error in [
        Error::from(failed().await),
        Error::convert(failed().await),
        Error::convert(Wrapper(failed().await)),
        Error::timeout("slow").cause(failed().await),
        Error::from(anyhow::Error::new(Wrapper(failed().await))),
    ] {
        let log = serde_json::to_string(&error.for_log()).unwrap();
        for text in [format!("{error:#}"), format!("{error:?}"), format!("{error:#?}"), log] {
            assert!(!text.contains("SECRET"), "{text}");
            assert!(text.contains("bucket.test/invoice.pdf"), "{text}");
        }
    }
    let source = Error::from(failed().await);
    let source = std::error::Error::source(&source).unwrap().to_string();
    assert!(!source.contains("SECRET"), "nor by whoever walks the chain: {source}");
}

/// A report that was too long could not be read by the service that it was for.
#[test]
fn what_is_written_can_be_read_however_much_there_is() {
    for filler in ["x", "\u{1}", "\"", "ä", "\u{10ffff}"] {
        let long = || filler.repeat(20_000);
        let full = |mut error: Error| {
            error = error.with_internal(long()).op(long());
            for n in 0..32 {
                error = error.with(Box::leak(format!("key_{n}").into_boxed_str()), long());
            }
            error
        };
        let several: Errors = (0..100).map(|_| full(Error::validation(long()))).collect();
        let several = full(Error::from(several.into_result().unwrap_err()).with_message(long()));
        let deep =
            (0..40).fold(full(Error::internal(long())), |inner, _| full(Error::network(long())).cause(inner));
        for error in [several, deep] {
            let json = serde_json::to_vec(&error.for_log()).unwrap();
            assert!(json.len() <= RemoteError::JSON_MAX - 16_384, "{filler:?}: {}", json.len());
            let remote = RemoteError::from_json(&json).unwrap();
            assert_eq!(remote.category, error.category());
            assert!(error.message().starts_with(&remote.message) && remote.message.len() > 300);
            assert!(!remote.causes.is_empty() && !remote.metadata.is_empty());
        }
    }
}

#[test]
fn a_cause_says_its_type_and_what_its_service_called_it() {
    let mut said = RemoteError::new(Category::Conflict, "seen");
    said.code = Some("ORDER_SEEN".to_owned());
    let error = Error::from(said);
    assert!(error.has_code(const { core_errors::Code::new("ORDER_SEEN") }));
    let json = serde_json::to_value(error.for_log()).unwrap();
    assert_eq!(json["causes"][0]["code"], "ORDER_SEEN");
    assert_eq!(json["causes"][0]["type"], "core_errors::remote::RemoteError");
    let json = serde_json::to_value(Error::convert("x".parse::<u8>().unwrap_err()).for_log()).unwrap();
    assert_eq!(json["causes"][0]["type"], "core::num::error::ParseIntError");
}

#[test]
fn rfc_9457_a_problem_without_a_type_has_the_title_of_its_status() {
    for category in Category::all() {
        let problem = Error::new(category, "x").to_problem();
        let status = http::StatusCode::from_u16(problem.status).unwrap();
        let phrase = status.canonical_reason().unwrap_or("Client Closed Request");
        assert_eq!((problem.kind.as_ref(), problem.title.as_ref()), ("about:blank", phrase), "{category}");
        assert!(problem.instance.is_none());
    }
    let own = Error::conflict("x").to_problem().with_type("https://errors.test/seen", "Seen before");
    let json = serde_json::to_value(own.with_instance("/orders/7")).unwrap();
    assert_eq!(
        (&json["type"], &json["title"], &json["instance"]),
        (&"https://errors.test/seen".into(), &"Seen before".into(), &"/orders/7".into())
    );
}

#[test]
fn what_std_and_tokio_know_is_known() {
    use std::ffi::{CStr, CString};
    use std::sync::mpsc;
    use std::time::Duration;
    type Boxed = Box<dyn std::error::Error + Send + Sync>;
    let (sender, receiver) = mpsc::sync_channel::<()>(0);
    let (later, earlier) = (std::time::UNIX_EPOCH + Duration::from_secs(1), std::time::UNIX_EPOCH);
    let cell = std::cell::RefCell::new(());
    let held = cell.borrow_mut();
    let (full, _receiver) = tokio::sync::mpsc::channel::<()>(1);
    full.try_send(()).unwrap();
    let all: [(Boxed, Category); 22] = [
        (CString::new("a\0b").unwrap_err().into(), Category::Validation),
        (CStr::from_bytes_with_nul(b"x").unwrap_err().into(), Category::Validation),
        (CStr::from_bytes_until_nul(b"x").unwrap_err().into(), Category::Validation),
        (CString::from_vec_with_nul(vec![b'x']).unwrap_err().into(), Category::Validation),
        (CString::new([0xff]).unwrap().into_string().unwrap_err().into(), Category::Validation),
        (<[u8; 2]>::try_from(&[1_u8][..]).unwrap_err().into(), Category::Validation),
        (char::try_from(0xd800_u32).unwrap_err().into(), Category::Validation),
        (u8::try_from('é' as u32 + 300).unwrap_err().into(), Category::Validation),
        (u8::try_from('€').unwrap_err().into(), Category::Validation),
        (String::from_utf16(&[0xd800]).unwrap_err().into(), Category::Validation),
        (str::from_utf8(&Vec::from([0xff])).unwrap_err().into(), Category::Validation),
        ("x".parse::<std::net::IpAddr>().unwrap_err().into(), Category::Validation),
        (std::path::Path::new("a").strip_prefix("b").unwrap_err().into(), Category::Validation),
        (Duration::try_from_secs_f64(-1.0).unwrap_err().into(), Category::Validation),
        (earlier.duration_since(later).unwrap_err().into(), Category::Infrastructure),
        (receiver.try_recv().unwrap_err().into(), Category::Unavailable),
        (sender.try_send(()).unwrap_err().into(), Category::ResourceExhausted),
        (Vec::<u8>::new().try_reserve(usize::MAX).unwrap_err().into(), Category::ResourceExhausted),
        (cell.try_borrow().unwrap_err().into(), Category::Internal),
        (std::alloc::Layout::from_size_align(1, 3).unwrap_err().into(), Category::Internal),
        (full.try_send(()).unwrap_err().into(), Category::ResourceExhausted),
        (tokio::sync::oneshot::channel::<()>().1.try_recv().unwrap_err().into(), Category::Unavailable),
    ];
    drop(held);
    for (error, category) in all {
        assert_eq!(class_of(&*error).category, category, "{error:?}");
        assert_eq!(Error::convert(error).category(), category);
    }
}

/// Its type is another for each type of message, so no box can be asked; and the message may be a secret.
#[test]
fn what_could_not_be_sent_is_known_and_not_kept() {
    struct Secret(#[expect(dead_code, reason = "it is only sent")] std::rc::Rc<u8>);
    let secret = || Secret(std::rc::Rc::new(7));
    let (sender, receiver) = std::sync::mpsc::channel();
    drop(receiver);
    assert_eq!(Error::from(sender.send(secret()).unwrap_err()).category(), Category::Internal);
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    sender.try_send(secret()).map_err(Error::from).unwrap();
    let full = sender.try_send(secret()).op("queue.push").unwrap_err();
    assert_eq!((full.category(), full.operation()), (Category::ResourceExhausted, Some("queue.push")));
    drop(receiver);
    assert_eq!(Error::from(sender.try_send(secret()).unwrap_err()).category(), Category::Unavailable);
    assert_eq!(full.root_cause().unwrap().to_string(), "no available capacity");
}

/// A body that fails so, at once.
struct Broken<E>(Option<E>);

impl<E: Into<Box<dyn std::error::Error + Send + Sync>> + Unpin> hyper::body::Body for Broken<E> {
    type Data = &'static [u8];
    type Error = E;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<Self::Data>, E>>> {
        std::task::Poll::Ready(self.0.take().map(Err))
    }
}

/// What a request ends with whose body does.
#[expect(clippy::unwrap_used, reason = "a helper of a test may panic")]
async fn with_body_that_fails<E>(with: E) -> hyper::Error
where
    E: Into<Box<dyn std::error::Error + Send + Sync>> + Unpin + Send + 'static,
{
    use hyper::client::conn::http1;
    let (ours, _theirs) = tokio::io::duplex(1_024);
    let (mut sender, connection) = http1::handshake(hyper_util::rt::TokioIo::new(ours)).await.unwrap();
    let request = http::Request::post("/").header("host", "x").body(Broken(Some(with))).unwrap();
    let (sent, connected) = tokio::join!(sender.send_request(request), connection);
    connected.err().or(sent.err()).unwrap()
}

/// It was a bug of ours, whatever had happened to it.
#[tokio::test]
async fn a_body_of_ours_that_failed_says_why() {
    let error = with_body_that_fails(io::Error::from(ErrorKind::TimedOut)).await;
    assert!(error.is_user(), "{error:?}");
    assert_eq!(class_of(&error).category, Category::Timeout, "{error:?}");
}

/// The other request was not, for which there was no connection: it counted as if this one had never left.
#[tokio::test]
async fn rt_11_a_body_that_another_request_feeds_does_not_say_how_far_its_own_came() {
    let refused = class_of(&with_body_that_fails(io::Error::from(ErrorKind::ConnectionRefused)).await);
    assert_eq!((refused.category, refused.idempotent_only), (Category::Network, true));
    let never = Error::network("there was no connection").with_delivery(Delivery::NeverSent);
    let class = class_of(&with_body_that_fails(never).await);
    assert_eq!((class.delivery, class.idempotent_only), (Delivery::Unknown, true));
}

/// A limit on the time to read an answer is `WouldBlock` on Unix, and it counted as if nothing had been sent.
#[test]
fn rt_11_what_ends_the_wait_for_an_answer_does_not_say_that_nothing_was_sent() {
    let (ours, _theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    ours.set_read_timeout(Some(std::time::Duration::from_millis(1))).unwrap();
    let read = io::Read::read(&mut &ours, &mut [0]).unwrap_err();
    assert_eq!(read.kind(), ErrorKind::WouldBlock);
    assert!(class_of(&read).idempotent_only, "{read:?}");
    // Networks report these to connections that wait for an answer, too.
    for kind in [
        ErrorKind::TimedOut,
        ErrorKind::Interrupted,
        ErrorKind::HostUnreachable,
        ErrorKind::NetworkUnreachable,
        ErrorKind::NetworkDown,
        ErrorKind::ConnectionReset,
        ErrorKind::ConnectionAborted,
        ErrorKind::BrokenPipe,
        ErrorKind::UnexpectedEof,
    ] {
        assert!(class_of(&io::Error::from(kind)).idempotent_only, "{kind}");
    }
    for kind in [ErrorKind::ConnectionRefused, ErrorKind::NotConnected, ErrorKind::AddrNotAvailable] {
        assert!(!class_of(&io::Error::from(kind)).idempotent_only, "{kind}: there was no connection");
    }
}
