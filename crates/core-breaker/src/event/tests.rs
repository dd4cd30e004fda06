use core_errors::Name;

use super::*;

fn event(generation: u32) -> Event {
    Event {
        name: Name::UNNAMED,
        key: None,
        from: State::Closed,
        to: State::Open,
        generation,
        at: Instant::ORIGIN,
        trigger: Trigger::OpenTimeOver,
        cause: None,
        open_for: None,
        would_open: false,
        lost: 0,
        totals: Totals::default(),
    }
}

#[test]
fn cb_35_one_delivers_at_a_time_and_only_if_there_is_something_to_deliver() {
    let mut outbox = Outbox::default();
    assert!(!outbox.start(), "there is nothing");
    outbox.push(event(1));
    assert!(outbox.start());
    outbox.push(event(2));
    assert!(!outbox.start(), "somebody is at it");
    assert_eq!(outbox.next().map(|event| event.generation), Some(1));
    assert_eq!(outbox.next().map(|event| event.generation), Some(2));
    assert!(outbox.next().is_none());
    assert!(!outbox.start());
    outbox.push(event(3));
    assert!(outbox.start(), "whoever had the right has ended");
}

#[test]
fn cb_35_of_more_events_than_there_is_room_for_the_oldest_go_and_the_next_says_how_many() {
    let mut outbox = Outbox::default();
    (0..67).for_each(|generation| outbox.push(event(generation)));
    assert!(outbox.start());
    let first = outbox.next().expect("there are many");
    assert_eq!((first.generation, first.lost), (3, 3));
    let second = outbox.next().expect("there are many");
    assert_eq!((second.generation, second.lost), (4, 0));
    assert_eq!(std::iter::from_fn(|| outbox.next()).count(), 62);
}

#[test]
fn cb_35_who_delivers_is_done_after_128_and_the_next_goes_on() {
    let mut outbox = Outbox::default();
    outbox.push(event(0));
    for round in 0..3 {
        assert!(outbox.start(), "there is one left");
        for generation in round * 128..(round + 1) * 128 {
            let told = outbox.next().expect("it may go on");
            assert_eq!((told.generation, told.lost), (generation, 0));
            outbox.push(event(generation + 1));
        }
        assert!(outbox.next().is_none());
    }
}
