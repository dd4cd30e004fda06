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
