//! A file that lines are appended to.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::sink::WriteLine;

/// Whole lines go to its end in one write each.
pub(crate) struct Appended(Mutex<State>);

struct State {
    file: File,
    /// Whether the last write ended in the middle of a line: the disk was full.
    torn: bool,
}

// === impl Appended ===

impl Appended {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).open(path)?;
        Ok(Self(Mutex::new(State { file, torn: false })))
    }
}

impl WriteLine for Appended {
    /// What was begun and could not be ended stands alone on its line: the next one begins a new one.
    fn write_line(&self, lines: &[u8]) -> io::Result<()> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.torn {
            state.file.write_all(b"\n")?;
            state.torn = false;
        }
        let mut rest = lines;
        while !rest.is_empty() {
            match state.file.write(rest) {
                Ok(0) => return state.fail(rest, lines, io::ErrorKind::WriteZero.into()),
                Ok(wrote) => rest = &rest[wrote..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return state.fail(rest, lines, error),
            }
        }
        Ok(())
    }

    fn takes_many(&self) -> bool {
        true
    }
}

impl State {
    fn fail(&mut self, rest: &[u8], lines: &[u8], error: io::Error) -> io::Result<()> {
        let wrote = &lines[..lines.len() - rest.len()];
        self.torn = wrote.last().is_some_and(|byte| *byte != b'\n');
        Err(error)
    }
}
