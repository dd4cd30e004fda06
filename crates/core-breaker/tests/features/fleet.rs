//! Instances that advise one another through a store, here one in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use core_breaker::{Breaker, Fleet, Lease, Leased, Peer, Report, Share, ShareError, State, Trigger};
use core_errors::Reason;
use core_time::{Clock, Instant, ManualClock, ms, secs};

/// A store that many instances share. It keeps reports and leases as long as they say.
#[derive(Clone)]
struct Memory {
    clock: Clock,
    held: Arc<Mutex<Held>>,
}

#[derive(Default)]
struct Held {
    is_lost: bool,
    hangs: bool,
    /// What it says whenever somebody asks who may probe.
    always: Option<Leased>,
    exchanges: u32,
    reports: BTreeMap<(String, String), (Report, Instant)>,
    leases: BTreeMap<String, (Lease, Instant)>,
}

impl Memory {
    fn new(clock: Clock) -> Self {
        Self { clock, held: Arc::default() }
    }

    fn lose(&self, is_lost: bool) {
        self.held.lock().unwrap().is_lost = is_lost;
    }

    async fn ask<T>(&self, answer: impl FnOnce(&mut Held, Instant) -> T) -> Result<T, ShareError> {
        if self.held.lock().unwrap().hangs {
            std::future::pending::<()>().await;
        }
        let mut held = self.held.lock().unwrap();
        if held.is_lost {
            return Err(ShareError::new("connection refused"));
        }
        Ok(answer(&mut held, self.clock.now()))
    }
}

impl Share for Memory {
    async fn exchange(&self, reports: &[Report]) -> Result<Vec<Vec<Peer>>, ShareError> {
        self.ask(|held, now| {
            held.exchanges += 1;
            for report in reports {
                let key = (report.name.to_string(), report.instance.clone());
                held.reports.insert(key, (report.clone(), now + report.ttl));
            }
            held.reports.retain(|_, (_, until)| *until > now);
            let peers = |report: &Report| {
                let of_name = held.reports.values().filter(|(other, _)| other.name == report.name);
                let peer = |(other, _): &(Report, Instant)| Peer {
                    instance: other.instance.clone(),
                    state: other.state,
                    window: other.window,
                    recoveries: other.recoveries,
                };
                of_name.map(peer).collect()
            };
            reports.iter().map(peers).collect()
        })
        .await
    }

    async fn lease(&self, lease: &Lease) -> Result<Leased, ShareError> {
        self.ask(|held, now| match held.leases.get(lease.name.as_str()) {
            _ if held.always.is_some() => held.always.unwrap_or(Leased::Ours),
            Some((_, until)) if *until > now => Leased::Theirs { left: *until - now },
            _ => {
                held.leases.insert(lease.name.to_string(), (lease.clone(), now + lease.ttl));
                Leased::Ours
            }
        })
        .await
    }

    async fn release(&self, lease: &Lease) -> Result<(), ShareError> {
        self.ask(|held, _| {
            let name = lease.name.as_str();
            if held.leases.get(name).is_some_and(|(held, _)| held.instance == lease.instance) {
                held.leases.remove(name);
            }
        })
        .await
    }
}

/// So many instances of one service.
struct Service {
    time: ManualClock,
    store: Memory,
    breakers: Vec<Breaker>,
    fleets: Vec<Fleet<Memory>>,
}

impl Service {
    fn of(instances: usize, instances_min: u32) -> Self {
        let time = ManualClock::new();
        let store = Memory::new(time.clock());
        let (mut breakers, mut fleets) = (Vec::new(), Vec::new());
        for number in 0..instances {
            let breaker = Breaker::rate(0.5).min_calls(4).window(secs(10)).probes(1).successes(1);
            let breaker = breaker.name("payments").clock(time.clock()).jitter(false).build().unwrap();
            let fleet = Fleet::builder(store.clone(), format!("pod-{number}"));
            let fleet = fleet.clock(time.clock()).instances_min(instances_min).build().unwrap();
            fleet.add(&breaker).unwrap();
            breakers.push(breaker);
            fleets.push(fleet);
        }
        Self { time, store, breakers, fleets }
    }

    async fn tick(&self) {
        for fleet in &self.fleets {
            fleet.tick().await;
        }
    }

    fn fail(&self, instance: usize, times: u32) {
        (0..times).for_each(|_| self.breakers[instance].acquire().unwrap().failure());
    }

    fn states(&self) -> Vec<State> {
        self.breakers.iter().map(Breaker::state).collect()
    }
}

