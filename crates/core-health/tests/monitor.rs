//! Checks that run, hang, panic, block and end, in virtual time.
#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use core_health::{Builder, CheckOutcome, Code, Health, Probe, Status, check_fn, local_check_fn};
use core_time::{Clock, ManualClock, ms, secs};

fn status(health: &Health, check: usize) -> (Status, Option<Code>) {
    let snapshot = health.snapshot();
    (snapshot.checks[check].status, snapshot.checks[check].code)
}

fn ready(health: &Health) -> u16 {
    health.answer(Probe::Ready).status
}

async fn pass(duration: Duration) {
    Clock::system().sleep(duration).await;
}

/// Waits in real time, for five seconds at most.
async fn until(is_so: impl Fn() -> bool) {
    for _ in 0..500 {
        if is_so() {
            return;
        }
        pass(ms(10)).await;
    }
    panic!("it never came");
}

fn with(build: impl FnOnce(Builder) -> Builder) -> Health {
    build(Health::builder().interval(secs(10)).timeout(ms(100)).fall(1)).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn nothing_is_ready_before_its_first_result() {
    let health = with(|health| health.dependency(check_fn("db", || async { CheckOutcome::healthy() })));
    assert_eq!((ready(&health), health.answer(Probe::Live).status), (503, 200));
    assert_eq!(&*health.answer(Probe::Ready).body, r#"{"status":"unknown","phase":"starting"}"#);
    let _monitor = health.start();
    pass(ms(1)).await;
    assert_eq!(ready(&health), 200);
    assert_eq!(&*health.answer(Probe::Ready).body, r#"{"status":"healthy","phase":"ready"}"#);
}

#[tokio::test(start_paused = true)]
async fn a_check_that_hangs_is_a_timeout_and_hangs_no_probe() {
    let health = with(|health| {
        health.local(local_check_fn("disk", || async {
            std::future::pending::<()>().await;
            CheckOutcome::healthy()
        }))
    });
    let _monitor = health.start();
    pass(ms(99)).await;
    assert_eq!(ready(&health), 503, "nothing known yet");
    pass(ms(2)).await;
    assert_eq!(status(&health, 0), (Status::Unhealthy, Some(Code::Timeout)));
}

#[tokio::test]
async fn a_late_answer_is_a_failure_whatever_it_says() {
    // It blocks its thread until long after its deadline and answers in the same poll: whoever waits sees the answer first,
    // and only the clock says that it is too late.
    for (took, is_late) in [(ms(100), false), (ms(101), true), (ms(800), true)] {
        let time = ManualClock::new();
        let inside = time.clone();
        let health = with(|health| {
            health.clock(time.clock()).local(local_check_fn("slow", move || {
                let time = inside.clone();
                async move {
                    time.advance(took);
                    CheckOutcome::healthy()
                }
            }))
        });
        let _monitor = health.start();
        while health.snapshot().checks[0].last_run.is_none() {
            tokio::task::yield_now().await;
        }
        let wanted = if is_late { (Status::Unhealthy, Some(Code::Timeout)) } else { (Status::Healthy, None) };
        assert_eq!(status(&health, 0), wanted, "{took:?}");
        assert_eq!(time.elapsed(), took, "no deadline fired");
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_unhealthy_and_the_next_run_takes_place() {
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&runs);
    let health = with(|health| {
        health.local(local_check_fn("rude", move || {
            let run = counted.fetch_add(1, Ordering::Relaxed);
            async move {
                assert!(run > 0, "the first run panics");
                CheckOutcome::healthy()
            }
        }))
    });
    let _monitor = health.start();
    pass(ms(1)).await;
    assert_eq!(status(&health, 0), (Status::Unhealthy, Some(Code::Panicked)));
    pass(secs(12)).await;
    assert_eq!(status(&health, 0), (Status::Healthy, None));
}

#[tokio::test(start_paused = true)]
async fn a_check_never_runs_twice_at_a_time_and_keeps_its_interval() {
    let (running, most, runs) =
        (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let shared = (Arc::clone(&running), Arc::clone(&most), Arc::clone(&runs));
    let health = with(|health| {
        health.dependency(
            check_fn("db", move || {
                let (running, most, runs) = shared.clone();
                async move {
                    runs.fetch_add(1, Ordering::Relaxed);
                    most.fetch_max(running.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
                    Clock::system().sleep(ms(90)).await;
                    running.fetch_sub(1, Ordering::Relaxed);
                    CheckOutcome::healthy()
                }
            })
            .interval(secs(1)),
        )
    });
    let _monitor = health.start();
    pass(secs(110)).await;
    assert_eq!(most.load(Ordering::Relaxed), 1);
    let runs = runs.load(Ordering::Relaxed);
    // One second ±10 % between runs of 90 ms.
    assert!((91..=112).contains(&runs), "{runs}");
}

#[tokio::test(start_paused = true)]
async fn when_the_monitor_is_gone_nothing_stays_green() {
    let health = with(|health| health.local(local_check_fn("disk", || async { CheckOutcome::healthy() })));
    let monitor = health.start();
    pass(ms(1)).await;
    assert_eq!(ready(&health), 200);
    drop(monitor);
    pass(secs(31)).await;
    assert_eq!((ready(&health), status(&health, 0)), (503, (Status::Unknown, Some(Code::Stale))));
    assert_eq!((health.answer(Probe::Live).status, health.answer(Probe::Startup).status), (200, 200));

    let _monitor = health.start();
    pass(ms(1)).await;
    assert_eq!(ready(&health), 200, "a new monitor goes on");
}

#[tokio::test(start_paused = true)]
async fn a_second_monitor_does_nothing_while_the_first_runs() {
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&runs);
    let health = with(|health| {
        health.dependency(check_fn("db", move || {
            counted.fetch_add(1, Ordering::Relaxed);
            async { CheckOutcome::healthy() }
        }))
    });
    let (_first, second) = (health.start(), health.start());
    pass(ms(1)).await;
    drop(second);
    pass(secs(12)).await;
    assert_eq!(runs.load(Ordering::Relaxed), 2, "the first goes on, alone");
}

#[tokio::test(start_paused = true)]
async fn a_check_that_is_dropped_at_its_deadline_gives_back_what_it_holds() {
    let held = Arc::new(());
    let inside = Arc::clone(&held);
    let health = with(|health| {
        health.dependency(check_fn("db", move || {
            let connection = Arc::clone(&inside);
            async move {
                std::future::pending::<()>().await;
                drop(connection);
                CheckOutcome::healthy()
            }
        }))
    });
    let _monitor = health.start();
    pass(ms(150)).await;
    assert_eq!(Arc::strong_count(&held), 2, "ours and the check's own");
}

#[tokio::test(start_paused = true)]
async fn draining_is_not_ready_and_alive_for_good() {
    let health = with(|health| health.local(local_check_fn("disk", || async { CheckOutcome::healthy() })));
    let _monitor = health.start();
    pass(ms(1)).await;
    health.drain();
    pass(secs(40)).await;
    assert_eq!((ready(&health), health.answer(Probe::Live).status), (503, 200));
    assert_eq!(&*health.answer(Probe::Ready).body, r#"{"status":"unhealthy","phase":"draining"}"#);
    assert_eq!(&*health.answer(Probe::Live).body, r#"{"status":"healthy","phase":"draining"}"#);
    assert_eq!(
        (health.answer(Probe::Health).status, &*health.answer(Probe::Health).body),
        (503, r#"{"status":"unhealthy","phase":"draining","checks":[{"name":"disk","status":"healthy"}]}"#)
    );
    assert_eq!(health.snapshot().status, Status::Healthy, "what it depends on is well");
}

#[tokio::test(start_paused = true)]
async fn a_body_agrees_with_its_code() {
    let outcomes = [CheckOutcome::healthy(), CheckOutcome::degraded("less"), CheckOutcome::unhealthy("down")];
    for outcome in outcomes {
        let gating = outcome.clone();
        let health =
            with(|health| health.local(local_check_fn("disk", move || std::future::ready(gating.clone()))));
        let agrees = |when: &str| {
            for probe in [Probe::Health, Probe::Live, Probe::Ready, Probe::Startup] {
                let answer = health.answer(probe);
                let says_good = ["healthy", "degraded"]
                    .iter()
                    .any(|word| answer.body.starts_with(&format!(r#"{{"status":"{word}""#)));
                assert_eq!(answer.status == 200, says_good, "{probe:?} {when}: {answer:?}");
            }
        };
        agrees("before the first result");
        let _monitor = health.start();
        pass(ms(1)).await;
        agrees("while it serves");
        health.drain();
        agrees("while it drains");
        pass(secs(60)).await;
        agrees("at last");
    }
}

#[tokio::test(start_paused = true)]
async fn start_up_waits_for_a_dependency_once() {
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&runs);
    let health = with(|health| {
        health.dependency(check_fn("db", move || {
            let up = counted.fetch_add(1, Ordering::Relaxed) == 1;
            async move { if up { CheckOutcome::healthy() } else { CheckOutcome::unhealthy("down") } }
        }))
    });
    let startup = || health.answer(Probe::Startup).status;
    let _monitor = health.start();
    pass(ms(1)).await;
    assert_eq!((startup(), ready(&health)), (503, 200));
    pass(secs(12)).await;
    assert_eq!(startup(), 200);
    pass(secs(12)).await;
    assert_eq!((startup(), health.snapshot().status), (200, Status::Degraded));
}

/// Needs threads: a check that blocks one must not block the test.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_that_does_not_stop_is_stuck_and_is_not_started_again() {
    let (release, gate) = std::sync::mpsc::channel::<()>();
    let gate = Arc::new(std::sync::Mutex::new(gate));
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&runs);
    let health = Health::builder()
        .interval(ms(30))
        .timeout(ms(20))
        .fall(1)
        .local(local_check_fn("stubborn", move || {
            let (run, gate) = (counted.fetch_add(1, Ordering::Relaxed), Arc::clone(&gate));
            async move {
                if run == 0 {
                    // Blocks its thread until it is let go.
                    let _ = gate.lock().unwrap().recv();
                }
                CheckOutcome::healthy()
            }
        }))
        .build()
        .unwrap();
    let _monitor = health.start();
    until(|| status(&health, 0) == (Status::Unknown, Some(Code::Stuck))).await;
    assert_eq!(runs.load(Ordering::Relaxed), 1);
    assert_eq!(ready(&health), 503);
    release.send(()).unwrap();
    until(|| status(&health, 0) == (Status::Healthy, None)).await;
}

/// Needs threads, as above, and one more for the run that must not be.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_new_monitor_waits_for_the_run_that_the_last_one_left_behind() {
    let (release, gate) = std::sync::mpsc::channel::<()>();
    let gate = Arc::new(std::sync::Mutex::new(gate));
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let shared = (Arc::clone(&running), Arc::clone(&most));
    let health = Health::builder()
        .interval(ms(10))
        .timeout(ms(20))
        .fall(1)
        .local(local_check_fn("stubborn", move || {
            let ((running, most), gate) = (shared.clone(), Arc::clone(&gate));
            async move {
                most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                // Blocks its thread until it is let go; the runs after that are let go at once.
                let _ = gate.lock().unwrap().recv();
                running.fetch_sub(1, Ordering::SeqCst);
                CheckOutcome::healthy()
            }
        }))
        .build()
        .unwrap();
    let monitor = health.start();
    until(|| running.load(Ordering::SeqCst) == 1).await;
    drop(monitor);
    let _monitor = health.start();
    until(|| status(&health, 0) == (Status::Unknown, Some(Code::Stuck))).await;
    drop(release);
    until(|| status(&health, 0) == (Status::Healthy, None)).await;
    assert_eq!(most.load(Ordering::SeqCst), 1, "never two at a time");
}

#[test]
fn a_bad_configuration_is_refused_with_what_would_be_right() {
    let check = |name: &str| check_fn(name, || async { CheckOutcome::healthy() });
    let refused = |builder: Builder| builder.build().unwrap_err().to_string();
    assert!(refused(Health::builder().dependency(check("Big Name"))).contains("1 to 63"));
    assert!(refused(Health::builder().dependency(check(""))).contains("1 to 63"));
    assert!(
        refused(Health::builder().dependency(check("a")).optional(check("a"))).contains("two health checks")
    );
    assert!(refused(Health::builder().dependency(check("a").interval(secs(0)))).contains("interval is zero"));
    assert!(refused(Health::builder().dependency(check("a")).timeout(secs(0))).contains("timeout is zero"));
    for endless in [secs(24 * 60 * 60) + Duration::from_nanos(1), Duration::MAX] {
        assert!(
            refused(Health::builder().dependency(check("a").interval(endless))).contains("more than a day")
        );
        assert!(
            refused(Health::builder().dependency(check("a")).timeout(endless)).contains("more than an hour")
        );
    }
    let most = check("a").interval(secs(24 * 60 * 60)).timeout(secs(60 * 60));
    assert!(Health::builder().dependency(most).build().is_ok());
    assert!(refused(Health::builder().dependency(check("a").rise(0))).contains("rise is zero"));
    assert!(refused(Health::builder().dependency(check("a").fall(0))).contains("fall is zero"));
    let many = (0..65).fold(Health::builder(), |health, n| health.optional(check(&format!("c{n}"))));
    assert!(refused(many).contains("64 is the most"));
}

#[tokio::test(start_paused = true)]
async fn a_body_stays_under_what_a_kubelet_reads() {
    let health = (0..64)
        .fold(Health::builder(), |health, n| {
            let outcome = || async {
                let long = "a very long secret text".repeat(100);
                CheckOutcome::unhealthy(long)
                    .with_code(Code::Custom("a_word_that_is_much_longer_than_a_word_should_be"))
            };
            health.dependency(check_fn(format!("{n:0>63}"), outcome))
        })
        .build()
        .unwrap();
    let _monitor = health.start();
    pass(ms(1)).await;
    let body = health.answer(Probe::Health).body;
    assert!(body.len() < 10 * 1024, "{}", body.len());
    assert!(!body.contains("secret"), "texts are for the log");
    assert!(body.contains(r#""status":"unhealthy","code":"a_word_that"#));
}

#[test]
fn an_error_becomes_an_outcome_with_its_causes_for_the_log() {
    let failed: Result<(), core_errors::Error> =
        Err(core_errors::Error::network("no route").cause(std::io::Error::other("reset")));
    let outcome = CheckOutcome::from(failed);
    assert_eq!((outcome.status(), outcome.text()), (Status::Unhealthy, "no route: reset"));
    assert_eq!(CheckOutcome::from(Ok::<_, std::io::Error>(3)).status(), Status::Healthy);
}
