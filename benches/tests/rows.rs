//! What is measured is what the rows say.

use genesis_compare::rows;

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
            ours(1_000);
            let mut answered = 0;
            let count = allocation_counter::measure(|| answered = ours(1_000)).count_total;
            assert_eq!(answered, row.comes.answered(1_000), "{}", row.name);
            assert!(
                count <= 1_000 * u64::from(row.allocations_max),
                "{}: {count} of a thousand calls",
                row.name
            );
        }
    });
}

#[test]
fn the_bare_call_is_answered() {
    assert_eq!(rows::bare()(1_000), 1_000);
}
