//! How far requests came, over sockets: what never left and what was refused unprocessed is made anew (rule RT-9), and nothing else.
#![cfg(all(feature = "hyper-util", feature = "h2"))]
#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{self, Poll};

use bytes::Bytes;
use core_errors::{Category, Delivery, Error};
use core_http::ClientLayer;
use core_pipeline::Pipeline;
use core_retry::{Budget, Retry};
use core_time::{Clock, ms, secs};
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::client::legacy::Client as Pooling;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::{Layer, ServiceExt, service_fn};

type Body = Full<Bytes>;

/// An address on which nobody listens.
async fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

fn post(to: SocketAddr) -> Request<Body> {
    Request::post(format!("http://{to}/orders")).body(Body::from("one")).unwrap()
}

/// A client that pools connections, under our layer.
async fn pooled(to: SocketAddr) -> Result<Response<Incoming>, Error> {
    let pooling: Pooling<_, Body> = Pooling::builder(TokioExecutor::new()).build_http();
    ClientLayer::new().layer(pooling).oneshot(post(to)).await
}

#[tokio::test]
async fn rt_9_a_connection_that_is_refused_never_sent_the_request() {
    let to = nobody().await;
    let error = pooled(to).await.unwrap_err();
    assert_eq!((error.delivery(), error.category()), (Delivery::NeverSent, Category::Network));
    assert!(!error.idempotent_only(), "it may be made again, whatever it does");

    // Unlimited until the deadline, and no attempt: also of what must not be done twice.
    let retry = Retry::fixed(ms(5)).attempts(2).not_idempotent();
    let orders = Pipeline::named("orders").deadline(ms(200)).retry(retry).build().unwrap();
    let asked = AtomicU32::new(0);
    let result = orders.call(|attempt| {
        assert_eq!(attempt.number().get(), 1);
        asked.fetch_add(1, Ordering::Relaxed);
        pooled(to)
    });
    assert!(result.await.is_err());
    assert!(asked.load(Ordering::Relaxed) > 3);
}

/// What comes after it listens again succeeds as if nothing had been.
#[tokio::test]
async fn rt_9_a_request_that_never_left_is_made_anew_until_somebody_listens() {
    let to = nobody().await;
    let budget = Budget::deposit(0.0, 3, secs(1)).unwrap();
    let retry = Retry::fixed(ms(1)).no_jitter().attempts(2).not_idempotent().budget(&budget).build().unwrap();
    let asked = AtomicU32::new(0);
    let answer = retry.call(|_| async {
        if asked.fetch_add(1, Ordering::Relaxed) == 5 {
            let listener = TcpListener::bind(to).await.unwrap();
            drop(core_context::spawn(async move {
                let (mut socket, _) = listener.accept().await.unwrap();
                socket.read_u8().await.unwrap();
                socket.write_all(b"HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n").await.unwrap();
            }));
        }
        pooled(to).await
    });
    let answer = answer.await.unwrap();
    assert_eq!((answer.status(), asked.into_inner()), (StatusCode::CREATED, 6));
    assert!((budget.available(Clock::system().now()) - 3.0).abs() < 1e-9, "nothing was paid for it");
}

/// One that was at work when the connection broke may have been done.
#[tokio::test]
async fn rt_9_a_request_that_left_is_not_one_that_never_did() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = listener.local_addr().unwrap();
    drop(core_context::spawn(async move {
        // It reads, and goes.
        let (mut socket, _) = listener.accept().await.unwrap();
        socket.read_u8().await.unwrap();
    }));
    let error = pooled(to).await.unwrap_err();
    assert_eq!(error.delivery(), Delivery::Unknown, "{error:?}");
    assert!(error.idempotent_only());
}

#[tokio::test]
async fn rt_9_a_request_that_waited_for_a_connection_that_closed_never_left() {
    let (ours, theirs) = tokio::io::duplex(64);
    let (mut sender, connection) = http1::handshake::<_, Body>(TokioIo::new(ours)).await.unwrap();
    drop(theirs);
    let to: SocketAddr = ([127, 0, 0, 1], 1).into();
    // It is in the queue when the connection is found to be closed.
    let client = ClientLayer::new().layer(service_fn(move |request| sender.send_request(request)));
    let (answer, _) = tokio::join!(client.oneshot(post(to)), connection);
    let error = answer.unwrap_err();
    assert_eq!(error.delivery(), Delivery::NeverSent, "{error:?}");
}

