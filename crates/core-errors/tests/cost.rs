//! What an error costs: counted allocations.

use core_errors::{BacktracePolicy, Category, Classify, Error};

fn allocations<R>(run: impl FnOnce() -> R) -> u64 {
    let mut kept = None;
    let counted = allocation_counter::measure(|| kept = Some(run()));
    drop(kept);
    counted.count_total
}

#[test]
fn making_an_error_is_one_allocation_and_reading_it_none() {
    BacktracePolicy::NEVER.install();
    let error = Error::timeout("slow");
    assert_eq!(allocations(|| Error::timeout("slow")), 1);
    assert_eq!(allocations(|| Error::timeout("slow").with("attempt", 3).with("host", "db-7").op("read")), 2);
    assert_eq!(
        allocations(|| (error.verdict(), error.category(), error.code(), error.fact("x").is_none())),
        0
    );
    let io = std::io::Error::from(std::io::ErrorKind::TimedOut);
    assert_eq!(allocations(|| (io.verdict(), io.category() == Category::Timeout)), 0);
    assert_eq!(allocations(|| Error::convert(std::io::Error::from(std::io::ErrorKind::TimedOut))), 2);
}
