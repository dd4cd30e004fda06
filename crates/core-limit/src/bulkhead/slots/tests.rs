use super::*;

#[test]
fn bh_1_whoever_asks_while_a_slot_is_free_has_it_and_others_wait() {
    let shares = Shares::checked([None; COUNT]).unwrap_or_else(|wrong| panic!("{wrong}"));
    let slots = Slots::new(2, shares, 1, false);
    let ask = || slots.ask(Criticality::Critical, Waker::noop());
    assert!(matches!(ask(), Asked::Taken) && matches!(ask(), Asked::Taken));
    assert_eq!(slots.counts(), (2, 0));
    let Asked::Queued(waiter) = ask() else { panic!("both are taken") };
    assert_eq!(slots.counts(), (2, 1));
    assert!(matches!(ask(), Asked::Full), "one may wait");
    slots.give_back();
    assert_eq!(slots.counts(), (2, 0), "handed over");
    slots.leave(&waiter);
    assert_eq!(slots.counts(), (1, 0), "who was granted it and goes gives it back");
    slots.give_back();
    assert_eq!(slots.counts(), (0, 0));
}