// === HTTP/2 ===

/// The types of frames that are spoken of here.
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;

const NO_ERROR: u32 = 0;
const REFUSED_STREAM: u32 = 7;
const CANCEL: u32 = 8;

/// What a peer does with the first request; it answers 204 to those that follow.
#[derive(Clone, Copy, Debug)]
enum Does {
    Resets(u32),
    /// Goes, and names the last stream that it has looked at.
    Goes {
        last: u32,
    },
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let len = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&len[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A peer of HTTP/2 that knows as much of it as it takes, and does so on each of its connections.
async fn peer(does: Does) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = listener.local_addr().unwrap();
    drop(core_context::spawn(async move {
        let mut is_first = true;
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut preface = [0; 24];
            socket.read_exact(&mut preface).await.unwrap();
            socket.write_all(&frame(SETTINGS, 0, 0, &[])).await.unwrap();
            while let Some((kind, flags, stream)) = next_frame(&mut socket).await {
                let answer = match (kind, does) {
                    (SETTINGS, _) if flags == 0 => frame(SETTINGS, 1, 0, &[]),
                    (HEADERS, Does::Resets(reason)) if is_first => {
                        frame(RST_STREAM, 0, stream, &reason.to_be_bytes())
                    }
                    (HEADERS, Does::Goes { last }) if is_first => {
                        frame(GOAWAY, 0, 0, &[last.to_be_bytes(), NO_ERROR.to_be_bytes()].concat())
                    }
                    // `:status: 204`, the end of headers and stream.
                    (HEADERS, _) => frame(HEADERS, 5, stream, &[0x89]),
                    _ => continue,
                };
                socket.write_all(&answer).await.unwrap();
                if kind == HEADERS && std::mem::take(&mut is_first) && matches!(does, Does::Goes { .. }) {
                    break;
                }
            }
        }
    }));
    to
}

async fn next_frame(socket: &mut (impl tokio::io::AsyncRead + Unpin)) -> Option<(u8, u8, u32)> {
    let mut head = [0; 9];
    socket.read_exact(&mut head).await.ok()?;
    let [a, b, c, kind, flags, stream @ ..] = head;
    let len = u32::from_be_bytes([0, a, b, c]);
    let mut payload = vec![0; usize::try_from(len).unwrap()];
    socket.read_exact(&mut payload).await.ok()?;
    Some((kind, flags, u32::from_be_bytes(stream)))
}

/// One request over a connection of its own.
async fn over_h2(to: SocketAddr) -> Result<StatusCode, Error> {
    let socket = TcpStream::connect(to).await.unwrap();
    let (mut sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(socket)).await.unwrap();
    drop(core_context::spawn(async move { drop(connection.await) }));
    let client = ClientLayer::new().layer(service_fn(move |request| sender.send_request(request)));
    Ok(client.oneshot(post(to)).await?.status())
}

/// The same by `h2` itself.
async fn by_h2_alone(to: SocketAddr) -> Result<StatusCode, Error> {
    let socket = TcpStream::connect(to).await.unwrap();
    let (sender, connection) = h2::client::handshake(socket).await.unwrap();
    drop(core_context::spawn(async move { drop(connection.await) }));
    let client = ClientLayer::new().layer(service_fn(move |request: Request<Body>| {
        let sender = sender.clone();
        async move {
            let (parts, _) = request.into_parts();
            let (answer, _) = sender.ready().await?.send_request(Request::from_parts(parts, ()), true)?;
            answer.await.map(|answer| answer.map(drop))
        }
    }));
    Ok(client.oneshot(post(to)).await?.status())
}

