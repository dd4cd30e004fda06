use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use core_policy::Attempt;
use core_time::{Alarm, Place, Spare};

use super::parts::Entered;
use super::policy::Settings;
use super::schedule::Schedule;

/// What a call remembers once it has had to wait or has failed: one word into memory that the thread keeps, as most calls never do.
pub(super) struct Waiting(Option<Place<State>>);

pub(super) struct State {
    /// Rings when the next hedge is due.
    pub(super) alarm: Alarm,
    pub(super) schedule: Schedule,
    pub(super) settings: Arc<Settings>,
    pub(super) base: Attempt,
    /// Until the call ends.
    pub(super) _entered: Option<Entered>,
}

thread_local! {
    static KEPT: Spare<State> = const { Spare::new() };
}

// === impl Waiting ===

impl Waiting {
    pub(super) fn new(state: State) -> Self {
        let mut place = Spare::take(&KEPT);
        place.set(Some(state));
        Self(Some(place))
    }
}

impl Deref for Waiting {
    type Target = State;

    fn deref(&self) -> &State {
        let state = self.0.as_ref().and_then(|place| place.as_ref().get_ref().as_ref());
        state.expect("it is there until it is dropped")
    }
}

impl DerefMut for Waiting {
    fn deref_mut(&mut self) -> &mut State {
        let state = self.0.as_mut().and_then(|place| place.as_mut().get_mut().as_mut());
        state.expect("it is there until it is dropped")
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(place) = self.0.take() {
            Spare::give_back(&KEPT, place);
        }
    }
}
