//! Every interleaving of two threads. Run with `cargo xtask test --only loom`.
#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

use std::sync::Arc;

use loom::thread;

use super::*;

const NOW: Instant = Instant::from_nanos(3_600_000_000_000);

fn seen(half: &Half<1>, epoch: u64) -> u64 {
    let mut sums = [0];
    if half.is_of(epoch) {
        half.add_to(&mut sums);
    }
    sums[0]
}

#[test]
fn hg_2_nobody_counts_what_a_half_held_before_in_any_order() {
    loom::model(|| {
        let half = Arc::new(Half::<1>::default());
        for _ in 0..3 {
            half.record(2, 0, true);
        }
        let theirs = Arc::clone(&half);
        let reads = thread::spawn(move || seen(&theirs, 4));
        half.record(4, 0, true);
        let read = reads.join().unwrap();
        assert!(read <= 1, "{read}, and one was recorded in this half");
        assert_eq!(seen(&half, 4), 1);
    });
}

#[test]
fn hg_2_threads_that_share_a_half_lose_nothing_within_it_in_any_order() {
    loom::model(|| {
        let half = Arc::new(Half::<1>::default());
        half.record(2, 0, false);
        let other = Arc::clone(&half);
        let theirs = thread::spawn(move || other.record(2, 0, false));
        half.record(2, 0, false);
        theirs.join().unwrap();
        assert_eq!(seen(&half, 2), 3);
    });
}

#[test]
fn hg_2_who_sees_that_an_answer_is_good_sees_the_answer_in_any_order() {
    loom::model(|| {
        let answer = Arc::new(Answer::none());
        let theirs = Arc::clone(&answer);
        let sets = thread::spawn(move || theirs.set(ms(7), NOW));
        let got = answer.get(NOW);
        assert!(got.is_none_or(|delay| delay == ms(7)), "{got:?}");
        sets.join().unwrap();
        assert_eq!(answer.get(NOW), Some(ms(7)));
    });
}
