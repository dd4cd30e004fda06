//! Every interleaving of a few threads at the moments that count. Run with `cargo xtask test --only loom`.
#![cfg(genesis_loom)]
#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

use std::sync::Arc;

use core_breaker::{Breaker, ConsecutiveFailures, Decay, Host, HostChange, OutlierEvent, Outliers, State};
use core_errors::Reason;
use core_policy::Permit;
use core_time::{ManualClock, secs};
use loom::thread;

/// A circuit that is open, and whose time is over.
fn due(probes: u32) -> (ManualClock, Breaker) {
    let time = ManualClock::new();
    let builder = Breaker::consecutive(1).open_for(secs(5)).jitter(false).probes(probes).successes(1);
    let breaker = builder.clock(time.clock()).build().unwrap();
    breaker.acquire().unwrap().failure();
    assert_eq!(breaker.state(), State::Open);
    time.advance(secs(5));
    (time, breaker)
}

#[test]
fn cb_36_of_two_threads_one_gets_the_only_permit_in_every_order() {
    loom::model(|| {
        let (_time, breaker) = due(1);
        let other = breaker.clone();
        let theirs = thread::spawn(move || other.acquire().map(std::mem::forget).is_ok());
        let ours = breaker.acquire().map(std::mem::forget).is_ok();
        let theirs = theirs.join().unwrap();
        assert!(ours ^ theirs, "ours {ours}, theirs {theirs}");
    });
}

#[test]
fn cb_34_no_refusal_speaks_of_a_time_that_is_over_in_any_order() {
    let ask = |breaker: &Breaker| {
        if let Err(refused) = breaker.acquire().map(std::mem::forget) {
            assert_eq!((refused.reason(), refused.retry_after()), (Reason::HalfOpenFull, None), "{refused}");
        }
    };
    loom::model(move || {
        let (_time, breaker) = due(2);
        let other = breaker.clone();
        let theirs = thread::spawn(move || ask(&other));
        ask(&breaker);
        theirs.join().unwrap();
    });
}

#[test]
fn cb_35_a_round_that_two_threads_decide_is_told_in_any_order() {
    loom::model(|| {
        let time = ManualClock::new();
        let told = Arc::new(std::sync::Mutex::new(Vec::new()));
        let events = Arc::clone(&told);
        let builder = Breaker::consecutive(1).open_for(secs(5)).jitter(false).probes(2).successes(2);
        let builder = builder.on_change(move |event| events.lock().unwrap().push(event.to));
        let breaker = builder.clock(time.clock()).build().unwrap();
        breaker.acquire().unwrap().failure();
        time.advance(secs(5));
        let probe = breaker.acquire().unwrap();
        let other = breaker.clone();
        let theirs = thread::spawn(move || drop(other.acquire().map(std::mem::forget)));
        probe.failure();
        theirs.join().unwrap();
        assert_eq!(*told.lock().unwrap(), [State::Open, State::HalfOpen, State::Open]);
    });
}

#[test]
fn cb_27_a_result_of_before_never_counts_after_in_any_order() {
    loom::model(|| {
        let time = ManualClock::new();
        let builder = Breaker::consecutive(2).open_for(secs(5)).jitter(false);
        let breaker = builder.clock(time.clock()).build().unwrap();
        let early = breaker.acquire().unwrap();
        let operator = breaker.clone();
        let closed = thread::spawn(move || operator.close("the operator knows better").unwrap());
        // The failure of a call that began before the operator closed the circuit anew.
        early.failure();
        closed.join().unwrap();
        let fresh = breaker.acquire().unwrap();
        fresh.failure();
        assert_eq!(breaker.state(), State::Closed, "one failure in this generation, and it takes two");
    });
}

