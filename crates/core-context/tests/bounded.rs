//! Futures that end with the deadline of a context.
#![cfg(feature = "tokio")]

use std::future::{pending, ready};

use core_context::{Context, Scoped};
use core_errors::Reason;
use core_time::{Clock, ms, secs};

#[tokio::test(start_paused = true)]
async fn a_future_runs_until_the_deadline_and_no_longer() {
    let clock = Clock::system();
    let start = clock.now();
    let ctx = Context::builder().deadline_in(ms(300), &clock).build();
    let late = ctx.bounded(&clock, pending::<()>()).await.unwrap_err();
    assert_eq!((late.reason(), clock.now() - start), (Reason::DeadlineExceeded, ms(300)));
    assert_eq!(ctx.bounded(&clock, ready(7)).await, Ok(7), "what is ready is never too late");
    let waits = async {
        clock.sleep(secs(9)).await;
        7
    };
    assert_eq!(Context::new().bounded(&clock, waits).await, Ok(7), "without a deadline to its end");
}

#[tokio::test]
async fn a_future_may_be_polled_elsewhere_in_the_context_in_which_it_was_made() {
    let ctx = Context::new();
    let made = ctx.sync_scope(|| Scoped::in_current(async { Context::current_correlation_id() }));
    assert_eq!(made.await.as_ref(), Some(ctx.correlation_id()));
    assert_eq!(Scoped::in_current(async { Context::current_correlation_id() }).await, None);
}
