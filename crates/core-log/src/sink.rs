use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::file::{self, Appended};

/// Where lines go.
#[derive(Clone)]
pub struct Sink(Arc<dyn WriteLine>);

/// Takes whole lines. It is called from any thread, and must keep lines apart itself.
pub trait WriteLine: Send + Sync {
    /// Writes one line; the line break is part of it.
    ///
    /// # Errors
    /// If the line is lost. A panic means the same, and goes no further.
    fn write_line(&self, line: &[u8]) -> io::Result<()>;

    /// Whether it takes several whole lines at once, too: then a queue is written in one piece. Default: no.
    fn takes_many(&self) -> bool {
        false
    }
}

/// The lines that a [`Sink::memory`] took: the last 10 000.
#[derive(Clone, Default)]
pub struct Lines(Arc<Mutex<VecDeque<String>>>);

/// More than a test reads; a bound for one that runs away.
const LINES_MAX: usize = 10_000;

// === impl Sink ===

impl Sink {
    /// The standard output of the process.
    #[must_use]
    pub fn stdout() -> Self {
        Self::new(Appended::new(io::stdout()))
    }

    /// The standard error output of the process.
    #[must_use]
    pub fn stderr() -> Self {
        Self::new(Appended::new(io::stderr()))
    }

    /// Appends to a file, which is made if it is not there. Each line, or all lines of a queue together, are one write at the end of
    /// the file: those of other threads and other processes do not get in between.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub fn file(path: impl AsRef<Path>) -> io::Result<Self> {
        Ok(Self::new(file::open(path.as_ref())?))
    }

    /// Something of your own.
    pub fn new(writer: impl WriteLine + 'static) -> Self {
        Self(Arc::new(writer))
    }

    /// Keeps the last 10 000 lines in memory: for tests.
    #[must_use]
    pub fn memory() -> (Self, Lines) {
        let lines = Lines::default();
        (Self::new(lines.clone()), lines)
    }

    /// Whether the line was written. A writer that panics has lost it, and whoever logs goes on.
    pub(crate) fn write_line(&self, line: &[u8]) -> bool {
        catch_unwind(AssertUnwindSafe(|| self.0.write_line(line))).is_ok_and(|wrote| wrote.is_ok())
    }
}

impl Sink {
    /// Writes so many lines, and says how many of them are lost.
    pub(crate) fn write_batch(&self, text: &[u8], lines: u64) -> u64 {
        if catch_unwind(AssertUnwindSafe(|| self.0.takes_many())).unwrap_or(false) {
            return if self.write_line(text) { 0 } else { lines };
        }
        text.split_inclusive(|byte| *byte == b'\n').map(|line| u64::from(!self.write_line(line))).sum()
    }
}

impl fmt::Debug for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sink")
    }
}

impl<F: Fn(&[u8]) -> io::Result<()> + Send + Sync> WriteLine for F {
    fn write_line(&self, line: &[u8]) -> io::Result<()> {
        self(line)
    }
}

// === impl Lines ===

impl Lines {
    /// What was written so far, oldest first, without line breaks at the end.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Forgets what was written so far.
    pub fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl WriteLine for Lines {
    fn write_line(&self, line: &[u8]) -> io::Result<()> {
        let text = String::from_utf8_lossy(line).trim_end_matches('\n').to_owned();
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == LINES_MAX {
            lines.pop_front();
        }
        lines.push_back(text);
        Ok(())
    }
}

impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.lines()).finish()
    }
}