#[test]
fn each_change_is_published_once_in_any_order() {
    loom::model(|| {
        let told = Arc::new(std::sync::Mutex::new(Vec::new()));
        let events = Arc::clone(&told);
        let builder =
            Breaker::consecutive(1).on_change(move |event| events.lock().unwrap().push(event.clone()));
        let breaker = builder.build().unwrap();
        let (a, b) = (breaker.acquire().unwrap(), breaker.acquire().unwrap());
        let other = breaker.clone();
        drop(b);
        let theirs = thread::spawn(move || {
            if let Ok(permit) = other.acquire() {
                permit.failure();
            }
        });
        a.failure();
        theirs.join().unwrap();
        let told = told.lock().unwrap();
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(breaker.state(), State::Open);
    });
}

#[test]
fn cb_6_two_failures_at_once_are_two_in_any_order() {
    loom::model(|| {
        let breaker = Breaker::consecutive(2).build().unwrap();
        let (ours, other) = (breaker.acquire().unwrap(), breaker.clone());
        let theirs = thread::spawn(move || {
            if let Ok(permit) = other.acquire() {
                permit.failure();
            }
        });
        ours.failure();
        theirs.join().unwrap();
        assert_eq!(breaker.state(), State::Open, "neither failure is lost");
    });
}

#[test]
fn cb_7_two_failures_at_once_are_two_in_a_window_of_calls_in_any_order() {
    loom::model(|| {
        let breaker = Breaker::k_of_n(2, 2).build().unwrap();
        let (ours, theirs) = (breaker.acquire().unwrap(), breaker.clone());
        let theirs = thread::spawn(move || {
            if let Ok(permit) = theirs.acquire() {
                permit.failure();
            }
        });
        ours.failure();
        theirs.join().unwrap();
        assert_eq!(breaker.state(), State::Open, "neither failure is lost");
    });
}

#[test]
fn w_4_the_sums_of_a_window_of_calls_are_those_of_what_it_holds_in_any_order() {
    loom::model(|| {
        let breaker = Breaker::rate(1.0).window_of_calls(1).min_calls(1).shadow().build().unwrap();
        breaker.acquire().unwrap().failure();
        let other = breaker.clone();
        // One takes the place of the other, whichever comes first.
        let theirs = thread::spawn(move || other.acquire().unwrap().failure());
        breaker.acquire().unwrap().success();
        theirs.join().unwrap();
        let (window, held) = (breaker.snapshot().window, breaker.save().results);
        let failures = held.iter().filter(|result| result.failed).count();
        assert_eq!((window.calls, held.len()), (1, 1));
        assert_eq!(window.failures, failures as u64);
    });
}

#[test]
fn w_4_a_late_result_takes_nothing_out_of_the_window_of_a_later_generation_in_any_order() {
    loom::model(|| {
        let breaker = Breaker::rate(1.0).window_of_calls(2).min_calls(2).build().unwrap();
        let (late, other) = (breaker.acquire().unwrap(), breaker.clone());
        let theirs = thread::spawn(move || {
            other.close("anew").unwrap();
            other.acquire().unwrap().failure();
        });
        late.success();
        theirs.join().unwrap();
        breaker.acquire().unwrap().success();
        breaker.acquire().unwrap().success();
        assert_eq!(breaker.snapshot().window.failures, 0, "the failure has left the window");
    });
}

#[test]
fn cb_6_a_success_ends_a_run_also_where_the_rules_change_in_that_moment_in_any_order() {
    loom::model(|| {
        let breaker = Breaker::consecutive(2).build().unwrap();
        breaker.acquire().unwrap().failure();
        let (early, other) = (breaker.acquire().unwrap(), breaker.clone());
        let changed = thread::spawn(move || {
            other.reconfigure(|builder| builder.or_average(0.01, Decay::Calls(100))).unwrap();
        });
        early.success();
        changed.join().unwrap();
        breaker.acquire().unwrap().failure();
        assert_eq!(breaker.state(), State::Closed, "one failure in a row");
    });
}

