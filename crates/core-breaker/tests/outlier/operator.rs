//! What operators may do, what is told, and which hosts are known.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use core_breaker::{ConsecutiveFailures, HostChange, Outliers, OutliersBuilder, SuccessRate};
use core_policy::Keyed;
use core_time::{ManualClock, ms, secs};

use crate::bench::{Bench, by_sweeps};

/// One failure ejects.
fn touchy() -> OutliersBuilder {
    by_sweeps().consecutive(ConsecutiveFailures::of(1))
}

#[test]
fn an_operator_ejects_until_the_operator_returns() {
    let bench = Bench::new(3, touchy());
    bench.set.force_eject("h0", "disk").unwrap();
    bench.time.advance(secs(100_000));
    bench.set.sweep();
    assert_eq!(bench.ejected(), [0]);
    assert_eq!(bench.hosts[0].acquire().unwrap_err().retry_after(), None, "nobody knows when");
    bench.set.force_return("h0", "new disk").unwrap();
    assert!(bench.ejected().is_empty() && bench.hosts[0].acquire().is_ok());
    assert_eq!(bench.told(), ["h0 out: disk (until told, x0)", "h0 back: new disk"]);
}

#[test]
fn an_operator_is_bound_by_no_maximum_and_counts_towards_it() {
    let bench = Bench::new(10, touchy());
    bench.set.force_eject("h0", "disk").unwrap();
    bench.set.force_eject("h1", "disk").unwrap();
    bench.set.force_eject("h1", "still").unwrap();
    bench.answer(2, 0, 1);
    assert_eq!((bench.ejected(), bench.set.snapshot().ejected), (vec![0, 1], 2));
}

#[test]
fn a_host_that_is_out_already_is_not_ejected_twice() {
    let bench = Bench::new(10, touchy());
    bench.answer(0, 0, 1);
    bench.set.force_eject("h0", "disk").unwrap();
    bench.set.force_eject("h0", "still").unwrap();
    let all = bench.set.snapshot();
    assert_eq!(
        (all.ejected, all.totals.ejected, all.totals.by_operator, all.hosts[0].ejections),
        (1, 1, 2, 1)
    );
    bench.set.force_return("h0", "new disk").unwrap();
    let totals = bench.set.snapshot().totals;
    assert_eq!(totals.ejected - totals.returned, 0, "the two agree with how many are out");
}

#[test]
fn an_operator_s_return_ends_an_ejection_and_forgets_how_often() {
    let bench = Bench::new(10, touchy());
    for _ in 0..3 {
        bench.answer(0, 0, 1);
        bench.set.force_return("h0", "well").unwrap();
    }
    bench.answer(0, 0, 1);
    assert_eq!(bench.hosts[0].snapshot().returns_in, Some(secs(30)));
    let bench = Bench::new(10, by_sweeps().consecutive(ConsecutiveFailures::of(3)));
    bench.answer(0, 0, 2);
    bench.set.force_return("h0", "well").unwrap();
    bench.answer(0, 0, 2);
    assert!(bench.ejected().is_empty() && bench.told().is_empty(), "it was in service, so nothing is told");
}

#[test]
fn an_unknown_host_is_an_error_and_is_not_made() {
    let bench = Bench::new(1, touchy());
    for error in
        [bench.set.force_eject("h9", "x").unwrap_err(), bench.set.force_return("h9", "x").unwrap_err()]
    {
        assert!(error.is_unknown_name() && error.to_string().contains("none was created"));
    }
    assert!(!bench.set.is_ejected("h9") && !bench.set.forget("h9"));
    assert_eq!(bench.set.snapshot().hosts.len(), 1);
    for reason in [String::new(), "x".repeat(501)] {
        let error = bench.set.force_eject("h0", &reason).unwrap_err().to_string();
        assert!(error.contains("in 1 to 500"), "{error}");
    }
}

#[test]
fn a_host_that_is_forgotten_counts_no_longer() {
    let bench = Bench::new(10, touchy());
    bench.answer(0, 0, 1);
    assert!(bench.set.forget("h0"));
    assert_eq!((bench.set.snapshot().ejected, bench.set.snapshot().hosts.len()), (0, 9));
    bench.answer(0, 0, 5);
    bench.interval();
    assert!(bench.ejected().is_empty(), "whoever holds it calls whom he likes");
    assert!(bench.set.force_eject("h0", "x").is_err());
    bench.answer(1, 0, 1);
    assert_eq!(bench.ejected(), [1], "its place is free");
    let anew = bench.set.host("h0").unwrap();
    assert_eq!(anew.snapshot().failures, 0);
}

