//! `cargo xtask mutants`: whether the tests would notice if the engines were wrong.
//!
//! cargo-mutants changes one place after the other (`.cargo/mutants.toml` says where) and runs the tests of that crate. What no test
//! notices must be explained in `docs/mutants.md`. It takes hours for all of them, so it is no part of `test`; a crate or a file can
//! be chosen.

use std::process::Command;

use crate::failure::Failure;
use crate::{out, process, tools, workspace};

/// Change the engines one place at a time, and fail where no test notices and nobody says why
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only this package (may be given more than once)
    #[arg(long, short, value_name = "NAME")]
    package: Vec<String>,
    /// For cargo-mutants: a file (`-f crates/core-breaker/src/rules.rs`), a shard, how many at once
    #[arg(last = true, value_name = "CARGO-MUTANTS ARGS")]
    more: Vec<String>,
}

const EXPLAINED: &str = "docs/mutants.md";

// === impl Args ===

impl Args {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let told = workspace::target().join("xtask");
        let mut command = Command::new(tools::MUTANTS.ensure()?);
        command.current_dir(workspace::root()).args(["mutants", "--output"]).arg(&told);
        for package in &self.package {
            command.args(["--package", package]);
        }
        // It fails where anything lives, also what is explained; whether it came to its end is seen from what it wrote.
        let missed = told.join("mutants.out").join("missed.txt");
        let _ = std::fs::remove_file(&missed);
        let ran = process::run(command.args(&self.more));
        let unread = |file: &str, e| Failure::new(format!("{file} could not be read: {e}"));
        let Ok(missed) = std::fs::read_to_string(&missed) else { return ran };
        let explained = std::fs::read_to_string(workspace::root().join(EXPLAINED));
        let explained = explained.map_err(|e| unread(EXPLAINED, e))?;
        let unexplained: Vec<_> = unexplained(&missed, &explained).collect();
        for mutant in &unexplained {
            out::line(format_args!("lives, and nobody says why: {mutant}"));
        }
        match unexplained.len() {
            0 => Ok(()),
            n => Err(Failure::new(format!("{n} mutants live that {EXPLAINED} does not explain"))),
        }
    }
}

/// The mutants that live without a row in the table. Where they stand in their file changes with every edit, so it is left out.
fn unexplained<'a>(missed: &'a str, explained: &str) -> impl Iterator<Item = String> + 'a {
    let names: Vec<_> =
        explained.lines().filter_map(|line| line.split('`').nth(1)).map(str::to_owned).collect();
    missed.lines().map(name).filter(move |mutant| !names.contains(mutant))
}

/// `file:line:column: what` without line and column.
fn name(mutant: &str) -> String {
    let mut parts = mutant.splitn(4, ':');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(file), Some(_), Some(_), Some(what)) => format!("{file}:{what}"),
        _ => mutant.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mutant_is_explained_wherever_it_stands_in_its_file() {
        let table = "| mutant | why |\n|---|---|\n| `a.rs: replace > with >= in x` | the same |\n";
        let missed =
            "a.rs:7:12: replace > with >= in x\na.rs:9:1: replace y -> Z::Q with Default::default()\n";
        let left: Vec<_> = unexplained(missed, table).collect();
        assert_eq!(left, ["a.rs: replace y -> Z::Q with Default::default()"]);
    }
}
