//! The rows of `cargo xtask compare` under criterion: `cargo bench --manifest-path benches/Cargo.toml`.

use criterion::Criterion;
use genesis_compare::rows;
use std::time::Instant;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime without I/O");
    let _inside = runtime.enter();
    let mut criterion = Criterion::default().configure_from_args();
    for row in rows::all().into_iter().filter(|row| row.threads == 1) {
        let mut group = criterion.benchmark_group(row.name);
        let ours = [("bare", row.bare), ("ours", row.ours)];
        for (name, l) in ours.into_iter().chain(row.peers) {
            group.bench_function(name, |bencher| {
                bencher.iter_custom(|iterations| {
                    let start = Instant::now();
                    l(iterations);
                    start.elapsed()
                });
            });
        }
        group.finish();
    }
    criterion.final_summary();
}
