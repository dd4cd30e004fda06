use super::*;

const LENS: Lens = Lens { short: 10, long: 100 };

/// Counts one thing at a moment, whose duration says when that was.
fn count(windows: &Windows, latency: &Latency, now: u64) {
    windows.turn(latency, now);
    latency.record(now << 5);
}

#[test]
fn each_holds_what_is_younger_than_one_window_and_nothing_that_is_older_than_two() {
    for gaps in
        [&[1][..], &[3, 8], &[9, 11], &[1, 1, 25], &[19, 20, 21], &[10], &[100], &[7, 250], &[1, 1000]]
    {
        let (windows, latency) = (Windows::new(LENS), Latency::new());
        let (mut now, mut all) = (5, Vec::new());
        for gap in gaps.iter().cycle().take(120) {
            now += gap;
            count(&windows, &latency, now);
            all.push(now);
            for (span, len) in [(Span::Short, LENS.short), (Span::Long, LENS.long)] {
                let told = windows.recent(&latency, now, span).count();
                let since = |age: u64| all.iter().filter(|at| **at + age > now).count() as u64;
                assert!(
                    (since(len)..=since(2 * len)).contains(&told),
                    "{span:?} of {gaps:?} at {now}: {told}"
                );
            }
        }
        let later = now + 2 * LENS.long;
        assert_eq!(windows.recent(&latency, later, Span::Long).count(), 0, "long after {gaps:?}");
    }
}

#[test]
fn nobody_has_to_look_for_a_window_to_end() {
    let (windows, latency) = (Windows::new(LENS), Latency::new());
    (0..250).for_each(|now| count(&windows, &latency, now));
    assert_eq!(windows.recent(&latency, 249, Span::Long).count(), 150);
    assert_eq!(windows.recent(&latency, 249, Span::Short).count(), 20);
}

#[test]
fn a_clock_that_goes_back_neither_panics_nor_loses() {
    let (windows, latency) = (Windows::new(LENS), Latency::new());
    for now in [500, 20, u64::MAX, 3] {
        count(&windows, &latency, now);
    }
    assert_eq!((windows.recent(&latency, 3, Span::Long).count(), latency.counted().count()), (2, 4));
}
