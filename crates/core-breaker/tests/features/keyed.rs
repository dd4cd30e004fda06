//! A breaker for each key.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use core_breaker::{Breaker, Builder, KeyedBreaker, State};
use core_errors::Verdict;
use core_policy::Keyed;
use core_time::{ManualClock, secs};

#[test]
fn each_key_has_a_circuit_of_its_own_and_events_say_whose() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&told);
    let api = Breaker::consecutive(1)
        .name("api")
        .on_change(move |event| sink.lock().unwrap().push((event.name.to_string(), event.key.clone())));
    let hosts = api.build().unwrap().keyed::<String>(Keyed::max(100)).unwrap();
    hosts.get("db-1").unwrap().acquire().unwrap().failure();
    assert_eq!(hosts.get("db-1").unwrap().state(), State::Open);
    assert!(hosts.get("db-2").unwrap().acquire().is_ok());
    assert_eq!(*told.lock().unwrap(), [("api".to_owned(), Some("db-1".into()))]);
    let mut states: Vec<_> =
        hosts.snapshot().into_iter().map(|(key, snapshot)| (key, snapshot.state)).collect();
    states.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(states, [("db-1".to_owned(), State::Open), ("db-2".to_owned(), State::Closed)]);
}

/// Else all processes of a fleet would come back in step.
#[test]
fn without_a_seed_no_two_breakers_of_a_key_draw_the_same() {
    let open_for = || {
        let api = Breaker::consecutive(1).name("api").clock(ManualClock::new().clock()).build().unwrap();
        let host = api.keyed::<String>(Keyed::max(10)).unwrap().get("db-1").unwrap();
        host.acquire().unwrap().failure();
        host.snapshot().open_left.unwrap()
    };
    let times: std::collections::BTreeSet<_> = (0..8).map(|_| open_for()).collect();
    assert!(times.len() > 1, "{times:?}");
}

#[test]
fn keys_are_bounded_and_forgotten_when_nobody_asks() {
    let time = ManualClock::new();
    let api = Breaker::consecutive(1).clock(time.clock()).build().unwrap();
    let hosts = api.keyed::<String>(Keyed::max(4).idle(secs(60)).clock(time.clock())).unwrap();
    for host in 0..50 {
        time.advance(secs(1));
        assert!(hosts.get(format!("db-{host}").as_str()).unwrap().acquire().is_ok());
    }
    assert_eq!(hosts.stats().len, 4);
    time.advance(secs(61));
    assert_eq!((hosts.evict_idle(), hosts.stats().len), (4, 0));
    let held: Vec<_> = (0..4).map(|host| hosts.get(format!("db-{host}").as_str()).unwrap()).collect();
    assert!(hosts.get("one too many").is_err(), "all are in use");
    drop(held);
    assert!(hosts.get("one too many").is_ok());
}

#[test]
fn other_rules_are_for_keys_that_are_there_and_that_come() {
    let api = Breaker::consecutive(10).build().unwrap();
    let hosts = api.keyed::<String>(Keyed::max(10)).unwrap();
    let first = hosts.get("db-1").unwrap();
    hosts.reconfigure(|builder| builder.or_consecutive(2)).unwrap();
    for host in [&first, &hosts.get("db-2").unwrap()] {
        host.acquire().unwrap().failure();
        host.acquire().unwrap().failure();
        assert_eq!(host.state(), State::Open);
    }
    assert!(hosts.reconfigure(|builder| builder.or_consecutive(0)).is_err());
    assert_eq!(hosts.get("db-3").unwrap().snapshot().rules.consecutive, Some(2));
}

#[test]
fn an_open_circuit_is_not_to_be_forgotten() {
    let api = Breaker::consecutive(1).open_max(secs(60)).build().unwrap();
    let error = api.keyed::<String>(Keyed::max(10).idle(secs(59))).unwrap_err().to_string();
    assert!(error.contains("an open one would be forgotten"), "{error}");
    assert!(api.keyed::<String>(Keyed::max(0)).unwrap_err().to_string().contains("no key"));
}

/// Hosts that are forgotten after a minute.
fn hosts(builder: Builder) -> (ManualClock, KeyedBreaker<String>) {
    let time = ManualClock::new();
    let api = builder.jitter(false).clock(time.clock()).build().unwrap();
    (time, api.keyed(Keyed::max(4).idle(secs(60))).unwrap())
}

fn state(hosts: &KeyedBreaker<String>) -> State {
    hosts.get("db-1").unwrap().state()
}

