//! What logs itself, again and again. Alone in its file, for the reason that `reentrant.rs` gives.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use core_log::{Format, Log, Sink, WriteLine};

/// Its `Debug` logs itself.
struct Narcissus;

impl fmt::Debug for Narcissus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        tracing::info!(me = ?self, "look");
        f.write_str("me")
    }
}

/// What writes logs, as a client of a network would.
#[derive(Clone, Default)]
struct Chatty(Arc<AtomicUsize>);

impl WriteLine for Chatty {
    fn write_line(&self, _: &[u8]) -> io::Result<()> {
        self.0.fetch_add(1, Ordering::Relaxed);
        tracing::info!("writing");
        Ok(())
    }
}

#[test]
fn what_logs_itself_ends() {
    let chatty = Chatty::default();
    let log = Log::builder().lookup(|_| None).format(Format::Json).sink(Sink::new(chatty.clone()));
    let handle = log.install().expect("the first");
    tracing::info!("one");
    let wrote = chatty.0.load(Ordering::Relaxed);
    assert!((1..=16).contains(&wrote), "{wrote}");
    assert!(handle.lost() > 0);
    let lost = handle.lost();
    let span = tracing::info_span!("s", me = ?Narcissus);
    span.in_scope(|| tracing::info!(me = ?Narcissus, "last"));
    assert!(handle.lost() > lost);
    // What was lost is reported before the next line, which loses more and reports that: each time once, and not from inside.
    let before = chatty.0.load(Ordering::Relaxed);
    (0..10).for_each(|n| tracing::info!(n, "more"));
    let wrote = chatty.0.load(Ordering::Relaxed) - before;
    assert!((20..=10 * 64).contains(&wrote), "{wrote}");
}