#[test]
fn pl_2_a_ramp_that_ends_while_the_rules_get_a_window_counts_in_it_in_any_order() {
    loom::model(|| {
        let time = ManualClock::new();
        let builder = Breaker::consecutive(1).open_for(secs(5)).jitter(false).probes(1).successes(1);
        let breaker = builder.ramp_up(1.0, secs(10)).clock(time.clock()).build().unwrap();
        breaker.acquire().unwrap().failure();
        time.advance(secs(5));
        breaker.acquire().unwrap().success();
        time.advance(secs(10));
        let other = breaker.clone();
        let theirs = thread::spawn(move || other.acquire().map(drop).unwrap());
        breaker.reconfigure(|builder| builder.or_rate(0.5).window_of_calls(2)).unwrap();
        theirs.join().unwrap();
        breaker.acquire().unwrap().success();
        assert_eq!(breaker.snapshot().window.calls, 1, "a success of a closed circuit under a window");
    });
}

#[test]
fn cb_38_the_end_of_a_ramp_loses_no_failure_in_any_order() {
    loom::model(|| {
        let time = ManualClock::new();
        let builder = Breaker::consecutive(2).open_for(secs(5)).jitter(false).probes(1).successes(1);
        let breaker = builder.ramp_up(1.0, secs(10)).clock(time.clock()).build().unwrap();
        breaker.acquire().unwrap().failure();
        breaker.acquire().unwrap().failure();
        time.advance(secs(5));
        breaker.acquire().unwrap().success();
        let early = breaker.acquire().unwrap();
        time.advance(secs(10));
        let other = breaker.clone();
        // The first call after the ramp makes the circuit a closed one like any other.
        let theirs = thread::spawn(move || other.acquire().unwrap().failure());
        early.failure();
        theirs.join().unwrap();
        assert_eq!(breaker.state(), State::Open, "two failures in a row");
    });
}

#[test]
fn cb_32_of_two_crossings_in_shadow_one_is_told_in_any_order() {
    loom::model(|| {
        let told = Arc::new(std::sync::Mutex::new(Vec::new()));
        let events = Arc::clone(&told);
        let builder = Breaker::consecutive(1).shadow();
        let breaker =
            builder.on_change(move |event| events.lock().unwrap().push(event.clone())).build().unwrap();
        let (ours, other) = (breaker.acquire().unwrap(), breaker.clone());
        let theirs = thread::spawn(move || other.acquire().unwrap().failure());
        ours.failure();
        theirs.join().unwrap();
        assert_eq!(told.lock().unwrap().len(), 1);
    });
}

#[test]
fn cb_32_no_failure_opens_what_an_operator_holds_closed_in_any_order() {
    loom::model(|| {
        let breaker = Breaker::consecutive(1).build().unwrap();
        let (failing, other) = (breaker.acquire().unwrap(), breaker.clone());
        let held = thread::spawn(move || other.force_closed("it is all there is").unwrap());
        failing.failure();
        held.join().unwrap();
        assert_eq!(breaker.state(), State::ForcedClosed);
    });
}

#[test]
fn cb_32_the_last_of_two_handles_ends_an_isolation_in_any_order() {
    loom::model(|| {
        let breaker = Breaker::consecutive(1).build().unwrap();
        let (ours, theirs) = (breaker.isolate("a").unwrap(), breaker.isolate("b").unwrap());
        let dropped = thread::spawn(move || drop(theirs));
        drop(ours);
        dropped.join().unwrap();
        assert_eq!(breaker.state(), State::Closed);
    });
}

#[test]
fn pl_2_other_rules_in_the_middle_of_a_round_leave_a_probe_free_in_any_order() {
    loom::model(|| {
        let (time, breaker) = due(2);
        let probe = breaker.acquire().unwrap();
        let other = breaker.clone();
        let changed = thread::spawn(move || {
            other.reconfigure(|builder| builder.probes(1).successes(1)).unwrap();
        });
        drop(probe);
        changed.join().unwrap();
        // Whatever came first: it is open or half open, and closes with the next probe.
        time.advance(secs(60));
        breaker.acquire().unwrap().success();
        assert_eq!(breaker.state(), State::Closed);
    });
}

