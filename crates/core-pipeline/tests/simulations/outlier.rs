//! Ten hosts that take calls in turn, of which one fails every second call for a while: never five in a row, so that only
//! the others show that something is wrong with it.

use core_breaker::{Host, Outliers};
use core_errors::Error;
use core_time::{ManualClock, ms};

use crate::alone::has_run_elsewhere;
use crate::history::History;
use crate::picture::Picture;

const SECONDS: u32 = 100;
const BAD: (u32, u32) = (15, 80);

/// A thousand calls a second. Those that fail.
fn run(leave_out: bool) -> History {
    let time = ManualClock::new();
    let start = time.now();
    let hosts: Outliers = Outliers::builder().name("search").clock(time.clock()).build().unwrap();
    let all: Vec<Host> = (0..10).map(|n| hosts.host(&*n.to_string()).unwrap()).collect();
    let mut failed = History::from(start);
    let mut turn = 0;
    for call in 0..SECONDS * 1_000 {
        let second = call / 1_000;
        let host = loop {
            turn += 1;
            let next = &all[turn % all.len()];
            if !leave_out || next.is_usable() {
                break next;
            }
        };
        let is_bad =
            host.key() == "3" && (BAD.0..BAD.1).contains(&second) && (turn / all.len()).is_multiple_of(2);
        let answer = || if is_bad { Err(Error::network("hung up")) } else { Ok(()) };
        let result = if leave_out { host.call_blocking(|_| answer()).is_ok() } else { answer().is_ok() };
        if !result {
            failed.count(time.now());
        }
        time.advance(ms(1));
    }
    failed
}

#[test]
fn od_1_one_bad_host_of_ten_gets_no_calls_until_it_is_well() {
    if has_run_elsewhere("outlier::od_1_one_bad_host_of_ten_gets_no_calls_until_it_is_well") {
        return;
    }
    let (in_turn, left_out) = (run(false), run(true));
    // The control: it gets a tenth of the calls, and fails every second.
    assert!((in_turn.rate(20, 80) - 50.0).abs() < 1.0, "{}", in_turn.rate(20, 80));
    // It is found at the sweep after it went bad, and is out for 30 s; found again in the interval after that, for 60 s.
    assert_eq!((left_out.rate(20, 50), left_out.rate(60, 100)), (0.0, 0.0));
    assert!(left_out.rate(15, 80) < in_turn.rate(15, 80) / 4.0, "{}", left_out.rate(15, 80));
    Picture {
        title: "Ten hosts that take calls in turn, of which one fails every second call for a while",
        unit: "failed calls a second, of 1000",
        seconds: SECONDS,
        trigger: ("one is bad", BAD.0, BAD.1),
        lines: vec![
            ("in turn", in_turn.per_second(SECONDS)),
            ("outliers left out", left_out.per_second(SECONDS)),
        ],
    }
    .check("outlier.svg");
}
