//! What lines are appended to: a file, or an output of the process.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::sink::WriteLine;

/// Whole lines go to its end in one write each, as far as it takes that.
pub(crate) struct Appended<W>(Mutex<State<W>>);

struct State<W> {
    to: W,
    /// Whether the last write ended in the middle of a line: a disk was full, or a pipe that does not wait.
    torn: bool,
}

/// Opens a file to append to, which is made if it is not there.
pub(crate) fn open(path: &Path) -> io::Result<Appended<File>> {
    Ok(Appended::new(OpenOptions::new().append(true).create(true).open(path)?))
}

// === impl Appended ===

impl<W: Write> Appended<W> {
    pub(crate) fn new(to: W) -> Self {
        Self(Mutex::new(State { to, torn: false }))
    }
}

impl<W: Write + Send> WriteLine for Appended<W> {
    /// What was begun and could not be ended stands alone on its line: the next one begins a new one.
    fn write_line(&self, lines: &[u8]) -> io::Result<()> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.torn {
            state.to.write_all(b"\n")?;
            state.torn = false;
        }
        let mut rest = lines;
        while !rest.is_empty() {
            match state.to.write(rest) {
                Ok(0) => return state.fail(rest, lines, io::ErrorKind::WriteZero.into()),
                Ok(wrote) => rest = &rest[wrote..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return state.fail(rest, lines, error),
            }
        }
        // What it took it has, and writes when it can.
        let _ = state.to.flush();
        Ok(())
    }

    fn takes_many(&self) -> bool {
        true
    }
}

impl<W> State<W> {
    fn fail(&mut self, rest: &[u8], lines: &[u8], error: io::Error) -> io::Result<()> {
        let wrote = &lines[..lines.len() - rest.len()];
        self.torn = wrote.last().is_some_and(|byte| *byte != b'\n');
        Err(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes so many bytes at a time, and then nothing for one write.
    #[derive(Default)]
    struct Narrow {
        took: Vec<u8>,
        room: usize,
    }

    impl Write for Narrow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.room == 0 {
                self.room = 7;
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let wrote = bytes.len().min(self.room).min(3);
            self.took.extend_from_slice(&bytes[..wrote]);
            self.room -= wrote;
            Ok(wrote)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_that_could_not_be_ended_does_not_run_into_the_next() {
        let sink = Appended::new(Narrow { took: Vec::new(), room: 7 });
        let wrote: Vec<bool> = ["aaaa\n", "bbbb\n", "cccc\n", "dddd\n"]
            .map(|line| sink.write_line(line.as_bytes()).is_ok())
            .into();
        assert_eq!(wrote, [true, false, true, false]);
        let text = String::from_utf8(sink.0.into_inner().unwrap_or_else(PoisonError::into_inner).to.took);
        assert_eq!(text.as_deref(), Ok("aaaa\nbb\ncccc\nd"), "what was begun stands alone");
    }
}