#[tokio::test]
async fn one_opens_and_the_other_learns_it_at_the_next_tick() {
    let service = Service::of(2, 1);
    service.fail(0, 4);
    service.fail(1, 1);
    assert_eq!(service.states(), [State::Open, State::Closed]);
    service.tick().await;
    assert_eq!(service.states(), [State::Open, State::Open]);
    assert_eq!(service.breakers[1].acquire().unwrap_err().reason(), Reason::CircuitOpen);
}

#[tokio::test]
async fn one_bad_instance_opens_nobody_elses() {
    let service = Service::of(5, 2);
    service.fail(0, 4);
    (1..5).for_each(|instance| service.fail(instance, 1));
    service.tick().await;
    service.tick().await;
    assert_eq!(service.states().iter().filter(|state| **state == State::Open).count(), 1);
    service.fail(1, 3);
    service.tick().await;
    service.tick().await;
    assert_eq!(service.states(), [State::Open; 5], "two are a quorum of those that have traffic");
}

#[tokio::test]
async fn what_goes_well_here_speaks_against_the_fleet() {
    let service = Service::of(3, 2);
    (0..2).for_each(|instance| service.fail(instance, 4));
    service.breakers[2].acquire().unwrap().success();
    service.tick().await;
    assert_eq!(service.breakers[2].state(), State::Closed, "it has traffic, and no failure");
    service.tick().await;
    assert_eq!(service.breakers[2].state(), State::Open, "no traffic since: it has nothing against it");
}

#[tokio::test]
async fn an_operators_word_is_not_overruled() {
    let service = Service::of(3, 2);
    (0..2).for_each(|instance| service.fail(instance, 4));
    for force in [Breaker::disable, Breaker::force_closed] {
        force(&service.breakers[2], "incident 7").unwrap();
        let state = service.breakers[2].state();
        service.tick().await;
        service.tick().await;
        assert_eq!(service.breakers[2].state(), state);
    }
}

#[tokio::test]
async fn cb_32_a_time_that_an_operator_gave_is_not_cut_short_by_the_fleet_nor_made_longer() {
    let service = Service::of(2, 1);
    service.tick().await;
    service.breakers[1].open_for(secs(20), "maintenance").unwrap();
    service.fail(0, 4);
    service.tick().await;
    service.time.advance(secs(6));
    service.breakers[0].acquire().unwrap().success();
    assert_eq!(service.states(), [State::Closed, State::Open], "the first has recovered");
    service.tick().await;
    assert_eq!(
        service.states(),
        [State::Closed, State::Open],
        "the other stays open for as long as was said"
    );
    service.store.held.lock().unwrap().always = Some(Leased::Theirs { left: secs(30) });
    service.time.advance(ms(13_900));
    service.tick().await;
    assert_eq!(service.breakers[1].snapshot().open_left, Some(ms(100)));
    service.time.advance(ms(100));
    assert!(service.breakers[1].acquire().is_ok());
}

#[tokio::test]
async fn one_instance_probes_for_all_and_its_success_is_theirs() {
    let service = Service::of(3, 1);
    service.fail(0, 4);
    service.tick().await;
    service.tick().await;
    assert_eq!(service.states(), [State::Open; 3]);
    service.time.advance(ms(4_800));
    service.tick().await;
    service.time.advance(secs(1));
    assert!(service.breakers[1].acquire().is_err() && service.breakers[2].acquire().is_err());
    service.breakers[0].acquire().unwrap().success();
    assert_eq!(service.states(), [State::Closed, State::Open, State::Open]);
    service.tick().await;
    assert_eq!(service.states(), [State::Closed, State::HalfOpen, State::HalfOpen]);
    service.breakers[1].acquire().unwrap().success();
    assert_eq!(service.breakers[1].state(), State::Closed, "by a probe of its own");
    assert!(service.store.held.lock().unwrap().leases.is_empty(), "the lease was given back");
}

#[tokio::test]
async fn a_holder_that_died_holds_nobody_up_for_ever() {
    let service = Service::of(2, 1);
    service.fail(0, 4);
    service.tick().await;
    service.time.advance(ms(4_800));
    service.tick().await;
    // The first has the lease and is gone.
    service.time.advance(secs(70));
    service.fleets[1].tick().await;
    assert!(service.breakers[1].acquire().is_ok());
}