#[test]
fn pl_2_a_probe_that_ends_while_the_rules_change_closes_it_in_any_order() {
    loom::model(|| {
        let (_time, breaker) = due(2);
        breaker.reconfigure(|builder| builder.successes(2)).unwrap();
        let probe = breaker.acquire().unwrap();
        let other = breaker.clone();
        let changed = thread::spawn(move || {
            other.reconfigure(|builder| builder.probes(1).successes(1)).unwrap();
        });
        probe.success();
        changed.join().unwrap();
        assert_eq!(breaker.state(), State::Closed, "one success, and one is asked for");
    });
}

/// Ten hosts of which so many failures in a row eject one, the first two, and what is told of them.
fn ten_hosts(failures: u32) -> (Outliers, [Host; 2], Arc<std::sync::Mutex<Vec<OutlierEvent>>>) {
    let told = Arc::new(std::sync::Mutex::new(Vec::new()));
    let events = Arc::clone(&told);
    let builder = Outliers::builder().consecutive(ConsecutiveFailures::of(failures)).success_rate(None);
    let builder = builder.failure_percentage(None).clock(ManualClock::new().clock());
    let builder = builder.on_event(move |event| events.lock().unwrap().push(event.clone()));
    let set: Outliers = builder.build().unwrap();
    let hosts = ["a", "b"].map(|key| set.host(key).unwrap());
    for n in 2..10 {
        set.host(&*n.to_string()).unwrap();
    }
    (set, hosts, told)
}

#[test]
fn od_1_a_run_that_two_threads_complete_ejects_once_in_any_order() {
    loom::model(|| {
        let (set, [host, _], told) = ten_hosts(2);
        let (ours, theirs) = (host.clone(), host.clone());
        let thread = thread::spawn(move || theirs.acquire().unwrap().failure());
        ours.acquire().unwrap().failure();
        thread.join().unwrap();
        assert!(host.is_ejected());
        let told = told.lock().unwrap();
        assert!(matches!(told[..], [OutlierEvent { change: HostChange::Ejected { .. }, .. }]), "{told:?}");
        assert_eq!((set.snapshot().ejected, host.snapshot().ejections), (1, 1));
    });
}

#[test]
fn od_1_of_two_hosts_that_fail_at_once_one_is_ejected_in_any_order() {
    loom::model(|| {
        let (set, [a, b], told) = ten_hosts(1);
        let theirs = b.clone();
        let thread = thread::spawn(move || theirs.acquire().unwrap().failure());
        a.acquire().unwrap().failure();
        thread.join().unwrap();
        assert!(a.is_ejected() ^ b.is_ejected(), "a tenth of ten may be");
        assert_eq!((set.snapshot().totals.over_max, told.lock().unwrap().len()), (1, 2));
    });
}

#[test]
fn od_1_what_an_operator_returns_and_a_failure_ejects_is_counted_right_in_any_order() {
    loom::model(|| {
        let (set, [host, _], told) = ten_hosts(1);
        set.force_eject("a", "disk").unwrap();
        // It is admitted once it is back, and its failure ejects it anew. The operator comes first in the first order that loom tries: it
        // looks for others from changes, and not from what was only looked at before them.
        let early = host.clone();
        let thread = thread::spawn(move || early.acquire().map(Permit::failure).is_ok());
        set.force_return("a", "well").unwrap();
        let is_anew = thread.join().unwrap();
        assert_eq!((set.snapshot().ejected, host.is_ejected()), (usize::from(is_anew), is_anew));
        let told = told.lock().unwrap();
        assert_eq!(told.len(), 2 + usize::from(is_anew), "{told:?}");
        let last = told.last().map(|event| matches!(event.change, HostChange::Ejected { .. }));
        assert_eq!(last, Some(host.is_ejected()), "{told:?}");
    });
}
