//! How often deadlines came too early for what was to be done by them. Counted by name for the process, since a deadline is a value
//! that belongs to one request, and only its name lasts.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use core_errors::Name;

/// So many names are counted, and all others as `unnamed`.
const NAMES_MAX: usize = 1024;

static EXCEEDED: Mutex<BTreeMap<&'static str, (Name, u64)>> = Mutex::new(BTreeMap::new());

/// How often deadlines of each name were exceeded since the process began: calls that were refused or stopped, and
/// [gatherings](crate::Gather) that lack something. The operations of all [`Timeouts`](crate::Timeouts) are in it from the start. In
/// order of the names.
///
/// ```
/// use core_errors::{Error, Name};
/// use core_time::{Clock, ms};
/// use core_timeout::Deadline;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), core_errors::NameError> {
/// let report = Name::new("report")?;
/// let deadline = Deadline::after(ms(20), &Clock::system()).named(report);
/// deadline.run(std::future::pending::<Result<(), Error>>()).await.unwrap_err();
/// assert!(core_timeout::exceeded().contains(&(report, 1)));
/// # Ok(()) }
/// ```
#[must_use]
pub fn exceeded() -> Vec<(Name, u64)> {
    counts().values().copied().collect()
}

/// Counts one. Only for what is exceeded: nothing that is done in time comes here.
pub(crate) fn count(name: Name) {
    add(name, 1);
}

/// Shows a name from now on.
pub(crate) fn show(name: Name) {
    add(name, 0);
}

fn add(name: Name, n: u64) {
    let mut counts = counts();
    let has_room = counts.len() < NAMES_MAX || counts.contains_key(name.as_str());
    let name = if has_room { name } else { Name::UNNAMED };
    let (_, count) = counts.entry(name.as_str()).or_insert((name, 0));
    *count = count.wrapping_add(n);
}

fn counts() -> MutexGuard<'static, BTreeMap<&'static str, (Name, u64)>> {
    EXCEEDED.lock().unwrap_or_else(PoisonError::into_inner)
}
