//! The thread that writes what waits in a queue.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use crate::level::Level;
use crate::queue::{Queue, WhenFull};
use crate::sink::Sink;

/// What is shared with the thread.
pub(crate) struct Writer {
    queue: Queue,
    front: Mutex<Front>,
    /// The thread waits here for lines.
    work: Condvar,
    /// Others wait here for room, or for what is written.
    done: Condvar,
    lost: AtomicU64,
    thread: OnceLock<ThreadId>,
}

/// Ends the thread when the log is dropped.
pub(crate) struct Closer(pub(crate) Arc<Writer>);

#[derive(Default)]
struct Front {
    /// Whole lines.
    text: Vec<u8>,
    lines: u64,
    /// How many bytes are being written.
    away: usize,
    /// Lines that were taken in and that are done with, ever.
    taken: u64,
    finished: u64,
    /// Lines that were lost and not yet reported.
    lost: u64,
    /// Lines that were lost, and that were reported, ever.
    lost_ever: u64,
    reported: u64,
    /// Lines that the sink did not take, ever.
    failed: u64,
    /// Whether a line that matters waited in vain, and nothing was written since: the next one need not.
    stalled: bool,
    thread: Thread,
    /// How many wait at `done`.
    waiting: usize,
    closed: bool,
    /// The thread is at its end.
    ended: bool,
}

/// How often the buffers were much too large, one after the other.
#[derive(Default)]
struct Spare {
    rounds: u32,
}

/// What the thread does.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Thread {
    /// It will look again by itself: nobody has to wake it.
    #[default]
    Awake,
    /// It looks again soon.
    Lingers,
    /// It sleeps until somebody wakes it.
    Sleeps,
}

/// Makes the line that says how many were lost.
pub(crate) type Report = Box<dyn Fn(&mut Vec<u8>, u64) + Send>;

/// How long the thread waits for more before it sleeps: waking it costs the caller more than the line does.
const LINGER: Duration = Duration::from_millis(5);

/// How long it waits before it asks a sink again that failed.
const FAILED: Duration = Duration::from_millis(100);

/// How long a line at CRITICAL or above waits for room, and then until it is written: it may be the last of its process.
const CRITICAL_MAX: Duration = Duration::from_millis(250);

/// So much of a buffer is kept whatever happens: as many lines as come while a few are written.
const KEEP: usize = 256 * 1024;

/// A buffer that was nearly empty so often is too large.
const ROUNDS: u32 = 64;

/// How long a log that is dropped waits for its thread.
const CLOSE_MAX: Duration = Duration::from_secs(1);

// === impl Writer ===

impl Writer {
    /// Starts the thread.
    pub(crate) fn start(queue: Queue, sink: Sink, report: Report) -> io::Result<Arc<Self>> {
        let this = Arc::new(Self {
            queue,
            front: Mutex::new(Front::default()),
            work: Condvar::new(),
            done: Condvar::new(),
            lost: AtomicU64::new(0),
            thread: OnceLock::new(),
        });
        let shared = Arc::clone(&this);
        let thread = core_context::spawn_thread("log", move || shared.run(&sink, &report))?;
        let _ = this.thread.set(thread.thread().id());
        Ok(this)
    }

    /// Takes a line in, and says whether there was room for it.
    pub(crate) fn push(&self, line: &[u8], level: Level) -> bool {
        let room = self.queue.room(level);
        let matters = level >= Level::Critical;
        let mut front = self.lock();
        if !front.has_room(line, room) {
            front = self.wait_for_room(front, line, matters);
        }
        if front.closed || !front.has_room(line, room) {
            self.lose_one(&mut front);
            return false;
        }
        front.text.extend_from_slice(line);
        front.lines += 1;
        front.taken += 1;
        let wake = match front.thread {
            Thread::Awake => false,
            Thread::Lingers => front.text.len() > self.queue.bytes / 4,
            Thread::Sleeps => true,
        };
        if wake {
            self.wake(&mut front);
        }
        if matters {
            let until = front.taken;
            drop(self.wait_for_long(front, |front| front.finished < until));
        }
        true
    }

    /// Counts a line that was lost before it got here.
    pub(crate) fn lose(&self) {
        self.lose_one(&mut self.lock());
    }

    fn lose_one(&self, front: &mut Front) {
        front.lost += 1;
        front.lost_ever += 1;
        self.lost.fetch_add(1, Ordering::Relaxed);
    }

    /// Waits until all that was taken in is written and all that was lost is reported, and says whether it is written.
    pub(crate) fn flush(&self, timeout: Duration) -> bool {
        if self.is_own_thread() {
            return false;
        }
        let front = self.lock();
        let (until, lost, failed) = (front.taken, front.lost_ever, front.failed);
        let front = self.wait(front, timeout, |front| front.finished < until || front.reported < lost);
        front.finished >= until && front.failed == failed
    }

