use super::*;

const NAMES: [&str; 16] = [
    "NAME_A", "NAME_B", "NAME_C", "NAME_D", "NAME_E", "NAME_F", "NAME_G", "NAME_H", "NAME_I", "NAME_J",
    "NAME_K", "NAME_L", "NAME_M", "NAME_N", "NAME_O", "NAME_P",
];

const PHASES: [Phase; 9] = [
    Phase::Open,
    Phase::HalfOpen,
    Phase::ForcedOpen,
    Phase::RampUp,
    Phase::Disabled,
    Phase::Shadow,
    Phase::ForcedClosed,
    Phase::Closed,
    Phase::Plain,
];

/// The last generation, after which they begin again.
const LAST: u32 = (1 << 28) - 1;

#[test]
fn cb_34_every_kind_of_failure_is_remembered_with_its_name() {
    let codes = Codes::default();
    let kinds = (0..).map_while(Category::nth);
    for (category, name) in kinds.zip(NAMES.iter().cycle()) {
        assert_eq!(
            unpack_cause(pack_cause(Some(Cause::new(category, None)), &codes), || Some(&codes)),
            Some(Cause::new(category, None))
        );
        let cause = Cause::new(category, Some(Code::new(name)));
        let is_one_too_many = *name == "NAME_P";
        let expected = if is_one_too_many { Cause::new(category, None) } else { cause };
        assert_eq!(unpack_cause(pack_cause(Some(cause), &codes), || Some(&codes)), Some(expected), "{name}");
    }
    assert_eq!(unpack_cause(pack_cause(None, &codes), || Some(&codes)), None);
}

#[test]
fn names_have_their_places_in_the_order_they_came() {
    let codes = Codes::default();
    assert_eq!(codes.at(1), None, "nobody came yet");
    for (place, name) in (1..).zip(&NAMES[..15]) {
        assert_eq!(codes.place(Code::new(name)), place);
        assert_eq!(codes.at(place), Some(Code::new(name)));
    }
    assert_eq!(codes.place(Code::new("NAME_C")), 3, "it has one already");
    assert_eq!(codes.place(Code::new("NAME_P")), 0);
    assert_eq!((codes.at(0), codes.at(16)), (None, None));
}

#[test]
fn every_phase_comes_out_of_the_word_as_it_went_in() {
    for phase in PHASES {
        for (generation, payload) in [(77, 5), (0, 0), (LAST, u32::MAX)] {
            let word = Word::new(phase, generation, payload);
            assert_eq!((word.phase(), word.generation(), word.payload()), (phase, generation, payload));
            assert!(PHASES.into_iter().all(|other| word.is(other) == (other == phase)), "{phase:?}");
        }
    }
}

#[test]
fn every_phase_is_of_a_state_and_says_who_passes_and_what_is_counted() {
    use Phase::{Closed, Disabled, ForcedClosed, HalfOpen, Open, Plain, RampUp, Shadow};
    for phase in PHASES {
        let passes = Word::new(phase, LAST, u32::MAX).passes();
        assert_eq!(passes, matches!(phase, Closed | Plain | Disabled | Shadow | ForcedClosed), "{phase:?}");
        assert_eq!(passes, Word::new(phase, 0, 0).passes(), "{phase:?}");
        assert_eq!(phase.counts(), !matches!(phase, Open | HalfOpen | Phase::ForcedOpen | Disabled));
        let is_closed = matches!(phase, Closed | Plain | RampUp);
        assert_eq!(phase.state() == State::Closed, is_closed, "{phase:?}");
    }
    let states = PHASES.map(Phase::state);
    assert!(State::ALL.iter().all(|state| states.contains(state)));
}

#[test]
fn cb_27_the_generation_after_the_last_is_0_and_leaves_the_rest_of_the_word_alone() {
    for phase in PHASES {
        let last = Word::new(phase, LAST, 5);
        let next = last.next(phase, 6);
        assert_eq!((next.phase(), next.generation(), next.payload()), (phase, 0, 6));
        assert_eq!((next.generations_since(LAST), next.generations_since(LAST - 1)), (1, 2));
        assert_eq!((last.generations_since(LAST), last.generations_since(LAST - 1)), (0, 1));
        assert_eq!(next.with_payload(u32::MAX).generation(), 0);
        assert_eq!(last.with_phase(Phase::RampUp), Word::new(Phase::RampUp, LAST, 5));
    }
}

#[test]
fn cb_34_a_round_of_most_probes_leaves_the_cause_as_it_is_whatever_is_free() {
    let codes = Codes::default();
    NAMES[..15].iter().for_each(|name| assert_ne!(codes.place(Code::new(name)), 0));
    let last = (0..).map_while(Category::nth).last();
    let cause = last.map(|category| Cause::new(category, Some(Code::new(NAMES[14]))));
    assert!(cause.is_some());
    let word = Word::new(Phase::HalfOpen, 77, pack_round(1_000, pack_cause(cause, &codes)));
    for free in [1_000, 0, 999, 1, PROBES_MASK] {
        let word = word.with_free_probes(free);
        assert_eq!((word.phase(), word.generation(), word.free_probes()), (Phase::HalfOpen, 77, free));
        assert_eq!(unpack_cause(word.cause(), || Some(&codes)), cause);
    }
}