#[tokio::test]
async fn rt_9_a_stream_that_was_refused_unprocessed_says_so() {
    let (refuses, goes) = (Does::Resets(REFUSED_STREAM), Does::Goes { last: 0 });
    for error in [
        over_h2(peer(refuses).await).await.unwrap_err(),
        by_h2_alone(peer(refuses).await).await.unwrap_err(),
        by_h2_alone(peer(goes).await).await.unwrap_err(),
    ] {
        assert_eq!(error.delivery(), Delivery::NotProcessed, "{error:?}");
        assert_eq!(error.category(), Category::Unavailable, "{error:?}");
        assert!(!error.idempotent_only(), "{error:?}");
    }
}

/// The last stream that it names was looked at, and one that was reset for another reason as well.
#[tokio::test]
async fn rt_9_a_stream_that_may_have_been_processed_does_not() {
    for does in [Does::Resets(CANCEL), Does::Goes { last: 1 }] {
        for error in
            [over_h2(peer(does).await).await.unwrap_err(), by_h2_alone(peer(does).await).await.unwrap_err()]
        {
            assert_eq!(error.delivery(), Delivery::Unknown, "{does:?}: {error:?}");
            assert!(error.idempotent_only(), "{does:?}");
        }
    }
}

/// `hyper` says the same of streams that the peer did not look at and, if it comes between two steps of its own, of one that it did: see
/// the next test.
#[tokio::test]
async fn rt_9_of_a_peer_that_goes_hyper_proves_nothing_but_that_it_goes() {
    let error = over_h2(peer(Does::Goes { last: 0 }).await).await.unwrap_err();
    assert_eq!((error.delivery(), error.category()), (Delivery::Unknown, Category::Unavailable), "{error:?}");
    assert!(error.recovery().is_retriable() && error.idempotent_only(), "{error:?}");
    // So does tonic over hyper, which calls it internal.
    let error = over_h2_raw(peer(Does::Goes { last: 0 }).await).await.unwrap_err();
    let error = Error::convert(tonic::Status::from_error(Box::new(error)));
    assert_eq!((error.delivery(), error.category()), (Delivery::Unknown, Category::Unavailable), "{error:?}");
    assert!(error.recovery().is_retriable() && error.idempotent_only(), "{error:?}");
}

/// Runs what `hyper` spawns, which is the connection, in another thread.
#[derive(Clone)]
struct Elsewhere(tokio::runtime::Handle);

impl<F: Future<Output: Send> + Send + 'static> hyper::rt::Executor<F> for Elsewhere {
    fn execute(&self, future: F) {
        let _entered = self.0.enter();
        drop(core_context::spawn(async move { drop(future.await) }));
    }
}

/// Answers all of the twenty requests that it gets, and says with the last answer that it goes, and which streams it has seen.
async fn answers_and_goes(mut socket: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin) -> usize {
    let mut preface = [0; 24];
    socket.read_exact(&mut preface).await.unwrap();
    socket.write_all(&frame(SETTINGS, 0, 0, &[])).await.unwrap();
    let mut answered = 0;
    while let Some((kind, flags, stream)) = next_frame(&mut socket).await {
        let mut answer = match kind {
            SETTINGS if flags == 0 => frame(SETTINGS, 1, 0, &[]),
            HEADERS => frame(HEADERS, 5, stream, &[0x89]),
            _ => continue,
        };
        answered += usize::from(kind == HEADERS);
        if kind == HEADERS && answered == 20 {
            // As servers begin an orderly end: all streams that are there are answered.
            let all = (u32::MAX >> 1).to_be_bytes();
            answer.extend(frame(GOAWAY, 0, 0, &[all, NO_ERROR.to_be_bytes()].concat()));
        }
        if socket.write_all(&answer).await.is_err() {
            break;
        }
    }
    answered
}