#[test]
fn hosts_that_nobody_asks_for_are_forgotten_but_for_those_that_are_ejected() {
    let bench = Bench::new(3, touchy().ejection(secs(5_000)).hosts(Keyed::max(5).idle(secs(60))));
    bench.answer(0, 0, 1);
    let Bench { time, set, hosts, .. } = bench;
    drop(hosts);
    time.advance(secs(60));
    set.sweep();
    let names: Vec<_> = set.snapshot().hosts.iter().map(|host| host.host.to_string()).collect();
    assert_eq!(names, ["h0"]);
    time.advance(secs(6_000));
    set.sweep();
    assert!(!set.is_ejected("h0"));
}

#[test]
fn there_are_never_more_hosts_than_there_is_room_for() {
    let bench = Bench::new(3, touchy().hosts(Keyed::max(3)).success_rate(None).failure_percentage(None));
    assert!(bench.set.host("h3").is_err(), "all are held");
    drop(bench.hosts);
    assert!(bench.set.host("h3").is_ok());
    assert_eq!(bench.set.snapshot().keys.len, 3);
}

#[test]
fn keys_can_be_whatever_names_a_host() {
    let set: Outliers<std::net::SocketAddr> = Outliers::builder().build().unwrap();
    let address = "127.0.0.1:80".parse().unwrap();
    let host = set.host(&address).unwrap();
    assert_eq!((host.key(), set.choose([&address]).count()), ("127.0.0.1:80", 1));
}

#[test]
fn subscribers_run_under_no_lock_and_their_panics_are_nobody_s() {
    let set: Arc<OnceLock<Outliers>> = Arc::default();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (within, events) = (Arc::clone(&set), Arc::clone(&seen));
    let builder = touchy().on_event(|_| panic!("a subscriber's bug")).on_event(move |event| {
        let set = within.get().unwrap();
        events.lock().unwrap().push((event.host.to_string(), event.ejected, set.snapshot().ejected));
        // What a subscriber does is told after what it was told.
        let _ = set.force_return(&*event.host, "at once");
    });
    set.set(builder.build().unwrap()).unwrap();
    let set = set.get().unwrap();
    let hosts: Vec<_> = (0..3).map(|n| set.host(&*n.to_string()).unwrap()).collect();
    hosts[1].acquire().unwrap().failure();
    assert!(!hosts[1].is_ejected());
    let seen = seen.lock().unwrap();
    assert_eq!(*seen, [("1".into(), 1, 1), ("1".into(), 0, 0)]);
}

#[test]
fn other_rules_keep_ejections_runs_and_counts() {
    let bench = Bench::new(10, by_sweeps().consecutive(ConsecutiveFailures::of(5)));
    bench.answer(0, 0, 5);
    bench.answer(1, 0, 2);
    (1..10).for_each(|host| bench.answer(host, 0, 1));
    let three = |builder: OutliersBuilder| {
        builder.consecutive(ConsecutiveFailures::of(4)).ejection(secs(1)).max_ejected(0.5)
    };
    bench.set.reconfigure(three).unwrap();
    assert_eq!(bench.set.snapshot().rules.ejection, secs(1));
    assert_eq!(bench.set.snapshot().rules.success_rate, Some(SuccessRate::default()), "what was not changed");
    assert_eq!(bench.ejected(), [0]);
    assert_eq!(bench.hosts[0].snapshot().returns_in, Some(secs(30)));
    bench.answer(1, 0, 1);
    assert_eq!(bench.ejected(), [0, 1], "three of before, and one");
    assert_eq!(bench.hosts[1].snapshot().returns_in, Some(secs(10)), "a second, and then the next sweep");
}

#[test]
fn a_shorter_interval_that_is_over_by_now_is_swept_once() {
    let bench = Bench::new(10, touchy());
    bench.answer(0, 0, 1);
    (0..3).for_each(|_| bench.interval());
    assert_eq!(bench.hosts[0].snapshot().times, 1);
    bench.time.advance(secs(9));
    bench.set.reconfigure(|builder| builder.interval(secs(1))).unwrap();
    assert_eq!(bench.set.snapshot().next_sweep, Duration::ZERO);
    bench.set.sweep();
    assert_eq!(bench.set.snapshot().next_sweep, secs(1));
    let longer = |builder: OutliersBuilder| builder.interval(secs(20));
    bench.time.advance(ms(500));
    bench.set.reconfigure(longer).unwrap();
    assert_eq!(bench.set.snapshot().next_sweep, secs(19) + ms(500));
}

