//! After an error nothing has happened. One test: it changes the whole process.

use genesis_kit::Kit;
use genesis_kit::context::Identity;
use genesis_kit::health::{CheckOutcome, check_fn};
use genesis_kit::log::Sink;

#[test]
fn a_service_that_was_refused_can_be_set_up_differently() {
    let none_was_set_up = || Identity::get().is_none() && !tracing::dispatcher::has_been_set();

    let level = Kit::builder("orders").version("1").log(|log| log.levels("loud")).build().unwrap_err();
    assert!(level.to_string().contains("`info,hyper=warn`"), "{level}");
    assert!(none_was_set_up(), "{:?}", Identity::get());

    let check = || check_fn("db", || async { CheckOutcome::healthy() });
    let twice =
        Kit::builder("orders").version("2").health(|health| health.optional(check()).optional(check()));
    assert!(twice.build().is_err());
    assert!(none_was_set_up(), "{:?}", Identity::get());

    // Another identity: then there is no log either.
    Kit::builder("orders").version("3").without_log().build().unwrap();
    let other = Kit::builder("orders").version("4").build().unwrap_err();
    assert!(other.to_string().contains("orders 3"), "{other}");
    assert!(!tracing::dispatcher::has_been_set());

    let (sink, lines) = Sink::memory();
    Kit::builder("orders").version("3").log(|log| log.sink(sink)).build().unwrap();
    tracing::info!("heard");
    assert_eq!(lines.lines().len(), 1);
}
