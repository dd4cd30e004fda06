//! The parts of the windows by themselves.

use core_time::{ms, secs};
use proptest::prelude::*;

use super::count::CountWindow;
use super::shape::{Shape, distance};
use super::*;

const EPOCH: Instant = Instant::from_nanos(7_000_000_003);

/// All that a result can be.
const MARKS: [Mark; 4] = [
    Mark { failed: false, slow: false },
    Mark { failed: true, slow: false },
    Mark { failed: false, slow: true },
    Mark { failed: true, slow: true },
];

#[test]
fn w_4_what_a_slot_holds_comes_out_as_it_went_in_and_only_for_its_stamp() {
    for mark in MARKS {
        for stamp in [0, 1, 77, 1 << 40] {
            assert_eq!(Mark::unpack(mark.pack(stamp), stamp), Some(mark));
            assert_eq!(Mark::unpack(mark.pack(stamp), stamp + 1), None);
            assert_eq!(Mark::unpack(mark.pack(stamp) & !1, stamp), None, "an empty slot");
        }
    }
    assert_eq!(Mark::unpack(0, 0), None);
}

#[test]
fn cb_4_each_result_is_counted_as_what_it_is_and_leaves_as_that() {
    let window = CountWindow::new(4);
    window.restart(9);
    for (calls, mark) in (1..).zip(MARKS) {
        let told = window.record(9, mark);
        assert_eq!(told.is_some(), calls > 1, "without a failure or a slow call nobody needs to look");
    }
    assert_eq!(window.tally(9), Tally { calls: 4, failures: 2, slow: 2 });
    assert_eq!(window.contents(9), MARKS);
    assert_eq!(window.tally(8), Tally::default());
    for left in [(2, 2), (1, 2), (1, 1), (0, 0)] {
        window.record(9, MARKS[0]);
        let tally = window.tally(9);
        assert_eq!((tally.calls, tally.failures, tally.slow), (4, left.0, left.1));
    }
    assert_eq!(window.record(8, MARKS[1]), None, "of another generation");
    assert_eq!(window.tally(9).failures, 0);
}

/// What may happen to a window of calls.
#[derive(Clone, Copy, Debug)]
enum Step {
    Result(Mark),
    Restart,
    Reshape(u32),
    /// A result of an earlier generation.
    Late(Mark),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let mark = || prop::sample::select(MARKS.to_vec());
    let step = prop_oneof![
        20 => mark().prop_map(Step::Result),
        1 => Just(Step::Restart),
        1 => (1_u32..9).prop_map(Step::Reshape),
        2 => mark().prop_map(Step::Late),
    ];
    prop::collection::vec(step, 0..120)
}

proptest! {
    #[test]
    fn w_4_a_window_of_calls_holds_the_last_results_of_its_generation_and_no_others(
        size in 1_u32..9,
        steps in steps(),
    ) {
        let (window, mut generation, mut size) = (CountWindow::new(size), 7, size);
        window.restart(generation);
        let mut plain: Vec<Mark> = Vec::new();
        for step in steps {
            match step {
                Step::Result(mark) => {
                    plain.push(mark);
                    if plain.len() > size as usize {
                        plain.remove(0);
                    }
                    let told = window.record(generation, mark);
                    let is_bad = plain.iter().any(|mark| mark.failed || mark.slow);
                    prop_assert_eq!(told, is_bad.then(|| window.tally(generation)));
                }
                Step::Restart => {
                    generation += 1;
                    window.restart(generation);
                    plain.clear();
                }
                Step::Reshape(new) => {
                    size = new;
                    window.reshape(size, generation);
                    plain.clear();
                }
                Step::Late(mark) => prop_assert_eq!(window.record(generation - 1, mark), None),
            }
            let count = |is: fn(&Mark) -> bool| plain.iter().filter(|mark| is(mark)).count() as u64;
            let expected = Tally {
                calls: plain.len() as u64,
                failures: count(|mark| mark.failed),
                slow: count(|mark| mark.slow),
            };
            prop_assert_eq!(window.tally(generation), expected);
            prop_assert_eq!(window.contents(generation), plain.clone());
        }
    }

    #[test]
    fn w_1_the_place_of_a_moment_is_the_floor_of_what_has_passed_over_the_width(
        width in 1_u64..5_000_000_000,
        buckets in 1_u32..=32,
        elapsed in 0_u64..1 << 55,
    ) {
        let len = Duration::from_nanos(width * u64::from(buckets));
        let cut = Shape::new(len, buckets, EPOCH).read().expect("nobody writes it");
        let now = EPOCH + Duration::from_nanos(elapsed);
        let first = cut.index(EPOCH);
        prop_assert_eq!(cut.index(now) - first, elapsed / width);
        // How long its bucket has been there, and whose bucket began so long ago.
        let index = cut.index(now);
        prop_assert_eq!(cut.age(index, now), Duration::from_nanos(elapsed % width));
        prop_assert_eq!(cut.age(index - 3, now), Duration::from_nanos(elapsed % width + 3 * width));
        let steps = u64::from(buckets) - 1;
        prop_assert_eq!(cut.before(index, Duration::from_nanos(width * steps)), Some(index - steps));
        prop_assert_eq!(cut.before(index, Duration::from_nanos(width * (steps + 1) - 1)), Some(index - steps));
        prop_assert_eq!(cut.before(index, Duration::from_nanos(width * (steps + 1))), None);
    }
}