#[test]
fn what_cannot_be_changed_or_makes_no_sense_changes_nothing() {
    let bench = Bench::new(1, touchy());
    let before = bench.set.snapshot().rules;
    let fixed = bench.set.reconfigure(|builder| builder.interval(secs(1)).name("other")).unwrap_err();
    assert!(fixed.to_string().contains("the name cannot be changed"), "{fixed}");
    let bad = bench.set.reconfigure(|builder| builder.interval(Duration::ZERO)).unwrap_err();
    assert!(bad.to_string().contains("the interval is zero"), "{bad}");
    assert!(bench.set.reconfigure(|builder| builder.clock(ManualClock::new().clock())).is_err());
    assert_eq!(bench.set.snapshot().rules, before);
}

#[test]
fn a_snapshot_has_every_number() {
    let bench = Bench::new(5, Outliers::builder().name("search"));
    bench.answer(0, 3, 5);
    assert!(bench.hosts[0].acquire().is_err());
    bench.answer(1, 2, 1);
    let all = bench.set.snapshot();
    assert_eq!(
        (all.name.as_str(), all.ejected, all.is_panicking, all.next_sweep),
        ("search", 1, false, secs(10))
    );
    let host = &all.hosts[0];
    assert_eq!((&*host.host, host.is_ejected, host.returns_in), ("h0", true, Some(secs(30))));
    assert_eq!((host.successes, host.failures, host.rejected, host.times, host.ejections), (3, 5, 1, 1, 1));
    assert_eq!((all.hosts[1].successes, all.hosts[1].consecutive_failures), (2, 1));
    let totals = all.totals;
    assert_eq!((totals.ejected, totals.by_consecutive, totals.over_max, totals.returned), (1, 1, 0, 0));
    bench.intervals(3);
    assert_eq!(bench.set.snapshot().totals.returned, 1);
}

#[test]
fn od_1_events_that_were_dropped_are_counted_by_the_next_that_is_told() {
    let (told, inside) = (Arc::new(AtomicU64::new(0)), Arc::new(OnceLock::<Outliers>::new()));
    let (counts, set) = (Arc::clone(&told), Arc::clone(&inside));
    let set = Outliers::builder()
        .on_event(move |event| {
            // While the first is told, more happens than is kept.
            if counts.fetch_add(1 + event.lost, Ordering::Relaxed) == 0 {
                for _ in 0..50 {
                    set.get().unwrap().force_return("a", "well").unwrap();
                    set.get().unwrap().force_eject("a", "ill").unwrap();
                }
            }
        })
        .build()
        .unwrap();
    set.host("a").unwrap();
    assert!(inside.set(set.clone()).is_ok());
    set.force_eject("a", "ill").unwrap();
    assert_eq!(told.load(Ordering::Relaxed), 101);
}

/// A set whose subscriber undoes each change of its host, as long as it can get at the set; and how often it was told.
fn undone() -> (Outliers, Arc<Mutex<Option<Outliers>>>, Arc<AtomicU64>) {
    let (told, inside) = (Arc::new(AtomicU64::new(0)), Arc::new(Mutex::new(None::<Outliers>)));
    let (counts, slot) = (Arc::clone(&told), Arc::clone(&inside));
    let set = Outliers::builder().on_event(move |event| {
        // For ever, if it were told for ever.
        let is_enough = counts.fetch_add(1, Ordering::Relaxed) >= 1_000;
        let set = slot.lock().unwrap().clone().filter(|_| !is_enough);
        match (set, &event.change) {
            (None, _) => {}
            (Some(set), HostChange::Returned { .. }) => set.force_eject("a", "ill").unwrap(),
            (Some(set), _) => set.force_return("a", "well").unwrap(),
        }
    });
    let set = set.build().unwrap();
    set.host("a").unwrap();
    *inside.lock().unwrap() = Some(set.clone());
    (set, inside, told)
}

#[test]
fn od_1_who_undoes_each_change_holds_nobody_for_ever() {
    let (set, _inside, told) = undone();
    set.force_eject("a", "ill").unwrap();
    assert_eq!(told.load(Ordering::Relaxed), 128);
}

#[test]
fn od_1_what_is_left_of_a_set_that_is_dropped_is_told_by_whoever_drops_it() {
    let (set, inside, told) = undone();
    let host = set.host("a").unwrap();
    set.force_eject("a", "ill").unwrap();
    *inside.lock().unwrap() = None;
    drop(set);
    assert_eq!(told.load(Ordering::Relaxed), 128, "a host is of the set");
    drop(host);
    assert_eq!(told.load(Ordering::Relaxed), 129);
}
