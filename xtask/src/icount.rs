//! `icount`: how many instructions a call on each hot path takes, held against `icount/counts.txt`.
//!
//! Callgrind counts the same for the same program whatever else the machine does, so a regression shows that no clock would
//! find. The counts belong to a compiler and an architecture: with another toolchain they are written anew.

mod counts;

use std::process::{Command, Stdio};

use self::counts::{Counts, Line, TOLERANCE};
use crate::failure::Failure;
use crate::{out, process, workspace};

/// Count instructions of the hot paths under callgrind, and fail where one takes over 2 % more than is written down
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Write what was counted down, in place of what was
    #[arg(long)]
    bless: bool,
    /// Only rows whose name contains this
    filter: Option<String>,
}

/// Calls of the shorter run. The longer one makes twice as many; what they share is not the calls'.
const CALLS: u64 = 1_000;

const FILE: &str = "icount/counts.txt";

// === impl Args ===

impl Args {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let path = workspace::root().join(FILE);
        let unreadable = |e| Failure::new(format!("{FILE} could not be read: {e}"));
        let known = Counts::parse(&std::fs::read_to_string(&path).map_err(unreadable)?)?;
        process::run(&mut process::cargo(&["build", "--quiet", "--release", "--package", "icount"]))?;
        let names = process::read(program().arg("--list"))?;
        let wanted = |name: &&str| self.filter.as_ref().is_none_or(|filter| name.contains(filter));
        let wanted: Vec<_> = names.lines().filter(wanted).collect();
        if wanted.is_empty() {
            return Err(Failure::usage(format!("no row has that in its name; there are: {}", list(&names))));
        }
        let mut lines = Vec::new();
        for name in wanted {
            let line = Line::new(name, known.of(name), per_call(name)?);
            out::line(&line);
            lines.push(line);
        }
        if self.bless {
            let text = known.with(&lines, &names.lines().collect::<Vec<_>>()).to_string();
            let unwritable = |e| Failure::new(format!("{FILE} could not be written: {e}"));
            return std::fs::write(&path, text).map_err(unwritable);
        }
        judge(&lines)
    }
}

/// Instructions of one call.
fn per_call(name: &str) -> Result<f64, Failure> {
    let (once, twice) = (counted(name, CALLS)?, counted(name, 2 * CALLS)?);
    let calls = u32::try_from(twice.saturating_sub(once)).unwrap_or(u32::MAX);
    Ok(f64::from(calls) / f64::from(u32::try_from(CALLS).unwrap_or(u32::MAX)))
}

/// Instructions of a process that makes so many calls.
fn counted(name: &str, calls: u64) -> Result<u64, Failure> {
    let mut valgrind = Command::new("valgrind");
    valgrind
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(workspace::target().join("release").join("icount"))
        .args([name, &calls.to_string()])
        // Errors that take backtraces are another path.
        .env_remove("RUST_BACKTRACE");
    let output = valgrind.stdin(Stdio::null()).output().map_err(|e| {
        Failure::new(format!("valgrind could not be started: {e}; `apt-get install valgrind` brings it"))
    })?;
    let said = String::from_utf8_lossy(&output.stderr);
    let count = said.lines().find_map(counts::collected);
    count.filter(|_| output.status.success()).ok_or_else(|| {
        let last = said.lines().last().unwrap_or_default();
        Failure::new(format!("callgrind did not count {name} ({}): {last}", output.status))
    })
}

fn program() -> Command {
    Command::new(workspace::target().join("release").join("icount"))
}

fn list(names: &str) -> String {
    names.lines().collect::<Vec<_>>().join(", ")
}

fn judge(lines: &[Line]) -> Result<(), Failure> {
    let worse: Vec<_> = lines.iter().filter(|line| line.is_worse()).map(ToString::to_string).collect();
    if worse.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "{} above {TOLERANCE} %, or not written down: {}; where that is meant, or the toolchain is another, `cargo xtask icount --bless`",
        worse.len(),
        worse.join("; ")
    )))
}
