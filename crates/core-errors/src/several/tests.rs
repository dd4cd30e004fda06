use std::error::Error as StdError;
use std::fmt;

use super::last_of_several;
use crate::foreign::class_of;
use crate::{Category, Delivery, Error, Recovery};

/// An error whose `source` is what the function makes of what it holds.
#[derive(Debug)]
struct Around<E>(E, fn(&E) -> Option<&(dyn StdError + 'static)>);

impl<E: fmt::Debug> fmt::Display for Around<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("around")
    }
}

impl<E: fmt::Debug> StdError for Around<E> {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        (self.1)(&self.0)
    }
}

fn unsent() -> Error {
    Error::network("gone").with_delivery(Delivery::NeverSent)
}

/// What the last of several attempts ended with.
fn gave_up() -> Around<Error> {
    Around(unsent(), |last| Some(last_of_several(last)))
}

fn is_last(error: &(dyn StdError + 'static)) -> bool {
    let class = class_of(error);
    let is_last = class.recovery == Recovery::Fatal;
    assert_eq!(class.category, Category::Network);
    assert_eq!(class.delivery, if is_last { Delivery::Unknown } else { Delivery::NeverSent });
    assert_eq!(Delivery::of_transport(error), class.delivery);
    is_last
}

#[test]
fn rt_8_whoever_hands_on_what_another_source_returned_hands_on_what_was_said_of_it() {
    assert!(is_last(&gave_up()));
    assert!(is_last(&Around(gave_up(), StdError::source)));
    assert!(is_last(&Around(gave_up(), |inner| Some(inner))));
    assert!(is_last(&Around(gave_up(), |inner| inner.source().and(Some(inner)))));
    assert!(is_last(&Around(Around(gave_up(), |inner| Some(inner)), |outer| Some(last_of_several(outer)))));
    let classifies = Around((unsent(), Around(unsent(), |cause| Some(cause))), |(last, other)| {
        let last = last_of_several(last);
        (class_of(other).recovery == Recovery::Transient).then_some(last)
    });
    assert!(is_last(&classifies));
}

/// It took the flag of whatever was looked at last.
#[test]
fn rt_8_what_a_source_looks_at_says_nothing_of_what_it_returns() {
    let looks = Around((gave_up(), unsent()), |(other, mine)| other.source().and(Some(mine)));
    assert!(!is_last(&looks));
    assert!(!is_last(&Around((gave_up(), unsent()), |(other, mine)| is_last(other).then_some(mine))));
    // What was said where nobody listened is forgotten.
    assert!(StdError::source(&gave_up()).is_some());
    assert!(!is_last(&Around(unsent(), |mine| Some(mine))));
}
