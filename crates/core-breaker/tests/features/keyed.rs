//! A breaker for each key.

use std::sync::{Arc, Mutex};

use core_breaker::{Breaker, State};
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
