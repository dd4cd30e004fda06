//! When a fleet asks its store, for what, and whom it listens to.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use core_breaker::{
    Breaker, ConfigError, Fleet, FleetBuilder, Lease, Leased, Peer, Report, Share, ShareError, State, Tally,
};
use core_time::{Clock, Instant, ManualClock, ms, secs};

/// Says what it is told to, and notes what it is asked.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Asked>>);

#[derive(Default)]
struct Asked {
    clock: Clock,
    exchanges: Vec<Instant>,
    leases: u32,
    releases: u32,
    peers: Vec<Peer>,
    theirs: bool,
}

impl Share for Notes {
    async fn exchange(&self, reports: &[Report]) -> Result<Vec<Vec<Peer>>, ShareError> {
        let mut asked = self.0.lock().unwrap();
        let now = asked.clock.now();
        asked.exchanges.push(now);
        Ok(reports.iter().map(|_| asked.peers.clone()).collect())
    }

    async fn lease(&self, _: &Lease) -> Result<Leased, ShareError> {
        let mut asked = self.0.lock().unwrap();
        asked.leases += 1;
        Ok(if asked.theirs { Leased::Theirs { left: secs(30) } } else { Leased::Ours })
    }

    async fn release(&self, _: &Lease) -> Result<(), ShareError> {
        self.0.lock().unwrap().releases += 1;
        Ok(())
    }
}

impl Notes {
    fn asked(&self) -> (u32, u32) {
        let asked = self.0.lock().unwrap();
        (asked.leases, asked.releases)
    }
}

fn peer(instance: impl Into<String>, state: State, calls: u64) -> Peer {
    Peer { instance: instance.into(), state, window: Tally { calls, ..Tally::default() }, recoveries: 0 }
}

/// A circuit of the instance `me` that one failure in a row of two has touched, and its fleet.
fn of(store: &Notes, time: &ManualClock) -> (Breaker, Fleet<Notes>) {
    let breaker = Breaker::consecutive(2).open_for(secs(5)).jitter(false).probes(1).successes(1);
    let breaker = breaker.name("payments").clock(time.clock()).build().unwrap();
    breaker.acquire().unwrap().failure();
    let fleet = Fleet::builder(store.clone(), "me").clock(time.clock()).instances_min(1).build().unwrap();
    fleet.add(&breaker).unwrap();
    (breaker, fleet)
}

#[tokio::test(start_paused = true)]
async fn a_fleet_asks_about_once_in_an_interval_a_fifth_earlier_or_later() {
    let store = Notes::default();
    let fleet = Fleet::builder(store.clone(), "me").interval(secs(10)).seed(7).build().unwrap();
    let clock = Clock::system();
    store.0.lock().unwrap().clock = clock.clone();
    let ends = clock.now() + secs(3_600);
    let mut run = std::pin::pin!(fleet.run());
    let mut end = std::pin::pin!(clock.sleep(ends - clock.now()));
    std::future::poll_fn(|cx| {
        assert!(run.as_mut().poll(cx).is_pending());
        end.as_mut().poll(cx)
    })
    .await;
    let asked = std::mem::take(&mut store.0.lock().unwrap().exchanges);
    let pauses: Vec<Duration> = asked.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(pauses.iter().all(|pause| (secs(8)..=ms(12_010)).contains(pause)), "{pauses:?}");
    assert!(pauses.iter().any(|pause| *pause < secs(9)) && pauses.iter().any(|pause| *pause > secs(11)));
}

#[tokio::test]
async fn a_lease_is_asked_for_once_and_given_back_once_when_its_round_is_over() {
    let (store, time) = (Notes::default(), ManualClock::new());
    time.advance(secs(60));
    let (breaker, fleet) = of(&store, &time);
    breaker.acquire().unwrap().failure();
    time.advance(ms(4_800));
    fleet.tick().await;
    fleet.tick().await;
    fleet.tick().await;
    assert_eq!(store.asked(), (1, 0), "it has it");
    time.advance(secs(1));
    let probe = breaker.acquire().unwrap();
    assert_eq!(breaker.state(), State::HalfOpen);
    fleet.tick().await;
    assert_eq!(store.asked(), (1, 0), "that is the round it is for");
    probe.success();
    fleet.tick().await;
    fleet.tick().await;
    assert_eq!(store.asked(), (1, 1));
}

#[tokio::test]
async fn a_lease_is_over_when_its_probes_failed_or_when_it_has_run_out() {
    let (store, time) = (Notes::default(), ManualClock::new());
    let (breaker, fleet) = of(&store, &time);
    breaker.acquire().unwrap().failure();
    time.advance(ms(4_800));
    fleet.tick().await;
    time.advance(secs(1));
    breaker.acquire().unwrap().failure();
    assert_eq!((breaker.state(), store.asked()), (State::Open, (1, 0)));
    fleet.tick().await;
    assert_eq!(store.asked(), (1, 1), "another may probe after this open time, which is long still");
    time.advance(secs(10));
    fleet.tick().await;
    time.advance(secs(59));
    fleet.tick().await;
    assert_eq!(store.asked(), (2, 1), "no call came, and it has it still");
    time.advance(secs(1));
    fleet.tick().await;
    assert_eq!((breaker.state(), store.asked()), (State::Open, (3, 2)), "it has asked again");
}

