//! For how long, and how many.

use std::time::Duration;

use core_breaker::{ConsecutiveFailures, FailurePercentage, OutliersBuilder};
use core_time::{ManualClock, ms, secs};

use crate::bench::{Bench, by_sweeps};

/// One failure ejects, in sweeps of ten seconds.
fn touchy() -> OutliersBuilder {
    by_sweeps().consecutive(ConsecutiveFailures::of(1))
}

/// Ejects the first host, and waits until it is back. For how many intervals it was away.
fn away(bench: &Bench) -> u32 {
    bench.answer(0, 0, 1);
    let mut intervals = 0;
    while bench.hosts[0].is_ejected() {
        bench.interval();
        intervals += 1;
    }
    intervals
}

#[test]
fn od_1_each_ejection_in_a_row_is_thirty_seconds_longer_up_to_three_hundred() {
    let bench = Bench::new(10, touchy());
    let times: Vec<u32> = (0..13).map(|_| away(&bench)).collect();
    assert_eq!(times, [3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 30, 30, 30]);
    assert_eq!(bench.hosts[0].snapshot().times, 10, "what makes it no longer is not counted");
}

#[test]
fn od_1_the_maximum_is_three_hundred_seconds_or_the_base_if_that_is_longer() {
    let max = |builder: OutliersBuilder| Bench::new(1, builder).set.snapshot().rules.ejection_max;
    assert_eq!(max(touchy()), secs(300));
    assert_eq!(max(touchy().ejection(secs(400))), secs(400));
    assert_eq!(max(touchy().ejection(secs(40)).ejection_max(secs(90))), secs(90));
    let bench = Bench::new(10, touchy().ejection(secs(400)));
    assert_eq!((away(&bench), away(&bench)), (40, 40));
}

#[test]
fn od_1_each_healthy_interval_takes_one_time_back() {
    let bench = Bench::new(10, touchy());
    let _ = [(); 3].map(|()| away(&bench));
    let times = || bench.hosts[0].snapshot().times;
    assert_eq!(times(), 3, "the sweep that returns it takes nothing");
    bench.interval();
    assert_eq!(times(), 2);
    bench.intervals(1);
    assert_eq!(away(&bench), 6, "one is left, and this is the second");
    bench.intervals(10);
    assert_eq!(times(), 0);
}

#[test]
fn od_1_a_host_returns_at_the_first_sweep_after_its_time() {
    let bench = Bench::new(10, touchy());
    bench.time.advance(secs(4));
    bench.answer(0, 0, 1);
    bench.time.advance(secs(30));
    bench.set.sweep();
    assert_eq!(bench.ejected(), [0], "at 34 s its time is over, and the sweep is at 40 s");
    bench.time.advance(ms(5_999));
    bench.set.sweep();
    assert_eq!(bench.ejected(), [0]);
    bench.time.advance(ms(1));
    bench.set.sweep();
    assert!(bench.ejected().is_empty());
}

#[test]
fn od_1_a_refusal_says_when_to_come_back_to_the_nanosecond() {
    let bench = Bench::new(10, touchy());
    bench.time.advance(secs(4));
    bench.answer(0, 0, 1);
    let refused = bench.hosts[0].acquire().unwrap_err();
    let after = refused.retry_after().unwrap();
    assert_eq!(after, secs(36));
    bench.time.advance(ms(35_999));
    let again = bench.hosts[0].acquire().unwrap_err();
    assert_eq!(again.retry_after(), Some(ms(1)));
    bench.time.advance(Duration::from_nanos(999_999));
    assert!(bench.hosts[0].acquire().is_err());
    bench.time.advance(Duration::from_nanos(1));
    assert!(bench.hosts[0].acquire().is_ok());
}

#[test]
fn od_1_a_timer_for_the_refusal_wakes_in_time_whatever_a_coarse_clock_lags() {
    let time = ManualClock::lagging(ms(4));
    let set: core_breaker::Outliers = touchy().clock(time.clock()).build().unwrap();
    let host = set.host("a").unwrap();
    let _others: Vec<_> = (0..9).map(|n| set.host(&*n.to_string()).unwrap()).collect();
    time.advance(secs(1));
    host.acquire().unwrap().failure();
    let after = host.acquire().unwrap_err().retry_after().unwrap();
    time.advance(after);
    assert!(host.acquire().is_ok());
    assert_eq!(set.choose(["a"]).count(), 1);
}

#[test]
fn od_1_jitter_adds_up_to_so_much() {
    let bench = Bench::new(200, touchy().jitter(secs(20)).max_ejected(1.0).panic_under(0.0));
    (0..200).for_each(|host| bench.answer(host, 0, 1));
    let returns: Vec<u32> = (0..5)
        .map(|_| {
            bench.interval();
            u32::try_from(200 - bench.ejected().len()).unwrap()
        })
        .collect();
    // From 30 s up to 50 s: some at the sweep at 40 s, the rest at that at 50 s.
    assert_eq!((returns[0], returns[1], returns[2], returns[4]), (0, 0, 0, 200));
    assert!((60..140).contains(&returns[3]), "{returns:?}");
}

