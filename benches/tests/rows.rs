//! What is measured is what the rows say.

use core_policy::{Keyed, KeyedMap};
use genesis_compare::{behind, rows};

/// Peers that need a runtime find one, as in the comparison.
fn inside_a_runtime(test: impl FnOnce()) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime without I/O");
    let _inside = runtime.enter();
    test();
}

#[test]
fn every_call_of_every_row_comes_to_what_the_row_says() {
    const CALLS: u64 = 1_000;
    inside_a_runtime(|| {
        for row in rows::all() {
            let contest = (row.contest)();
            for (who, run) in [("ours", contest.ours)].into_iter().chain(contest.peers) {
                assert_eq!(run(CALLS), row.comes.answered(CALLS), "{}, {who}", row.name);
            }
        }
    });
}

#[test]
fn our_hot_paths_allocate_no_more_than_they_may() {
    // Whatever the environment asks for.
    core_errors::BacktracePolicy::NEVER.install();
    inside_a_runtime(|| {
        for row in rows::all() {
            let ours = (row.contest)().ours;
            let count = |calls| {
                let mut answered = 0;
                let count = allocation_counter::measure(|| answered = ours(calls)).count_total;
                assert_eq!(answered, row.comes.answered(calls), "{}", row.name);
                count
            };
            count(1_000);
            // What the loop itself allocates is in both.
            let (once, twice) = (count(1_000), count(2_000));
            let made = twice.saturating_sub(once);
            // Who allocates for each call may have a table made anew now and then; who allocates nothing may not.
            let most = u64::from(row.allocations_max) * 1_000 + u64::from(row.allocations_max.min(1)) * 9;
            assert!(made <= most, "{}: {made} of a thousand calls", row.name);
        }
    });
}

#[test]
fn what_rows_are_held_against_is_there_once() {
    let names: Vec<_> = rows::all().iter().map(|row| row.name).collect();
    for (at, name) in names.iter().enumerate() {
        assert!(!names[..at].contains(name), "{name} is there twice");
    }
    let besides = rows::all().into_iter().flat_map(|row| row.beside).map(|beside| beside.row);
    for name in besides.chain(behind::ALL.iter().map(|behind| behind.row)) {
        assert!(names.contains(&name), "{name} is no row");
    }
}

#[test]
fn every_situation_that_was_asked_for_has_its_row() {
    // Each policy open and closed, hit and miss, on one and two threads, and by 1, 256 and 10 000 keys; then what a service says.
    const ASKED: &str = "
        breaker/closed breaker/closed_2_threads breaker/closed_consecutive breaker/closed_count breaker/closed_k_of_n
        breaker/closed_hybrid breaker/closed_slow breaker/closed_slow_exact breaker/open breaker/open_2_threads breaker/open_windowed
        breaker/open_windowed_2_threads breaker/fallback breaker/keyed_1 breaker/keyed_256 breaker/keyed_10000
        outlier/in_service outlier/in_service_2_threads outlier/ejected
        retry/first_success retry/first_success_budget retry/gives_up retry/delays
        budget/deposit budget/deposit_2_threads budget/withdraw_and_refund budget/refuse
        rate_limit/allow rate_limit/allow_2_threads rate_limit/refuse rate_limit/refuse_2_threads rate_limit/reserve
        rate_limit/reserve_bursty rate_limit/keyed_1 rate_limit/keyed_256 rate_limit/keyed_10000 rate_limit/keyed_tier_256
        rate_limit/keyed_miss_256 keyed/get_1 keyed/get_256 keyed/get_10000 keyed/miss_256
        sliding_window/allow sliding_window/allow_2_threads sliding_window/refuse sliding_window/refuse_2_threads
        bulkhead/free bulkhead/free_2_threads bulkhead/full bulkhead/full_2_threads
        adaptive/free adaptive/free_2_threads adaptive/full adaptive/full_2_threads
        throttle/accept throttle/accept_2_threads throttle/refuse throttle/refuse_2_threads
        executor/one executor/ahead_32 timeout/ready timeout/waits timeout/total_waits gather/four gather/four_wait
        hedge/not_needed hedge/first_answers pipeline/five_policies pipeline/five_policies_2_threads
        log/line log/line_full log/disabled log/span log/async metrics/counter metrics/counter_2_threads
        metrics/float_counter metrics/float_counter_2_threads metrics/histogram metrics/histogram_2_threads
        metrics/encode track/stage track/stage_sampled";
    let names: Vec<_> = rows::all().iter().map(|row| row.name).collect();
    let missing: Vec<_> = ASKED.split_whitespace().filter(|asked| !names.contains(asked)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn a_key_that_misses_displaces_another_each_time() {
    let names: Vec<String> = (0..1_000).map(|at| format!("user-{at}")).collect();
    let map: KeyedMap<String, u64> = Keyed::max(256).build().expect("valid");
    for name in names.iter().chain(&names) {
        map.get_or_insert_with(name.as_str(), || 7).expect("room");
    }
    assert_eq!(map.stats().inserted, 2_000, "none was there any more");
}

#[test]
fn the_bare_call_is_answered() {
    assert_eq!(rows::bare()(1_000), 1_000);
}
