//! What checks and probes have come to, for metrics; in virtual time.
#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use core_health::{CheckOutcome, CheckStats, DURATION_ENDS, Ended, Health, Probe, Status, check_fn};
use core_time::{Clock, ms, secs};

fn ended(check: &CheckStats, how: Ended) -> u64 {
    check.ended[Ended::ALL.iter().position(|of| *of == how).unwrap()]
}

fn changes(check: &CheckStats, from: Status, to: Status) -> u64 {
    let place = |status| Status::ALL.iter().position(|of| *of == status).unwrap();
    check.changes[place(from)][place(to)]
}

#[tokio::test(start_paused = true)]
async fn every_run_is_counted_with_how_it_ended_and_what_it_took() {
    let runs = Arc::new(AtomicUsize::new(0));
    let look = {
        let runs = Arc::clone(&runs);
        move || {
            let run = runs.fetch_add(1, Ordering::Relaxed);
            async move {
                Clock::system().sleep(ms(30)).await;
                match run {
                    0 | 4 => CheckOutcome::healthy(),
                    1 => CheckOutcome::degraded("slow"),
                    2 => panic!("in the check"),
                    _ => {
                        Clock::system().sleep(secs(60)).await;
                        CheckOutcome::healthy()
                    }
                }
            }
        }
    };
    let health = Health::builder()
        .interval(secs(10))
        .timeout(ms(100))
        .fall(1)
        .dependency(check_fn("db", look))
        .build()
        .unwrap();
    assert_eq!(health.stats().checks[0].ended, [0; 6], "it is there from the start");
    assert_eq!(
        (health.stats().checks[0].since_last_run, health.stats().checks[0].interval),
        (None, secs(10))
    );
    let _monitor = health.start();
    while runs.load(Ordering::Relaxed) < 5 {
        Clock::system().sleep(secs(1)).await;
    }
    Clock::system().sleep(secs(2)).await;

    let check = &health.stats().checks[0];
    assert_eq!(&*check.name, "db");
    assert_eq!(
        Ended::ALL.map(|how| (how.as_str(), ended(check, how))),
        [("healthy", 2), ("degraded", 1), ("unhealthy", 0), ("timeout", 1), ("panicked", 1), ("unknown", 0),]
    );
    assert_eq!(check.duration_sum, 4 * ms(30) + ms(100));
    let upto = |end| DURATION_ENDS.iter().position(|of| *of == end).unwrap();
    assert_eq!(
        (check.durations[upto(ms(50))], check.durations[upto(ms(100))]),
        (4, 1),
        "an end belongs to it"
    );
    assert_eq!(check.durations.iter().sum::<u64>(), 5);
    assert_eq!(changes(check, Status::Unknown, Status::Healthy), 1);
    assert_eq!(changes(check, Status::Healthy, Status::Degraded), 1);
    assert_eq!(changes(check, Status::Degraded, Status::Unhealthy), 1);
    assert_eq!(changes(check, Status::Unhealthy, Status::Healthy), 1);
    assert_eq!(check.changes.iter().flatten().sum::<u64>(), 4);
    let (last_run, last_success) = (check.since_last_run.unwrap(), check.since_last_success.unwrap());
    assert!(last_run == last_success && last_run <= secs(3), "{last_run:?}");
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_a_run_and_no_success() {
    let look = || std::future::ready(CheckOutcome::unhealthy("down"));
    let health = Health::builder().dependency(check_fn("db", look)).build().unwrap();
    let _monitor = health.start();
    Clock::system().sleep(secs(1)).await;
    let check = &health.stats().checks[0];
    assert_eq!((check.since_last_run, check.since_last_success), (Some(secs(1)), None));
}

#[test]
fn answers_to_probes_are_counted_and_looking_at_the_snapshot_is_not() {
    let health = Health::builder().build().unwrap();
    assert!(health.snapshot().passes(Probe::Live));
    assert_eq!(health.answer(Probe::Live).status, 200);
    health.drain();
    (0..3).for_each(|_| drop(health.answer(Probe::Ready)));
    let counted = health.stats().probes.iter().map(|of| (of.probe, of.passed, of.failed)).collect::<Vec<_>>();
    assert_eq!(
        counted,
        [(Probe::Health, 0, 0), (Probe::Live, 1, 0), (Probe::Ready, 0, 3), (Probe::Startup, 0, 0)]
    );
    assert!(!health.snapshot().passes(Probe::Ready));
}