#[test]
fn other_rules_are_for_the_keys_or_for_the_breaker_they_were_made_from() {
    let api = Breaker::consecutive(10).build().unwrap();
    let hosts = api.keyed::<String>(Keyed::max(4)).unwrap();
    hosts.reconfigure(|builder| builder.or_consecutive(2)).unwrap();
    assert_eq!(api.snapshot().rules.consecutive, Some(10));
    api.reconfigure(|builder| builder.or_consecutive(5)).unwrap();
    assert_eq!(hosts.get("db-1").unwrap().snapshot().rules.consecutive, Some(2));
}

#[test]
fn keys_go_by_the_clock_of_the_breaker_they_were_made_from() {
    let (time, hosts) = hosts(Breaker::consecutive(1));
    hosts.get("db-1").unwrap();
    time.advance(secs(60));
    assert_eq!(hosts.evict_idle(), 1);
}

#[test]
fn rules_that_open_for_longer_than_keys_are_kept_are_refused_later_as_well() {
    let (_time, hosts) = hosts(Breaker::consecutive(1).open_for(secs(5)).open_max(secs(60)));
    let longer = |builder: Builder| builder.open_for(secs(600)).open_max(secs(600));
    let error = hosts.reconfigure(longer).unwrap_err().to_string();
    assert!(error.contains("an open one would be forgotten"), "{error}");
    assert_eq!(hosts.get("db-1").unwrap().snapshot().rules.open_max, secs(60), "nothing has changed");
}

#[test]
fn cb_32_what_an_operator_holds_in_a_state_is_not_forgotten() {
    let (time, hosts) = hosts(Breaker::consecutive(1));
    let later = || {
        time.advance(secs(70));
        hosts.evict_idle()
    };
    let held = hosts.get("db-1").unwrap().isolate("maintenance").unwrap();
    assert_eq!((later(), state(&hosts)), (0, State::ForcedOpen));
    drop(held);
    hosts.get("db-1").unwrap().force_open("dead").unwrap();
    assert_eq!((later(), state(&hosts)), (0, State::ForcedOpen));
    hosts.get("db-1").unwrap().disable("off").unwrap();
    assert_eq!((later(), state(&hosts)), (0, State::Disabled));
    hosts.get("db-1").unwrap().force_closed("it is all there is").unwrap();
    assert_eq!((later(), state(&hosts)), (0, State::ForcedClosed));
    assert_eq!(hosts.summary().circuits.of(State::ForcedClosed), 1);
    hosts.get("db-1").unwrap().shadow("a trial").unwrap();
    assert_eq!((later(), state(&hosts)), (0, State::Shadow));
    hosts.get("db-1").unwrap().close("over").unwrap();
    assert_eq!(later(), 1, "a circuit that is closed may go");
}

#[test]
fn cb_32_keys_that_begin_in_shadow_are_forgotten_and_one_that_acts_is_not() {
    let (time, hosts) = hosts(Breaker::consecutive(1).shadow());
    hosts.get("db-1").unwrap().close("act").unwrap();
    hosts.get("db-2").unwrap();
    time.advance(secs(60));
    assert_eq!((hosts.evict_idle(), state(&hosts)), (1, State::Closed));
}

#[test]
fn cb_31_a_circuit_that_is_open_for_longer_than_keys_are_kept_is_not_forgotten() {
    let (time, hosts) = hosts(Breaker::consecutive(1).open_for(secs(5)));
    hosts.get("db-1").unwrap().acquire().unwrap().record_verdict(Verdict::Overload(Some(secs(200))));
    time.advance(secs(70));
    assert_eq!((hosts.evict_idle(), state(&hosts)), (0, State::Open), "it was asked for 200 s, 70 s ago");
    time.advance(secs(130));
    assert_eq!(hosts.evict_idle(), 1, "it is due to probe, and nobody has asked for it since");
}

#[test]
fn w_5_an_open_circuit_takes_up_room_no_longer_than_it_was_to_be_open_also_if_the_clock_goes_back() {
    let (time, hosts) = hosts(Breaker::consecutive(1).open_for(secs(5)));
    time.advance(secs(1_000));
    for host in 0..4 {
        hosts.get(format!("db-{host}").as_str()).unwrap().acquire().unwrap().failure();
    }
    time.set(time.now() - secs(900));
    assert!(hosts.get("new").is_err(), "all are open, for 5 s from now on");
    time.advance(secs(5).saturating_sub(Duration::from_nanos(1)));
    assert!(hosts.get("new").is_err(), "and no less");
    time.advance(Duration::from_nanos(1));
    assert!(hosts.get("new").is_ok(), "they are due to probe, and one of them makes room");
}

#[test]
fn a_clone_of_a_breaker_keeps_its_key_in_use() {
    let (time, hosts) = hosts(Breaker::consecutive(1));
    let held = Breaker::clone(&hosts.get("db-1").unwrap());
    time.advance(secs(70));
    assert_eq!(hosts.evict_idle(), 0);
    drop(held);
    assert_eq!(hosts.evict_idle(), 0, "it was in use a moment ago");
    time.advance(secs(70));
    assert_eq!(hosts.evict_idle(), 1);
}

