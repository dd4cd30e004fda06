//! The rows of `cargo xtask compare` under criterion: `cargo bench --manifest-path benches/Cargo.toml`.
#![expect(clippy::disallowed_methods, reason = "criterion asks for the time that the loop takes")]

use std::time::Instant;

use criterion::Criterion;
use genesis_compare::rows;

fn main() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime without I/O");
    let _inside = runtime.enter();
    let mut criterion = Criterion::default().configure_from_args();
    for row in rows::all().into_iter().filter(|row| row.threads == 1) {
        let contest = (row.contest)();
        let loops = [("bare", rows::bare()), ("ours", contest.ours)].into_iter().chain(contest.peers);
        let mut group = criterion.benchmark_group(row.name);
        for (who, run) in loops {
            group.bench_function(who, |bencher| {
                bencher.iter_custom(|calls| {
                    let start = Instant::now();
                    std::hint::black_box(run(calls));
                    start.elapsed()
                });
            });
        }
        group.finish();
    }
    criterion.final_summary();
}
