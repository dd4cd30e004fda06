//! What a period has, to the last one and to the nanosecond.

use core_time::{ms, secs};

use super::*;

const NANO: Duration = Duration::from_nanos(1);

fn at(time: Duration) -> Instant {
    Instant::ORIGIN + time
}

/// So many a second, of which so many were used ahead in the sixth.
fn used(count: u64, used: u64, now: Instant) -> Cycles {
    let cycles = Cycles::new(count, secs(1), Instant::ORIGIN);
    assert!(used == 0 || cycles.reserve(used, now, secs(3_600)).is_ok());
    cycles
}

#[test]
fn rl_6_a_refusal_of_any_state_says_to_the_nanosecond_when_it_is_granted() {
    let waits = [ms(0), ms(1), ms(500), ms(999), ms(1_000), ms(1_500), ms(2_000), ms(2_300)];
    let mut refused = 0;
    for (count, before, n) in (1..=3).flat_map(|c| (0..=7).flat_map(move |u| (1..=5).map(move |n| (c, u, n))))
    {
        for (offset, max_wait) in [ms(0), ms(300)].into_iter().flat_map(|o| waits.map(|w| (o, w))) {
            let now = at(secs(5) + offset);
            let Err(Refused::RetryAfter(_)) = used(count, before, now).reserve(n, now, max_wait) else {
                continue;
            };
            let Err(Refused::RetryAfter(nanos)) = used(count, before, now).reserve(n, now, max_wait) else {
                panic!("it was refused")
            };
            let then = now + Duration::from_nanos(nanos);
            let asked = |then| used(count, before, now).reserve(n, then, max_wait).is_ok();
            let said = format!("{n} of {count} after {before}, waiting {max_wait:?}, {nanos} from {now:?}");
            assert!(asked(then), "{said}: it is not there");
            assert!(!asked(Instant::from_nanos(then.as_nanos() - 1)), "{said}: it is there before");
            refused += 1;
        }
    }
    assert!(refused > 100, "{refused}");
}

#[test]
fn rl_5_more_than_the_word_can_owe_is_not_reserved() {
    let now = at(secs(5) + ms(300));
    let half = USED_MAX / 2;
    let cycles = used(COUNT_MAX, 0, now);
    assert!(matches!(cycles.reserve(half + 1, now, secs(3_600)), Err(Refused::Impossible)));
    assert!(cycles.reserve(half, now, secs(3_600)).is_ok());
    assert!(cycles.reserve(half, now, secs(3_600)).is_ok());
    assert!(cycles.reserve(1, now, secs(3_600)).is_ok(), "the last that there is room for");
    let Err(Refused::RetryAfter(nanos)) = cycles.reserve(10, now, secs(3_600)) else {
        panic!("there is no room")
    };
    assert_eq!(Duration::from_nanos(nanos), ms(700), "the next period pays for what was used");
    assert!(cycles.reserve(10, now + ms(700) - NANO, secs(3_600)).is_err());
    assert!(cycles.reserve(10, now + ms(700), secs(3_600)).is_ok());
}

#[test]
fn w_5_a_word_is_far_ahead_from_a_second_and_two_periods_on() {
    for (ahead, retry) in [(1_001, ms(1_002)), (1_002, ms(1))] {
        let cycles = Cycles::new(1, ms(1), Instant::ORIGIN);
        assert!(cycles.take(1, at(ms(5 + ahead))).is_ok());
        let Err(Refused::RetryAfter(nanos)) = cycles.take(1, at(ms(5))) else { panic!("it is used up") };
        assert_eq!(Duration::from_nanos(nanos), retry, "{ahead} periods ahead");
    }
}

#[test]
fn rl_8_what_was_used_ahead_is_of_the_same_periods_at_any_rate() {
    // Two periods and a half, and two and a half at the other rate.
    let now = at(secs(5));
    for (from, to, ahead) in [(10, 20, 45), (10, 5, 15), (10, 2, 6), (10, 10, 25)] {
        let cycles = used(from, 25, now);
        cycles.follow(to, now, 0);
        assert_eq!(cycles.balance(now), i64::try_from(to).unwrap_or(0) - ahead, "{from} to {to}");
    }
}

#[test]
fn what_a_smaller_rate_has_no_room_for_is_cut_off_and_told() {
    let now = at(secs(5));
    assert_eq!(used(10, 5, now).follow(5, now, 0), 0, "there is room for all of it");
    assert_ne!(used(10, 6, now).follow(5, now, 0), 0);
}
