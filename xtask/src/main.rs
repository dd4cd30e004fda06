//! The commands of this repository: `cargo xtask <command>`.
//!
//! Each command is one file (with a folder of its parts where it has any) that holds an `Args` with a `run`. A new one
//! is added here by its `mod` and its line in [`Command`].
//!
//! A command that fails ends with one line on standard error and exit code 1; bad usage ends with 2.

mod compare;
mod demo;
mod failure;
mod icount;
mod layers;
mod lint;
mod mutants;
mod named;
mod out;
mod process;
mod steps;
mod test;
mod tools;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::failure::Failure;

/// The commands of this repository.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Compare(compare::Args),
    Demo(demo::Args),
    Icount(icount::Args),
    Layers(layers::Args),
    Lint(lint::Args),
    Mutants(mutants::Args),
    Test(test::Args),
}

fn main() -> ExitCode {
    match Cli::parse().command.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            out::error(&failure);
            failure.exit_code()
        }
    }
}

// === impl Command ===

impl Command {
    fn run(&self) -> Result<(), Failure> {
        match self {
            Self::Compare(args) => args.run(),
            Self::Demo(args) => args.run(),
            Self::Icount(args) => args.run(),
            Self::Layers(args) => args.run(),
            Self::Lint(args) => args.run(),
            Self::Mutants(args) => args.run(),
            Self::Test(args) => args.run(),
        }
    }
}
