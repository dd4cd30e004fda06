//! What every policy counts and draws with: stripes, counters and random numbers.
#![expect(clippy::disallowed_methods, reason = "threads are what is tested, and the test waits for them")]

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier, Mutex, MutexGuard, PoisonError};
use std::thread;

use core_policy::stripes::Stripes;
use core_policy::{Counters, Rng};

/// Stripes are given to threads of the whole process, so tests that have many threads take turns.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn who_counts_is_told_how_many_it_has_counted() {
    let _alone = alone();
    let counters = Counters::<2>::new();
    let told = [counters.count(0), counters.count(1), counters.count(0), counters.count(0)];
    assert_eq!((told, counters.get(0), counters.get(1)), ([1, 1, 2, 3], 3, 1));
}

/// The numbers of Steele, Lea and Flood's reference implementation.
#[test]
fn random_numbers_are_those_of_split_mix_64() {
    let rng = Rng::from_seed(0);
    let drawn = [rng.next_u64(), rng.next_u64(), rng.next_u64(), rng.next_u64()];
    let expected =
        [0xE220_A839_7B1D_CDAF, 0x6E78_9E6A_A1B9_65F4, 0x06C4_5D18_8009_454F, 0xF88B_B8A8_724C_81EC];
    assert_eq!(drawn, expected);
}

#[test]
fn a_unit_is_the_upper_53_bits_over_two_to_the_53() {
    let (bits, units) = (Rng::from_seed(7), Rng::from_seed(7));
    for _ in 0..1_000 {
        let unit = units.next_unit();
        let exact = f64::from(u32::try_from(bits.next_u64() >> 32).unwrap()) / f64::from(u32::MAX);
        assert!((0.0..1.0).contains(&unit) && (unit - exact).abs() < 1e-9, "{unit} {exact}");
    }
}

#[test]
fn without_a_seed_no_two_sequences_are_the_same() {
    let drawn: BTreeSet<_> = (0..100).map(|_| Rng::default().next_u64()).collect();
    assert_eq!(drawn.len(), 100);
}

#[test]
fn there_are_twice_as_many_stripes_as_cores_and_one_to_share() {
    let cores = thread::available_parallelism().unwrap().get();
    assert_eq!(Stripes::<u8>::new().iter().count(), (2 * cores).clamp(8, 64) + 1);
}

#[test]
fn no_two_threads_that_live_have_a_stripe_of_their_own_in_common() {
    let _alone = alone();
    let stripes: Arc<Stripes<AtomicU64>> = Arc::default();
    let (all_there, all_seen) = (Arc::new(Barrier::new(100)), Arc::new(Barrier::new(100)));
    let threads: Vec<_> = (0..100)
        .map(|_| {
            let (stripes, all_there) = (Arc::clone(&stripes), Arc::clone(&all_there));
            let all_seen = Arc::clone(&all_seen);
            thread::spawn(move || {
                let mine = stripes.mine();
                mine.value.fetch_add(1, Ordering::Relaxed);
                let is_own = mine.is_own;
                all_there.wait();
                // Whoever has it alone finds nobody else in it, while all are there.
                let seen = mine.value.load(Ordering::Relaxed);
                all_seen.wait();
                (is_own, seen)
            })
        })
        .collect();
    let seen: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    assert!(seen.iter().all(|(is_own, seen)| !is_own || *seen == 1), "{seen:?}");
    let own = seen.iter().filter(|(is_own, _)| *is_own).count();
    assert!(own > 0 && own < stripes.iter().count(), "{own} have one of their own");
    let shared = seen.iter().find(|(is_own, _)| !is_own).unwrap().1;
    assert_eq!(shared, 100 - u64::try_from(own).unwrap(), "the others share one");
}

#[test]
fn a_thread_that_ends_leaves_its_stripe_to_the_next() {
    let _alone = alone();
    let stripes: Stripes<AtomicU64> = Stripes::new();
    for _ in 0..500 {
        let is_own = thread::scope(|scope| scope.spawn(|| stripes.mine().is_own).join().unwrap());
        assert!(is_own, "one at a time, there is always one");
    }
}

#[test]
fn counters_lose_nothing_however_many_threads_count() {
    let _alone = alone();
    let counters: Counters<2> = Counters::new();
    thread::scope(|scope| {
        for _ in 0..100 {
            scope.spawn(|| {
                for _ in 0..1_000 {
                    counters.bump(0);
                    counters.add(1, 3);
                }
            });
        }
    });
    assert_eq!((counters.get(0), counters.get(1)), (100_000, 300_000));
}

/// So many calls may be too many or too few of so many in a row, at any share; and of callers that take turns none is chosen for long.
#[test]
fn of_any_calls_in_a_row_the_share_is_chosen_and_of_those_of_one_caller_too() {
    use core_policy::place;
    let share = |percent: u32| u32::MAX / 100 * percent;
    for (start, first) in
        (0_u64..20).flat_map(|start| [(start, 0), (!start, 1_000), (start << 32, u64::MAX / 8)])
    {
        for percent in [0, 10, 50, 90] {
            let mut chosen = 0;
            for (so_far, number) in (1..=1_000_u32).zip(first..) {
                chosen += 100 * u32::from(place(start, number) < share(percent));
                let off_max = if so_far <= 16 { 300 } else { 1_800 };
                assert!(
                    chosen.abs_diff(so_far * percent) < off_max,
                    "{percent} {start}: {chosen} of {so_far}"
                );
            }
        }
    }
    for every in (1..=200).chain([233, 256, 377, 610, 987, 1_024, 1_597, 2_584, 4_181, 10_946, 1 << 20]) {
        for (percent, longest) in [(10, 30), (50, 60), (90, 350)] {
            for turn in [0, every / 2] {
                let (mut chosen, mut run, mut longest_run) = (0_u32, 0, 0);
                for asked in 0..2_000 {
                    let is_chosen = place(7, asked * every + turn) < share(percent);
                    chosen += u32::from(is_chosen);
                    run = if is_chosen { run + 1 } else { 0 };
                    longest_run = longest_run.max(run);
                }
                assert!(chosen.abs_diff(20 * percent) < 200, "every {every}: {chosen} of {percent} %");
                assert!(longest_run < longest, "every {every}: {longest_run} in a row of {percent} %");
            }
        }
    }
}
