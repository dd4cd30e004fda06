//! What happens at the end of a process: all logs are flushed.

use std::panic;
use std::sync::{Arc, Mutex, Once, PoisonError, TryLockError, Weak};
use std::thread;
use std::time::Duration;

use crate::handle::Shared;

/// The logs of the process that are there.
static LOGS: Mutex<Vec<Weak<Shared>>> = Mutex::new(Vec::new());

/// How long the end of the process waits for a writer that stalls.
const EXIT_MAX: Duration = Duration::from_secs(5);

/// How long a panic does: it may be caught, and the thread goes on.
const PANIC_MAX: Duration = Duration::from_millis(250);

pub(crate) fn register(log: &Arc<Shared>) {
    let mut logs = LOGS.lock().unwrap_or_else(PoisonError::into_inner);
    logs.retain(|log| log.strong_count() > 0);
    logs.push(Arc::downgrade(log));
}

/// Has every panic flush, after it said what it says.
pub(crate) fn flush_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let said_before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            said_before(info);
            flush(PANIC_MAX);
        }));
    });
}

/// Flushes all logs of the process, ends it with this code, and runs no destructors. It waits 5 s at most for each log.
pub fn exit(code: i32) -> ! {
    flush(EXIT_MAX);
    std::process::exit(code)
}

fn flush(timeout: Duration) {
    for log in logs() {
        log.flush(timeout);
    }
}

/// All logs. Another thread holds the list for some instructions at most; a panic in here would find it held for ever.
fn logs() -> Vec<Arc<Shared>> {
    const TRIES: usize = 1_000;
    for _ in 0..TRIES {
        match LOGS.try_lock() {
            Ok(logs) => return logs.iter().filter_map(Weak::upgrade).collect(),
            Err(TryLockError::Poisoned(logs)) => {
                return logs.into_inner().iter().filter_map(Weak::upgrade).collect();
            }
            Err(TryLockError::WouldBlock) => thread::yield_now(),
        }
    }
    Vec::new()
}
