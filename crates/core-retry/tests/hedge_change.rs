//! Hedges whose settings change while calls go on.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use core_errors::Error;
use core_policy::Attempt;
use core_retry::{Budget, Hedge, HedgeBuilder};
use core_time::{Clock, ms, secs};

type Change = fn(HedgeBuilder) -> HedgeBuilder;

async fn sleeps(takes: Duration) -> Result<(), Error> {
    Clock::system().sleep(takes).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_hedge_that_is_changed_goes_by_it_from_the_next_call_on() {
    let hedge = Hedge::after(ms(30)).budget(&Budget::default()).build().unwrap();
    let clock = Clock::system();
    let begun = RefCell::new((clock.now(), Vec::new()));
    let seconds = |attempt: Attempt| {
        let mut begun = begun.borrow_mut();
        let after = Clock::system().now() - begun.0;
        begun.1.push((attempt.hedge(), after));
        sleeps(secs(1))
    };
    {
        let mut waiting = pin!(hedge.call(seconds));
        assert!(poll_fn(|cx| Poll::Ready(waiting.as_mut().poll(cx))).await.is_pending());
        hedge.reconfigure(|hedge| hedge.after(ms(10)).max(2)).unwrap();
        waiting.await.unwrap();
    }
    assert_eq!(begun.borrow().1, [(0, ms(0)), (1, ms(30))], "what waits keeps to what there was");
    assert_eq!((hedge.max(), hedge.fixed_delay()), (2, Some(ms(10))));
    begun.replace((clock.now(), Vec::new()));
    hedge.call(seconds).await.unwrap();
    assert_eq!(begun.borrow().1, [(0, ms(0)), (1, ms(10)), (2, ms(20))]);
    assert_eq!(hedge.to_string(), "2 more after 10ms");
}

#[test]
fn a_change_that_is_wrong_changes_nothing() {
    let budget = Budget::default();
    let hedge = Hedge::after(ms(30)).budget(&budget).build().unwrap();
    let wrong: [(Change, &str); 5] = [
        (|hedge| hedge.after(ms(9)).max(9), "1 to 8"),
        (|hedge| hedge.max(3).after_quantile(1.5), "under 1"),
        (|hedge| hedge.after(ms(9)).budget(&Budget::default()), "budget cannot be changed"),
        (|hedge| hedge.after(ms(9)).name("other"), "name cannot be changed"),
        (|hedge| hedge.after(ms(9)).clock(Clock::system()), "clock cannot be changed"),
    ];
    for (change, says) in wrong {
        let error = hedge.reconfigure(change).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
        assert_eq!((hedge.max(), hedge.fixed_delay()), (1, Some(ms(30))));
    }
}

#[tokio::test(start_paused = true)]
async fn hg_2_what_is_known_of_latencies_outlives_a_change() {
    let hedge = Hedge::after_p95().min_samples(20).budget(&Budget::default()).build().unwrap();
    let clock = Clock::system();
    for n in 1..=40 {
        let took = ms(if n % 4 == 0 { 100 } else { 10 });
        hedge.call(|_| sleeps(took)).await.unwrap();
    }
    let p95 = hedge.delay(clock.now()).unwrap();
    assert!(p95 > ms(100) && p95 < ms(115), "{p95:?}");
    hedge.reconfigure(|hedge| hedge.after_quantile(0.5)).unwrap();
    let median = hedge.delay(clock.now()).unwrap();
    assert!(median > ms(10) && median < ms(12), "{median:?}");
    hedge.reconfigure(|hedge| hedge.after(ms(7))).unwrap();
    assert_eq!(hedge.delay(clock.now()), Some(ms(7)));
    hedge.reconfigure(|hedge| hedge.after_quantile(0.95)).unwrap();
    assert_eq!(hedge.delay(clock.now()), Some(p95));
    hedge.reconfigure(|hedge| hedge.window(secs(10))).unwrap();
    assert_eq!(hedge.delay(clock.now()), None, "of another window nothing is known yet");
    let fixed = Hedge::after(ms(5)).budget(&Budget::default()).min_samples(20).build().unwrap();
    fixed.reconfigure(|hedge| hedge.after_quantile(0.9)).unwrap();
    for _ in 0..20 {
        fixed.call(|_| sleeps(ms(3))).await.unwrap();
    }
    assert!(fixed.delay(clock.now()).is_some_and(|delay| delay < ms(4)));
}