/// A few of a hundred rounds ended with a request that was answered, and was to be made anew.
#[tokio::test]
async fn rt_9_what_a_peer_that_goes_has_answered_is_never_made_anew() {
    let (given, elsewhere) = std::sync::mpsc::channel();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let other = core_context::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        given.send(runtime.handle().clone()).unwrap();
        drop(runtime.block_on(stopped));
    });
    let elsewhere = Elsewhere(elsewhere.recv().unwrap());
    for _ in 0..200 {
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let peer = {
            let _entered = elsewhere.0.enter();
            core_context::spawn(answers_and_goes(theirs))
        };
        let (sender, connection) =
            http2::handshake::<_, _, Body>(elsewhere.clone(), TokioIo::new(ours)).await.unwrap();
        let running = core_context::spawn(async move { drop(connection.await) });
        let mut callers = Vec::new();
        for _ in 0..4 {
            let mut sender = sender.clone();
            callers.push(core_context::spawn(async move {
                let mut known = 0;
                loop {
                    let to = ([127, 0, 0, 1], 1).into();
                    match sender.send_request(post(to)).await {
                        Ok(_) => known += 1,
                        Err(error) if Delivery::of_transport(&error).had_no_effect() => return known,
                        // Nobody says that this one had none.
                        Err(_) => return known + 1,
                    }
                }
            }));
        }
        drop(sender);
        let mut known = 0;
        for caller in callers {
            known += caller.await.unwrap();
        }
        running.await.unwrap();
        let answered: usize = peer.await.unwrap();
        assert!(answered <= known, "{answered} were answered, and of {known} it is known that they may be");
    }
    stop.send(()).unwrap();
    other.await.unwrap();
}

#[tokio::test]
async fn rt_9_a_request_that_was_refused_unprocessed_is_made_once_more() {
    let to = peer(Does::Resets(REFUSED_STREAM)).await;
    let retry = Retry::fixed(ms(1)).attempts(2).not_idempotent().build().unwrap();
    let answer = retry.call(|attempt| {
        assert_eq!(attempt.number().get(), 1, "it is no attempt");
        over_h2(to)
    });
    assert_eq!(answer.await.unwrap(), StatusCode::NO_CONTENT);
    let to = peer(Does::Goes { last: 0 }).await;
    let answer = retry.call(|attempt| {
        assert_eq!(attempt.number().get(), 1, "it is no attempt");
        by_h2_alone(to)
    });
    assert_eq!(answer.await.unwrap(), StatusCode::NO_CONTENT);
    assert_eq!(retry.stats().transparent, 2);
}

/// A body of ours that ends with the refusal of another request says nothing of this one.
#[tokio::test]
async fn rt_9_what_a_body_failed_with_is_not_what_its_request_came_to() {
    let refused = over_h2_raw(peer(Does::Resets(REFUSED_STREAM)).await).await.unwrap_err();
    assert_eq!(Delivery::of_transport(&refused), Delivery::NotProcessed);
    let (ours, _theirs) = tokio::io::duplex(1_024);
    let (mut sender, connection) = http1::handshake(TokioIo::new(ours)).await.unwrap();
    let request = Request::post("/").body(Failing(Some(refused))).unwrap();
    let (answer, ended) = tokio::join!(sender.send_request(request), connection);
    let error = ended.err().or(answer.err()).unwrap();
    assert_eq!(Delivery::of_transport(&error), Delivery::Unknown, "{error:?}");
}

/// A body that fails at once.
struct Failing(Option<hyper::Error>);

impl hyper::body::Body for Failing {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut task::Context<'_>,
    ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, hyper::Error>>> {
        Poll::Ready(self.0.take().map(Err))
    }
}

async fn over_h2_raw(to: SocketAddr) -> Result<StatusCode, hyper::Error> {
    let socket = TcpStream::connect(to).await.unwrap();
    let (mut sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(socket)).await.unwrap();
    drop(core_context::spawn(async move { drop(connection.await) }));
    Ok(sender.send_request(post(to)).await?.status())
}

// === tonic ===

#[test]
fn rt_9_a_status_for_want_of_a_connection_is_a_request_that_never_left() {
    let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
    let error = Error::convert(tonic::Status::from_error(Box::new(tonic::ConnectError(refused.into()))));
    assert_eq!((error.delivery(), error.category()), (Delivery::NeverSent, Category::Unavailable));
    let told = Error::convert(tonic::Status::unavailable("says the callee"));
    assert_eq!(told.delivery(), Delivery::Unknown);
}