#[tokio::test]
async fn cb_32_an_instance_that_an_operator_holds_gives_the_right_to_probe_to_others() {
    type Order = fn(&Breaker, &str) -> Result<(), ConfigError>;
    let orders: [Order; 6] = [
        Breaker::force_closed,
        Breaker::force_open,
        Breaker::disable,
        Breaker::shadow,
        Breaker::close,
        |breaker, reason| breaker.open_for(secs(600), reason),
    ];
    for order in orders {
        let (store, time) = (Notes::default(), ManualClock::new());
        let (breaker, fleet) = of(&store, &time);
        breaker.acquire().unwrap().failure();
        time.advance(ms(4_800));
        fleet.tick().await;
        assert_eq!(store.asked(), (1, 0), "it has it");
        order(&breaker, "incident 7").unwrap();
        fleet.tick().await;
        assert_eq!(store.asked(), (1, 1), "{}: it sends no probe", breaker.state());
    }
}

#[tokio::test]
async fn an_instance_that_let_another_probe_does_so_anew_in_the_next_round() {
    let (store, time) = (Notes::default(), ManualClock::new());
    let (breaker, fleet) = of(&store, &time);
    store.0.lock().unwrap().theirs = true;
    breaker.acquire().unwrap().failure();
    let mut turns = 0;
    // Somebody else has the lease for ever, or says so: at last it probes all the same.
    let probe = loop {
        fleet.tick().await;
        time.advance(ms(100));
        turns += 1;
        assert!(turns < 10_000);
        if let Ok(probe) = breaker.acquire() {
            break probe;
        }
    };
    assert!(turns > 2_000, "{turns}");
    probe.failure();
    let left = || breaker.snapshot().open_left.unwrap();
    time.advance(left().saturating_sub(ms(100)));
    fleet.tick().await;
    assert!(left() >= secs(30), "{:?}", left());
}

#[tokio::test]
async fn who_is_well_and_has_traffic_is_counted_among_those_of_whom_it_takes_a_share() {
    let opens = async |peers: Vec<Peer>| {
        let (store, time) = (Notes::default(), ManualClock::new());
        let (breaker, fleet) = of(&store, &time);
        store.0.lock().unwrap().peers = peers;
        fleet.tick().await;
        breaker.state() == State::Open
    };
    let well = |count: u32, calls| (0..count).map(move |n| peer(format!("well-{n}"), State::Closed, calls));
    let with = |well: Vec<Peer>| [vec![peer("ill", State::Open, 0)], well].concat();
    // A share of 0.3: one of three, and not one of four.
    assert!(opens(with(well(2, 10).collect())).await);
    assert!(!opens(with(well(3, 10).collect())).await);
    assert!(opens(with(well(9, 9).collect())).await, "nine calls are no traffic");
    let mut others: Vec<Peer> = with(well(2, 10).collect());
    others.push(peer("me", State::Closed, 10));
    assert!(opens(others.clone()).await, "itself is no other");
    for held in [State::ForcedClosed, State::Shadow, State::Disabled, State::ForcedOpen] {
        let held = (0..9).map(|n| peer(format!("held-{n}"), held, 10));
        assert!(
            opens(others.iter().cloned().chain(held).collect()).await,
            "they would open for nothing that fails"
        );
    }
    others.push(peer("n".repeat(129), State::Closed, 10));
    assert!(opens(others.clone()).await, "that is no name of an instance");
    others.push(peer("n".repeat(128), State::Closed, 10));
    assert!(!opens(others).await);
}

#[test]
fn a_fleet_is_refused_from_where_it_makes_no_sense() {
    type Change = fn(FleetBuilder<Notes>) -> FleetBuilder<Notes>;
    let fleet = |change: Change| change(Fleet::builder(Notes::default(), "me")).build();
    let hour = Duration::from_secs(3_600);
    assert!(fleet(|fleet| fleet.interval(Duration::from_secs(3_600)).quorum(1.0)).is_ok());
    assert!(Fleet::builder(Notes::default(), "n".repeat(128)).answer_within(hour).build().is_ok());
    let wrong: [(Change, &str); 6] = [
        (|fleet| fleet.quorum(0.0), "quorum"),
        (|fleet| fleet.quorum(-0.1), "quorum"),
        (|fleet| fleet.quorum(1.001), "quorum"),
        (|fleet| fleet.quorum(f64::NAN), "quorum"),
        (|fleet| fleet.interval(Duration::new(3_600, 1)), "interval"),
        (|fleet| fleet.answer_within(Duration::new(3_600, 1)), "store"),
    ];
    for (change, says) in wrong {
        let error = fleet(change).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
    assert!(Fleet::builder(Notes::default(), "n".repeat(129)).build().is_err());
}