#[test]
fn threads_that_call_under_one_key_lose_no_count() {
    let api = Breaker::rate(1.0).min_calls(100_000).window(secs(3_600)).build().unwrap();
    let hosts = api.keyed::<String>(Keyed::max(4)).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for call in 0..2_000 {
                    let permit = hosts.get("db-1").unwrap();
                    let permit = permit.acquire().unwrap();
                    if call % 4 == 0 { permit.failure() } else { permit.success() }
                }
            });
        }
    });
    let snapshot = hosts.get("db-1").unwrap().snapshot();
    assert_eq!((snapshot.totals.successes, snapshot.totals.failures), (6_000, 2_000));
    assert_eq!((snapshot.window.calls, snapshot.window.failures), (8_000, 2_000));
}

#[test]
fn a_function_may_open_it_for_longer_than_keys_are_kept() {
    let (time, hosts) = hosts(Breaker::consecutive(1).open_by(|_| Duration::MAX));
    hosts.get("db-1").unwrap().acquire().unwrap().failure();
    time.advance(secs(70));
    assert_eq!((hosts.evict_idle(), state(&hosts)), (0, State::Open));
}

#[test]
fn a_seed_makes_keys_the_same_in_every_run_and_not_the_same_as_each_other() {
    let open_times = || {
        let time = ManualClock::new();
        let api = Breaker::consecutive(1).open_for(secs(10)).seed(7).clock(time.clock()).build().unwrap();
        let hosts = api.keyed::<String>(Keyed::max(10)).unwrap();
        ["a", "b", "c"].map(|host| {
            let host = hosts.get(host).unwrap();
            host.acquire().unwrap().failure();
            host.snapshot().open_left.unwrap()
        })
    };
    let [a, b, c] = open_times();
    assert!(a != b && b != c && a != c, "they would probe in step");
    assert_eq!(open_times(), [a, b, c]);
}

#[test]
fn keys_begin_anew_whatever_state_the_breaker_they_are_made_from_resumed() {
    let bad = Breaker::consecutive(1).name("api").build().unwrap();
    bad.acquire().unwrap().failure();
    let resumed = Breaker::consecutive(1).name("api").resume(bad.save(), Duration::ZERO).build().unwrap();
    assert_eq!(resumed.state(), State::Open);
    let hosts = resumed.keyed::<String>(Keyed::max(10)).unwrap();
    assert_eq!(hosts.get("db-1").unwrap().state(), State::Closed);
}

#[test]
fn a_summary_counts_circuits_by_state_and_keeps_the_calls_of_keys_that_were_forgotten() {
    let (time, hosts) = hosts(Breaker::consecutive(2).name("api").open_for(secs(5)).open_max(secs(5)));
    for host in ["down", "up", "fine"] {
        let breaker = hosts.get(host).unwrap();
        breaker.acquire().unwrap().success();
        for _ in 0..if host == "down" { 2 } else { 1 } {
            breaker.acquire().unwrap().failure();
        }
    }
    hosts.get("down").unwrap().acquire().unwrap_err();
    let summary = hosts.summary();
    assert_eq!((summary.name.as_str(), summary.keys.len, summary.keys.max), ("api", 3, 4));
    assert_eq!(
        State::ALL.map(|state| summary.circuits.of(state)),
        [2, 1, 0, 0, 0, 0, 0],
        "closed, open, and nothing else"
    );
    assert_eq!((summary.totals.successes, summary.totals.failures, summary.totals.rejected), (3, 4, 1));
    time.advance(secs(61));
    assert_eq!(hosts.evict_idle(), 3);
    hosts.get("new").unwrap().acquire().unwrap().success();
    let later = hosts.summary();
    assert_eq!((later.keys.len, later.keys.idle, later.circuits.of(State::Closed)), (1, 3, 1));
    assert_eq!((later.totals.successes, later.totals.failures, later.totals.rejected), (4, 4, 1));
}

#[test]
fn pl_2_other_rules_for_all_keys_are_for_one_with_rules_of_its_own_too() {
    let (_, hosts) = hosts(Breaker::consecutive(3));
    let own = hosts.get("db-1").unwrap();
    own.reconfigure(|builder| builder.or_consecutive(5)).unwrap();
    hosts.reconfigure(|builder| builder.or_consecutive(2)).unwrap();
    assert_eq!(own.snapshot().rules.consecutive, Some(2));
    own.reconfigure(|builder| builder.or_consecutive(4)).unwrap();
    assert_eq!(
        hosts.get("db-1").unwrap().snapshot().rules.consecutive,
        Some(4),
        "as long as nobody says otherwise"
    );
}