#[tokio::test]
async fn when_the_store_is_lost_it_goes_on_locally_and_says_so() {
    let service = Service::of(2, 1);
    service.tick().await;
    assert_eq!(service.fleets[0].status().lost_since, None);
    service.store.lose(true);
    service.time.advance(ms(250));
    service.fail(0, 4);
    service.fail(1, 1);
    service.tick().await;
    assert_eq!(service.states(), [State::Open, State::Closed]);
    let status = service.fleets[0].status();
    assert_eq!((status.lost_since, status.failures), (Some(service.time.now()), 1));
    assert!(status.last_error.unwrap().to_string().contains("connection refused"));
    // It probes by itself, a little later than it would and no more than half an open time.
    service.time.advance(ms(4_800));
    service.tick().await;
    service.tick().await;
    let left = service.breakers[0].snapshot().open_left.unwrap();
    assert!((ms(200)..=ms(2_700)).contains(&left), "{left:?}");
    service.time.advance(left);
    service.breakers[0].acquire().unwrap().success();
    assert_eq!(service.breakers[0].state(), State::Closed);
    service.store.lose(false);
    service.tick().await;
    assert_eq!(service.fleets[0].status().lost_since, None);
}

#[tokio::test]
async fn what_is_shared_is_numbered_and_says_for_how_long_it_is_open_only_while_it_is() {
    let service = Service::of(1, 1);
    let shared = || {
        let held = service.store.held.lock().unwrap();
        held.reports
            .values()
            .map(|(report, _)| (report.seq, report.state, report.open_left, report.ttl))
            .next()
            .unwrap()
    };
    service.tick().await;
    assert_eq!(shared(), (1, State::Closed, None, ms(750)), "for three intervals");
    service.fail(0, 4);
    service.tick().await;
    assert_eq!(shared(), (2, State::Open, Some(secs(5)), ms(750)));
}