#[test]
fn od_1_a_tenth_of_the_hosts_may_be_ejected() {
    for (hosts, may) in [(1, 1), (5, 1), (10, 1), (19, 1), (20, 2), (29, 2), (30, 3), (100, 10)] {
        let bench = Bench::new(hosts, touchy());
        (0..hosts).for_each(|host| bench.answer(host, 0, 1));
        assert_eq!(bench.ejected().len(), may, "of {hosts}");
        assert_eq!(bench.set.snapshot().totals.over_max, (hosts - may) as u64);
    }
}

#[test]
fn od_1_one_host_may_be_ejected_whatever_the_share() {
    let bench = Bench::new(3, touchy().max_ejected(0.001));
    (0..3).for_each(|host| bench.answer(host, 0, 1));
    assert_eq!(bench.ejected(), [0]);
    assert_eq!(
        bench.told(),
        ["h0 out: 1 in a row (30s, x1)", "h1 over max: 1 in a row", "h2 over max: 1 in a row"]
    );
}

#[test]
fn od_1_where_not_all_may_be_ejected_the_worst_is() {
    let by_share = FailurePercentage::of(0.5);
    let bench = Bench::new(10, by_sweeps().success_rate(None).failure_percentage(by_share));
    bench.answer_percent(&[100, 40, 100, 10, 100, 30, 100, 100, 100, 100]);
    bench.interval();
    assert_eq!(bench.ejected(), [3]);
    assert_eq!(
        bench.told(),
        ["h3 out: 90 of 100 (30s, x1)", "h5 over max: 70 of 100", "h1 over max: 60 of 100"]
    );
}

#[test]
fn od_1_a_host_that_returns_makes_room_at_the_same_sweep() {
    let bench = Bench::new(10, touchy().success_rate(None));
    bench.answer(0, 0, 1);
    bench.intervals(2);
    (1..9).for_each(|host| bench.answer(host, 100, 0));
    let soft = ConsecutiveFailures::of(1_000);
    bench.set.reconfigure(|builder| builder.consecutive(soft)).unwrap();
    bench.answer(9, 0, 100);
    bench.interval();
    assert_eq!(bench.told(), ["h0 out: 1 in a row (30s, x1)", "h0 back", "h9 out: 100 of 100 (30s, x1)"]);
}

#[test]
fn od_1_sweeps_that_come_late_come_to_what_sweeps_on_time_do() {
    let late = Bench::new(20, touchy());
    let on_time = Bench::new(20, touchy());
    for bench in [&late, &on_time] {
        let _ = [(); 3].map(|()| away(bench));
        bench.answer(0, 0, 1);
        bench.time.advance(secs(7));
        bench.answer(1, 0, 1);
        bench.told();
    }
    let until = on_time.time.now() + secs(163);
    on_time.intervals(17);
    late.time.advance_to(until);
    late.answer(2, 1, 0);
    let (late_told, told) = (late.told(), on_time.told());
    assert_eq!((late_told, late.time.now()), (told.clone(), on_time.time.now()));
    assert_eq!(told, ["h1 back", "h0 back"]);
    let times = |bench: &Bench| [0, 1].map(|host| bench.hosts[host].snapshot().times);
    assert_eq!(times(&late), times(&on_time));
    assert_eq!(late.set.snapshot().next_sweep, on_time.set.snapshot().next_sweep);
}

#[test]
fn od_1_sweeps_that_come_late_forgive_one_time_for_each_healthy_interval() {
    for intervals in 1..=6 {
        let late = Bench::new(20, touchy());
        let on_time = Bench::new(20, touchy());
        for bench in [&late, &on_time] {
            let _ = [(); 8].map(|()| away(bench));
        }
        let before = late.hosts[0].snapshot().times;
        assert!(before > 6, "{before}");
        on_time.intervals(intervals);
        late.time.advance_to(on_time.time.now());
        late.set.sweep();
        assert_eq!(late.hosts[0].snapshot().times, on_time.hosts[0].snapshot().times, "{intervals}");
        assert_eq!(late.hosts[0].snapshot().times, before - intervals);
    }
}

#[test]
fn od_1_a_return_that_is_told_late_says_when_it_was() {
    let bench = Bench::new(10, touchy());
    let start = bench.time.now();
    bench.answer(0, 0, 1);
    bench.time.advance(secs(100));
    bench.set.sweep();
    let told: Vec<_> = bench.events.lock().unwrap().iter().map(|event| event.at).collect();
    assert_eq!(told, [start, start + secs(30)]);
}
