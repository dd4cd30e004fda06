//! What a breaker costs beside time: nothing is allocated for a call, whether it passes, fails or is refused.

use core_breaker::{Breaker, Builder, CallState, Decay};
use core_errors::Reason;
use core_policy::Keyed;
use core_time::{ManualClock, ms, secs};

/// How often `run` allocates once it has run before.
fn allocations(mut run: impl FnMut()) -> u64 {
    run();
    allocation_counter::measure(run).count_total
}

#[test]
fn a_call_that_passes_allocates_nothing_under_any_rule() {
    let all: [fn() -> Builder; 6] = [
        || Breaker::consecutive(1_000),
        || Breaker::rate(0.9).window(secs(10)).slow_over(ms(50)),
        || Breaker::rate(0.9).window_of_calls(100),
        || Breaker::k_of_n(99, 100).lumping(ms(1)),
        || Breaker::average(0.1, Decay::Calls(100)),
        || Breaker::rate(0.9).window(secs(10)).shadow(),
    ];
    for builder in all {
        let breaker = builder().build().expect("valid");
        let good = allocations(|| breaker.acquire().expect("closed").success());
        let bad = allocations(|| {
            breaker.acquire().expect("closed").failure();
            breaker.acquire().expect("closed").success();
        });
        assert_eq!((good, bad), (0, 0), "{}", breaker.snapshot().rules);
        breaker.force_closed("test").expect("a reason");
        let held = allocations(|| {
            breaker.acquire().expect("held closed").failure();
            breaker.acquire().expect("held closed").success();
        });
        assert_eq!(held, 0, "held closed: {}", breaker.snapshot().rules);
    }
}

#[test]
fn a_refusal_allocates_nothing_whatever_its_reason() {
    let time = ManualClock::new();
    let builder = Breaker::consecutive(1).jitter(false).probes(1).successes(1).ramp_up(0.1, secs(100));
    let breaker = builder.clock(time.clock()).build().expect("valid");
    let refused = |reason| {
        allocations(|| {
            let refused = std::iter::repeat_with(|| breaker.acquire()).find_map(Result::err);
            assert_eq!(refused.map(|refused| refused.reason()), Some(reason));
        })
    };
    breaker.acquire().expect("closed").failure();
    assert_eq!(refused(Reason::CircuitOpen), 0);
    time.advance(secs(5));
    let probe = breaker.acquire().expect("due");
    assert_eq!(refused(Reason::HalfOpenFull), 0);
    probe.success();
    assert_eq!(refused(Reason::RampUp), 0);
    breaker.force_open("test").expect("a reason");
    assert_eq!(refused(Reason::ForcedOpen), 0);
}

#[test]
fn a_key_that_is_there_allocates_nothing() {
    let keyed =
        Breaker::consecutive(5).build().expect("valid").keyed::<String>(Keyed::max(10)).expect("valid");
    let hit = || keyed.get("db-1").expect("room").acquire().expect("closed").success();
    assert_eq!(allocations(hit), 0);
}

/// How many bytes a key takes up, the map's own among them, with a name of 15 bytes.
fn bytes_of_a_key(builder: Builder) -> i64 {
    let keyed = builder.build().expect("valid").keyed::<String>(Keyed::max(2_000)).expect("valid");
    let call = |key: u32| {
        let breaker = keyed.get(format!("user-{key:010}").as_str()).expect("room");
        breaker.acquire().expect("closed").success();
        breaker.acquire().expect("closed").failure();
    };
    call(0);
    allocation_counter::measure(|| (1..=1_000).for_each(call)).bytes_current / 1_000
}

#[test]
fn a_key_takes_up_half_a_kilobyte_with_a_window_of_time_one_and_a_half_and_with_one_of_100_calls_two() {
    let consecutive = bytes_of_a_key(Breaker::consecutive(5));
    assert!((1..=512).contains(&consecutive), "{consecutive}");
    let time = bytes_of_a_key(Breaker::rate(0.5).window(secs(10)));
    assert!((consecutive..=1_536).contains(&time), "{time}");
    let calls = bytes_of_a_key(Breaker::rate(0.5).window_of_calls(100));
    assert!((consecutive..=2_176).contains(&calls), "{calls}");
}

#[test]
fn what_is_remembered_of_a_call_is_three_words() {
    assert_eq!(size_of::<CallState>(), 24);
    assert_eq!(size_of::<Breaker>(), 8);
}

#[test]
fn mistake_21_changes_that_nobody_listens_to_allocate_nothing() {
    let time = ManualClock::new();
    let builder = Breaker::consecutive(1).jitter(false).probes(1).successes(1);
    let breaker = builder.clock(time.clock()).build().expect("valid");
    let round = || {
        breaker.acquire().expect("closed").failure();
        time.advance(secs(60));
        breaker.acquire().expect("half open").success();
    };
    assert_eq!(allocations(round), 0, "an event is made for who hears it");
    assert_eq!(breaker.snapshot().opened, 2);
}
