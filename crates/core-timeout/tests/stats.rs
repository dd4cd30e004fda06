//! What limits say of themselves, for metrics; in virtual time.
#![expect(clippy::unwrap_used, reason = "a helper of a test may panic")]

use std::future::pending;

use core_errors::{Error, Name};
use core_time::{Clock, ms, secs};
use core_timeout::{Deadline, Operation, Profile, Spec, Timeout, Timeouts, exceeded};

fn stuck() -> impl Future<Output = Result<(), Error>> {
    pending()
}

fn times(name: &str) -> Option<u64> {
    exceeded().into_iter().find(|(known, _)| known.as_str() == name).map(|(_, times)| times)
}

fn named(name: &str) -> Name {
    Name::new(name).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_timeout_tells_how_often_it_fired_and_how_long_that_took() {
    for timeout in [Timeout::attempt(ms(300)).build().unwrap(), Timeout::total(ms(300)).build().unwrap()] {
        timeout.run(async { Ok::<_, Error>(()) }).await.unwrap();
        assert_eq!(
            (timeout.stats().fired, timeout.stats().elapsed),
            (0, ms(0)),
            "what is done in time is not counted"
        );
        timeout.run(stuck()).await.unwrap_err();
        timeout.clone().run(stuck()).await.unwrap_err();
        assert_eq!((timeout.stats().fired, timeout.fired()), (2, 2));
        assert!(timeout.stats().elapsed >= ms(600) && timeout.stats().elapsed < ms(620), "{timeout:?}");
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Lookup;

impl Operation for Lookup {
    const ALL: &'static [Self] = &[Self];

    fn spec(self) -> Spec {
        Spec::new("lookup_of_stats", secs(1))
    }
}

#[tokio::test(start_paused = true)]
async fn operations_are_there_from_the_start_and_count_what_was_exceeded() {
    assert_eq!(times("lookup_of_stats"), None);
    let timeouts = Timeouts::new(Profile::<Lookup>::standard()).unwrap();
    assert_eq!(times("lookup_of_stats"), Some(0));
    timeouts.run(Lookup, async { Ok::<_, Error>(()) }).await.unwrap();
    assert_eq!(times("lookup_of_stats"), Some(0));
    timeouts.run(Lookup, stuck()).await.unwrap_err();
    assert_eq!(times("lookup_of_stats"), Some(1));
    // What begins too late is not even begun.
    let late = timeouts.deadline(Lookup);
    Clock::system().sleep(secs(2)).await;
    late.run(async { Ok::<_, Error>(()) }).await.unwrap_err();
    assert_eq!(times("lookup_of_stats"), Some(2));
}

#[tokio::test(start_paused = true)]
async fn a_gathering_that_lacks_something_is_counted_once() {
    let deadline = Deadline::after(ms(100), &Clock::system()).named(named("gathering_of_stats"));
    assert!(deadline.gather([std::future::ready(()), std::future::ready(())]).await.is_complete());
    assert_eq!(times("gathering_of_stats"), None);
    assert!(!deadline.gather([pending::<()>(), pending()]).await.is_complete());
    assert_eq!(times("gathering_of_stats"), Some(1));
}

#[tokio::test(start_paused = true)]
async fn pl_2_what_was_counted_stays_when_limits_change() {
    let timeout = Timeout::attempt(ms(300)).build().unwrap();
    timeout.run(stuck()).await.unwrap_err();
    let before = timeout.stats();
    timeout.set_limit(ms(100)).unwrap();
    assert!(timeout.set_limit(ms(0)).is_err());
    assert_eq!((timeout.stats(), before.fired), (before, 1));
    timeout.run(stuck()).await.unwrap_err();
    assert_eq!((timeout.stats().fired, timeout.stats().elapsed), (2, ms(400)));

    let timeouts = Timeouts::new(Profile::<Changing>::standard()).unwrap();
    timeouts.run(Changing, stuck()).await.unwrap_err();
    timeouts.update(|profile| profile.with(Changing, secs(2))).unwrap();
    timeouts.set(Profile::test()).unwrap();
    Timeouts::new(Profile::<Changing>::production()).unwrap();
    assert_eq!(times("changing_of_stats"), Some(1));
    timeouts.run(Changing, stuck()).await.unwrap_err();
    assert_eq!(times("changing_of_stats"), Some(2));
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Changing;

impl Operation for Changing {
    const ALL: &'static [Self] = &[Self];

    fn spec(self) -> Spec {
        Spec::new("changing_of_stats", secs(1))
    }
}
