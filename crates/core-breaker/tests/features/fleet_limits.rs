//! A store that answers the exchange and is slow, or silent, about who may probe.

use std::time::Duration;

use core_breaker::{Breaker, Fleet, Lease, Leased, Peer, Report, Share, ShareError, State};
use core_time::{Clock, ms, secs};

/// Takes so long to say who may probe.
struct Slow(Duration);

impl Share for Slow {
    async fn exchange(&self, reports: &[Report]) -> Result<Vec<Vec<Peer>>, ShareError> {
        Ok(reports.iter().map(|_| Vec::new()).collect())
    }

    async fn lease(&self, _: &Lease) -> Result<Leased, ShareError> {
        Clock::system().sleep(self.0).await;
        Ok(Leased::Ours)
    }

    async fn release(&self, _: &Lease) -> Result<(), ShareError> {
        Clock::system().sleep(self.0).await;
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_tick_takes_no_longer_than_four_times_the_limit_however_many_circuits_are_open() {
    let clock = Clock::system();
    for slow in [ms(150), secs(3_600)] {
        let breaker = |n| Breaker::consecutive(1).open_for(secs(5)).jitter(false).name(format!("callee-{n}"));
        let breakers: Vec<_> = (0..50).map(|n| breaker(n).build().unwrap()).collect();
        let fleet = Fleet::builder(Slow(slow), "pod-0").answer_within(ms(200)).build().unwrap();
        for breaker in &breakers {
            fleet.add(breaker).unwrap();
            breaker.acquire().unwrap().failure();
        }
        clock.sleep(ms(4_800)).await;
        let start = clock.now();
        fleet.tick().await;
        let took = clock.now() - start;
        assert!(took > ms(100) && took <= ms(800), "{slow:?}: {took:?}");
        assert!(breakers.iter().all(|breaker| breaker.state() == State::Open));
        // Who was not asked for probes by itself, and not as one.
        clock.sleep(ms(300)).await;
        let due = breakers.iter().filter(|breaker| breaker.acquire().is_ok()).count();
        assert!(due < 40, "{slow:?}: {due} of 50 at once");
        clock.sleep(secs(5)).await;
        assert!(breakers.iter().all(|breaker| breaker.state() != State::Open || breaker.acquire().is_ok()));
    }
}
