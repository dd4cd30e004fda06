//! What is counted by name has a bound. Alone in its file: it fills the table of the process.

use core_errors::{Error, Name};
use core_time::{Clock, secs};
use core_timeout::{Deadline, exceeded};

#[test]
fn names_beyond_the_bound_are_counted_together() {
    let past = Deadline::after(secs(0), &Clock::system());
    for n in 0..1100 {
        let named = past.clone().named(Name::new(&format!("deadline_{n}")).expect("a name"));
        assert!(named.call_blocking(|_| Ok::<_, Error>(())).is_err(), "it is past");
    }
    let all = exceeded();
    assert_eq!(all.len(), 1024 + 1);
    assert_eq!(
        all.iter().find(|(name, _)| *name == Name::UNNAMED).map(|(_, times)| *times),
        Some(1100 - 1024)
    );
    assert_eq!(all.iter().map(|(_, times)| times).sum::<u64>(), 1100, "none is lost");
}