#[test]
fn w_1_a_place_says_how_far_it_lies_behind_another_also_where_numbers_begin_anew() {
    assert_eq!((distance(5, 5), distance(5, 9)), (0, 4));
    let last = (1 << 26) - 1;
    assert_eq!(distance(last, 2), 3);
    assert_eq!(distance(9, 5), last - 3, "what is ahead is far behind");
}

#[test]
fn cb_21_a_tag_is_of_one_generation_one_shape_and_one_place() {
    let shape = Shape::new(secs(10), 10, EPOCH);
    let cut = shape.read().unwrap_or_else(|| panic!("nobody writes it"));
    let tag = cut.tag(3, 70);
    assert_eq!(tag, cut.tag(3, 70));
    assert_ne!(tag, cut.tag(4, 70));
    assert_ne!(tag, cut.tag(3, 71));
    shape.write(secs(20), 10, EPOCH + ms(5));
    let other = shape.read().unwrap_or_else(|| panic!("nobody writes it"));
    assert_ne!(tag, other.tag(3, 70));
    assert_eq!(other.tag(2, 70), tag, "generations and shapes only grow: that of before is gone");
    assert_eq!(
        other.index(EPOCH + ms(5) + secs(2)) - other.index(EPOCH + ms(5)),
        1,
        "its own width and beginning"
    );
}

#[test]
fn cb_2_a_rate_of_nothing_is_none() {
    assert_eq!((rate(0, 0), rate(1, 4)), (None, Some(0.25)));
    let tally = Tally { calls: 4, failures: 1, slow: 3 };
    assert_eq!((tally.failure_rate(), tally.slow_rate()), (Some(0.25), Some(0.75)));
    assert_eq!(Tally::default().slow_rate(), None);
}

#[test]
fn what_a_success_is_written_to_follows_the_rules() {
    let windows = Windows::new(false);
    assert!(matches!(windows.watch(), Watch::Nothing));
    windows.reshape(Some(Span::Time { len: secs(10), buckets: 10 }), false, 1, EPOCH);
    assert!(matches!(windows.watch(), Watch::Time));
    windows.set_more(true);
    assert!(matches!(windows.watch(), Watch::More));
    windows.set_more(false);
    assert!(matches!(windows.watch(), Watch::Time));
    windows.reshape(Some(Span::Calls { size: 8 }), false, 1, EPOCH);
    assert!(matches!(windows.watch(), Watch::Calls));
    windows.record(1, MARKS[1], EPOCH);
    assert_eq!(windows.tally(1, EPOCH).calls, 1);
    windows.restart(2);
    assert_eq!((windows.tally(1, EPOCH).calls, windows.tally(2, EPOCH).calls), (0, 0));
    windows.record(2, MARKS[1], EPOCH);
    assert_eq!(windows.tally(2, EPOCH).calls, 1, "a new generation counts");
}

#[test]
fn w_5_a_window_begins_later_than_now_if_that_is_further_than_threads_may_be_in_another_order() {
    let epoch = Instant::from_nanos(1_000_000_000_000);
    for (len, buckets, slack) in [(secs(10), 10, secs(1)), (ms(10), 10, ms(32)), (secs(1), 20, ms(150))] {
        let shape = Shape::new(len, buckets, epoch);
        let Some(cut) = shape.read() else { panic!("nobody writes it") };
        assert!(!cut.begins_later(epoch) && !cut.begins_later(epoch - slack), "{len:?}");
        assert!(cut.begins_later(epoch - slack - Duration::from_nanos(1)), "{len:?}");
    }
}

#[test]
fn w_5_a_clock_that_goes_on_did_not_go_back_however_long_ago_something_failed() {
    let windows = Windows::new(false);
    windows.reshape(Some(Span::Time { len: secs(10), buckets: 10 }), false, 7, EPOCH);
    let failed = EPOCH + secs(100);
    windows.record(7, MARKS[1], failed);
    for later in [0, 1, 9, 10, 31, 32, 33, 1_000, (1 << 25) - 1] {
        assert!(!windows.went_back(7, failed + secs(later)), "{later} s later");
    }
    assert!(!windows.went_back(7, failed - secs(1)), "threads may be in another order");
    for earlier in [2, 10, 33, 99] {
        assert!(windows.went_back(7, failed - secs(earlier)), "{earlier} s earlier");
        assert!(!windows.went_back(8, failed - secs(earlier)), "in another generation");
    }
}
