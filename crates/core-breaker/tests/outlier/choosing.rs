//! Who may be called.

use core_breaker::{ConsecutiveFailures, OutliersBuilder};
use core_time::secs;

use crate::bench::{Bench, by_sweeps};

/// One failure ejects, and any number of hosts may be.
fn touchy() -> OutliersBuilder {
    by_sweeps().consecutive(ConsecutiveFailures::of(1)).max_ejected(1.0)
}

fn chosen(bench: &Bench) -> Vec<String> {
    let keys: Vec<String> = (0..bench.hosts.len()).map(|n| format!("h{n}")).collect();
    bench.set.choose(&keys).cloned().collect()
}

#[test]
fn od_1_hosts_that_are_ejected_are_not_chosen() {
    let bench = Bench::new(4, touchy());
    bench.answer(1, 0, 1);
    assert_eq!(chosen(&bench), ["h0", "h2", "h3"]);
    assert!(bench.set.is_ejected("h1") && !bench.set.is_ejected("h0"));
    assert!(!bench.hosts[1].is_usable() && bench.hosts[0].is_usable());
    assert_eq!(
        bench.set.choose(["h1", "nobody"]).collect::<Vec<_>>(),
        ["nobody"],
        "who is not known is not ejected"
    );
}

#[test]
fn od_1_under_half_of_the_hosts_ejections_are_ignored_and_at_half_not() {
    let bench = Bench::new(4, touchy());
    bench.answer(0, 0, 1);
    bench.answer(1, 0, 1);
    assert!(!bench.set.is_panicking());
    assert_eq!(chosen(&bench), ["h2", "h3"]);
    assert!(bench.hosts[0].acquire().is_err());
    bench.answer(2, 0, 1);
    assert!(bench.set.is_panicking() && bench.set.snapshot().is_panicking);
    assert_eq!(chosen(&bench), ["h0", "h1", "h2", "h3"]);
    assert!(bench.hosts[0].acquire().is_ok() && bench.hosts[0].is_usable());
    assert!(bench.hosts[0].is_ejected(), "it is ignored, and it is so still");
}

#[test]
fn od_1_panic_can_be_switched_off_and_moved() {
    let bench = Bench::new(2, touchy().panic_under(0.0));
    bench.answer(0, 0, 1);
    bench.answer(1, 0, 1);
    assert!(chosen(&bench).is_empty() && bench.hosts[0].acquire().is_err());
    let bench = Bench::new(10, touchy().panic_under(1.0));
    bench.answer(0, 0, 1);
    assert_eq!(chosen(&bench).len(), 10);
}

#[test]
fn od_1_a_host_by_itself_is_never_refused() {
    let bench = Bench::new(1, by_sweeps().consecutive(ConsecutiveFailures::of(1)));
    bench.answer(0, 0, 3);
    assert_eq!(bench.ejected(), [0]);
    assert!(bench.hosts[0].acquire().is_ok(), "none of one is under half");
}

#[test]
fn what_an_operator_ejected_stays_out_in_a_panic() {
    let bench = Bench::new(2, touchy());
    bench.set.force_eject("h0", "bad data").unwrap();
    bench.answer(1, 0, 1);
    assert!(bench.set.is_panicking());
    assert_eq!(chosen(&bench), ["h1"]);
    assert!(bench.hosts[0].acquire().is_err());
}

#[test]
fn choosing_sweeps_and_asking_does_not() {
    let bench = Bench::new(4, touchy());
    bench.answer(0, 0, 1);
    bench.time.advance(secs(31));
    assert!(bench.set.is_ejected("h0"), "reading changes nothing");
    bench.time.advance(secs(9));
    assert!(bench.set.is_ejected("h0") && bench.hosts[0].is_ejected());
    assert_eq!(chosen(&bench).len(), 4);
    assert!(!bench.set.is_ejected("h0"));
}