/// Each a little later than it would, and no more than half an open time; and once for each time that it is open.
#[tokio::test(start_paused = true)]
async fn cb_30_instances_that_can_ask_nobody_do_not_probe_as_one() {
    let service = Service::of(8, 1);
    service.store.lose(true);
    (0..8).for_each(|instance| service.fail(instance, 4));
    service.time.advance(ms(4_400));
    service.tick().await;
    let left = || -> Vec<_> { service.breakers.iter().map(|it| it.snapshot().open_left.unwrap()).collect() };
    assert_eq!(left(), [ms(600); 8], "there is time to ask again");
    service.time.advance(ms(100));
    service.tick().await;
    let put_off = left();
    assert!(put_off.iter().all(|left| (ms(500)..=ms(3_000)).contains(left)), "{put_off:?}");
    let distinct: std::collections::BTreeSet<_> = put_off.iter().collect();
    assert_eq!(distinct.len(), 8, "{put_off:?}");
    assert!(put_off.iter().any(|left| *left > ms(1_000)), "{put_off:?}");
    service.tick().await;
    assert_eq!(left(), put_off, "once");
    // The next time that it is open is put off anew.
    service.time.advance(secs(10));
    for breaker in &service.breakers {
        breaker.acquire().unwrap().failure();
    }
    let open = left();
    service.time.advance(open[0].checked_sub(ms(100)).unwrap());
    service.tick().await;
    assert!(left().iter().any(|left| *left > ms(600)), "{:?}", left());
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_is_a_store_that_is_lost() {
    let store = Memory::new(Clock::system());
    store.held.lock().unwrap().hangs = true;
    let fleet = Fleet::builder(store, "pod-0").answer_within(ms(200)).build().unwrap();
    let start = Clock::system().now();
    fleet.tick().await;
    assert_eq!(Clock::system().now() - start, ms(200));
    assert!(fleet.status().last_error.unwrap().to_string().contains("no answer within 200ms"));
}

#[tokio::test(start_paused = true)]
async fn it_runs_in_the_background_at_its_interval() {
    let clock = Clock::system();
    let store = Memory::new(clock.clone());
    let told = Arc::new(Mutex::new(None));
    let sink = Arc::clone(&told);
    let breaker = || Breaker::consecutive(2).name("payments").jitter(false);
    let (bad, good) = (
        breaker().build().unwrap(),
        breaker()
            .on_change(move |event| *sink.lock().unwrap() = Some(event.trigger.clone()))
            .build()
            .unwrap(),
    );
    let fleet = |name: &str, breaker: &Breaker| {
        let fleet = Fleet::builder(store.clone(), name).instances_min(1).build().unwrap();
        fleet.add(breaker).unwrap();
        fleet
    };
    let (one, two) = (fleet("pod-0", &bad), fleet("pod-1", &good));
    bad.acquire().unwrap().failure();
    bad.acquire().unwrap().failure();
    tokio::select! {
        () = one.run() => {}
        () = two.run() => {}
        () = clock.sleep(ms(700)) => {}
    }
    assert_eq!(good.state(), State::Open);
    assert_eq!(*told.lock().unwrap(), Some(Trigger::FleetOpened { instances: 1 }));
}

#[tokio::test]
async fn a_store_that_always_says_that_another_probes_keeps_no_circuit_open_for_ever() {
    for left in [Duration::MAX, secs(30), Duration::ZERO] {
        let service = Service::of(1, 1);
        service.store.held.lock().unwrap().always = Some(Leased::Theirs { left });
        service.fail(0, 4);
        let mut probes = 0;
        for _ in 0..12_000 {
            service.tick().await;
            service.time.advance(ms(100));
            probes += u32::from(service.breakers[0].acquire().is_ok());
        }
        assert!(probes > 0, "told to wait for {left:?} it waited for ever");
    }
}

#[tokio::test]
async fn an_instance_that_is_there_twice_is_heard_once() {
    let service = Service::of(3, 1);
    service.tick().await;
    let name = |instance: &str| ("payments".to_owned(), instance.to_owned());
    let mut report = service.store.held.lock().unwrap().reports[&name("pod-2")].0.clone();
    let mut never = service.time.now() + secs(1_000);
    // Another place of the store has it that it recovered long ago, and not since.
    for recoveries in [7, 0] {
        (report.recoveries, never) = (recoveries, never + secs(1));
        let copy = format!("copy-{recoveries}");
        service.store.held.lock().unwrap().reports.insert(name(&copy), (report.clone(), never));
    }
    service.fleets[0].tick().await;
    service.fail(0, 4);
    for _ in 0..3 {
        service.fleets[0].tick().await;
        assert_eq!(service.breakers[0].state(), State::Open, "nothing new was found");
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_here_is_told_at_once_and_a_storm_of_them_together() {
    let clock = Clock::system();
    let store = Memory::new(clock.clone());
    let breakers: Vec<_> =
        (0..20).map(|n| Breaker::consecutive(1).name(format!("callee-{n}")).build().unwrap()).collect();
    let fleet = Fleet::builder(store.clone(), "pod-0").interval(secs(10)).build().unwrap();
    for breaker in &breakers {
        fleet.add(breaker).unwrap();
    }
    let script = async {
        clock.sleep(secs(3)).await;
        let before = store.held.lock().unwrap().exchanges;
        for breaker in &breakers {
            breaker.acquire().unwrap().failure();
        }
        clock.sleep(ms(1)).await;
        {
            let held = store.held.lock().unwrap();
            assert_eq!(held.exchanges - before, 1);
            assert!(held.reports.values().all(|(report, _)| report.state == State::Open), "all of them");
        }
        // One that changes its mind all the time is not told all the time.
        for _ in 0..1_000 {
            breakers[0].close("again").unwrap();
            breakers[0].force_open("and again").unwrap();
            clock.sleep(ms(1)).await;
        }
        assert!(store.held.lock().unwrap().exchanges - before <= 3);
    };
    tokio::select! {
        () = fleet.run() => {}
        () = script => {}
    }
}

#[test]
fn a_fleet_is_checked_when_it_is_built() {
    let store = || Memory::new(Clock::system());
    let text = |fleet: core_breaker::FleetBuilder<Memory>| fleet.build().unwrap_err().to_string();
    assert!(text(Fleet::builder(store(), "")).contains("1 to 128"));
    assert!(text(Fleet::builder(store(), "a").interval(Duration::ZERO)).contains("interval is zero"));
    assert!(text(Fleet::builder(store(), "a").quorum(f64::NAN)).contains("over 0 and at most 1"));
    assert!(text(Fleet::builder(store(), "a").instances_min(0)).contains("is zero"));
    for late in [secs(3_600) + Duration::from_nanos(1), Duration::MAX] {
        assert!(text(Fleet::builder(store(), "a").interval(late)).contains("at most 3600s"));
        assert!(text(Fleet::builder(store(), "a").answer_within(late)).contains("at most 3600s"));
    }
    let fleet = Fleet::builder(store(), "a").build().unwrap();
    let breaker = Breaker::consecutive(1).name("payments").build().unwrap();
    fleet.add(&breaker).unwrap();
    assert!(fleet.add(&breaker).is_err());
}
