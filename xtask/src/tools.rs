//! The programs that the commands lean on and how to make sure of them.
//!
//! A tool is pinned to a version, comes from the package registry, and is installed under `target/tools`, so that
//! nothing outside the repository changes.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::failure::Failure;
use crate::{out, process, workspace};

/// Checks licences, bans and sources against `deny.toml`.
pub(crate) const DENY: Tool = Tool { name: "cargo-deny", version: "0.20.2", ask: &["--version"] };

/// Changes the code one place at a time, for `.cargo/mutants.toml`.
pub(crate) const MUTANTS: Tool =
    Tool { name: "cargo-mutants", version: "27.1.0", ask: &["mutants", "--version"] };

/// A program of a crate of the same name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tool {
    name: &'static str,
    version: &'static str,
    /// What makes it say so.
    ask: &'static [&'static str],
}

// === impl Tool ===

impl Tool {
    /// The program in its pinned version: ours, the one in the `PATH`, or one that is installed now.
    ///
    /// Installing one takes about 2.5 minutes on two cores, once per `target` folder.
    ///
    /// # Errors
    /// It is not there and could not be built.
    pub(crate) fn ensure(self) -> Result<PathBuf, Failure> {
        let root = workspace::target().join("tools");
        let own = root.join("bin").join(self.name);
        let found = [own.as_path(), Path::new(self.name)].into_iter().find(|program| self.is(program));
        if let Some(program) = found {
            return Ok(program.to_owned());
        }
        out::line(format_args!(
            "{} {} is missing: installing it to {}",
            self.name,
            self.version,
            root.display()
        ));
        let krate = format!("{}@{}", self.name, self.version);
        process::run(process::cargo(&["install", "--quiet", "--locked", &krate, "--root"]).arg(&root))?;
        if self.is(&own) {
            return Ok(own);
        }
        Err(Failure::new(format!("{krate} was installed, but {} does not say so", own.display())))
    }

    /// Whether `program` is there and says that it is the pinned version.
    fn is(self, program: &Path) -> bool {
        says(Command::new(program).args(self.ask)).is_some_and(|answer| self.is_named_in(&answer))
    }

    fn is_named_in(self, answer: &str) -> bool {
        let mut words = answer.split_whitespace();
        words.next() == Some(self.name) && words.next() == Some(self.version)
    }
}

/// Whether `cargo nextest` can be used. It is a convenience and never installed.
pub(crate) fn has_nextest() -> bool {
    says(&mut process::cargo(&["nextest", "--version"])).is_some()
}

/// Whether a program is there and tells its version.
pub(crate) fn runs(program: &Path) -> bool {
    says(Command::new(program).arg("--version").stderr(Stdio::null())).is_some()
}

fn says(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_pinned_version_will_do() {
        assert!(DENY.is_named_in("cargo-deny 0.20.2\n"));
        assert!(DENY.is_named_in("cargo-deny 0.20.2 (abcdef 2026-01-01)\n"));
        for other in ["cargo-deny 0.20.20", "cargo-deny 0.19.0", "cargo-audit 0.20.2", "cargo-deny", ""] {
            assert!(!DENY.is_named_in(other), "{other}");
        }
    }

    #[test]
    fn a_program_that_is_not_there_is_no_tool() {
        assert!(!DENY.is(Path::new("no-such-program")));
    }
}