    /// Lines that were lost, ever.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    fn wait_for_room<'a>(
        &'a self,
        front: MutexGuard<'a, Front>,
        line: &[u8],
        matters: bool,
    ) -> MutexGuard<'a, Front> {
        let is_full = |front: &Front| !front.closed && !front.has_room(line, self.queue.bytes);
        match self.queue.when_full {
            // What the writer itself logs must not wait for the writer.
            _ if self.is_own_thread() => front,
            WhenFull::Block(time) => self.wait(front, time, is_full),
            _ if matters => self.wait_for_long(front, is_full),
            _ => front,
        }
    }

    /// Waits for what matters; not again while the writer stalls.
    fn wait_for_long<'a>(
        &'a self,
        front: MutexGuard<'a, Front>,
        is_behind: impl Fn(&Front) -> bool,
    ) -> MutexGuard<'a, Front> {
        if front.stalled || self.is_own_thread() {
            return front;
        }
        let mut front = self.wait(front, CRITICAL_MAX, &is_behind);
        front.stalled = is_behind(&front);
        front
    }

    fn wait<'a>(
        &'a self,
        mut front: MutexGuard<'a, Front>,
        time: Duration,
        is_behind: impl Fn(&Front) -> bool,
    ) -> MutexGuard<'a, Front> {
        self.wake(&mut front);
        front.waiting += 1;
        let waited = self.done.wait_timeout_while(front, time, |front| !front.ended && is_behind(front));
        let (mut front, _) = waited.unwrap_or_else(PoisonError::into_inner);
        front.waiting -= 1;
        front
    }

    fn wake(&self, front: &mut Front) {
        front.thread = Thread::Awake;
        self.work.notify_one();
    }

    fn run(&self, sink: &Sink, report: &Report) {
        let mut batch = Vec::new();
        let mut said_last = false;
        let mut spare = Spare::default();
        while let Some((lines, lost)) = self.next(&mut batch, said_last) {
            let failed = if lines > 0 { sink.write_batch(&batch, lines) } else { 0 };
            spare.look(&mut batch);
            let mut unreported = 0;
            if lost > 0 {
                report(&mut batch, lost);
                unreported = if sink.write_batch(&batch, 1) == 0 { 0 } else { lost };
                batch.clear();
            }
            self.lost.fetch_add(failed, Ordering::Relaxed);
            let mut front = self.lock();
            front.lost += failed + unreported;
            front.lost_ever += failed;
            front.reported += lost - unreported;
            front.failed += failed;
            front.finished += lines;
            (front.away, front.stalled) = (0, false);
            said_last = front.closed && lines == 0;
            if front.waiting > 0 {
                self.done.notify_all();
            }
            if failed + unreported > 0 {
                // A sink that fails is not asked again at once.
                drop(self.linger(front, FAILED));
            }
        }
        let mut front = self.lock();
        front.ended = true;
        drop(front);
        self.done.notify_all();
    }

    /// Takes all that waits; how many lines it is, and how many were lost before. `None` at the end, before which the last losses are
    /// reported, once.
    fn next(&self, batch: &mut Vec<u8>, said_last: bool) -> Option<(u64, u64)> {
        let mut front = self.lock();
        let mut lingered = false;
        while front.text.is_empty() && (front.lost == 0 || (front.closed && said_last)) {
            if front.closed {
                return None;
            }
            if lingered && front.text.capacity().max(batch.capacity()) > KEEP {
                drop(front);
                self.give_back(batch);
                front = self.lock();
                continue;
            }
            if lingered {
                front.thread = Thread::Sleeps;
                let idle = |front: &mut Front| front.thread == Thread::Sleeps && !front.closed;
                front = self.work.wait_while(front, idle).unwrap_or_else(PoisonError::into_inner);
            } else {
                front = self.linger(front, LINGER);
            }
            lingered = !lingered;
        }
        front.thread = Thread::Awake;
        std::mem::swap(&mut front.text, batch);
        front.away = batch.len();
        Some((std::mem::take(&mut front.lines), std::mem::take(&mut front.lost)))
    }

    fn linger<'a>(&'a self, mut front: MutexGuard<'a, Front>, time: Duration) -> MutexGuard<'a, Front> {
        front.thread = Thread::Lingers;
        let idle = |front: &mut Front| front.thread == Thread::Lingers && !front.closed;
        let waited = self.work.wait_timeout_while(front, time, idle);
        let mut front = waited.unwrap_or_else(PoisonError::into_inner).0;
        front.thread = Thread::Awake;
        front
    }

    /// Gives back what a burst took, of both buffers: nothing waits, and nothing came for a while. No memory is given back under the lock.
    fn give_back(&self, batch: &mut Vec<u8>) {
        batch.shrink_to(KEEP);
        let mut front = self.lock();
        if front.text.is_empty() {
            std::mem::swap(&mut front.text, batch);
        }
        drop(front);
        // What was there meanwhile stays for the next time.
        batch.shrink_to(KEEP);
    }

    fn is_own_thread(&self) -> bool {
        self.thread.get() == Some(&thread::current().id())
    }

    /// Nothing of the user's runs while it is held.
    fn lock(&self) -> MutexGuard<'_, Front> {
        self.front.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Spare ===

impl Spare {
    /// Empties a buffer that was written, and gives back half of it where most of it was not needed for long: by a log that never
    /// sleeps.
    fn look(&mut self, batch: &mut Vec<u8>) {
        let (used, room) = (batch.len(), batch.capacity());
        batch.clear();
        if room <= KEEP {
            return;
        }
        self.rounds = if used < room / 8 { self.rounds + 1 } else { 0 };
        if self.rounds >= ROUNDS {
            self.rounds = 0;
            batch.shrink_to(KEEP.max(room / 2));
        }
    }
}

// === impl Front ===

impl Front {
    fn has_room(&self, line: &[u8], room: usize) -> bool {
        self.text.len() + self.away + line.len() <= room
    }
}

// === impl Closer ===

impl Drop for Closer {
    fn drop(&mut self) {
        let mut front = self.0.lock();
        front.closed = true;
        self.0.wake(&mut front);
        front.waiting += 1;
        if !self.0.is_own_thread() {
            let waited = self.0.done.wait_timeout_while(front, CLOSE_MAX, |front| !front.ended);
            drop(waited.unwrap_or_else(PoisonError::into_inner));
        }
    }
}

#[cfg(test)]
mod tests;
