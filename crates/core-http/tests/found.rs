//! What was found wrong once, and must not come back: each test failed before its repair.

use core_errors::{Classify, Error, Name, PolicyKind, Reason, Rejection, Verdict};
use core_http::{ClientLayer, classify_response, problem};
use http::{Request, Response, StatusCode};
use tower::{Layer, ServiceExt, service_fn};

#[tokio::test]
async fn the_errors_of_a_client_say_where_they_were_made() {
    let failing =
        service_fn(|_: Request<()>| async { Err::<Response<()>, _>(std::io::Error::other("gone")) });
    let transport = ClientLayer::new().layer(failing).oneshot(Request::new(())).await.unwrap_err();
    let busy = service_fn(|_: Request<()>| async {
        let mut response = Response::new(());
        *response.status_mut() = StatusCode::BAD_GATEWAY;
        Ok::<_, std::io::Error>(response)
    });
    let status = ClientLayer::new().layer(busy).oneshot(Request::new(())).await.unwrap_err();
    for error in [transport, status] {
        assert!(error.location().file().ends_with("client.rs"), "{}", error.location());
    }
}

#[test]
fn rt_8_what_a_policy_refused_here_is_not_tried_again_by_whoever_called() {
    for reason in [Reason::BudgetExhausted, Reason::DeadlineExceeded, Reason::CircuitOpen] {
        let error = Error::from(Rejection::new(PolicyKind::Retry, Name::UNNAMED, reason));
        assert_eq!(error.verdict(), Verdict::Ignore);
        let response: Response<String> = problem::respond(&error);
        assert_eq!(response.headers()["x-should-retry"], "false", "{reason:?}");
        assert!(!classify_response(&response).is_retriable(), "{reason:?}");
    }
    let busy: Response<String> = problem::respond(&Error::unavailable("busy"));
    assert!(busy.headers().get("x-should-retry").is_none() && classify_response(&busy).is_retriable());
}
