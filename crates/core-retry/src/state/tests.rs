use super::*;

#[test]
fn what_was_paid_stands_beside_all_else() {
    let mut state = CallState::default();
    state.set_step(7);
    state.set_transparent(3);
    for units in [1, 0, 2] {
        state.set_paid(Paid::of(units));
        assert_eq!((state.paid().units(), state.step(), state.transparent()), (units, 7, 3));
        assert!(!state.is_in_flight() && !state.was_refused());
    }
}

#[test]
fn what_was_made_anew_more_often_than_can_be_counted_stays_at_the_most() {
    let mut state = CallState::default();
    state.set_step(7);
    for (count, held) in [(1_023, 1_023), (1_024, 1_023), (u32::MAX, 1_023), (0, 0)] {
        state.set_transparent(count);
        assert_eq!((state.transparent(), state.step()), (held, 7));
    }
}
