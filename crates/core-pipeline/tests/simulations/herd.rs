//! A fleet whose circuits opened at the same moment: without jitter they all probe at the same moment, too.

use std::sync::Arc;

use core_breaker::Breaker;
use core_context::JoinSet;
use core_time::{Clock, ms, secs};

use crate::alone::has_run_elsewhere;
use crate::callee::Callee;
use crate::history::History;
use crate::picture::Picture;

const SECONDS: u32 = 40;
const FLEET: u32 = 200;
const DEAD: (u32, u32) = (5, 25);

/// Each process asks ten times a second, through a breaker of its own. What reaches the callee.
async fn run(jitter: bool) -> History {
    let clock = Clock::system();
    let start = clock.now();
    let callee = Arc::new(Callee::new(10_000, secs(1), &clock));
    let mut fleet = JoinSet::new();
    for process in 0..FLEET {
        let (callee, clock) = (Arc::clone(&callee), clock.clone());
        let breaker = Breaker::consecutive(5).open_for(secs(4)).open_max(secs(4)).jitter(jitter);
        let breaker = breaker.seed(process.into()).build().unwrap();
        fleet.spawn(async move {
            while clock.now() < start + secs(SECONDS.into()) {
                breaker.call(|_| callee.ask()).await.ok();
                clock.sleep(ms(100)).await;
            }
        });
    }
    clock.sleep_until(start + secs(DEAD.0.into())).await;
    callee.answers(None);
    clock.sleep_until(start + secs(DEAD.1.into())).await;
    callee.answers(Some(10_000));
    while fleet.join_next().await.is_some() {}
    callee.asked()
}

#[tokio::test(start_paused = true)]
async fn cb_30_a_fleet_does_not_probe_as_one() {
    if has_run_elsewhere("herd::cb_30_a_fleet_does_not_probe_as_one") {
        return;
    }
    let (as_one, spread) = (run(false).await, run(true).await);
    let probes = |history: &History| {
        let steps = history.per_step(SECONDS);
        // From the second round on, when those with jitter have drifted apart, and while the callee is still dead.
        let dead = (DEAD.0 as usize + 5) * 10..DEAD.1 as usize * 10;
        steps[dead].iter().copied().fold(0.0, f64::max)
    };
    // The control: all of them at once.
    assert!(probes(&as_one) >= f64::from(FLEET), "{}", probes(&as_one));
    assert!(probes(&spread) <= f64::from(FLEET) / 6.0, "{}", probes(&spread));
    // Once it lives, the whole fleet is back.
    for history in [&as_one, &spread] {
        assert!(history.peak(35) >= FLEET * 9 / 10, "{}", history.peak(35));
    }
    Picture {
        title: "200 processes, each with a circuit of its own, around a callee that dies and comes back",
        unit: "calls that reach the callee in each tenth of a second",
        seconds: SECONDS,
        trigger: ("dead", DEAD.0, DEAD.1),
        lines: vec![
            ("without jitter", as_one.per_step(SECONDS)),
            ("with jitter (default)", spread.per_step(SECONDS)),
        ],
    }
    .check("half-open-herd.svg");
}
