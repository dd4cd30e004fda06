//! Timeouts that keep to the deadline of the context.

use std::future::pending;

use core_context::Context;
use core_errors::{Error, PolicyKind, Reason};
use core_time::{Clock, ManualClock, ms, secs};
use core_timeout::Timeout;

#[tokio::test(start_paused = true)]
async fn the_earlier_of_both_limits_ends_the_call() {
    let clock = Clock::system();
    for (builder, kind) in
        [(Timeout::attempt(ms(100)), PolicyKind::Timeout), (Timeout::total(ms(100)), PolicyKind::Deadline)]
    {
        let timeout = builder.within_context().name("payments").build().unwrap();
        for (left, elapsed, reason) in
            [(ms(40), ms(40), Reason::DeadlineExceeded), (secs(9), ms(100), Reason::TimedOut)]
        {
            let context = Context::builder().deadline_in(left, &clock).build();
            let start = clock.now();
            let error = context.scope(timeout.run(pending::<Result<(), Error>>())).await.unwrap_err();
            let rejection = error.rejection().unwrap();
            assert_eq!((rejection.reason(), clock.now() - start), (reason, elapsed), "{kind:?}");
        }
    }
}

#[test]
fn what_begins_too_late_does_not_run_and_who_was_not_told_does_not_look() {
    let time = ManualClock::new();
    let context = Context::builder().deadline_in(ms(10), &time.clock()).build();
    time.advance(ms(10));
    let _entered = context.enter();
    let builder = || Timeout::attempt(secs(1)).clock(time.clock());
    let late = builder().within_context().build().unwrap().call_blocking(|_| Ok::<_, Error>(1)).unwrap_err();
    assert_eq!(late.rejection().unwrap().reason(), Reason::DeadlineExceeded);
    assert_eq!(builder().build().unwrap().call_blocking(|_| Ok::<_, Error>(1)).unwrap(), 1);
}
