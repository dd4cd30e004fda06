//! Policies that nobody else has in a form that a loop can measure: hedge, throttle, adaptive limit, and none at all.

use std::fmt;
use std::time::{Duration, Instant};

use core_errors::{Classify, Recovery, Verdict};
use core_limit::{Adaptive, Throttle};
use core_policy::{Admit, ByClass, Call, Cx, Next, Outcome, Policy};
use core_retry::{Budget as RetryBudget, Hedge};
use core_time::{Clock, ms, secs};

use super::{call, no_dearer_than, one_word, scales_as};
use crate::{Budget, Comes, Contest, Row, looped, ready};

pub(super) fn rows() -> Vec<Row> {
    let row = |name, budget, comes, contest| Row {
        name,
        threads: 1,
        budget,
        beside: &[],
        comes,
        allocations_max: 0,
        contest,
    };
    let accept_row = || row("throttle/accept", Budget::Total(35.0), Comes::Answered, accept);
    let refuse_row = || row("throttle/refuse", Budget::Total(35.0), Comes::Refused, refuse);
    let free_row = || row("adaptive/free", Budget::Total(35.0), Comes::Answered, free);
    let full_row = || row("adaptive/full", Budget::Total(35.0), Comes::Refused, full);
    vec![
        row("policy/none", Budget::None, Comes::Answered, none),
        row("hedge/not_needed", Budget::Total(20.0), Comes::Answered, hedge),
        accept_row(),
        accept_row().on_two_threads("throttle/accept_2_threads", const { &[scales_as("throttle/accept")] }),
        Row { beside: const { &[no_dearer_than("throttle/accept")] }, ..refuse_row() },
        refuse_row().on_two_threads("throttle/refuse_2_threads", const { &[scales_as("throttle/refuse")] }),
        free_row(),
        // How many calls are in flight is one word.
        Row {
            budget: Budget::None,
            ..free_row().on_two_threads(
                "adaptive/free_2_threads",
                const { &[one_word("adaptive/free", "in flight")] },
            )
        },
        Row { beside: const { &[no_dearer_than("adaptive/free")] }, ..full_row() },
        full_row().on_two_threads("adaptive/full_2_threads", const { &[scales_as("adaptive/full")] }),
    ]
}

/// What it costs to be called through a policy at all.
fn none() -> Contest {
    let ours = Nothing(Clock::system());
    Contest {
        ours: looped(move |input| ready(Call::new(&ours, |_| call(input), ByClass))),
        peers: Vec::new(),
    }
}

fn hedge() -> Contest {
    let ours = Hedge::after(ms(50)).budget(&RetryBudget::default()).build().expect("valid");
    Contest { ours: looped(move |input| ready(ours.call(|_| call(input)))), peers: Vec::new() }
}

fn accept() -> Contest {
    let ours = Throttle::builder().build().expect("valid");
    Contest { ours: looped(move |input| ready(ours.call(|_| call(input)))), peers: Vec::new() }
}

/// The callee refuses everything, so all but one in a million calls are held back, and that one fails.
fn refuse() -> Contest {
    let ours = Throttle::builder().window(secs(1)).share_max(1.0).build().expect("valid");
    let give_up = Instant::now() + Duration::from_secs(5);
    while ours.snapshot().share < 0.99 {
        assert!(Instant::now() < give_up, "the throttle never saw that the callee refuses");
        assert!(ours.call_blocking(|_| Err::<u64, _>(Overloaded)).is_err());
    }
    Contest {
        ours: looped(move |_| ready(ours.call(|_| async { Err::<u64, _>(Overloaded) }))),
        peers: Vec::new(),
    }
}

fn free() -> Contest {
    let ours = Adaptive::vegas().build().expect("valid");
    Contest { ours: looped(move |input| ready(ours.call(|_| call(input)))), peers: Vec::new() }
}

/// One call may be in flight, and never ends.
fn full() -> Contest {
    let ours = Adaptive::vegas().initial(1).min(1).max(1).build().expect("valid");
    std::mem::forget(ours.acquire().expect("free"));
    Contest { ours: looped(move |input| ready(ours.call(|_| call(input)))), peers: Vec::new() }
}

/// Admits everything and remembers nothing.
struct Nothing(Clock);

/// What a callee says that can take no more.
#[derive(Clone, Copy, Debug)]
struct Overloaded;

// === impl Nothing ===

impl Policy for Nothing {
    type State = ();

    #[inline]
    fn clock(&self) -> &Clock {
        &self.0
    }

    #[inline]
    fn begin(&self) {}

    #[inline]
    fn admit(&self, (): &mut (), _: &mut Cx<'_>) -> Admit {
        Admit::Run
    }

    #[inline]
    fn settle(&self, (): &mut (), _: &Outcome<'_>, _: &mut Cx<'_>) -> Next {
        Next::Finish
    }

    fn abandon(&self, (): &mut ()) {}
}

// === impl Overloaded ===

impl Classify for Overloaded {
    fn recovery(&self) -> Recovery {
        Recovery::Transient
    }

    fn verdict(&self) -> Verdict {
        Verdict::Overload(None)
    }
}

impl fmt::Display for Overloaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("overloaded")
    }
}

impl std::error::Error for Overloaded {}
