//! One host of several that can answer the same. Nobody else has this in a form that a loop can measure.

use core_breaker::{Host, Outliers};

use super::{call, scales_as};
use crate::{Beside, Bound, Budget, Comes, Contest, Loop, Row, looped, ready};

pub(super) fn rows() -> Vec<Row> {
    let row = |name, ns, comes, contest| Row {
        name,
        threads: 1,
        budget: Budget::Total(ns),
        beside: &[],
        comes,
        allocations_max: 0,
        contest,
    };
    // As a breaker with a window: a coarse reading of the clock, and counters of the thread's own.
    let in_service = || row("outlier/in_service", 25.0, Comes::Answered, in_service);
    vec![
        in_service(),
        in_service()
            .on_two_threads("outlier/in_service_2_threads", const { &[scales_as("outlier/in_service")] }),
        Row { beside: const { &[AGAIN] }, ..row("outlier/ejected", 25.0, Comes::Refused, ejected) },
    ]
}

/// A call through the coarse clock must not be refused after the host has returned by another.
const AGAIN: Beside =
    Beside { row: "outlier/in_service", bound: Bound::Told("it looks at the time again before it refuses") };

/// The first of five.
fn host() -> (Outliers, Host) {
    let search: Outliers = Outliers::builder().build().expect("valid");
    let hosts =
        ["a:80", "b:80", "c:80", "d:80", "e:80"].map(|name| search.host(name).expect("there is room"));
    let [host, ..] = hosts;
    (search, host)
}

fn in_service() -> Contest {
    let (search, host) = host();
    Contest { ours: calls(search, host), peers: Vec::new() }
}

fn ejected() -> Contest {
    let (search, host) = host();
    search.force_eject("a:80", "it is measured").expect("it is known");
    Contest { ours: calls(search, host), peers: Vec::new() }
}

/// Calls to one of the hosts, while the set is held on to.
fn calls(search: Outliers, host: Host) -> Loop {
    looped(move |input| {
        let _all = &search;
        ready(host.call(|_| call(input)))
    })
}
