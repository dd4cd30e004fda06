//! `cargo xtask test`: everything that can be said by running the code.
//!
//! All parts build the whole workspace with all features in the dev profile, so that nothing is compiled twice, but for the
//! last: loom and shuttle take the place of the atomics, and the clock of the system is there only where no test asks for
//! another, so these are builds of their own.

mod examples;
mod models;
mod prometheus;

use clap::ValueEnum;

use crate::failure::Failure;
use crate::steps::{self, Step};
use crate::{out, process, tools};

/// Run unit, integration and doc tests, the examples, and the models of loom and shuttle.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Run only this part (may be given more than once).
    #[arg(long, value_enum, value_name = "PART")]
    only: Vec<Part>,
    /// For the runner of the unit and integration tests: a filter, or its options.
    #[arg(last = true, value_name = "RUNNER ARGS")]
    runner: Vec<String>,
}

/// The parts, in the order they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Unit and integration tests, by cargo-nextest where it is there.
    Tests,
    /// The examples in the docs.
    Docs,
    /// The examples of the crates, each run to its end.
    Examples,
    /// A real Prometheus reads the metrics, where it is there or can be had.
    Prometheus,
    /// What depends on the clock of the system, on that clock.
    Clock,
    /// Every interleaving of a few threads, by loom.
    Loom,
    /// Many interleavings of more threads, by shuttle.
    Shuttle,
    /// A bug is let into the engine, which the models must find.
    Mutant,
}

// === impl Args ===

impl Args {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let has = |part: &Part| self.only.is_empty() || self.only.contains(part);
        if !self.runner.is_empty() && !has(&Part::Tests) {
            return Err(Failure::usage(
                "what follows `--` is for the part `tests`, which `--only` leaves out",
            ));
        }
        steps::run("test", Part::value_variants().iter().copied().filter(has).map(|part| self.step(part)))
    }

    fn step(&self, part: Part) -> Step<'_> {
        match part {
            Part::Tests => Step {
                name: "tests",
                about: "unit and integration tests",
                run: Box::new(|| tests(&self.runner)),
            },
            Part::Docs => {
                Step { name: "docs", about: "the examples in the docs are true", run: Box::new(doc_tests) }
            }
            Part::Examples => Step {
                name: "examples",
                about: "the examples run to their end",
                run: Box::new(examples::run),
            },
            Part::Prometheus => Step {
                name: "prometheus",
                about: "a real Prometheus takes the metrics",
                run: Box::new(prometheus::run),
            },
            Part::Clock => Step {
                name: "clock",
                about: "promises about time on the clock of the system",
                run: Box::new(real_clock),
            },
            Part::Loom => Step {
                name: "loom",
                about: "every interleaving of a few threads",
                run: Box::new(models::loom),
            },
            Part::Shuttle => Step {
                name: "shuttle",
                about: "many interleavings of more threads",
                run: Box::new(models::shuttle),
            },
            Part::Mutant => Step {
                name: "mutant",
                about: "the models find a bug that is let in",
                run: Box::new(models::mutant),
            },
        }
    }
}

fn tests(runner: &[String]) -> Result<(), Failure> {
    let nextest: &[&str] = &["nextest", "run"];
    let libtest: &[&str] = &["test", "--tests"];
    let command = if tools::has_nextest() {
        nextest
    } else {
        out::line(
            "cargo-nextest is not there: `cargo test` runs the same tests, one binary after the other.",
        );
        libtest
    };
    let mut command = process::cargo(command);
    process::run(command.args(["--workspace", "--all-features", "--no-fail-fast"]).args(runner))
}

fn doc_tests() -> Result<(), Failure> {
    process::run(&mut process::cargo(&["test", "--doc", "--workspace", "--all-features", "--no-fail-fast"]))
}

/// Built without the rest of the workspace, whose tests turn another clock on.
fn real_clock() -> Result<(), Failure> {
    process::run(&mut process::cargo(&["test", "--package", "demo", "--test", "real_clock", "--release"]))?;
    process::run(&mut process::cargo(&[
        "test",
        "--package",
        "core-time",
        "--features",
        "counter",
        "--test",
        "clock",
    ]))
}
